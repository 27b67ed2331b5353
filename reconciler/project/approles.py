"""App roles: what [appRoleAssignments] holds of each person, in one application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from reconciler.model.app import App, Assigned
from reconciler.model.values import GroupId, UserId
from reconciler.project.columns import Columns
from reconciler.project.findings import Findings
from reconciler.project.membership import Nesting
from reconciler.project.sources import ROLES

Roles: TypeAlias = Mapping[UserId, tuple[str, ...]]
"""Names of roles, sorted, each once. Who has none is not in it."""


def effective_roles(app: App, nesting: Nesting) -> Roles:
    """The roles of a person's own assignment and those of all assigned groups that they are in, at any depth."""
    assigned = app.scope.assigned
    if assigned is None:
        return {}
    groups: dict[str, list[GroupId]] = {}
    users: dict[str, list[UserId]] = {}
    for group in nesting.in_force(assigned.groups):
        for role in group.roles:
            groups.setdefault(role, []).append(group.group)
    for user in nesting.in_force(assigned.users):
        for role in user.roles:
            users.setdefault(role, []).append(user.user)
    found: dict[UserId, tuple[str, ...]] = {}
    same: dict[tuple[str, ...], tuple[str, ...]] = {}
    for role in sorted({*groups, *users}):
        for identity in nesting.people(groups.get(role, ())).union(users.get(role, ())):
            roles = (*found.get(identity, ()), role)
            found[identity] = same.setdefault(roles, roles)  # a hundred thousand Viewers are one tuple
    return found


def check_roles(app: App, columns: Columns, findings: Findings) -> None:
    """Roles stand on assignments: without assignments no mapping can read them, and without such a mapping they go
    nowhere. The first is an error, the second a warning."""
    readers = [each for each in columns.all if ROLES in each.reads]
    assigned = app.scope.assigned
    if assigned is None:
        for each in readers:
            if each.broken:
                continue
            message = f"{each.column.path}: {ROLES} is empty for everybody, since `everyone` assigns no roles"
            findings.add(each.place, message, "roles stand in the entries of `scope.assigned`")
    elif not readers and (key := _first_roles(assigned)):
        hint = f"a mapping for them: {{target: roles, expression: 'AssertiveAppRoleAssignmentsComplex([{ROLES}])'}}"
        findings.warn(findings.place(key), f"no mapping reads {ROLES}, so `roles` have no effect", hint)


def _first_roles(assigned: Assigned) -> str:
    given = {
        **{f"groups.{number}": group.roles for number, group in enumerate(assigned.groups)},
        **{f"users.{number}": user.roles for number, user in enumerate(assigned.users)},
    }
    return next((f"scope.assigned.{entry}.roles" for entry, roles in given.items() if roles), "")
