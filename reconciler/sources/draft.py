"""What an importer found, before it is files: people, groups and an app, as plain values with remarks for readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from reconciler.model.adoption import Refused

__all__ = ["GROUPS", "USERS", "Draft", "Record", "Refused", "Values"]

Values: TypeAlias = dict[str, Any]
"""Keys and values as a file of the desired state has them: text, numbers, booleans, lists, mappings."""

USERS: Final = "users"
GROUPS: Final = "groups"


@dataclass(slots=True)
class Record:
    """One person or group. `values` have no `id`; what is None is not written."""

    id: str
    values: Values
    remarks: tuple[str, ...] = ()
    """Lines of a comment above it, without `#`: what could not be taken over, and why."""
    where: str = ""
    """Where the source has it, for reports: a line of a CSV, an id of the server. May be hostile."""
    empty: frozenset[str] = frozenset()
    """Keys that the source knows to have no value: a file that has one says otherwise."""


@dataclass(slots=True)
class Draft:
    """By id. Ids are usable as ids of the desired state and as names of files, and none is there twice."""

    users: dict[str, Record] = field(default_factory=dict)
    groups: dict[str, Record] = field(default_factory=dict)
    """`values["members"]` are entries as a file has them: an id, or a mapping with `user` or `group`."""
    apps: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """App → file name (`app.yaml`, `mappings.yaml`) → its text, laid out and with its comments."""
    assigned: dict[str, Values] = field(default_factory=dict)
    """App → `groups` and `users` of `scope.assigned`, to be added to an app that exists already."""
    complete: bool = True
    """False: the source told only a part (an extract, or somebody was refused), so no person or group may be missed in
    it and removed; and if anything was `refused`, no membership either.
    """
    refused: list[Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a person should know: what the app computes itself, what has no equivalent."""
