"""When two values differ. `==` decides; what servers do to values without meaning it is no difference."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import orjson

from reconciler.model.desired import Column
from reconciler.model.path import parse_path
from reconciler.model.roles import same_elements, settled
from reconciler.model.values import UNSET, Choice, Flow, Generated, Redacted, Reference, Value, is_null, user_key

Differences: TypeAlias = list[tuple[Column, Value, Value]]
"""(column, before, after)."""
EXACT = frozenset({"id", "externalid"})
"""caseExact in RFC 7643; userName and e-mail are not."""
REDACTED = {"redacted": True}
"""Stands in documents for what no output shows."""


def equal(want: Value, have: Value, *, exact: bool = True) -> bool:
    """Null, "" and absent are equal; lists compare as sets; booleans whatever their form (RFC 7643 section 2.5)."""
    if want == have and not isinstance(want, bool):
        return True
    if is_null(want) or is_null(have):
        return is_null(want) and is_null(have)
    if isinstance(want, bool) or isinstance(have, bool):
        return str(want).lower() == str(have).lower()
    if isinstance(want, (tuple, list)) or isinstance(have, (tuple, list)):
        return _same_elements(want, have, exact)
    if isinstance(want, dict) or isinstance(have, dict):
        return False
    return _text(want, exact) == _text(have, exact)


def _text(value: Value, exact: bool) -> str:
    return str(value) if exact else str(value).casefold()


def _same_elements(want: Value, have: Value, exact: bool) -> bool:
    wanted, held = _elements(want), _elements(have)
    if all(isinstance(e, dict) and "value" in e for e in (*wanted, *held)):
        return same_elements(wanted, held)
    return _as_set(wanted, exact) == _as_set(held, exact)


def _elements(value: Value) -> Sequence[Any]:
    return value if isinstance(value, (tuple, list)) else (value,)


def _as_set(elements: Iterable[Any], exact: bool) -> set[Any]:
    return {_canonical(e) if isinstance(e, dict) else _text(e, exact) for e in elements}


def _canonical(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def digest(values: Any) -> str:
    """A short fingerprint of wanted values: for the state, which holds no values.

    What is redacted or drawn leaves no trace in it, since a short value could be found again by trying.
    """
    return hashlib.sha256(orjson.dumps(_plain(values), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if value is UNSET:
        return {"unset": True}
    return [_plain(v) for v in value] if isinstance(value, tuple) else as_json(value)


class Comparer:
    """Compares rows of wanted values with rows of the snapshot, column by column.

    `columns` are the mappings; `paths` the snapshot's. Columns that flow on creation only, and those that the
    profile ignores, are never compared. `account` gives the id that a reference means; None: there is none yet.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        paths: Sequence[str],
        case_insensitive: Iterable[str],
        ignore: Iterable[str],
        account: Callable[[Reference], str | None] = lambda _: None,
    ) -> None:
        self.account = account
        loose = {name.lower() for name in case_insensitive}
        ignored = {name.lower() for name in ignore}
        self.compared: list[tuple[int, int, Column, bool]] = []
        for position, column in enumerate(columns):
            name = parse_path(column.path).schema_name
            if column.on_create or name in ignored or column.path.lower() in ignored:
                continue
            self.compared.append((position, paths.index(column.path), column, name not in loose))

    def differences(self, want: Sequence[Flow], have: Sequence[Value]) -> Differences:
        """Every wanted value that the application does not hold.

        Redacted values and references stand in it as they are; of what is added to, the whole of both.
        """
        found: Differences = []
        for position, live, column, exact in self.compared:
            after, before = want[position], have[live]
            if after is UNSET or (after == before and after.__class__ is before.__class__):
                continue
            if column.additive:
                if not same_elements(_bare(after), before, additive=True):
                    found.append((column, before, _joined(after, before)))
            elif not equal(self._plain(after), before, exact=exact):
                found.append((column, before, after))
        return found

    def _plain(self, value: Value) -> Value:
        if isinstance(value, Reference):
            id_ = self.account(value)
            return value if id_ is None else id_  # who has no account yet equals nothing
        return _bare(value)


def _bare(value: Value) -> Value:
    return value.value if isinstance(value, Redacted) else value


def _joined(after: Value, before: Value) -> Value:
    whole = settled(_bare(after), before, additive=True)
    return Redacted(whole) if isinstance(after, Redacted) else whole


def as_json(value: Value) -> Value:
    """As documents show it: tuples as lists, and what they may not hold, or can't know yet, by what it is."""
    match value:
        case tuple():
            return list(value)
        case Redacted():
            return REDACTED
        case Generated():
            return {"generated": value.function}
        case Reference():
            return {"key": user_key(value.user)}
        case Choice():
            return {"choice": list(value.candidates)}  # in digests only: a plan has chosen
        case _:
            return value
