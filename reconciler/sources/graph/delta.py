"""Rows of Graph's delta lists, laid over what is kept. Pure.

A row may come several times and in any order; of a row that changed at least what changed is said; relations come as
`NAME@delta`, a large group's members on many pages (Microsoft Graph, "Use delta query to track changes").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from reconciler.errors import IncompleteRead
from reconciler.sources.graph.api import Row
from reconciler.sources.graph.kept import is_key

_KINDS: Final = {"#microsoft.graph.user": "user", "#microsoft.graph.group": "group"}
_MEMBERS: Final = "members@delta"
_MANAGER: Final = "manager@delta"


def lay_users(held: dict[str, Row], rows: Iterable[Row]) -> None:
    """Raises IncompleteRead for a row that is nobody."""
    for row in rows:
        key = _key(row)
        if "@removed" in row:
            held.pop(key, None)
            continue
        person = held.setdefault(key, {})
        person.update(_plain(row))
        for manager, gone in _related(row, _MANAGER):
            if not gone:
                person["manager"] = manager["id"]
            elif person.get("manager") == manager["id"]:
                del person["manager"]


def lay_groups(held: dict[str, Row], rows: Iterable[Row]) -> None:
    """As `lay_users`."""
    for row in rows:
        key = _key(row)
        if "@removed" in row:
            held.pop(key, None)
            continue
        group = held.setdefault(key, {"members": {}})
        group.update(_plain(row))
        members: dict[str, str] = group["members"]
        for member, gone in _related(row, _MEMBERS):
            if gone:
                members.pop(member["id"], None)
            else:
                members[member["id"]] = _kind(member)


def _key(row: Row) -> str:
    key = row.get("id")
    if not is_key(key):
        raise IncompleteRead("Graph gave an entry without an id that can be one", hint="run again with --full")
    assert isinstance(key, str)
    return key


def _plain(row: Row) -> dict[str, Any]:
    """Attributes alone: annotations have an `@` in their names, relations are told apart."""
    return {name: value for name, value in row.items() if "@" not in name and name not in ("members", "manager")}


def _related(row: Row, name: str) -> Iterator[tuple[Row, bool]]:
    """(entry, whether it was taken away). Those given come last: a new manager replaces the old one."""
    found = row.get(name, [])
    entries: list[Any] = found if isinstance(found, list) else [None]
    if not all(isinstance(entry, dict) and is_key(entry.get("id")) for entry in entries):
        raise IncompleteRead(f"Graph gave entries of {name} without an id", hint="run again with --full")
    yield from ((entry, True) for entry in entries if "@removed" in entry)
    yield from ((entry, False) for entry in entries if "@removed" not in entry)


def _kind(member: Row) -> str:
    kind = member.get("@odata.type")
    return _KINDS.get(kind, "other") if isinstance(kind, str) else "unknown"
