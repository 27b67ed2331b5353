"""What is no plain value, in mappings: where it may stand, that it flows, and who is left out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.model.cases import Case
from reconciler.model.values import Choice, Generated, Redacted, UserId
from reconciler.project import project, run_case

_LATE_HIRES = 'IIF(DateDiff("d", Now(), CDate([employeeHireDate])) <= 14, "False", IgnoreObjectFlow)'


def _project(company: Any, managed: tuple[str, ...] = ()) -> Any:
    as_of = datetime(2026, 11, 23, 17, tzinfo=UTC)
    return project(
        company.directory, company.app, company.profile, managed=[UserId(each) for each in managed], as_of=as_of
    )


def _values(company: Any, row: Any) -> dict[str, Any]:
    desired = _project(company)
    return dict(row(desired, desired.people[0]))


def test_they_flow(company: Any, row: Any) -> None:
    company.user("ada", department="Sales")
    company.map(
        {"target": "externalId", "expression": "Guid()", "apply": "onCreate"},
        {"target": "nickName", "expression": 'SelectUniqueValue([id], Append([id], "2"))', "apply": "onCreate"},
        {"target": "title", "expression": "Redact([department])"},
        {"target": "locale", "expression": "Now()"},
    )
    values = _values(company, row)
    assert values["externalId"] == Generated("Guid", "Guid()", (), datetime(2026, 11, 23, 17, tzinfo=UTC))
    assert values["nickName"] == Choice(("ada", "ada2"))
    assert values["title"] == Redacted("Sales")
    assert values["locale"] == "11/23/2026 5:00:00 PM"


def test_what_is_redacted_takes_the_form_of_its_target(company: Any, row: Any) -> None:
    company.user("ada")
    company.map({"target": "active", "expression": 'Redact("True")'})
    assert _values(company, row)["active"] == Redacted(True)


@pytest.mark.parametrize(
    ("mapping", "message", "hint"),
    [
        ({"expression": "Guid()"}, "Guid is for creation only", "add `apply: onCreate`"),
        ({"expression": 'SelectUniqueValue([id], "x")'}, "SelectUniqueValue is for creation only", "apply: onCreate"),
        ({"expression": "RandomString(8, 1, 1, 1, 1)", "apply": "onCreate", "values": {"a": "b"}},
         "`values` can't translate what RandomString makes", ""),
        ({"expression": "Append([id], Left(Guid(), 2))", "apply": "onCreate", "matching": 2},
         "Guid can't make a matching attribute", ""),
        ({"expression": "Redact([id])", "matching": 2}, "a matching attribute can't be redacted", ""),
        ({"expression": 'IIF([id] = "x", [id], IgnoreObjectFlow)'},
         "IgnoreObjectFlow flows only to the target objectFilter, at column 23", "IgnoreAttributeFlow"),
    ],
)  # fmt: skip
def test_where_they_may_not_stand(company: Any, mapping: dict[str, Any], message: str, hint: str) -> None:
    company.user("ada")
    company.map({"target": "externalId", **mapping})
    problem = company.problem()
    assert message in problem.message
    assert hint in problem.hint


def test_a_redacted_value_that_does_not_fit_is_not_quoted(company: Any) -> None:
    company.user("ada", department="s3cret")
    company.map({"target": "active", "expression": "Redact([department])"})
    problem = company.problem()
    assert "a redacted value does not fit the target" in problem.message
    assert "s3cret" not in str(problem)


def test_now_needs_the_time_of_the_plan(company: Any) -> None:
    company.user("ada")
    company.map({"target": "title", "expression": "Now()"})
    assert "Now needs a time" in company.problem().message


def test_whoever_is_ignored_is_left_out_and_told(company: Any) -> None:
    company.user("ada", employeeHireDate="2026-12-01")
    company.user("grace", employeeHireDate="2027-12-01")
    company.map({"target": "objectFilter", "expression": _LATE_HIRES})
    desired = _project(company)
    assert [person.user.id for person in desired.people] == ["ada"]
    assert desired.left_out == {UserId("grace"): "the mapping of objectFilter gives IgnoreObjectFlow"}
    assert "objectFilter" not in [column.path for column in desired.user_columns]
    assert desired.in_scope == 1


def test_a_case_says_who_is_left_out(company: Any) -> None:
    company.user("grace", employeeHireDate="2027-12-01")
    company.map({"target": "objectFilter", "expression": _LATE_HIRES})
    case = Case.model_validate(
        {"id": "late", "user": "grace", "now": "2026-11-23", "expected": {"objectFilter": "__IGNORE_OBJECT__"}}
    )
    assert run_case(case, company.directory, company.app, company.profile).passed


def test_groups_are_left_out_otherwise(company: Any) -> None:
    company.user("ada")
    company.group("social", "ada")
    company.map(groups=({"target": "objectFilter", "constant": "x"},))
    assert company.problem().hint == "groups are left out by `groupFilters`"


def test_nobody_keeps_access_by_being_ignored(company: Any) -> None:
    company.user("grace", employeeHireDate="2027-12-01", enabled=False)
    company.map({"target": "objectFilter", "expression": _LATE_HIRES})
    desired = _project(company, managed=("grace",))
    assert [person.standing.value for person in desired.people] == ["disabled"]
    assert not desired.left_out


def test_a_filter_that_fails_names_the_person(company: Any) -> None:
    company.user("ada", employeeHireDate="soon")
    company.map({"target": "objectFilter", "expression": 'IIF(CBool([employeeHireDate]), "False", IgnoreObjectFlow)'})
    assert (
        "objectFilter of ada: CBool: argument 1 (condition) is neither true nor false: 'soon'"
        in company.problem().message
    )


def test_a_pattern_that_hangs_is_waited_for_once(company: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.project.expressions.replace.PATTERN_SECONDS", 0.02)
    for number in range(50):
        company.user(f"user{number}", department="a" * 60 + f"!{number}")
    company.map({"target": "title", "expression": 'Replace([department], , "^(a|aa)+$", , "x", , )'})
    problems = company.problems()
    assert any("takes too long: '^(a|aa)+$' backtracks without end" in each.message for each in problems)
    assert any("more of the same kind" in each.message for each in problems)
