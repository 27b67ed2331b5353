"""From source attributes to values: sources, constants, expressions, tables, types, and all that can be wrong."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import DesiredStateError, Place
from reconciler.gallery import load_profile
from reconciler.model.values import UNSET, Reference, UserId
from reconciler.project import effective
from reconciler.project.expressions import logic

_FILE = "apps/chat/mappings.yaml"
_CHAT = "urn:example:chat:2.0:User"
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_MANAGERS_NAME = f"{_ENTERPRISE}:manager.displayName"
_SCHEMA = {
    f"{_CHAT}:level": "integer",
    f"{_CHAT}:share": "decimal",
    f"{_CHAT}:since": "dateTime",
    f"{_CHAT}:born": {"type": "date"},
    f"{_CHAT}:beta": "boolean",
    f"{_CHAT}:teams": {"type": "string", "multiValued": True},
    f"{_CHAT}:levels": {"type": "integer", "multiValued": True},
    f"{_CHAT}:buddy": "reference",
    f"{_CHAT}:badge": {"type": "string", "readOnly": True},
    "nickName": "string",
}


def test_the_gallerys_mappings(company: Any) -> None:
    company.profile = load_profile("hootsuite")
    company.user("ada", mail="ada@contoso.com", givenName="Ada", surname="Lovelace", preferredLanguage="en-GB")
    assert company.values("ada") == {
        "userName": "ada@contoso.com",
        "active": True,
        'emails[type eq "work"].value': "ada@contoso.com",
        "displayName": "Ada",
        "preferredLanguage": "en",
        "timezone": UNSET,
        "name.givenName": "Ada",
        "name.familyName": "Lovelace",
    }
    desired = company.project()
    assert {column.path: column.default for column in desired.user_columns}["timezone"] == "America/Vancouver"
    assert [column.path for column in desired.user_columns if column.matching] == ["userName"]
    assert [column.path for column in desired.user_columns if column.soft] == ["active"]


def test_the_apps_mappings_lie_over_the_gallerys(company: Any) -> None:
    company.map(
        {"target": "USERNAME", "source": "mail", "matching": 1},
        {"target": "timezone", "none": True},
        {"target": "title", "constant": "Member"},
    )
    laid = effective(company.app, company.profile)
    targets = [mapping.target for mapping in laid.users]
    assert "USERNAME" in targets
    assert "userName" not in targets
    assert "timezone" not in targets
    assert targets[-1] == "title"


def test_columns_say_what_the_plan_needs(company: Any) -> None:
    company.user("ada", mail="ada@contoso.com")
    company.map(
        {"target": "userName", "source": "mail", "matching": 2},
        {"target": "externalId", "source": "id", "matching": 1, "apply": "onCreate"},
        {"target": "title", "expression": 'Switch([IsSoftDeleted], "Member", "True", "Former")', "default": "None"},
        replace=True,
    )
    name, external, title = company.project().user_columns
    assert (name.path, name.matching, name.source, name.soft, name.on_create) == ("userName", 2, "mail", False, False)
    assert (external.on_create, external.matching) == (True, 1)
    assert (title.soft, title.default, title.source) == (True, "None", "")
    (person,) = company.project().people
    assert person.match == ("ada", "ada@contoso.com")
    assert person.values == ("ada@contoso.com", "ada", "Member")


@pytest.mark.parametrize(
    ("mapping", "value"),
    [
        ({"source": "department"}, "Sales"),
        ({"source": "city"}, UNSET),
        ({"source": "city", "whenNull": "clear"}, None),
        ({"source": "city", "default": "Berlin"}, UNSET),
        ({"constant": "Member"}, "Member"),
        ({"expression": 'Append([department], "!")'}, "Sales!"),
        ({"expression": "[city]", "whenNull": "clear"}, None),
        ({"expression": "IgnoreFlowIfNullOrEmpty([city])", "whenNull": "clear"}, UNSET),
        ({"expression": "Left([department], 0)"}, UNSET),
        ({"source": "department", "values": {"Sales": "Field"}}, "Field"),
        ({"source": "department", "values": {"sales": "Field"}}, "Sales"),
        ({"source": "department", "values": {"x": "y"}, "otherwise": "skip", "whenNull": "clear"}, UNSET),
        ({"source": "city", "values": {"x": "y"}, "otherwise": "error"}, UNSET),
        ({"expression": 'Append([department], "!")', "values": {"Sales!": "S"}}, "S"),
    ],
)  # fmt: skip
def test_what_flows(company: Any, mapping: dict[str, Any], value: Any) -> None:
    company.user("ada", department="Sales")
    company.map({"target": "title", **mapping})
    assert company.values("ada")["title"] == value


@pytest.mark.parametrize(
    ("target", "mapping", "value"),
    [
        ("active", {"constant": "TRUE"}, True),
        ("active", {"expression": 'IIF([department] = "Sales", "False", "True")'}, False),
        ("active", {"source": "accountEnabled"}, True),
        ('roles[type eq "x"].primary', {"constant": "true"}, True),
        ("urn:example:chat:2.0:User:level", {"constant": 3}, 3),
        ("urn:example:chat:2.0:User:phones", {"source": "businessPhones"}, ("1", "2")),
        ("urn:example:chat:2.0:User:phones", {"source": "businessPhones", "values": {"1": "one"}}, ("one", "2")),
        (f"{_ENTERPRISE}:department", {"source": "department"}, "Sales"),
        (f"{_ENTERPRISE}:costCenter", {"source": "costCenter"}, "7"),
        ("title", {"expression": "Item([businessPhones], 2)"}, "2"),
        ("title", {"source": "id"}, "ada"),
        ("title", {"source": "manager"}, "grace"),
    ],
)
def test_types_of_targets(company: Any, target: str, mapping: dict[str, Any], value: Any) -> None:
    company.custom = {"costCenter": "string"}
    company.user("ada", department="Sales", businessPhones=("1", "2"), manager="grace", costCenter="7")
    company.map({"target": target, **mapping})
    result = company.values("ada")[target]
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("target", "mapping", "value"),
    [
        ("title", {"source": "accountEnabled"}, "True"),
        ("title", {"source": "seats"}, "3"),
        ("title", {"expression": "Count([businessPhones])"}, "2"),
        ("title", {"expression": 'CBool("True")'}, "True"),
        ("level", {"source": "seats"}, 3),
        ("level", {"expression": 'Item(Split("7,8", ","), 1)'}, 7),
        ("level", {"constant": "12"}, 12),
        ("share", {"constant": "0.5"}, 0.5),
        ("share", {"constant": "3.0"}, 3),
        ("beta", {"expression": 'IIF([department] = "Sales", "True", "False")'}, True),
        ("since", {"source": "employeeHireDate"}, "2026-12-01T00:00:00Z"),
        ("since", {"constant": "2026-12-01T09:30+02:00"}, "2026-12-01T09:30:00+02:00"),
        ("since", {"constant": "2026-12-01t09:30:00.25z"}, "2026-12-01T09:30:00.25Z"),
        ("since", {"expression": 'CDate("2026-12-01")'}, "2026-12-01T00:00:00Z"),
        ("born", {"source": "employeeHireDate"}, "2026-12-01"),
        ("born", {"expression": 'CDate("2026-12-01")'}, "2026-12-01"),
        ("teams", {"source": "businessPhones"}, ("1", "2")),
        ("teams", {"source": "department"}, ("Sales",)),
        ("teams", {"expression": 'Split("a,b", ",")'}, ("a", "b")),
        ("levels", {"source": "businessPhones"}, (1, 2)),
        ("buddy", {"source": "manager"}, Reference(UserId("grace"))),
        ("buddy", {"source": "mentor"}, Reference(UserId("tom"))),
        ("buddy", {"expression": 'Coalesce([mentor], "grace")'}, Reference(UserId("tom"))),
        ("buddy", {"source": "city"}, "error"),
    ],
)  # fmt: skip
def test_types_of_the_applications_own_attributes(
    company: Any, target: str, mapping: dict[str, Any], value: Any
) -> None:
    company.custom = {"seats": "integer", "mentor": "reference"}
    company.profile = company.profile.corrected({"schema": _SCHEMA})
    company.user(
        "ada", department="Sales", businessPhones=("1", "2"), employeeHireDate="2026-12-01", seats=3, manager="grace",
        mentor="tom",
    )  # fmt: skip
    target = target if target == "title" else f"{_CHAT}:{target}"
    company.map({"target": target, **mapping})
    if value == "error":
        assert company.problem().hint == "attributes of type reference: manager, mentor"
        return
    result = company.values("ada")[target]
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize("target", [f"{_ENTERPRISE}:manager", f"{_ENTERPRISE.upper()}:MANAGER.value"])
def test_the_manager_flows_as_a_reference(company: Any, target: str) -> None:
    company.user("ada", manager="grace")
    company.user("grace")
    company.map({"target": target, "source": "manager", "whenNull": "clear"})
    assert company.values("ada")[target] == Reference(UserId("grace"))
    assert company.values("grace")[target] is None
    assert str(Reference(UserId("grace"))) == "grace"


@pytest.mark.parametrize("kind", ["users", "groups"])
def test_what_no_filter_finds_is_warned_of(company: Any, kind: str) -> None:
    mapping = {"target": "displayName", "source": "displayName", "matching": 2}
    company.profile = company.profile.corrected({"filters": {"groups": ["externalId"]}})
    company.user("ada")
    company.map(*([mapping] if kind == "users" else []), groups=(mapping,) if kind == "groups" else ())
    company.places = {f"mappings.{kind}.0.matching": Place(_FILE, 3, 9)}
    found = [each for each in company.project().warnings if each.place == Place(_FILE, 3, 9)]
    assert [(each.severity, each.message) for each in found] == [
        ("warning", "SCIM 2.0 can't filter by displayName: each look-up reads the whole list")
    ]
    assert f"`filters.{kind}` of the profile: " in found[0].hint


def test_a_slip_in_a_target_is_warned_of(company: Any) -> None:
    company.user("ada")
    company.map({"target": "displayname2", "constant": "x"}, {"target": "seatNumber", "constant": "x"})
    (warning,) = company.project().warnings
    assert (warning.message, warning.hint) == ("SCIM knows no displayname2", "did you mean displayName?")


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"level": "number"}, "Input should be"),
        ({"a b": "string"}, "not a SCIM attribute path"),
        ({'emails[type eq "work"].value': "string"}, "names attributes without a value filter"),
        ({"buddies": {"type": "reference", "multiValued": True}}, "a reference is to one person"),
    ],
)
def test_a_schema_that_cannot_be(company: Any, schema: dict[str, Any], message: str) -> None:
    company.app_keys["profile"] = {"schema": schema}
    assert message in company.problem().message


@pytest.mark.parametrize(
    ("target", "rest", "message"),
    [
        ("title", {"source": "departement"}, "no source attribute has the name departement"),
        ("title", {"source": "members"}, "members flows only to the target members of groups"),
        ("title", {"source": "appRoleAssignments"}, "appRoleAssignments has several values, and title takes one"),
        ("title", {"source": "otherMails"}, "otherMails has several values, and title takes one"),
        ("title", {"expression": "Append([mail], [maill])"}, "no source attribute has the name maill, at column 16"),
        ("title", {"expression": "Apend([mail], 1)"}, "no function has the name Apend, at column 1"),
        ("title", {"expression": "Left([mail], )("}, "( is not expected here, at column 15"),
        ("title", {"constant": 7}, "title: 7 is a number, and the target takes text"),
        ("title", {"default": True, "source": "mail"}, "title: True is a boolean, and the target takes text"),
        ("active", {"values.a": "maybe"}, "active: 'maybe' is neither True nor False, and the target is a boolean"),
        ("id", {"target": 0}, "id can't be a target: the application gives it (RFC 7643 section 3.1)"),
        ("groups", {"target": 0},
         "groups can't be a target: membership is written through groups (RFC 7643 section 4.1.2)"),
        ("members", {"target": 0}, "members can't be a target: only groups have members"),
        ("meta.created", {"target": 0},
         "meta.created can't be a target: the application keeps it (RFC 7643 section 3.1)"),
        ("password", {"target": 0}, "password can't be a target: a password never stands in files"),
        ("name", {"target": 0}, "name has parts: a mapping writes one"),
        ("emails", {"target": 0}, "emails has parts: a mapping writes one"),
        ('emails[type eq "work"]', {"target": 0}, 'emails[type eq "work"] has parts: a mapping writes one'),
        (_MANAGERS_NAME, {"target": 0},
         f"{_MANAGERS_NAME} can't be a target: it follows from the manager's id (RFC 7643 section 4.3)"),
        (f"{_CHAT}:badge", {"target": 0},
         f"{_CHAT}:badge can't be a target: the application computes it (`schema` of its profile)"),
        (f"{_ENTERPRISE}:manager", {"source": "mail"},
         f"{_ENTERPRISE}:manager: mail is text, and the target takes a person"),
        (f"{_ENTERPRISE}:manager", {"matching": 2, "source": "manager"},
         "a reference can't be a matching attribute: ids are not known before accounts are"),
        (f"{_ENTERPRISE}:manager", {"expression": "Redact([manager])"},
         f"{_ENTERPRISE}:manager takes the id of a person: Redact makes none"),
        ("active", {"source": "employeeHireDate"},
         "active: employeeHireDate is a date and time, and the target takes a boolean"),
        (f"{_CHAT}:level", {"source": "accountEnabled"},
         f"{_CHAT}:level: accountEnabled is a boolean, and the target takes a whole number"),
        (f"{_CHAT}:level", {"constant": "high"},
         f"{_CHAT}:level: 'high' is text, and the target takes a whole number"),
        (f"{_CHAT}:since", {"default": "soon", "source": "city"},
         f"{_CHAT}:since: 'soon' is text, and the target takes a date and time"),
        (f'{_CHAT}:things[kind eq "a"].value', {"source": "otherMails"},
         f'otherMails has several values, and {_CHAT}:things[kind eq "a"].value takes one'),
    ],
)  # fmt: skip
def test_mappings_that_cannot_be(company: Any, target: str, rest: dict[str, Any], message: str) -> None:
    """The first key of `rest` is the part whose place is told."""
    part = next(iter(rest))
    if part == "target":
        rest = {"source": "displayName"}
    elif part == "values.a":
        rest = {"source": "department", "values": {"a": rest[part]}}
    company.user("ada")
    company.profile = company.profile.corrected({"schema": _SCHEMA})
    company.map({"target": "nickName", "source": "mailNickname"}, {"target": target, **rest})
    company.places = {f"mappings.users.1.{part}": Place(_FILE, 7, 22), "mappings.users": Place(_FILE, 2, 3)}
    problem = company.problem()
    assert problem.place == Place(_FILE, 7, 22)
    assert problem.message == message


def test_suggestions(company: Any) -> None:
    company.map({"target": "title", "source": "departement"}, {"target": "nickName", "source": "displayname"})
    assert {problem.hint for problem in company.problems()} == {"did you mean department?", "did you mean displayName?"}


def test_an_inherited_mapping_stands_in_the_gallery(company: Any) -> None:
    company.profile = load_profile("hootsuite")
    company.user("ada", displayName="A", mail="ada@contoso.com")
    problem = company.problem()
    assert problem.place == Place("gallery/hootsuite.yaml")
    assert problem.message == "displayName of ada: 'A' has 1 characters; Hootsuite takes 2 to 100"


def test_without_places_the_file_is_named(company: Any) -> None:
    company.map({"target": "title", "source": "nope"})
    assert company.problem().place == Place(_FILE)


@pytest.mark.parametrize(
    ("target", "rest", "message", "hint"),
    [
        ("active", {"source": "department"}, "'Sales' is neither True nor False, and the target is a boolean", ""),
        (f"{_CHAT}:level", {"source": "department"}, "'Sales' is text, and the target takes a whole number", ""),
        (f"{_CHAT}:level", {"expression": 'Item(Split("1.5", ","), 1)'},
         "'1.5' is text, and the target takes a whole number", ""),
        (f"{_CHAT}:level", {"expression": 'CBool("True")'},
         "True is a boolean, and the target takes a whole number", ""),
        (f"{_CHAT}:since", {"source": "department"},
         "'Sales' is text, and the target takes a date and time", "such as"),
        (f"{_CHAT}:born", {"source": "department"}, "'Sales' is text, and the target takes a date", "such as"),
        (f'{_CHAT}:things[kind eq "a"].value', {"expression": 'Split("a,b", ",")'},
         "has several values, and the target takes one", "Item"),
        ("title", {"expression": 'Split("a,b", ",")'}, "has several values, and the target takes one", "Item"),
        ("title", {"expression": "Left([department], [department])"},
         "Left: argument 2 (length) is not a whole number: 'Sales', at column 20", ""),
        ("title", {"constant": "Sales", "values": {"x": "y"}, "otherwise": "error"},
         "`values` says nothing of 'Sales'", "add it to `values`"),
        ("title", {"source": "department", "values": {"x": "y"}, "otherwise": "error"},
         "`values` says nothing of 'Sales'", "add it to `values`"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_name_the_person(
    company: Any, target: str, rest: dict[str, Any], message: str, hint: str
) -> None:
    company.user("ada", department="Sales")
    company.profile = company.profile.corrected({"schema": _SCHEMA})
    company.map({"target": target, **rest})
    company.places = {"mappings.users.0": Place(_FILE, 2, 5)}
    problem = company.problem()
    assert problem.place == Place(_FILE, 2, 5)
    assert problem.message == f"{target} of ada: {message}"
    assert hint in problem.hint


def test_a_language_that_the_application_does_not_have(company: Any) -> None:
    company.profile = load_profile("hootsuite")
    company.user("ada", mail="ada@contoso.com", preferredLanguage="pt_br")
    company.map({"target": "preferredLanguage", "source": "preferredLanguage"})
    problem = company.problem()
    assert problem.message == "preferredLanguage of ada: 'pt_br' is no language of Hootsuite"
    assert "did you mean pt_BR?" in problem.hint


def test_lengths_of_group_names(company: Any) -> None:
    company.profile = load_profile("hootsuite")
    company.group("social", displayName="x" * 201)
    problem = company.problem()
    assert problem.message.startswith("displayName of social: 'xxx")
    assert "has 201 characters; Hootsuite takes 2 to 200" in problem.message
    assert "x" * 41 not in problem.message


def test_thousands_of_the_same_kind_are_counted(company: Any) -> None:
    for number in range(50):
        company.user(f"u{number:02}", department="Sales")
    company.map({"target": "active", "source": "department"})
    problems = company.problems()
    assert len(problems) == 21
    assert problems[0].message.startswith("active of u00: ")
    assert problems[-1].message == "and 30 more of the same kind: users → active"


def test_all_problems_are_told_at_once(company: Any) -> None:
    company.user("ada", userPrincipalName=None)
    company.scope(everyone=True, filters=[[{"attribute": "nope", "operator": "IS NULL"}]])
    company.map({"target": "title", "source": "nope"}, {"target": "id", "source": "id"})
    assert len(company.problems()) == 4


def test_corrections_of_the_profile_count(company: Any) -> None:
    company.user("ada")
    company.app_keys["profile"] = {"lengths": {"users.displayName": [5, 9]}}
    assert "takes 5 to 9" in company.problem().message


def test_corrections_that_are_none(company: Any) -> None:
    company.app_keys["profile"] = {"rate": {"concurrency": 0}}
    company.places = {"profile.rate.concurrency": Place("apps/chat/app.yaml", 12, 30)}
    with pytest.raises(DesiredStateError) as caught:
        company.project()
    assert caught.value.problems[0].place == Place("apps/chat/app.yaml", 12, 30)


def test_the_digest_follows_mappings_and_profile(company: Any) -> None:
    company.user("ada")
    before = company.project().mappings_digest
    assert before.startswith("sha256:")
    company.user("grace")
    assert company.project().mappings_digest == before
    company.app_keys["profile"] = {"settleSeconds": 1}
    other = company.project().mappings_digest
    assert other != before
    company.map({"target": "title", "constant": "x"})
    assert company.project().mappings_digest not in (before, other)


def test_an_expression_is_evaluated_once_for_equal_attributes(company: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def counting(value: Any, argument: int = 1) -> bool:
        calls.append(value)
        return bool(value)

    monkeypatch.setattr(logic, "truth", counting)
    for number in range(30):
        company.user(f"u{number}", department=("Sales", "Law")[number % 2])
    company.map({"target": "title", "expression": 'IIF(IsPresent([department]), [department], "none")'})
    assert len(company.project().people) == 30
    assert len(calls) == 2
