"""What is asked of Graph, and what its values are in a file.

Source: the resources `user`, `group` and `onPremisesExtensionAttributes` in Microsoft's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from reconciler.model.directory import DATES, GRAPH_ATTRIBUTES, MULTI_VALUED
from reconciler.sources.graph.api import Row

_EXTENSION: Final = re.compile(r"extensionAttribute\d+")
_ELSEWHERE: Final = frozenset({"timeZone", "employeeLeaveDateTime"})
"""A mailbox has the time zone, not the directory; and the day of leaving needs a permission of its own."""
_OWN: Final = tuple(name for name in GRAPH_ATTRIBUTES if not _EXTENSION.fullmatch(name) and name not in _ELSEWHERE)
_EXTENSIONS: Final = tuple(name for name in GRAPH_ATTRIBUTES if _EXTENSION.fullmatch(name))
_MIDNIGHT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T00:00:00(\.0+)?Z")
_GUEST: Final = re.compile(r"#EXT#@[^@]*$", re.IGNORECASE)

GROUP_FIELDS: Final = (
    "id", "displayName", "description", "groupTypes", "membershipRule", "visibility", "members",
)  # fmt: skip


def user_fields(custom: Mapping[str, str]) -> tuple[str, ...]:
    """For `$select`. `custom`: attribute of ours → the directory extension that holds it."""
    return ("id", *_OWN, "userType", "onPremisesExtensionAttributes", *dict.fromkeys(custom.values()))


def values_of(row: Row, custom: Mapping[str, str]) -> dict[str, Any]:
    """A person's attributes, but the manager; what is empty is left out. Text is as Graph has it."""
    extensions = row.get("onPremisesExtensionAttributes")
    held: dict[str, Any] = {name: row.get(name) for name in _OWN if name not in ("manager", "accountEnabled")}
    if isinstance(extensions, dict):
        held |= {name: extensions.get(name) for name in _EXTENSIONS}
    held |= {name: row.get(graph) for name, graph in custom.items()}
    if isinstance(principal := held["userPrincipalName"], str):
        held["userPrincipalName"] = _GUEST.sub("", principal)
    found = {name: _plain(name, value) for name, value in held.items()}
    return {name: value for name, value in found.items() if value is not None}


def read_attributes(custom: Mapping[str, str]) -> frozenset[str]:
    """Of ours, those that are text or lists at Microsoft: where Graph has none, there is none."""
    return frozenset((*_OWN, *_EXTENSIONS, *custom)) - {"userPrincipalName", "accountEnabled"}


def is_guest(row: Row) -> bool:
    return row.get("userType") == "Guest" or bool(_GUEST.search(text_of(row, "userPrincipalName")))


def text_of(row: Row, name: str) -> str:
    found = row.get(name)
    return found if isinstance(found, str) else ""


def _plain(name: str, value: Any) -> Any:
    """As a file has it; None for what is nothing, or of a kind that Graph does not document."""
    if name in MULTI_VALUED or isinstance(value, list):
        items = value if isinstance(value, list) else []
        return [item for item in items if isinstance(item, str) and item] or None
    if isinstance(value, str) and name in DATES and (day := _MIDNIGHT.fullmatch(value)):
        return day[1]
    if isinstance(value, str):
        return value or None
    return value if isinstance(value, bool | int) and name not in GRAPH_ATTRIBUTES else None
