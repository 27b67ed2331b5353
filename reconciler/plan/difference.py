"""When two values differ. `==` decides; what servers do to values without meaning it is no difference."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import orjson

from reconciler.model.desired import Column
from reconciler.model.path import parse_path
from reconciler.model.values import UNSET, Flow, Value, is_null

Differences: TypeAlias = list[tuple[Column, Value, Value]]
"""(column, before, after)."""
EXACT = frozenset({"id", "externalid"})
"""caseExact in RFC 7643; userName and e-mail are not."""


def equal(want: Value, have: Value, *, exact: bool = True) -> bool:
    """Null, "" and absent are equal; lists compare as sets; booleans whatever their form (RFC 7643 section 2.5)."""
    if want == have and not isinstance(want, bool):
        return True
    if is_null(want) or is_null(have):
        return is_null(want) and is_null(have)
    if isinstance(want, bool) or isinstance(have, bool):
        return str(want).lower() == str(have).lower()
    if isinstance(want, (tuple, list)) or isinstance(have, (tuple, list)):
        return _as_set(want, exact) == _as_set(have, exact)
    if isinstance(want, dict) or isinstance(have, dict):
        return False
    return _text(want, exact) == _text(have, exact)


def _text(value: Value, exact: bool) -> str:
    return str(value) if exact else str(value).casefold()


def _as_set(value: Value, exact: bool) -> set[Any]:
    elements: Iterable[Any] = value if isinstance(value, (tuple, list)) else (value,)
    return {_canonical(e) if isinstance(e, dict) else _text(e, exact) for e in elements}


def _canonical(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def digest(values: Any) -> str:
    """A short fingerprint of wanted values: for the state, which holds no values."""
    return hashlib.sha256(orjson.dumps(_plain(values), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if value is UNSET:
        return {"unset": True}
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


class Comparer:
    """Compares rows of wanted values with rows of the snapshot, column by column.

    `columns` are the mappings; `paths` the snapshot's. Columns that flow on creation only, and those that the
    profile ignores, are never compared.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        paths: Sequence[str],
        case_insensitive: Iterable[str],
        ignore: Iterable[str],
    ) -> None:
        loose = {name.lower() for name in case_insensitive}
        ignored = {name.lower() for name in ignore}
        self.compared: list[tuple[int, int, Column, bool]] = []
        for position, column in enumerate(columns):
            name = parse_path(column.path).schema_name
            if column.on_create or name in ignored or column.path.lower() in ignored:
                continue
            self.compared.append((position, paths.index(column.path), column, name not in loose))

    def differences(self, want: Sequence[Flow], have: Sequence[Value]) -> Differences:
        """Every wanted value that the application does not hold."""
        found: Differences = []
        for position, live, column, exact in self.compared:
            after, before = want[position], have[live]
            if after is UNSET or (after == before and after.__class__ is before.__class__):
                continue
            if not equal(after, before, exact=exact):
                found.append((column, before, after))
        return found


def as_json(value: Value) -> Value:
    """Tuples as lists, for documents."""
    return list(value) if isinstance(value, tuple) else value
