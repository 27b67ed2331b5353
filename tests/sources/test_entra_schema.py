"""Entra's schema becomes an app: the same plans as the gallery's mappings, and nothing said that was not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.desired.document import read_document
from reconciler.desired.order import shape_of
from reconciler.desired.tidy import tidied
from reconciler.errors import ReconcilerError
from reconciler.gallery import load_profile, names
from reconciler.model.app import App, Clause
from reconciler.model.directory import Directory
from reconciler.model.mapping import Mapping, Mappings
from reconciler.project.judge import Judge
from reconciler.sources.draft import Draft
from reconciler.sources.entra.conversion import convert
from reconciler.sources.entra.document import read_schema
from reconciler.sources.entra.written import Place, draft_of

HOOTSUITE = Path(__file__).parents[1] / "data" / "entra" / "hootsuite.json"
URL = "https://chat.example/scim/v2"


def attribute(name: str) -> dict[str, Any]:
    return {"type": "Attribute", "name": name, "expression": f"[{name}]", "parameters": []}


def constant(value: str) -> dict[str, Any]:
    return {"type": "Constant", "name": value, "expression": json.dumps(value), "parameters": []}


def function(expression: str, name: str = "", *parameters: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    listed = [{"key": key, "value": value} for key, value in parameters]
    return {"type": "Function", "name": name, "expression": expression, "parameters": listed}


def flow(target: str, source: dict[str, Any] | None, **over: Any) -> dict[str, Any]:
    return {"targetAttributeName": target, "source": source} | over


def filters(*groups: list[tuple[str, str, *tuple[str, ...]]]) -> dict[str, Any]:
    def clause(attribute: str, operator: str, *values: str) -> dict[str, Any]:
        operand = {"values": list(values)}
        return {"sourceOperandName": attribute, "operatorName": operator, "targetOperand": operand}

    return {"groups": [{"name": "one", "clauses": [clause(*each) for each in group]} for group in groups]}


USER_NAME = flow("userName", attribute("userPrincipalName"), matchingPriority=1)
ACTIVE = flow("active", function('Switch([IsSoftDeleted], , "False", "True", "True", "False")'))
DISPLAY_NAME = flow("displayName", attribute("displayName"), matchingPriority=1)


def schema(*users: dict[str, Any], groups: list[dict[str, Any]] | None = None, **over: Any) -> bytes:
    """With these mappings of people beside userName and active; `over`: keys of their object mapping."""
    objects = [{"sourceObjectName": "User", "attributeMappings": [USER_NAME, ACTIVE, *users]} | over]
    if groups is not None:
        objects += [{"sourceObjectName": "Group", "attributeMappings": [DISPLAY_NAME, *groups]}]
    return json.dumps({"synchronizationRules": [{"objectMappings": objects}]}).encode()


def drafted(data: bytes, gallery: str = "scim", custom: dict[str, str] | None = None) -> Draft:
    profile = load_profile(gallery)
    judge = Judge(profile, Directory({}, {}, attributes=custom or {}))
    return draft_of(convert(read_schema(data), profile, custom or {}, judge), Place("new", profile, URL, "NEW_TOKEN"))


def mappings_in(draft: Draft) -> Mappings:
    return Mappings.model_validate(read_document(draft.apps["new"]["mappings.yaml"].encode(), "m").value)


def app_in(draft: Draft) -> App:
    value = read_document(draft.apps["new"]["app.yaml"].encode(), "a").value
    return App.model_validate({**value, "name": "new", "mappings": {}})


def of(draft: Draft, target: str, gallery: str = "scim") -> Mapping | None:
    """The mapping that holds for a target."""
    whole = mappings_in(draft).over(load_profile(gallery).mappings)
    return next((each for each in (*whole.users, *whole.groups) if each.target == target), None)


def test_hootsuites_schema_says_what_the_gallery_says() -> None:
    draft = drafted(HOOTSUITE.read_bytes(), "hootsuite")
    assert mappings_in(draft) == Mappings()
    assert draft.refused == []
    app = app_in(draft)
    assert (app.gallery, app.tenant_url, app.provisioning) == ("hootsuite", URL, False)
    assert app.scope.filters == ()
    assert app.groups == "assigned"


def test_without_a_gallery_of_its_own_all_that_differs_is_written() -> None:
    draft = drafted(HOOTSUITE.read_bytes())
    assert mappings_in(draft).users == (Mapping(target="timezone", source="timeZone", default="America/Vancouver"),)


@pytest.mark.parametrize("gallery", names())
@pytest.mark.parametrize("data", [HOOTSUITE.read_bytes(), schema()])
def test_what_is_written_is_laid_out_for_every_application(data: bytes, gallery: str) -> None:
    try:
        draft = drafted(data, gallery)
    except ReconcilerError as error:
        assert "would be found again" in error.message  # noqa: PT017  an application that matches otherwise
        return
    app_in(draft)
    mappings_in(draft)
    for name, text in draft.apps["new"].items():
        assert tidied(read_document(text.encode(), name), shape_of(f"apps/new/{name}")) == text
        assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (attribute("mobile"), {"source": "mobilePhone"}),
        (attribute("MAIL"), {"source": "mail"}),
        (attribute("telephoneNumber"), {"expression": "Item([businessPhones], 1)"}),
        (attribute("extension_0f4e2b6c9a7d4c3e8b1a5d2f6e7c8b9a_costCenter"), {"source": "costCenter"}),
        ({"type": "Attribute", "expression": "[jobTitle]"}, {"source": "jobTitle"}),
        (function("[jobTitle]"), {"source": "jobTitle"}),
        (constant("Member"), {"constant": "Member"}),
        ({"type": "Constant", "expression": '"Member"'}, {"constant": "Member"}),
        (
            function('Join(" ", [mobile], "[mobile]")'),
            {"expression": 'Join(" ", [mobilePhone], "[mobile]")'},
        ),
        (
            function("", "Mid", ("source", attribute("mail")), ("start", constant("1")), ("length", constant("8"))),
            {"expression": 'Mid([mail], "1", "8")'},
        ),
        (
            function(
                "", "Replace", ("source", attribute("mail")), ("Find", constant("-")), ("Replacement", constant("_"))
            ),
            {"expression": 'Replace([mail], "-", , , "_", , )'},
        ),
        (
            function("", "ToLower", ("source", function("", "Trim", ("source", attribute("mail"))))),
            {"expression": "ToLower(Trim([mail]))"},
        ),
    ],
)
def test_every_kind_of_source_becomes_one_of_ours(source: dict[str, Any], expected: dict[str, Any]) -> None:
    draft = drafted(schema(flow("title", source)), custom={"costCenter": "string"})
    assert draft.refused == []
    assert of(draft, "title") == Mapping(target="title", **expected)


def test_precedence_time_and_default_are_taken_over() -> None:
    draft = drafted(
        schema(
            flow("externalId", attribute("employeeId"), matchingPriority=2, flowType="ObjectAddOnly"),
            flow('emails[type eq "work"].value', attribute("mail"), flowBehavior="FlowAlways"),
            flow('emails[type eq "work"].primary', None, defaultValue="True"),
            flow("title", attribute("jobTitle"), defaultValue="007"),
            flow("nickName", None),
        )
    )
    assert of(draft, "externalId") == Mapping(target="externalId", source="employeeId", matching=2, apply="onCreate")
    assert of(draft, 'emails[type eq "work"].value') == Mapping(target='emails[type eq "work"].value', source="mail")
    primary = of(draft, 'emails[type eq "work"].primary')
    assert primary is not None
    assert (primary.constant, primary.apply) == (True, "onCreate")
    assert of(draft, "title") == Mapping(target="title", source="jobTitle", default="007")
    assert of(draft, "nickName") is None


def test_what_the_gallery_maps_and_entra_does_not_is_taken_out() -> None:
    draft = drafted(schema())
    kept = mappings_in(draft).over(load_profile("scim").mappings)
    assert [each.target for each in kept.users] == ["userName", "active"]
    assert "# Entra does not map it" in draft.apps["new"]["mappings.yaml"]


def test_what_the_application_requires_stays_as_the_gallery_has_it() -> None:
    draft = drafted(schema(), "hootsuite")
    assert of(draft, "displayName", "hootsuite") is not None
    assert any("users: displayName: Entra does not map it; Hootsuite requires it" in each for each in draft.notes)


def test_the_gallerys_table_of_values_stays_with_another_default() -> None:
    draft = drafted(schema(flow("preferredLanguage", attribute("preferredLanguage"), defaultValue="en")), "hootsuite")
    found = of(draft, "preferredLanguage", "hootsuite")
    gallery = next(each for each in load_profile("hootsuite").mappings.users if each.target == "preferredLanguage")
    assert found == gallery.model_copy(update={"default": "en"})


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        (flow("title", function("Frobnicate([mail])")), "no function has the name Frobnicate"),
        (flow("title", function("Trim([mail]")), "ends too early"),
        (flow("title", function("Trim([shoeSize])")), "nothing here is called shoeSize"),
        (flow("title", attribute("shoeSize")), "nothing here is called shoeSize"),
        (flow("title", function("DefaultDomain()")), "a fact of a tenant"),
        (flow("title", attribute("jobTitle"), flowType="MultiValueAddOnly"), "only be added"),
        (flow("title", attribute("jobTitle"), flowType="Sometimes"), "nobody knows when Sometimes flows"),
        (flow("title", function("x" * 10_001)), "expression: String should have at most 10000 characters"),
        (flow("Profile Name", attribute("mail")), "no SCIM path"),
        (flow("ProfileName", attribute("mail")), "neither SCIM nor the profile scim knows ProfileName"),
        (flow("id", attribute("mail")), "neither SCIM nor the profile"),
        (flow("password", attribute("mail")), "neither SCIM nor the profile"),
        (flow("name", attribute("displayName")), "has parts"),
        (flow("externalId", attribute("objectId"), matchingPriority=2), "an id of Entra that nobody has here"),
    ],
)
def test_what_has_no_equivalent_is_listed_and_commented(mapping: dict[str, Any], why: str) -> None:
    draft = drafted(schema(mapping))
    (refused,) = draft.refused
    assert refused.where == f"users: {mapping['targetAttributeName']}"
    assert why in refused.why
    text = draft.apps["new"]["mappings.yaml"]
    assert "# Not taken over, for want of an equivalent:" in text
    whole = mappings_in(draft).over(load_profile("scim").mappings)
    assert mapping["targetAttributeName"] not in [each.target for each in whole.users]


def test_a_custom_attribute_is_the_remedy_for_a_name_that_is_not_known() -> None:
    data = schema(flow("title", attribute("shoeSize")))
    assert "add `attributes: {shoeSize: {type: string}}`" in drafted(data).refused[0].remedy
    assert drafted(data, custom={"shoeSize": "string"}).refused == []


def test_an_id_of_entras_is_written_to_new_accounts_alone() -> None:
    found = of(drafted(schema(flow("externalId", attribute("objectId")))), "externalId")
    assert found == Mapping(target="externalId", source="id", apply="onCreate")
    known = of(
        drafted(schema(flow("externalId", attribute("objectId"), matchingPriority=2)), custom={"objectId": "string"}),
        "externalId",
    )
    assert known == Mapping(target="externalId", source="objectId", matching=2)


def test_what_is_new_each_time_is_written_on_creation_alone() -> None:
    assert of(drafted(schema(flow("nickName", function("Guid()")))), "nickName") == Mapping(
        target="nickName", expression="Guid()", apply="onCreate"
    )


def test_a_default_that_does_not_fit_is_left_out_and_said() -> None:
    draft = drafted(schema(flow("preferredLanguage", attribute("preferredLanguage"), defaultValue="tlh")), "hootsuite")
    assert "users: preferredLanguage: its default value tlh does not fit the target, and was left out" in draft.notes


def test_nothing_to_match_by_is_an_error_and_no_file() -> None:
    broken = flow("userName", function("Frobnicate([mail])"), matchingPriority=1)
    data = json.dumps(
        {"synchronizationRules": [{"objectMappings": [{"sourceObjectName": "User", "attributeMappings": [broken]}]}]}
    ).encode()
    with pytest.raises(ReconcilerError, match="nothing is left by which users") as caught:
        drafted(data)
    assert "userName: no function has the name Frobnicate" in caught.value.message


def test_a_schema_without_people_is_an_error() -> None:
    data = json.dumps({"synchronizationRules": [{"objectMappings": [{"sourceObjectName": "Group"}]}]}).encode()
    with pytest.raises(ReconcilerError, match="maps no people"):
        drafted(data)


def test_filters_become_filters() -> None:
    draft = drafted(
        schema(
            scope=filters(
                [("department", "EQUALS", "Sales"), ("accountEnabled", "IS TRUE")],
                [("userPrincipalName", "REGEX MATCH", r".*\@domain.com")],
                [("physicalDeliveryOfficeName", "not equals", "Oslo"), ("employeeId", "GREATER_THAN", "100")],
            )
        )
    )
    assert draft.refused == []
    assert app_in(draft).scope.filters == (
        (
            Clause(attribute="department", operator="EQUALS", value="Sales"),
            Clause(attribute="accountEnabled", operator="IS TRUE"),
        ),
        (Clause(attribute="userPrincipalName", operator="REGEX MATCH", value=r".*\@domain.com"),),
        (
            Clause(attribute="officeLocation", operator="NOT EQUALS", value="Oslo"),
            Clause(attribute="employeeId", operator="Greater_Than", value="100"),
        ),
    )


@pytest.mark.parametrize(
    "clause",
    [
        ("department", "SOUNDS LIKE", "Sales"),
        ("shoeSize", "EQUALS", "43"),
        ("objectId", "EQUALS", "1"),
        ("department", "EQUALS", "Sales", "Marketing"),
        ("department", "EQUALS"),
        ("department", "REGEX MATCH", "("),
        ("employeeId", "Greater_Than", "many"),
    ],
)
def test_a_clause_that_cant_be_said_never_lets_anybody_in(clause: Any) -> None:
    closed = app_in(draft := drafted(schema(scope=filters([("country", "EQUALS", "NO"), clause]))))
    assert closed.scope.filters == ((Clause(attribute="userPrincipalName", operator="IS NULL"),),)
    assert draft.refused[0].where.startswith("users: filter country EQUALS")
    assert "# Not taken over: country EQUALS" in draft.apps["new"]["app.yaml"]
    assert any("lets nobody through" in each for each in draft.notes)
    left = app_in(drafted(schema(scope=filters([clause], [("country", "EQUALS", "NO")]))))
    assert left.scope.filters == ((Clause(attribute="country", operator="EQUALS", value="NO"),),)


def test_experimental_filters_and_a_lost_object_filter_let_nobody_in() -> None:
    nobody = ((Clause(attribute="userPrincipalName", operator="IS NULL"),),)
    hidden = filters() | {"inputFilterGroups": [{"clauses": []}]}
    assert app_in(drafted(schema(scope=hidden))).scope.filters == nobody
    lost = flow("objectFilter", function("IIF(Foo([mail]), 1, IgnoreObjectFlow)"))
    assert app_in(drafted(schema(lost))).scope.filters == nobody
    kept = flow("objectFilter", function('IIF([country] = "NO", "False", IgnoreObjectFlow)'))
    assert app_in(drafted(schema(kept))).scope.filters == ()


def test_groups_that_do_not_flow_are_no_groups_of_the_app() -> None:
    assert app_in(drafted(schema())).groups == "none"
    members = flow("members", attribute("members"))
    on = drafted(schema(groups=[members, flow("externalId", attribute("objectId"))]))
    assert app_in(on).groups == "assigned"
    assert mappings_in(on).groups == ()


def test_switches_become_settings() -> None:
    app = app_in(drafted(schema(flowTypes="Delete")))
    assert app.guardrails.create_users.count == 0
    assert (app.guardrails.update_users.count, app.guardrails.update_users.percent) == (0, None)
    assert app.guardrails.rename_users.count == 0
    assert any("people are switched off" in each for each in drafted(schema(enabled=False)).notes)
    whole = json.loads(schema(groups=[]))
    whole["synchronizationRules"][0]["objectMappings"][1] |= {"flowTypes": "Add"}
    without = drafted(json.dumps(whole).encode())
    assert app_in(without).deprovision.groups == "keep"
    assert any("here groups are made and changed" in each for each in without.notes)
    unread = json.loads(schema())
    unread["synchronizationRules"][0]["objectMappings"][0]["attributeMappings"].pop()
    assert app_in(drafted(json.dumps(unread).encode())).deprovision.users == "keep"
    assert app_in(drafted(schema())).deprovision.users == "deactivate"


ODD = HOOTSUITE.with_name("odd.json")


@pytest.mark.parametrize("name", ["app.yaml", "mappings.yaml"])
def test_what_becomes_of_a_schema_in_which_everything_is_odd(name: str) -> None:
    assert drafted(ODD.read_bytes()).apps["new"][name] == ODD.with_name(f"odd.{name}").read_text(encoding="utf-8")


HOSTILE = "x\n  provisioning: true\n# \u202eevil\u0085\x1b[31m: {a: b}"


def test_hostile_text_is_text_in_the_files() -> None:
    draft = drafted(
        schema(
            flow("title", constant(HOSTILE)),
            flow("nickName", attribute("jobTitle"), defaultValue="yes"),
            flow("locale", function(HOSTILE)),
            flow(HOSTILE, attribute(HOSTILE)),
            scope=filters([("department", "EQUALS", HOSTILE)], [(HOSTILE, HOSTILE, HOSTILE)]),
        )
    )
    app = app_in(draft)
    assert app.provisioning is False
    assert app.scope.filters == ((Clause(attribute="department", operator="EQUALS", value=HOSTILE),),)
    title, nick_name = of(draft, "title"), of(draft, "nickName")
    assert title is not None
    assert title.constant == HOSTILE
    assert nick_name is not None
    assert nick_name.default == "yes"
    for text in draft.apps["new"].values():
        assert all(each.isprintable() for each in text.splitlines())


def test_ten_thousand_mappings_are_a_matter_of_seconds() -> None:
    many = [
        flow(f"urn:example:2.0:User:a{number}", function(f'Append([mail], "{number}")')) for number in range(10_000)
    ]
    assert len(mappings_in(drafted(schema(*many))).users) > 10_000
