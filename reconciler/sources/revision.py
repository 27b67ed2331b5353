"""What changes in the records of a file, as values: what its text has to hold afterwards."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from reconciler.desired.document import Entries, Items

Path: TypeAlias = tuple[str, ...]
Where: TypeAlias = int | None
"""The number of a record in a file that holds a list; None in a file that is one record."""


@dataclass(slots=True)
class Revision:
    """What changes in one record."""

    put: dict[Path, Any] = field(default_factory=dict)
    """Keys that get a value; those that are missing stand where `fmt` has them."""
    unset: set[Path] = field(default_factory=set)
    extend: dict[Path, list[Any]] = field(default_factory=dict)
    """Lists that get more entries, at their end; a list that is missing is made."""
    drop: dict[Path, set[int]] = field(default_factory=dict)
    """Entries that leave a list, by their number before any change."""


def meant(value: Any, revisions: dict[Where, Revision], gone: set[int]) -> Any:
    """The value of a document with all changes made. `gone`: records of a list that go as a whole."""
    value = copy.copy(value)
    for where, revision in revisions.items():
        if where is None:
            value = _one_meant(value or {}, revision)
        else:
            value[where] = _one_meant(value[where], revision)
    if gone:
        value = [each for number, each in enumerate(value) if number not in gone]
    return plain(value)


def _one_meant(record: Any, revision: Revision) -> Any:
    record = plain(record)
    for path, numbers in revision.drop.items():
        holder = _holder(record, path)
        holder[path[-1]] = [each for number, each in enumerate(holder[path[-1]]) if number not in numbers]
    for path in revision.unset:
        del _holder(record, path)[path[-1]]
    for path, value in revision.put.items():
        _holder(record, path)[path[-1]] = value
    for path, more in revision.extend.items():
        holder = _holder(record, path)
        holder[path[-1]] = [*(holder.get(path[-1]) or ()), *more]
    return plain(record)


def _holder(record: Any, path: Path) -> Any:
    for key in path[:-1]:
        if not isinstance(record.get(key), dict):
            record[key] = {}
        record = record[key]
    return record


def plain(value: Any) -> Any:
    """A copy in the types in which documents are read, so that both can be compared."""
    if isinstance(value, dict):
        entries = Entries()
        entries.update((key, plain(each)) for key, each in value.items())
        return entries
    if isinstance(value, list | tuple):
        items = Items()
        items.extend(map(plain, value))
        return items
    return value
