"""Mappings backwards: from what an application holds of somebody to attributes that give exactly that again.

Nothing is believed: a value is taken over only if the mapping itself, run forwards on it, gives what the application
has. So tables of values and expressions of one attribute are inverted too, where that can be done at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.model.clauses import as_text
from reconciler.model.comparison import Rule, truth
from reconciler.model.described import Source, Way
from reconciler.model.directory import COMPUTED, MULTI_VALUED
from reconciler.model.mapping import Mapping as Written
from reconciler.model.schema import is_active
from reconciler.model.values import UNSET, Reference, UserId, Value, is_null

_NEVER: Final = frozenset({*COMPUTED, "accountEnabled"})
"""Attributes that an account can't tell: computed ones, and what `active` says."""


@dataclass(slots=True)
class Inverted:
    """Attributes that were found, and what the mappings would change of the account all the same."""

    values: dict[str, Value] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    """One sentence a target. May hold names of the application."""
    misfits: list[str] = field(default_factory=list)
    """Targets that would get what they can't take: files that say this have errors."""


@dataclass(frozen=True, slots=True)
class Inversion:
    """All mappings of people, or of groups. `kinds`: custom attribute → its type, as reconciler.yaml has it."""

    ways: Sequence[Way]
    kinds: Mapping[str, str] = field(default_factory=dict)
    multi_valued: frozenset[str] = MULTI_VALUED

    @property
    def refers(self) -> bool:
        """Whether an attribute names another person: then everybody has to be known first."""
        named = {"manager", *(name for name, kind in self.kinds.items() if kind == "reference")}
        return any(not named.isdisjoint(way.reads) for way in self.ways)

    @property
    def computed(self) -> list[str]:
        """Targets that are never compared: the application makes of them what it likes."""
        return [way.path.text for way in self.ways if not (way.rule.compared or is_active(way.path))]

    def of(
        self, live: Mapping[str, Value], prior: Source, owners: Callable[[str], UserId | None] = lambda _: None
    ) -> Inverted:
        """`live`: path → the application's value. `prior`: what is known of the person already, the computed
        attributes with it; as far as that gives what the application has it stays. `owners`: whose an account id is.
        """
        found = Inverted()
        source = dict(prior)
        for way in self._in_order():
            have = live.get(way.path.text)
            if is_null(have) or _is_default(way.rule, have) or _fits(way, source, have, owners):
                continue
            for name, value in self._candidates(way, have, owners):
                trial = {**source, name: value}
                if name not in found.values and _fits(way, trial, have, owners):
                    source, found.values[name] = trial, value
                    break
        for way in self.ways:
            self._check(way, source, live.get(way.path.text), owners, found)
        return found

    def _in_order(self) -> list[Way]:
        """What tells accounts apart first, then what is certain, expressions and what the application makes last."""
        usable = [way for way in self.ways if not (is_active(way.path) or way.redacts)]
        return sorted(
            usable,
            key=lambda way: (way.written.matching or 1_000_000, not way.rule.compared, way.written.source is None),
        )

    def _candidates(self, way: Way, have: Value, owners: Callable[[str], UserId | None]) -> Iterator[tuple[str, Value]]:
        names = [name for name in way.reads if name not in _NEVER]
        stored = [sent for sent, kept in way.rule.values.items() if kept == have]
        for name in names:
            for value in (have, *stored):
                for each in _before(way.written, value):
                    usable = self._as_source(name, each, owners)
                    if usable is not None:
                        yield name, usable

    def _as_source(self, name: str, value: Value, owners: Callable[[str], UserId | None]) -> Value:
        """In the type that a file has for the attribute; None where it can't stand in one."""
        kind = self.kinds.get(name, "string")
        if name in self.multi_valued:
            values = value if isinstance(value, tuple | list) else (value,)
            return tuple(as_text(each) for each in values) if all(map(_writable, values)) else None
        if isinstance(value, tuple | list | dict) or not _writable(value):
            return None
        if name == "manager" or kind == "reference":
            return owners(str(value))
        if kind == "boolean":
            return truth(value)
        if kind == "integer":
            return int(value) if str(value).lstrip("-").isdecimal() and len(str(value)) < 19 else None
        return as_text(value)

    def _check(
        self,
        way: Way,
        source: Source,
        have: Value,
        owners: Callable[[str], UserId | None],
        found: Inverted,
    ) -> None:
        if is_active(way.path) or not way.rule.compared or way.written.apply == "onCreate":
            return
        if _fits(way, source, have, owners):
            return
        fits, want = way.flow(source)
        if not fits:
            found.misfits.append(way.path.text)
        elif way.redacts:
            found.lost.append(f"{way.path.text}: what the mapping makes differs from what the application has")
        elif want is UNSET or is_null(want):
            if not (is_null(have) or _is_default(way.rule, have)):
                found.lost.append(f"{way.path.text} is {_shown(have)} in the application: no attribute can say that")
        else:
            held = _shown(have) if not is_null(have) else "nothing"
            found.lost.append(f"{way.path.text} is {held} in the application, and the mapping makes {_shown(want)}")


def _fits(way: Way, source: Source, have: Value, owners: Callable[[str], UserId | None]) -> bool:
    """Whether a plan would find nothing to write. What does not flow leaves the application as it is; but a value
    that is there, and that nobody describes, is still to be taken over: that is no fit.
    """
    fits, want = way.flow(source)
    if not fits:
        return False
    if isinstance(want, Reference):
        return owners(str(have)) == want.user if not is_null(have) else False
    if want is UNSET:
        return is_null(have)
    return way.rule.same(want, have)


def _is_default(rule: Rule, have: Value) -> bool:
    """What the application says where nothing was sent."""
    return rule.default is not None and rule.same(None, have)


def _before(written: Written, value: Value) -> Iterator[Value]:
    """What the table of values may have had: itself if it stays itself, then the shortest that gives it."""
    table = written.values
    if table is None:
        yield value
        return
    text = as_text(value) if not isinstance(value, tuple | list | dict) else ""
    alike = [key for key, made in table.items() if made == value or as_text(made) == text]
    yield from sorted(alike, key=lambda key: (key != text, len(key), key))
    if written.otherwise == "keep" and text not in table:
        yield value


def _writable(value: Any) -> bool:
    """Whether a file can hold it: YAML has no lone surrogates and no null characters."""
    if not isinstance(value, str):
        return isinstance(value, bool | int | float)
    return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


def _shown(value: Value) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    return text if len(text) <= 100 else f"{text[:99]}…"
