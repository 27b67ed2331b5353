"""Whom a cell means that names another person: by id, address, number, or a name that only one has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.model.directory import User
from reconciler.sources.csv.cells import Unusable
from reconciler.sources.csv.rows import IDENTIFYING

_SEVERAL: Final = ""
"""Stands for more than one id."""
_IN_BRACKETS: Final = re.compile(r"(.*\S)\s*[(\[<]([^()\[\]<>]+)[)\]>]\Z")
"""Grace Hopper (00017), Grace Hopper <grace@contoso.com>."""


class Managers:
    def __init__(self, existing: Iterable[User]) -> None:
        self._existing = existing
        self._here = _Index()
        self._there: _Index | None = None
        self._refused = _Index()

    def add(self, identity: str, values: Mapping[str, Any]) -> None:
        """A person of the table, with this id."""
        self._here.add(identity, values)

    def refuse(self, line: int, values: Mapping[str, Any]) -> None:
        """A row that was refused: whoever is named may be meant by it."""
        self._refused.add(str(line), values)

    def find(self, cell: str) -> str:
        """The id of whom it names. Raises Unusable if nobody is, or several are."""
        return self._in(self._here, cell) or self._in(self._known(), cell) or self._nobody(cell)

    def _in(self, index: _Index, cell: str) -> str | None:
        found = index.find(cell)
        if found is None and (parts := _IN_BRACKETS.match(cell)):
            found = index.find(parts[2].strip()) or index.find(parts[1])
        if found == _SEVERAL:
            raise Unusable(f"`{cell}` could be several people", "name the manager by mail or number")
        return found

    def _known(self) -> _Index:
        if self._there is None:
            self._there = _Index()
            for user in self._existing:
                self._there.add(user.id, {**user.attributes, "id": user.id})
        return self._there

    def _nobody(self, cell: str) -> str:
        line = self._refused.find(cell)
        if line is not None:
            where = f"line {line}, which was" if line else "lines that were"
            raise Unusable(f"`{cell}` is in {where} refused", "correct it there")
        raise Unusable(f"`{cell}` is neither in this table nor in the desired state", "add the person, or leave it")


class _Index:
    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def add(self, identity: str, values: Mapping[str, Any]) -> None:
        for name in IDENTIFYING:
            if value := values.get(name):
                key = str(value).casefold()
                if self._keys.setdefault(key, identity) != identity:
                    self._keys[key] = _SEVERAL
        if value := values.get("displayName"):
            key = _name(str(value))
            if self._names.setdefault(key, identity) != identity:
                self._names[key] = _SEVERAL

    def find(self, cell: str) -> str | None:
        key = cell.casefold()
        return self._keys[key] if key in self._keys else self._names.get(_name(cell))


def _name(name: str) -> str:
    """`Lovelace, Ada` and `Ada Lovelace` are the same name."""
    last, comma, first = name.partition(",")
    return " ".join(f"{first} {last}".split() if comma else name.split()).casefold()
