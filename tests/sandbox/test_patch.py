"""PATCH, form by form (RFC 7644 section 3.5.2)."""

from __future__ import annotations

from typing import Any

import pytest

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORK = {"type": "work", "value": "ada@contoso.com", "primary": True}
KING = {"givenName": "Ada", "familyName": "King"}
HOME = {"type": "home", "value": "ada@home.example"}


@pytest.fixture
def ada(scim: Any) -> str:
    made = scim.user(title="Countess", name={"givenName": "Ada", "familyName": "Byron"}, emails=[WORK, HOME])
    return f"/Users/{made.json['id']}"


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "replace", "path": "title", "value": "Dr"}, {"title": "Dr"}),
        ({"op": "Replace", "path": "TITLE", "value": "Dr"}, {"title": "Dr"}),
        ({"op": "add", "path": "nickName", "value": "A"}, {"nickName": "A"}),
        ({"op": "remove", "path": "title"}, {"title": None}),
        ({"op": "replace", "path": "title", "value": None}, {"title": None}),
        ({"op": "add", "path": "title", "value": None}, {"title": "Countess"}),
        ({"op": "replace", "path": "name.familyName", "value": "King"}, {"name": KING}),
        ({"op": "remove", "path": "name.familyName"}, {"name": {"givenName": "Ada"}}),
        ({"op": "replace", "path": "name", "value": {"familyName": "King"}}, {"name": KING}),
        ({"op": "remove", "path": "name"}, {"name": None}),
        ({"op": "replace", "value": {"title": "Dr", "name": {"familyName": "King"}}}, {"title": "Dr", "name": KING}),
        ({"op": "add", "value": {ENTERPRISE: {"department": "R"}}}, {ENTERPRISE: {"department": "R"}}),
        ({"op": "add", "path": f"{ENTERPRISE}:department", "value": "R"}, {ENTERPRISE: {"department": "R"}}),
        ({"op": "add", "path": f"{ENTERPRISE}:manager.value", "value": "7"}, {ENTERPRISE: {"manager": {"value": "7"}}}),
        ({"op": "add", "path": ENTERPRISE, "value": {"department": "R"}}, {ENTERPRISE: {"department": "R"}}),
        ({"op": "remove", "path": ENTERPRISE}, {ENTERPRISE: None}),
        ({"op": "replace", "path": 'emails[type eq "home"].value', "value": "x@y"},
         {"emails": [WORK, {**HOME, "value": "x@y"}]}),
        ({"op": "replace", "path": 'emails[type eq "home"]', "value": {"value": "x@y"}},
         {"emails": [WORK, {**HOME, "value": "x@y"}]}),
        ({"op": "remove", "path": 'emails[type eq "home"]'}, {"emails": [WORK]}),
        ({"op": "remove", "path": 'emails[type eq "home"].type'}, {"emails": [WORK, {"value": HOME["value"]}]}),
        ({"op": "remove", "path": 'emails[type eq "other"].type'}, {"emails": [WORK, HOME]}),
        ({"op": "remove", "path": "emails[value pr]"}, {"emails": None}),
        ({"op": "add", "path": "emails", "value": [HOME]}, {"emails": [WORK, HOME]}),
        ({"op": "add", "path": "emails", "value": [{"value": "n", "primary": True}]},
         {"emails": [{**WORK, "primary": False}, HOME, {"value": "n", "primary": True}]}),
        ({"op": "add", "path": 'emails[type eq "other"].value', "value": "o"},
         {"emails": [WORK, HOME, {"type": "other", "value": "o"}]}),
        ({"op": "replace", "path": 'emails[type eq "home"].primary', "value": True},
         {"emails": [{**WORK, "primary": False}, {**HOME, "primary": True}]}),
        ({"op": "replace", "path": "emails", "value": [HOME]}, {"emails": [HOME]}),
        ({"op": "replace", "path": "emails.type", "value": "x"},
         {"emails": [{**WORK, "type": "x"}, {**HOME, "type": "x"}]}),
    ],
)  # fmt: skip
def test_what_an_operation_does(scim: Any, ada: str, operation: dict[str, Any], expected: dict[str, Any]) -> None:
    reply = scim.patch(ada, operation)
    assert reply.status == 200, reply.json
    assert {name: reply.json.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "merge", "path": "title", "value": "x"}, "invalidSyntax"),
        ("replace", "invalidSyntax"),
        ({"op": "replace", "path": "title"}, "invalidValue"),
        ({"op": "replace", "path": "shoeSize", "value": 9}, "invalidPath"),
        ({"op": "replace", "value": {"name.familyName": "King"}}, "invalidPath"),
        ({"op": "replace", "path": "name.shoe", "value": 9}, "invalidPath"),
        ({"op": "replace", "path": "title[", "value": 9}, "invalidPath"),
        ({"op": "replace", "path": 7, "value": 9}, "invalidPath"),
        ({"op": "replace", "path": 'title[value eq "x"]', "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "urn:a:b:c:x", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'emails[type eq "other"].value', "value": "x"}, "noTarget"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "add", "value": "text"}, "invalidValue"),
        ({"op": "add", "value": {ENTERPRISE: 7}}, "invalidValue"),
        ({"op": "replace", "path": "active", "value": "False"}, "invalidValue"),
        ({"op": "replace", "path": "id", "value": "7"}, "mutability"),
        ({"op": "replace", "path": "meta.created", "value": "7"}, "mutability"),
        ({"op": "replace", "value": {"groups": []}}, "mutability"),
        ({"op": "remove", "path": "userName"}, "invalidValue"),
    ],
)
def test_operations_that_are_refused(scim: Any, ada: str, operation: Any, scim_type: str) -> None:
    before = scim.get(ada).json
    reply = scim.patch(ada, {"op": "replace", "path": "title", "value": "half"}, operation)
    assert (reply.status, reply.json["scimType"]) == (400, scim_type)
    assert scim.get(ada).json == before, "the request is done as a whole or not at all"


def test_a_message_must_say_what_it_is(scim: Any, ada: str) -> None:
    assert (
        scim.ask("PATCH", ada, {"Operations": [{"op": "remove", "path": "title"}]}).json["scimType"] == "invalidSyntax"
    )
    assert scim.ask("PATCH", ada, []).json["scimType"] == "invalidSyntax"


def test_renaming_frees_the_old_name(scim: Any, ada: str) -> None:
    scim.patch(ada, {"op": "replace", "path": "userName", "value": "countess"})
    assert scim.found("Users", 'userName eq "countess"') == ["countess"]
    assert scim.found("Users", 'userName eq "ada@example.com"') == []
    assert scim.user("ada@example.com").status == 201
    taken = scim.patch(ada, {"op": "replace", "path": "userName", "value": "ADA@example.com"})
    assert (taken.status, taken.json["scimType"]) == (409, "uniqueness")
    assert scim.patch(ada, {"op": "replace", "path": "userName", "value": "Countess"}).status == 200


class TestMembers:
    @pytest.fixture
    def ids(self, scim: Any) -> list[str]:
        return [scim.sandbox.add_user(f"u{n}") for n in range(4)]

    @pytest.fixture
    def team(self, scim: Any, ids: list[str]) -> str:
        return f"/Groups/{scim.sandbox.add_group('Team', ids[:2])}"

    @pytest.mark.parametrize(
        ("verb", "path", "value", "left"),
        [
            ("add", "members", [1, 2, 3], {0, 1, 2, 3}),
            ("add", None, [2], {0, 1, 2}),
            ("replace", "members", [3], {3}),
            ("replace", "members", [], set()),
            ("replace", None, [3], {3}),
            ("remove", "members", None, set()),
            ("remove", "members", [0, 3], {1}),
            ("remove", 'members[value eq "{0}"]', None, {1}),
            ("remove", 'members[value eq "{3}"]', None, {0, 1}),
            ("remove", 'members[value eq "{0}" or value eq "{1}"]', None, set()),
            ("remove", 'members.value eq "{0}"', None, {1}),
        ],
    )
    def test_each_form(
        self, scim: Any, team: str, ids: list[str], verb: str, path: str | None, value: list[int] | None, left: set[int]
    ) -> None:
        operation: dict[str, Any] = {"op": verb}
        members = None if value is None else [{"value": ids[n]} for n in value]
        if path is None:
            operation["value"] = {"members": members}
        else:
            operation["path"] = path.format(*ids)
            if members is not None:
                operation["value"] = members
        reply = scim.patch(team, operation)
        assert reply.status == 200, reply.json
        assert {m["value"] for m in reply.json.get("members", [])} == {ids[n] for n in left}
        for number, identifier in enumerate(ids):
            assert ("groups" in scim.get(f"/Users/{identifier}").json) == (number in left)

    @pytest.mark.parametrize(
        ("operation", "scim_type"),
        [
            ({"op": "add", "path": "members", "value": [{"value": "nobody"}]}, "invalidValue"),
            ({"op": "add", "path": "members", "value": ["text"]}, "invalidValue"),
            ({"op": "add", "path": "members", "value": [{"display": "x"}]}, "invalidValue"),
            ({"op": "replace", "path": 'members[value eq "x"].value', "value": "y"}, "mutability"),
            ({"op": "replace", "path": "members.type", "value": "y"}, "mutability"),
        ],
    )
    def test_refusals(self, scim: Any, team: str, operation: dict[str, Any], scim_type: str) -> None:
        assert scim.patch(team, operation).json["scimType"] == scim_type

    def test_names_of_groups_follow_renames(self, scim: Any, team: str, ids: list[str]) -> None:
        scim.get(f"/Users/{ids[0]}")
        scim.patch(team, {"op": "replace", "path": "displayName", "value": "Crew"})
        assert scim.get(f"/Users/{ids[0]}").json["groups"][0]["display"] == "Crew"
