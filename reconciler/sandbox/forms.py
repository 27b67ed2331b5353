"""The forms of PATCH that a server takes: RFC 7644 takes them all, others one."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.habits import Habits, KindName
from reconciler.sandbox.refusal import Refusal, invalid_path, invalid_syntax, invalid_value


def refuse_patch(habits: Habits, kind: KindName) -> None:
    """Raises Refusal 405 where nothing is written by PATCH."""
    by_put = habits.user_update if kind == "User" else habits.group_update
    if by_put == "put" and (kind == "User" or habits.member_form in (None, "put")):
        raise Refusal(405, "PATCH is not supported here", headers={"Allow": "GET, PUT"})


def taken(habits: Habits, kind: KindName, operation: dict[str, Any]) -> dict[str, Any]:
    """The operation (its names in lower case) as it is understood. Raises Refusal for another form."""
    verb, path, value = str(operation.get("op", "")), operation.get("path"), operation.get("value")
    if habits.capitalized_ops and verb != verb.capitalize():
        raise invalid_syntax("op must be Add, Remove or Replace")
    if habits.text_booleans:
        operation = {**operation, "value": _booleans(path, value)}
    if kind == "Group" and _is_of_members(path, value):
        return _of_members(habits, verb.lower(), operation)
    update = habits.user_update if kind == "User" else habits.group_update
    if update == "put" or (update == "patchPathless" and path):
        raise invalid_path("this is not modified by a path")
    return operation


def _is_of_members(path: Any, value: Any) -> bool:
    if isinstance(path, str) and path:
        return path.lower().startswith("members")
    return isinstance(value, dict) and any(name.lower() == "members" for name in value)


def _of_members(habits: Habits, verb: str, operation: dict[str, Any]) -> dict[str, Any]:
    path, value = operation.get("path"), operation.get("value")
    whole = isinstance(path, str) and path.lower() == "members"
    chosen = isinstance(path, str) and "[" in path
    inner = value.get("members") if whole and isinstance(value, dict) else None
    match habits.member_form:
        case "valueArray":
            right = whole and value is not None
        case "pathless":
            right = not path
        case "nested":
            right = chosen if verb == "remove" else inner is not None
        case "replace":
            right = whole and verb == "replace"
        case "put":
            right = False
        case _:
            right = True
    if not right:
        raise invalid_path(f"members are not modified so: this takes {habits.member_form}")
    listed = value.get("members") if isinstance(value, dict) and not path else value
    listed = listed if inner is None else inner
    if habits.max_members and verb != "replace" and isinstance(listed, list) and len(listed) > habits.max_members:
        raise invalid_value(f"more than {habits.max_members} members in one request")
    return operation if inner is None else {**operation, "value": inner}


def _booleans(path: Any, value: Any) -> Any:
    """Text becomes what it says; JSON's booleans are refused."""
    if isinstance(value, dict) and not path:
        return {name: _booleans(name, inner) for name, inner in value.items()}
    if isinstance(value, bool):
        raise invalid_value('booleans are written "True" and "False"')
    ends = str(path).lower().rpartition(".")[2]
    if ends in ("active", "primary") and str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    return value
