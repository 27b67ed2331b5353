"""Roles on assignments: whose they are, and what mappings make of them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import Place
from reconciler.project.approles import effective_roles
from reconciler.project.membership import Nesting

ADDING = {"target": "roles", "expression": "AppRoleAssignmentsComplex([appRoleAssignments])"}
REPLACING = {"target": "roles", "expression": "AssertiveAppRoleAssignmentsComplex([appRoleAssignments])"}
SINGLE = {"target": 'roles[primary eq "True"].value', "expression": "SingleAppRoleAssignment([appRoleAssignments])"}


@pytest.fixture
def team(company: Any) -> Any:
    """ada: Editor through two groups and Owner herself; grace: Viewer and Editor; tom: nothing."""
    for name in ("ada", "grace", "tom"):
        company.user(name)
    company.group("outer", "@inner")
    company.group("inner", "ada", "grace")
    company.group("viewers", "grace")
    company.scope(
        assigned={
            "groups": [{"group": "outer", "roles": ["Editor"]}, {"group": "viewers", "roles": ["Viewer", "Editor"]}],
            "users": [{"user": "ada", "roles": ["Owner", "Editor", "Owner"]}, "tom"],
        }
    )
    return company


def _role(value: str) -> dict[str, Any]:
    return {"primary": False, "type": "WindowsAzureActiveDirectoryRole", "display": value, "value": value}


def test_roles_are_the_union_of_all_assignments_sorted_and_each_once(team: Any) -> None:
    roles = effective_roles(team.app, Nesting(team.directory))
    assert roles == {"ada": ("Editor", "Owner"), "grace": ("Editor", "Viewer")}


def test_without_assignments_there_are_none(company: Any) -> None:
    company.user("ada")
    assert effective_roles(company.app, Nesting(company.directory)) == {}


@pytest.mark.parametrize(("mapping", "additive"), [(ADDING, True), (REPLACING, False)])
def test_complex_roles(team: Any, mapping: dict[str, Any], additive: bool) -> None:
    team.map(mapping)
    assert team.values("ada")["roles"] == (_role("Editor"), _role("Owner"))
    (column,) = [each for each in team.project().user_columns if each.path == "roles"]
    assert column.additive is additive


@pytest.mark.parametrize("when_null", ["skip", "clear"])
def test_the_last_role_goes_only_if_the_function_is_assertive(team: Any, when_null: str) -> None:
    """The service sends no null, so the last role stays there for ever."""
    team.map({**REPLACING, "whenNull": when_null})
    assert team.values("tom")["roles"] is None
    team.map({**ADDING, "whenNull": "skip"})
    assert repr(team.values("tom")["roles"]) == "UNSET"


def test_a_single_role(team: Any) -> None:
    team.scope(assigned={"users": [{"user": "ada", "roles": ["Editor"]}, "tom"]})
    team.map(SINGLE)
    assert team.values("ada")[SINGLE["target"]] == "Editor"
    assert repr(team.values("tom")[SINGLE["target"]]) == "UNSET"


def test_several_roles_where_one_is_taken_name_the_person(team: Any) -> None:
    team.map(SINGLE)
    messages = [each.message for each in team.problems()]
    assert len(messages) == 2
    assert "of ada: SingleAppRoleAssignment" in messages[0]
    assert "has 2 roles (Editor, Owner)" in messages[0]


def test_roles_leave_with_the_assignment(team: Any) -> None:
    team.map(REPLACING)
    team.users["ada"].enabled = False
    desired = team.project()
    person = desired.people[desired.numbers["ada"]]
    (at,) = [n for n, each in enumerate(desired.user_columns) if each.path == "roles"]
    assert repr(person.values[at]) == "UNSET"


def test_everyone_has_no_roles_to_map(company: Any) -> None:
    company.user("ada")
    company.map(REPLACING)
    company.places = {"mappings.users.0": Place("apps/chat/mappings.yaml", 2, 5)}
    problem = company.problem()
    assert problem.place == Place("apps/chat/mappings.yaml", 2, 5)
    assert "appRoleAssignments is empty for everybody, since `everyone` assigns no roles" in problem.message


def test_roles_that_no_mapping_reads_are_told(team: Any) -> None:
    team.places = {"scope.assigned.groups.0.roles": Place("apps/chat/app.yaml", 6, 40)}
    (warning,) = team.project().warnings
    assert warning.place == Place("apps/chat/app.yaml", 6, 40)
    assert warning.message == "no mapping reads appRoleAssignments, so `roles` have no effect"
    assert "AssertiveAppRoleAssignmentsComplex" in warning.hint
    team.map(REPLACING)
    assert team.project().warnings == ()


def test_groups_have_no_roles(team: Any) -> None:
    team.map(REPLACING, groups=({"target": "externalId", "source": "appRoleAssignments"},))
    assert team.problem().message == "appRoleAssignments is about people"
