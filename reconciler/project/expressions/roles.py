"""App roles. [appRoleAssignments] holds the names of the roles that somebody's assignments give, in one application."""

from __future__ import annotations

from typing import Any, Final

from reconciler.model.values import Flow, Value, is_null
from reconciler.project.expressions.registry import Unusable, elements_of, function, text_of

_KIND: Final = "WindowsAzureActiveDirectoryRole"
"""The type that the service writes to the roles it provisions."""


@function("SingleAppRoleAssignment(appRoleAssignments)", least=1)
def single_app_role_assignment(assignments: Value) -> Flow:
    """The one role's name. With several the service takes any; here that is an error."""
    names = _names(assignments)
    if len(names) > 1:
        listed = ", ".join(names[:3])
        message = f"has {len(names)} roles ({listed}), and one is taken: use AssertiveAppRoleAssignmentsComplex"
        raise Unusable(1, message)
    return names[0] if names else None


@function("AppRoleAssignments(appRoleAssignments)", least=1)
def app_role_assignments(assignments: Value) -> Flow:
    return tuple(_names(assignments))


@function("AppRoleAssignmentsComplex(appRoleAssignments)", least=1)
def app_role_assignments_complex(assignments: Value) -> Flow:
    """Values of SCIM's `roles`. The service adds them and takes none away: see Expression.additive."""
    return _complex(assignments)


@function("AssertiveAppRoleAssignmentsComplex(appRoleAssignments)", least=1)
def assertive_app_role_assignments_complex(assignments: Value) -> Flow:
    """The same, and what the account has besides goes."""
    return _complex(assignments)


def _complex(assignments: Value) -> tuple[dict[str, Any], ...]:
    return tuple({"primary": False, "type": _KIND, "display": name, "value": name} for name in _names(assignments))


def _names(assignments: Value) -> list[str]:
    """Each once, sorted: assignments have no order."""
    names = {
        text_of(each.get("value") or each.get("displayName"), 1) if isinstance(each, dict) else text_of(each, 1)
        for each in elements_of(assignments)
        if not is_null(each)
    }
    return sorted(name for name in names if name)
