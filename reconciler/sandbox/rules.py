"""What a resource must be before it is stored: required, unique, in the list, of the right length."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from reconciler.sandbox.bend import uniqueness
from reconciler.sandbox.habits import Habits, KindName
from reconciler.sandbox.refusal import Refusal, invalid_value
from reconciler.sandbox.store import Resource, Store


def fill_defaults(store: Store, kind: KindName, data: dict[str, Any]) -> None:
    """What the server adds to a creation by itself."""
    habits = store.habits
    if kind == "User" and "active" not in habits.required_user and "lazyActive" not in store.faults:
        data.setdefault("active", True)
    if kind == "User" and habits.default_timezone:
        data.setdefault("timezone", habits.default_timezone)


def check(store: Store, kind: KindName, data: dict[str, Any], resource: Resource | None = None) -> None:
    """Raises Refusal if `data` can't be stored as `resource`, or as a new one."""
    habits = store.habits
    required = habits.required_user if kind == "User" else habits.required_group
    for name in required:
        if data.get(name) in (None, ""):
            raise invalid_value(f"A required value was missing: {name}")
    if kind == "User":
        _check_user(habits, data)
        _check_length("displayName", data, habits.user_name_lengths)
    else:
        _check_length("displayName", data, habits.group_name_lengths)
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


def _check_length(name: str, data: dict[str, Any], limits: tuple[int, int] | None) -> None:
    if limits and name in data and not limits[0] <= len(data[name]) <= limits[1]:
        raise invalid_value(f"{name} must have {limits[0]} to {limits[1]} characters")


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
