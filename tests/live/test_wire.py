"""What goes over the wire, and that writing and reading one path agree."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.live import carries, edits, is_active, row, wire
from reconciler.live.rows import compile_row
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile

WORK = 'emails[type eq "work"].value'
DEPARTMENT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"
ENTERPRISE = DEPARTMENT.rpartition(":")[0]
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
PROFILE = Profile(name="x", title="X")


def ada() -> dict[str, Any]:
    return {
        "schemas": [CORE, "urn:x:y"],
        "id": "1",
        "meta": {"version": "1"},
        "userName": "ada",
        "name": {"givenName": "Ada", "formatted": "Ada Byron"},
        "emails": [{"type": "home", "value": "h@b", "primary": True}, {"type": "work", "value": "w@b", "display": "W"}],
        "groups": [{"value": "9"}],
        "urn:x:y": {"teamIds": [1]},
        "nickName": "A",
    }


def test_a_creation_nests_what_is_given_and_nothing_else() -> None:
    values = {
        "userName": "ada",
        "active": "True",
        WORK: "a@b",
        'emails[type eq "home"].value': "h@b",
        "name.givenName": "Ada",
        "name.familyName": None,
        "displayName": "",
        DEPARTMENT: "R&D",
        'addresses[type eq "work"].country': "UK",
        'addresses[type eq "work"].locality': "London",
        "emails[primary eq true].display": "first",
        "roles": ("a", "b"),
    }
    assert wire.create_body("user", values, email_primary=True) == {
        "schemas": [CORE, ENTERPRISE],
        "userName": "ada",
        "active": True,
        "emails": [
            {"type": "work", "value": "a@b", "primary": False},
            {"type": "home", "value": "h@b", "primary": False},
            {"primary": True, "display": "first"},
        ],
        "name": {"givenName": "Ada"},
        ENTERPRISE: {"department": "R&D"},
        "addresses": [{"type": "work", "country": "UK", "locality": "London"}],
        "roles": ["a", "b"],
    }


def test_exactly_one_email_is_primary_where_the_profile_asks_for_it() -> None:
    values = {WORK: "a@b", 'emails[type eq "home"].value': "h@b"}
    marked = wire.create_body("user", values, email_primary=True)["emails"]
    assert [e["primary"] for e in marked] == [True, False]
    assert "primary" not in wire.create_body("user", values)["emails"][0]


def test_a_group_is_created_with_its_members() -> None:
    assert wire.create_body("group", {"displayName": "G"}, members=["1", "2"]) == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "G",
        "members": [{"value": "1"}, {"value": "2"}],
    }


def test_core_attributes_may_be_named_in_full() -> None:
    body = wire.create_body("user", {f"{CORE}:userName": "ada"})
    assert body == {"schemas": [CORE], "userName": "ada"}
    assert row(body, [f"{CORE}:userName"]) == ("ada",)


def test_patch_by_path_replaces_adds_and_removes() -> None:
    values = {
        "userName": "x",
        WORK: "n@b",
        'phoneNumbers[type eq "mobile"].value': "1",
        "nickName": None,
        "title": None,
    }
    assert wire.operations_by_path(values, ada()) == [
        {"op": "replace", "path": "userName", "value": "x"},
        {"op": "remove", "path": "nickName"},
        {"op": "replace", "path": WORK, "value": "n@b"},
        {"op": "add", "path": "phoneNumbers", "value": [{"type": "mobile", "value": "1"}]},
    ]


def test_patch_by_path_without_knowledge_trusts_the_path() -> None:
    assert wire.operations_by_path({"title": None, "active": False, DEPARTMENT: "R"}) == [
        {"op": "remove", "path": "title"},
        {"op": "replace", "path": "active", "value": False},
        {"op": "replace", "path": DEPARTMENT, "value": "R"},
    ]


def test_an_element_goes_with_its_value() -> None:
    assert wire.operations_by_path({WORK: None}, ada()) == [{"op": "remove", "path": 'emails[type eq "work"]'}]
    assert wire.operations_by_path({WORK: None}, {"emails": []}) == []


STREET, CITY = 'addresses[type eq "work"].streetAddress', 'addresses[type eq "work"].locality'


def test_several_paths_into_one_element_are_one_operation() -> None:
    held = {"type": "work", "streetAddress": "a", "country": "UK", "region": "x"}
    values = {STREET: "b", "title": "T", CITY: "c", 'addresses[type eq "work"].region': None}
    assert wire.operations_by_path(values, {"addresses": [{"type": "home"}, held]}) == [
        {"op": "replace", "path": "title", "value": "T"},
        {"op": "remove", "path": 'addresses[type eq "work"].region'},
        {"op": "replace", "path": 'addresses[type eq "work"]',
         "value": {"type": "work", "streetAddress": "b", "country": "UK", "locality": "c"}},
    ]  # fmt: skip
    assert wire.operations_by_path({STREET: "b", CITY: "c"}, {"addresses": None}) == [
        {"op": "add", "path": "addresses", "value": [{"type": "work", "streetAddress": "b", "locality": "c"}]}
    ]


@pytest.mark.parametrize(
    "held",
    [
        [{"type": "work", "value": "1"}, {"type": "work", "value": "2", "primary": True}],
        [{"type": "Work", "value": "1"}],
        {"type": "work", "value": "1"},
    ],
)
def test_where_a_filter_could_select_something_else_the_whole_list_is_sent(held: Any) -> None:
    several = isinstance(held, list) and len(held) > 1
    (operation,) = wire.operations_by_path({WORK: "n@b"}, {"emails": held})
    assert (operation["op"], operation["path"]) == ("replace", "emails")
    assert [each["value"] for each in operation["value"]] == (["1", "n@b"] if several else ["n@b"])


def test_the_services_spelling_of_primary_is_a_boolean() -> None:
    path = 'roles[primary eq "True"].value'
    assert wire.operations_by_path({path: "b"}, {"roles": [{"primary": True, "value": "a"}]}) == [
        {"op": "replace", "path": "roles[primary eq true].value", "value": "b"}
    ]
    assert wire.create_body("user", {path: "b"})["roles"] == [{"primary": True, "value": "b"}]
    (operation,) = wire.operations_by_path({path: "b"}, {"roles": [{"primary": "True", "value": "a"}]})
    assert operation == {"op": "replace", "path": "roles", "value": [{"primary": True, "value": "b"}]}


def test_only_one_element_is_primary_after_one_was_made_so() -> None:
    held: dict[str, Any] = {"emails": [{"type": "home", "value": "h", "primary": True}, {"type": "work", "value": "w"}]}
    body = wire.replace_body(held, {'emails[type eq "work"].primary': True})
    assert [each["primary"] for each in body["emails"]] == [False, True]
    assert held["emails"][0]["primary"] is True, "what was read is not changed"


def test_the_manager_is_an_object_around_an_id() -> None:
    short, long = f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value"
    held: dict[str, Any] = {ENTERPRISE: {"manager": {"value": "1", "$ref": "../Users/1", "displayName": "One"}}}
    assert wire.operations_by_path({short: "2"}, held) == [{"op": "replace", "path": short, "value": {"value": "2"}}]
    assert wire.operations_by_path({long: "2"}, held) == [{"op": "replace", "path": long, "value": "2"}]
    assert wire.operations_by_path({long: None}, held) == [{"op": "remove", "path": short}]
    assert wire.replace_body(held, {short: "2"})[ENTERPRISE] == {"manager": {"value": "2"}}
    assert wire.replace_body(held, {short: "1"})[ENTERPRISE] == held[ENTERPRISE]
    assert wire.create_body("user", {short: "2"})[ENTERPRISE] == {"manager": {"value": "2"}}
    for shape in ({"value": "1"}, "1", [{"value": "1"}]):
        assert row({ENTERPRISE: {"manager": shape}}, [short, long]) == ("1", "1")


def test_new_elements_are_added_whole_and_primary_only_once() -> None:
    values = {'emails[type eq "other"].value': "o@b", 'emails[type eq "other"].display': "O"}
    added = {"type": "other", "value": "o@b", "display": "O"}
    assert wire.operations_by_path(values, ada(), email_primary=True) == [
        {"op": "add", "path": "emails", "value": [{**added, "primary": False}]}
    ]
    assert wire.operations_by_path(values, {}, email_primary=True)[0]["value"] == [{**added, "primary": True}]


def test_a_sub_attribute_without_a_filter_never_reaches_the_other_elements() -> None:
    (operation,) = wire.operations_by_path({"emails.value": "n@b"}, ada())
    assert (operation["op"], operation["path"]) == ("replace", "emails")
    assert operation["value"] == [{"type": "home", "value": "n@b", "primary": True}, ada()["emails"][1]]


def test_patch_without_a_path_sends_whole_lists_and_only_the_touched_parts_of_objects() -> None:
    current = ada()
    values = {WORK: "n@b", "name.familyName": "Lovelace", "nickName": None, "title": None, DEPARTMENT: "R"}
    assert wire.operation_without_path(values, current) == {
        "op": "replace",
        "value": {
            "emails": [ada()["emails"][0], {"type": "work", "value": "n@b", "display": "W"}],
            "name": {"familyName": "Lovelace"},
            "nickName": None,
            ENTERPRISE: {"department": "R"},
        },
    }
    assert current == ada(), "what was read is not changed"
    assert wire.operation_without_path({"title": None}, current) is None
    assert wire.operation_without_path({WORK: None}, current)["value"] == {"emails": [ada()["emails"][0]]}  # type: ignore[index]


def test_a_put_echoes_what_nobody_mapped() -> None:
    body = wire.replace_body(ada(), {WORK: "n@b", "nickName": None, "name.givenName": "A", DEPARTMENT: "R"})
    assert body == {
        "schemas": [CORE, "urn:x:y", ENTERPRISE],
        "id": "1",
        "userName": "ada",
        "name": {"givenName": "A", "formatted": "Ada Byron"},
        "emails": [ada()["emails"][0], {"type": "work", "value": "n@b", "display": "W"}],
        "urn:x:y": {"teamIds": [1]},
        ENTERPRISE: {"department": "R"},
    }


def test_a_put_of_members_keeps_those_who_stay_as_they_are() -> None:
    group = {"id": "g", "Members": [{"value": "1", "display": "One", "type": "User"}, {"value": 2}], "meta": {}}
    assert wire.replace_members(copy.deepcopy(group), add=["1", "3"]) == {
        "id": "g",
        "Members": [{"value": "1", "display": "One", "type": "User"}, {"value": 2}, {"value": "3"}],
    }
    assert wire.replace_members(copy.deepcopy(group), remove=["2", "9"])["Members"] == group["Members"][:1]  # type: ignore[index]


PATHS = [
    "userName", "title", "name.givenName", WORK, "emails[primary eq true].value", "emails.value", DEPARTMENT,
    'phoneNumbers[type eq "a\\"b"].value', 'addresses[type eq "work"].country', f"{ENTERPRISE}:manager.value", "roles",
    "urn:x:2.0:User:things[kind eq 3].value",
]  # fmt: skip
RESOURCES = [{}, ada(), {"EMAILS": {"type": "WORK", "value": "x"}, "Name": {"GivenName": "y"}, "title": "t"},
             {"emails": [{"value": "a"}, "junk"], "name": None, ENTERPRISE.upper(): {"Department": "z"}}]  # fmt: skip


@given(st.sampled_from(PATHS), st.sampled_from(RESOURCES), st.text(min_size=1))
def test_what_is_written_at_a_path_is_read_there(path: str, resource: dict[str, Any], value: str) -> None:
    resource, wanted = copy.deepcopy(resource), (value,) if path == "roles" else value
    edits.edit(resource, {path: wanted})
    assert row(resource, [path]) == (wanted,)
    assert carries(resource, {path: wanted}, PROFILE)
    edits.edit(resource, {path: None})
    assert row(resource, [path]) == (None,)
    created = wire.create_body("user", {path: wanted}, email_primary=True)
    assert row(created, [path]) == (wanted,)


VALUES = st.none() | st.booleans() | st.text(max_size=3)
ELEMENTS = st.lists(
    st.dictionaries(
        st.sampled_from(["type", "value", "primary", "Type", "VALUE"]), VALUES | st.just("work"), max_size=4
    )
    | VALUES,
    max_size=3,
)
ANY = st.dictionaries(
    st.sampled_from(["userName", "USERNAME", "emails", "Emails", "name", "active", "roles", ENTERPRISE]),
    VALUES
    | ELEMENTS
    | st.dictionaries(st.sampled_from(["givenName", "givenname", "department"]), VALUES | ELEMENTS, max_size=3),
    max_size=6,
)


@given(st.lists(ANY, max_size=4))
def test_compiled_rows_are_the_rows(resources: list[dict[str, Any]]) -> None:
    compiled = compile_row(PATHS)
    for resource in resources:
        assert compiled(resource) == row(resource, PATHS)


@pytest.mark.parametrize(
    ("held", "active"),
    [
        (True, True), (False, False), ("True", True), ("FALSE", False), ("false", False), (None, True), ("", True),
        (0, False),
    ],
)  # fmt: skip
def test_active_in_any_form(held: Any, active: bool) -> None:
    assert is_active({"active": held}) is active
    assert is_active({"Active": held}) is active
    assert carries({"active": held}, {"active": "True" if active else "False"}, PROFILE)
    assert not carries({"active": held}, {"active": not active}, PROFILE)


def test_carrying_follows_the_profile() -> None:
    assert carries({"userName": "Ada"}, {"userName": "ADA"}, PROFILE)
    assert not carries({"title": "Ada"}, {"title": "ADA"}, PROFILE)
    assert carries({"title": ""}, {"title": None, "nickName": ""}, PROFILE)
    assert not carries({"title": "x"}, {"title": None}, PROFILE)
    assert carries({"roles": ["b", "a"]}, {"roles": ("a", "b")}, PROFILE)
    assert carries({}, {"timezone": "x"}, PROFILE.corrected({"compare": {"ignore": ["timezone"]}}))


def test_no_path_is_told() -> None:
    with pytest.raises(ValueError, match="not a SCIM attribute path"):
        row({}, ["a b"])
    assert parse_path(WORK).read(ada()) == "w@b"
