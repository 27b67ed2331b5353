"""Who is to be forgotten: what leads to a person is taken out of the rows, and the events stay.

A digest of an id would be no pseudonym: who guesses the id could prove it. So it is made by chance, once for each
erasure: an auditor still sees that one and the same person is meant, and nobody can say who.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Table, and_, delete, or_, select, update

from reconciler.service.history.tables import BACKOFFS, CYCLES, ENTRIES, HELD, NOTICES, QUARANTINES, SUBJECTS

ERASED: Final = "erased"
"""What stands where something was taken out."""
_LOT: Final = 1000
_SHORTEST: Final = 3
"""Characters of a name that is looked for in what was said."""
_TELLING: Final = re.compile(r"username|displayname|emails|phonenumbers|externalid|profileurl", re.IGNORECASE)
"""Paths of which a value leads to one person wherever it stands; a first name or a department does not."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What leads to a person. Everything is looked for whole, whatever its case: not in ada.lovelace-smith, but in
    users/ada.lovelace.yaml.
    """

    key: str
    accounts: tuple[tuple[str, str], ...]
    """(app, id)."""
    words: tuple[str, ...]
    """Keys, names, ids, addresses."""

    def pattern(self) -> re.Pattern[str]:
        longest_first = sorted({self.key, *self.words}, key=len, reverse=True)
        words = "|".join(map(re.escape, longest_first))
        return re.compile(rf"(?<![\w.-])(?:{words})(?![\w-]|\.(?!ya?ml\b)\w)", re.IGNORECASE)


def pseudonym() -> str:
    return f"user:{ERASED}-{secrets.token_hex(4)}"


class Cleaner:
    """Takes out of values of JSON what leads to a person; the key becomes a pseudonym."""

    def __init__(self, found: Traces, instead: str) -> None:
        self._instead = instead
        self._pattern = found.pattern()
        self._keys = {found.key, *(f"account:{id_}" for _, id_ in found.accounts)}

    def finds(self, text: str) -> bool:
        return self._pattern.search(text) is not None

    def text(self, text: str) -> str:
        return self._instead if text in self._keys else self._pattern.sub(ERASED, text)

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            if value.get("key") in self._keys:
                return {name: self._theirs(name, each) for name, each in value.items()}
            return {self.text(name): self.value(each) for name, each in value.items()}
        return value

    def _theirs(self, name: str, value: Any) -> Any:
        """Of what is about the person: a change, a member, a line of a journal."""
        match name, value:
            case "key", _:
                return self._instead
            case "id", _:
                return None
            case "name", _:
                return ERASED
            case "set", dict():
                return {path: {} for path in value}
        return self.value(value)


def traces(connection: Connection, key: str) -> Traces:
    """From what the history itself says of the person."""
    words: set[str] = {key, key.partition(":")[2]}
    accounts: set[tuple[str, str]] = set()
    wanted = select(ENTRIES.c.app, ENTRIES.c.id, ENTRIES.c.name, ENTRIES.c.modified).where(ENTRIES.c.key == key)
    for app, id_, name, modified in connection.execute(wanted):
        words.add(name)
        if id_:
            accounts.add((app, id_))
        for path, before, after in modified or ():
            if _TELLING.match(path):
                words |= {*_strings(before), *_strings(after)}
    words |= {id_ for _, id_ in accounts if len(id_) >= 2 * _SHORTEST}  # 17 may be anything
    return Traces(key, tuple(sorted(accounts)), tuple(sorted(word for word in words if len(word.strip()) >= _SHORTEST)))


def erase(connection: Connection, found: Traces, instead: str) -> int:
    """Returns how many entries were changed: those of the person, and those that name them."""
    theirs = _theirs(found)
    changed = 0
    for row in _rows(connection, ENTRIES, theirs):
        modified = [[path, None, None] for path, _, _ in row["modified"] or ()]
        steps = [[name, status, ""] for name, status, _ in row["steps"] or ()]
        trouble = row["trouble"] and {"category": row["trouble"]["category"], "message": "", "recommended_action": ""}
        connection.execute(
            update(ENTRIES)
            .where(ENTRIES.c.number == row["number"])
            .values(key=instead, name=ERASED, id=None, modified=modified, steps=steps, trouble=trouble)
        )
        changed += 1
    changed += _clean(connection, ENTRIES, ("modified", "steps", "trouble"), found, instead)
    _clean(connection, CYCLES, ("trouble",), found, instead)
    _clean(connection, NOTICES, ("subject", "error"), found, instead)
    _clean(connection, QUARANTINES, ("message",), found, instead)
    _clean(connection, BACKOFFS, ("message",), found, instead)
    keys = [found.key, *(f"account:{id_}" for _, id_ in found.accounts)]
    connection.execute(delete(BACKOFFS).where(BACKOFFS.c.key.in_(keys)))
    connection.execute(delete(SUBJECTS).where(SUBJECTS.c.key == found.key))
    for app, id_ in found.accounts:
        connection.execute(delete(SUBJECTS).where(SUBJECTS.c.app == app, SUBJECTS.c.key == f"account:{id_}"))
    pattern = found.pattern()
    for app, plan in connection.execute(select(HELD.c.app, HELD.c.plan)).all():
        if pattern.search(plan):
            connection.execute(delete(HELD).where(HELD.c.app == app))
    return changed


def _theirs(found: Traces) -> Any:
    """The rows about the person, also those from when only the account was known."""
    of_accounts = (and_(ENTRIES.c.app == app, ENTRIES.c.key == f"account:{id_}") for app, id_ in found.accounts)
    return or_(ENTRIES.c.key == found.key, *of_accounts)


def _clean(connection: Connection, table: Table, names: tuple[str, ...], found: Traces, instead: str) -> int:
    """Takes out of all other rows what leads to the person. Reads the whole table once."""
    clean, changed = Cleaner(found, instead), 0
    keys = list(table.primary_key)
    for row in _rows(connection, table, None):
        new = {name: clean.value(row[name]) for name in names if row[name]}
        different = {name: value for name, value in new.items() if value != row[name]}
        if different:
            which = and_(*(column == row[column.name] for column in keys))
            connection.execute(update(table).where(which).values(different))
            changed += 1
    return changed


def _rows(connection: Connection, table: Table, which: Any) -> Iterator[Any]:
    """In lots, by the first column of the key."""
    keys = list(table.primary_key)
    if len(keys) > 1 or table is not ENTRIES:
        yield from connection.execute(select(table)).mappings().all()
        return
    at = None
    while True:
        wanted = select(table).order_by(keys[0]).limit(_LOT)
        if which is not None:
            wanted = wanted.where(which)
        if at is not None:
            wanted = wanted.where(keys[0] > at)
        rows = connection.execute(wanted).mappings().all()
        yield from rows
        if len(rows) < _LOT:
            return
        at = rows[-1][keys[0].name]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name not in ("type", "primary"):
                yield from _strings(each)
