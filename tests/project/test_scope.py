"""Who is in scope, who is not, and why."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import Place
from reconciler.model.desired import Cause, Standing


def _standings(desired: Any) -> dict[str, tuple[str, str]]:
    return {person.user.id: (person.standing.value, person.why) for person in desired.people}


def test_everyone_is_everybody_who_is_a_person(company: Any) -> None:
    company.user("ada")
    company.user("robot", kind="service", owner=None)
    company.user("desk", kind="shared")
    desired = company.project(managed=("robot",))
    assert _standings(desired) == {
        "ada": ("inScope", ""),
        "robot": ("outOfScope", "is a service account, and everyone means people"),
    }
    assert desired.in_scope == 1


def test_assigned_directly_and_through_groups_at_any_depth(company: Any) -> None:
    for name in ("ada", "grace", "linus", "tom", "robot"):
        company.user(name, kind="service" if name == "robot" else "person")
    company.group("outer", "@middle")
    company.group("middle", "@inner", "grace")
    company.group("inner", "linus", "robot")
    company.group("other", "tom")
    company.scope(assigned={"users": ["ada"], "groups": ["outer"]})
    assert set(_standings(company.project())) == {"ada", "grace", "linus", "robot"}


def test_excluded_disabled_filtered_and_left(company: Any) -> None:
    for name in ("ada", "eve", "grace", "tom"):
        company.user(name, department="Sales" if name == "grace" else "Marketing", enabled=name != "eve")
    company.user("gone", enabled=False)
    company.user("mallory", department="Marketing")
    company.group("all", "ada", "eve", "grace", "mallory")
    company.scope(
        assigned={"groups": ["all"], "exclude": ["mallory"]},
        filters=[[{"attribute": "department", "operator": "EQUALS", "value": "Marketing"}]],
    )
    assert _standings(company.project()) == {"ada": ("inScope", ""), "eve": ("disabled", "disabled")}
    managed = ("ada", "gone", "grace", "mallory", "tom", "deleted.from.git")
    assert _standings(company.project(managed=managed)) == {
        "ada": ("inScope", ""),
        "eve": ("disabled", "disabled"),
        "gone": ("outOfScope", "left scope"),
        "grace": ("outOfScope", "no scoping filter lets them through"),
        "mallory": ("outOfScope", "excluded"),
        "tom": ("outOfScope", "left scope"),
    }


def test_who_is_revoked_has_no_access_and_the_reason_is_told(company: Any) -> None:
    for name in ("ada", "eve", "grace", "mallory", "tom"):
        company.user(name, enabled=name != "eve")
    company.scope(assigned={"users": ["ada", "eve", "grace"]})
    company.revoked = {"ada": "a lost laptop", "eve": "gone", "mallory": "", "tom": "never ours", "nobody": "unknown"}
    desired = company.project(managed=("mallory",))
    assert {person.user.id: (person.standing.value, person.why, person.cause) for person in desired.people} == {
        "ada": ("disabled", "revoked: a lost laptop", Cause.REVOKED),
        "eve": ("disabled", "revoked: gone", Cause.REVOKED),
        "grace": ("inScope", "", None),
        "mallory": ("outOfScope", "revoked", Cause.REVOKED),
    }


def test_exclusion_holds_for_everyone_too(company: Any) -> None:
    company.user("ada")
    company.user("mallory")
    company.scope(everyone=True, exclude=["mallory"])
    assert set(_standings(company.project())) == {"ada"}


def test_some_filter_and_all_clauses_of_it(company: Any) -> None:
    company.user("a", department="Sales", city="Berlin")
    company.user("b", department="Sales", city="Rome")
    company.user("c", department="Law", city="Rome")
    company.user("d", city="Oslo")
    company.scope(
        everyone=True,
        filters=[
            [
                {"attribute": "department", "operator": "EQUALS", "value": "Sales"},
                {"attribute": "city", "operator": "NOT EQUALS", "value": "Rome"},
            ],
            [{"attribute": "department", "operator": "IS NULL"}],
        ],
    )
    assert set(_standings(company.project())) == {"a", "d"}


def test_filters_read_account_enabled_and_custom_attributes(company: Any) -> None:
    company.custom = {"seat": "boolean"}
    company.user("ada", seat=True)
    company.user("tom", seat=False)
    company.user("eve", seat=True, enabled=False)
    company.scope(
        everyone=True,
        filters=[
            [{"attribute": "seat", "operator": "IS TRUE"}, {"attribute": "accountEnabled", "operator": "IS TRUE"}]
        ],
    )
    assert set(_standings(company.project())) == {"ada"}


def test_people_are_sorted_and_numbered(company: Any) -> None:
    for name in ("tom", "ada", "grace"):
        company.user(name)
    desired = company.project()
    assert [person.user.id for person in desired.people] == ["ada", "grace", "tom"]
    assert desired.numbers == {"ada": 0, "grace": 1, "tom": 2}
    assert all(person.standing is Standing.IN_SCOPE and person.wanted for person in desired.people)


@pytest.mark.parametrize(
    ("attribute", "operator", "value", "part", "message", "hint"),
    [
        ("departement", "IS NULL", None, "attribute",
         "no source attribute has the name departement", "did you mean department?"),
        ("IsSoftDeleted", "IS NULL", None, "attribute",
         "IsSoftDeleted is computed, so no filter can read it", "filters read what stands in files"),
        ("mail", "REGEX MATCH", "a(b", "value", "not a regular expression: missing ) at column 4", ""),
        ("employeeId", "Greater_Than", "x", "value",
         "'x' is neither a whole number nor a date (YYYY-MM-DD)", ""),
    ],
)  # fmt: skip
def test_clauses_that_cannot_be_used(
    company: Any, attribute: str, operator: str, value: str | None, part: str, message: str, hint: str
) -> None:
    company.user("ada")
    clause = {"attribute": attribute, "operator": operator, "value": value}
    company.scope(everyone=True, filters=[[{"attribute": "mail", "operator": "IS NOT NULL"}, clause]])
    company.places = {f"scope.filters.0.1.{part}": Place("apps/chat/app.yaml", 9, 21)}
    problem = company.problem()
    assert (problem.place, problem.message, problem.hint) == (Place("apps/chat/app.yaml", 9, 21), message, hint)


def _member(group: str) -> dict[str, Any]:
    return {"operator": "IS MEMBER OF", "value": group}


def test_membership_of_a_group_at_any_depth(company: Any) -> None:
    for name in ("ada", "grace", "linus", "tom"):
        company.user(name, department="Sales")
    company.group("outer", "@inner", "grace")
    company.group("inner", "linus")
    company.group("other", "tom", "linus")
    company.scope(everyone=True, filters=[[_member("outer")]])
    assert set(_standings(company.project())) == {"grace", "linus"}
    company.scope(everyone=True, filters=[[_member("outer"), _member("other")]])
    assert set(_standings(company.project())) == {"linus"}
    company.scope(everyone=True, filters=[[{"not": _member("outer")}]])
    assert set(_standings(company.project())) == {"ada", "tom"}


def test_not_of_a_missing_attribute_opens_no_door(company: Any) -> None:
    company.user("ada", department="Sales")
    company.user("grace", department="Marketing")
    company.user("linus")
    sales = {"attribute": "department", "operator": "EQUALS", "value": "Sales"}
    company.scope(everyone=True, filters=[[{"not": sales}]])
    assert set(_standings(company.project())) == {"grace"}
    company.scope(
        everyone=True, filters=[[{"not": sales}], [{"not": {"attribute": "department", "operator": "IS NOT NULL"}}]]
    )
    assert set(_standings(company.project())) == {"grace", "linus"}


def test_several_values_and_dates(company: Any) -> None:
    company.custom = {"badge": "date"}
    company.user("ada", otherMails=("a@x.org", "a@y.net"), employeeHireDate="2026-03-01T08:00:00Z")
    company.user("grace", otherMails=("g@x.com",), employeeHireDate="2026-03-02", badge="2027-01-01")
    company.scope(everyone=True, filters=[[{"attribute": "otherMails", "operator": "ENDS_WITH", "value": ".net"}]])
    assert set(_standings(company.project())) == {"ada"}
    company.scope(
        everyone=True, filters=[[{"attribute": "employeeHireDate", "operator": "EQUALS", "value": "2026-03-01"}]]
    )
    assert set(_standings(company.project())) == {"ada"}
    company.scope(everyone=True, filters=[[{"attribute": "badge", "operator": "Greater_Than", "value": "2026-12-31"}]])
    assert set(_standings(company.project())) == {"grace"}


@pytest.mark.parametrize(
    ("key", "clause", "part", "message", "hint"),
    [
        ("filters", {"operator": "IS MEMBER OF", "value": "sozial"}, "0.0.value",
         "there is no group sozial", "did you mean social?"),
        ("filters", {"not": {"operator": "IS MEMBER OF", "value": "sozial"}}, "0.0.not.value",
         "there is no group sozial", "did you mean social?"),
        ("filters", {"not": {"attribute": "departement", "operator": "IS NULL"}}, "0.0.not.attribute",
         "no source attribute has the name departement", "did you mean department?"),
        ("filters", {"not": {"attribute": "mail", "operator": "REGEX MATCH", "value": "a("}}, "0.0.not.value",
         "not a regular expression: missing ) at column 3", ""),
        ("filters", {"attribute": "members", "operator": "EQUALS", "value": "x"}, "0.0.attribute",
         "members is computed, so no filter can read it", "people are filtered by group with `operator: IS MEMBER OF`"),
        ("filters", {"attribute": "employeeHireDate", "operator": "EQUALS", "value": "x"}, "0.0.value",
         "'x' is no date (YYYY-MM-DD)", ""),
        ("groupFilters", {"operator": "IS MEMBER OF", "value": "social"}, "0.0.value",
         "IS MEMBER OF asks about people", "groups are filtered by their attributes"),
    ],
)  # fmt: skip
def test_conditions_that_cannot_be_used(
    company: Any, key: str, clause: dict[str, Any], part: str, message: str, hint: str
) -> None:
    company.user("ada")
    company.group("social")
    company.scope(everyone=True, **{key: [[clause]]})
    company.places = {f"scope.{key}.{part}": Place("apps/chat/app.yaml", 9, 21)}
    problem = company.problem()
    assert (problem.place, problem.message, problem.hint) == (Place("apps/chat/app.yaml", 9, 21), message, hint)


def test_membership_can_t_be_asked_of_accounts(company: Any) -> None:
    company.user("ada")
    company.group("social")
    company.app_keys["ignore"] = {"users": [_member("social")]}
    assert company.problem().message == "IS MEMBER OF asks about people, so it stands in `scope.filters` alone"


def test_a_pattern_that_hangs_is_told_once_with_the_person(company: Any) -> None:
    for name in ("ada", "grace"):
        company.user(name, department="a" * 60 + "!")
    company.scope(
        everyone=True, filters=[[{"attribute": "department", "operator": "REGEX MATCH", "value": "^(a|aa)+$"}]]
    )
    problem = company.problem()
    assert "takes too long" in problem.message
    assert "met with ada" in problem.message
    assert problem.place == Place("apps/chat/app.yaml")


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        (("ignore", "users"), "ignore.users.0.value"),
        (("ignore", "groups"), "ignore.groups.0.value"),
        (("guardrails", "protected", "users"), "guardrails.protected.users.0.value"),
        (("guardrails", "protected", "groups"), "guardrails.protected.groups.0.value"),
    ],
)
def test_clauses_about_the_application_are_looked_at_too(company: Any, keys: tuple[str, ...], part: str) -> None:
    nested: Any = [{"attribute": "userName", "operator": "REGEX MATCH", "value": "a("}]
    for key in reversed(keys):
        nested = {key: nested}
    company.app_keys |= nested
    company.places = {part: Place("apps/chat/app.yaml", 4, 44)}
    problem = company.problem()
    assert problem.place == Place("apps/chat/app.yaml", 4, 44)
    assert problem.message.startswith("not a regular expression")


def test_a_filter_without_clauses_is_no_filter(company: Any) -> None:
    company.user("ada")
    company.scope(everyone=True, filters=[[]])
    assert "lets everybody through" in company.problem().message


def test_assignments_to_nobody(company: Any) -> None:
    company.user("ada")
    company.group("social")
    company.scope(assigned={"users": ["adda"], "groups": ["sozial"]})
    company.app_keys["groups"] = ["socials"]
    company.places = {"scope.assigned.users.0": Place("apps/chat/app.yaml", 5, 9)}
    assert [(str(each.place), each.message, each.hint) for each in company.problems()] == [
        ("apps/chat/app.yaml", "there is no group socials", "did you mean social?"),
        ("apps/chat/app.yaml", "there is no group sozial", "did you mean social?"),
        ("apps/chat/app.yaml:5:9", "there is nobody with the id adda", "did you mean ada?"),
    ]
