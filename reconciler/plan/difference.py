"""When two values differ. `==` decides; what servers do to values without meaning it is no difference."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias

import orjson

from reconciler.model.comparison import Comparison, Rule
from reconciler.model.desired import Column
from reconciler.model.path import parse_path
from reconciler.model.roles import same_elements, settled
from reconciler.model.values import UNSET, Choice, Flow, Generated, Redacted, Reference, Value, user_key

Differences: TypeAlias = list[tuple[Column, Value, Value]]
"""(column, before, after)."""
EXACT = frozenset({"id", "externalid"})
"""caseExact in RFC 7643; userName and e-mail are not."""
REDACTED = {"redacted": True}
"""Stands in documents for what no output shows."""


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

    `columns` are the mappings; `paths` the snapshot's. Columns that flow on creation only, those that the profile
    ignores, and paths that are `unread` are never compared. `account` gives the id that a reference means; None: there
    is none yet.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        paths: Sequence[str],
        comparison: Comparison,
        account: Callable[[Reference], str | None] = lambda _: None,
        unread: Collection[str] = (),
    ) -> None:
        self.account = account
        self.compared: list[tuple[int, int, Column, Rule]] = []
        for position, column in enumerate(columns):
            rule = comparison.rule(parse_path(column.path))
            if rule.compared and not column.on_create and column.path not in unread:
                self.compared.append((position, paths.index(column.path), column, rule))

    def differences(self, want: Sequence[Flow], have: Sequence[Value]) -> Differences:
        """Every wanted value that the application does not hold.

        Redacted values and references stand in it as they are; of what is added to, the whole of both.
        """
        found: Differences = []
        for position, live, column, rule in self.compared:
            after, before = want[position], have[live]
            if after is UNSET or (after == before and after.__class__ is before.__class__):
                continue
            if column.additive:
                if not same_elements(_bare(after), before, additive=True):
                    found.append((column, before, _joined(after, before)))
            elif not rule.same(self._plain(after), before):
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
