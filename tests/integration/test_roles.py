"""Roles on assignments, in an application: given, taken away, and left alone where the mapping only adds."""

from __future__ import annotations

from typing import Any

import pytest

ASSERTIVE = "AssertiveAppRoleAssignmentsComplex([appRoleAssignments])"
ADDITIVE = "AppRoleAssignmentsComplex([appRoleAssignments])"
SINGLE = "SingleAppRoleAssignment([appRoleAssignments])"


def _assign(story: Any, roles: list[str], expression: str, target: str = "roles") -> None:
    groups = [{"group": "social-media", "roles": roles}, "research"]
    story.company.edit_app(scope={"assigned": {"groups": groups, "users": [{"user": "ada.lovelace", "roles": roles}]}})
    story.company.write("apps/app/mappings.yaml", {"users": [{"target": target, "expression": expression}]})


def _roles(story: Any, name: str) -> set[str]:
    return {each["value"] for each in story.user(name).get("roles") or ()}


@pytest.fixture
def story(story_of: Any) -> Any:
    return story_of("scim")


def test_assertive_roles_follow_git_down_to_none(story: Any) -> None:
    _assign(story, ["Editor", "Viewer"], ASSERTIVE)
    story.converge()
    assert _roles(story, "linus") == _roles(story, "ada") == {"Editor", "Viewer"}
    assert _roles(story, "alan") == set()
    _assign(story, ["Editor"], ASSERTIVE)
    story.converge()
    assert _roles(story, "linus") == {"Editor"}
    _assign(story, [], ASSERTIVE)
    story.converge()
    assert _roles(story, "linus") == _roles(story, "ada") == set()


def test_assertive_roles_repair_what_somebody_gave(story: Any) -> None:
    _assign(story, ["Editor"], ASSERTIVE)
    story.converge()
    id_ = story.sandbox.user_id("grace@contoso.com")
    story.sandbox.edit_user(id_, roles=[*story.user("grace")["roles"], {"value": "Owner"}])
    (change,) = story.plan().changes
    assert change.key == "user:grace.hopper"
    story.converge()
    assert _roles(story, "grace") == {"Editor"}


def test_what_the_application_adds_to_a_role_is_no_difference(story: Any) -> None:
    _assign(story, ["Editor"], ASSERTIVE)
    story.converge()
    id_ = story.sandbox.user_id("grace@contoso.com")
    story.sandbox.edit_user(id_, roles=[{"value": "editor", "display": "The editor", "type": "role"}])
    story.settled()


def test_additive_roles_take_nothing_away(story: Any) -> None:
    _assign(story, ["Editor"], ADDITIVE)
    story.converge()
    id_ = story.sandbox.user_id("grace@contoso.com")
    story.sandbox.edit_user(id_, roles=[{"value": "Owner", "display": "The owner"}])
    story.converge()
    assert _roles(story, "grace") == {"Editor", "Owner"}
    assert {"value": "Owner", "display": "The owner"} in story.user("grace")["roles"]
    _assign(story, [], ADDITIVE)
    assert story.plan().empty
    assert _roles(story, "grace") == {"Editor", "Owner"}


def test_a_single_role(story: Any) -> None:
    _assign(story, ["Editor"], SINGLE, 'roles[primary eq "True"].value')
    story.converge()
    (role,) = story.user("linus")["roles"]
    assert role["value"] == "Editor"
    assert role["primary"] is True
    _assign(story, ["Viewer"], SINGLE, 'roles[primary eq "True"].value')
    story.converge()
    assert _roles(story, "linus") == {"Viewer"}
