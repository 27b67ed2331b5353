"""What a resource must be before it is stored: required, unique, in the list, of the right length."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from reconciler.model.path import parse_path
from reconciler.sandbox.bend import uniqueness
from reconciler.sandbox.habits import Habits, KindName
from reconciler.sandbox.refusal import Refusal, invalid_value
from reconciler.sandbox.store import Resource, Store


def fill_defaults(store: Store, kind: KindName, data: dict[str, Any]) -> None:
    """What the server adds to a creation by itself."""
    habits = store.habits
    if kind == "User" and "active" not in habits.required_user and "lazyActive" not in store.faults:
        data.setdefault("active", True)
    if kind == "User":
        for name, value in habits.defaults:
            data.setdefault(name, value)


def check(store: Store, kind: KindName, data: dict[str, Any], resource: Resource | None = None) -> None:
    """Raises Refusal if `data` can't be stored as `resource`, or as a new one."""
    habits = store.habits
    required = habits.required_user if kind == "User" else habits.required_group
    for name in required:
        if parse_path(name).read(data) in (None, ""):
            raise invalid_value(f"A required value was missing: {name}")
    if kind == "User":
        _check_user(habits, data)
    _check_lengths(habits, kind, data)
    if kind == "User" or habits.unique_group_names:
        _check_unique(store, kind, data, resource)


def check_members(store: Store, group: Resource | None, members: Iterable[str]) -> None:
    """Raises Refusal invalidValue for members that do not exist, or are of a kind that can't be in a group."""
    for identifier in members:
        if group is not None and identifier in group.members:
            continue
        found = store.find(identifier)
        if found is None or (found.kind == "Group" and not store.habits.nested_groups):
            raise invalid_value(f"there is no member {identifier}")
        if found is group:
            raise invalid_value("a group can't be a member of itself")


def _check_user(habits: Habits, data: dict[str, Any]) -> None:
    language = data.get("preferredLanguage")
    if language is not None and habits.languages and language not in habits.languages:
        raise invalid_value(f"preferredLanguage must be one of {', '.join(habits.languages)}")
    zones = _time_zones() if habits.checks_timezone else frozenset()
    if zones and "timezone" in data and data["timezone"] not in zones:
        raise invalid_value("timezone is not a known time zone")
    if habits.email_primary and any("primary" not in email for email in data.get("emails", ())):
        raise invalid_value("A required value was missing: emails.primary")


def _check_lengths(habits: Habits, kind: KindName, data: dict[str, Any]) -> None:
    for where, least, most in habits.lengths:
        owner, _, name = where.partition(".")
        value = parse_path(name).read(data) if owner == f"{kind.lower()}s" else None
        if isinstance(value, str) and not least <= len(value) <= most:
            raise invalid_value(f"{name} must have {least} to {most} characters")


def check_change(habits: Habits, resource: Resource, data: dict[str, Any], members: Mapping[str, None]) -> None:
    """Raises Refusal for a change of a resource that this server does not make. `data` may be set right."""
    before, cannot = resource.data, dict(habits.cannot)
    if resource.kind == "User":
        if not habits.deactivates and before.get("active", True) is True:
            data["active"] = True
        was, will = before.get("active", True), data.get("active", True)
        if will and not was and not habits.reactivates:
            raise Refusal(400, "who is deactivated stays so", "mutability")
        _refuse(cannot, "deactivateUser", was and not will)
        _refuse(cannot, "reactivateUser", will and not was)
        _refuse(cannot, "renameUser", before.get("userName") != data.get("userName"))
        return
    renamed = before.get("displayName") != data.get("displayName")
    _refuse(cannot, "renameGroup", renamed)
    _refuse(cannot, "updateGroup", before != data)
    _refuse(cannot, "addMembers", not members.keys() <= resource.members.keys())
    _refuse(cannot, "removeMembers", not resource.members.keys() <= members.keys())


def _refuse(cannot: dict[str, str], what: str, wanted: bool) -> None:
    if wanted and what in cannot:
        raise Refusal(400, cannot[what], "mutability")


def store_as(habits: Habits, kind: KindName, data: dict[str, Any]) -> None:
    """Values that this server keeps in words of its own."""
    for name, sent, stored in habits.stored_as if kind == "User" else ():
        if data.get(name) == sent:
            data[name] = stored


def _check_unique(store: Store, kind: KindName, data: dict[str, Any], resource: Resource | None) -> None:
    """Case makes no difference; the spelling that was sent is kept."""
    name = data["userName" if kind == "User" else "displayName"]
    others = [other for other in store.named(kind, name) if other is not resource]
    if others and uniqueness.holders(store.faults, kind, name, others):
        noun = "userName" if kind == "User" else "displayName"
        raise Refusal(
            uniqueness.status(store.faults, store.habits.conflict), f"{noun} {name} is already in use", "uniqueness"
        )


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    """Empty on a machine without a time zone database: nothing is refused there."""
    return frozenset(zoneinfo.available_timezones())
