"""All mappings of one kind, compiled: the columns of a table, and the rows that they make of people and groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.errors import ExpressionError, Place
from reconciler.model.desired import Column
from reconciler.model.mapping import Mapping as Written
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile
from reconciler.model.schema import Schema, is_active
from reconciler.model.values import UNSET, Flow, Value
from reconciler.project.conform import Misfit
from reconciler.project.expressions.context import NOTHING_KNOWN, Context
from reconciler.project.findings import Findings
from reconciler.project.mapping import Compiled, Kind, Source, compile_mapping
from reconciler.project.sources import SOFT

_ACTIVE = "active"


class Columns:
    """Compiled mappings, aligned with the columns of the table that they fill."""

    def __init__(
        self,
        kind: Kind,
        written: Iterable[Written],
        profile: Profile,
        known: Schema,
        findings: Findings,
        context: Context = NOTHING_KNOWN,
    ) -> None:
        self.kind = kind
        self.findings = findings
        self.all = [compile_mapping(each, kind, profile, known, findings, context) for each in written]
        if kind == "users":
            self._ensure_active(can_deactivate=profile.users.deactivate)
        self._flows = [each.flow for each in self.all]
        self._soft = [each.column.soft for each in self.all]
        places = [n for n, each in enumerate(self.all) if each.column.matching]
        self.matching = sorted(places, key=lambda n: self.all[n].column.matching)
        """Positions of the matching columns, by precedence."""

    def _ensure_active(self, *, can_deactivate: bool) -> None:
        """Where no mapping reads IsSoftDeleted, deactivation is plain `active: false`, if the application has it."""
        if any(each.column.soft for each in self.all):
            return
        active = next((each for each in self.all if is_active(each.path)), None)
        if active is None and not can_deactivate:
            return
        if active is None:
            column = Column(path=_ACTIVE, soft=True)
            place = self.findings.place("mappings.users")
            self.all.append(Compiled(column, parse_path(_ACTIVE), _not_soft, place, frozenset((SOFT,))))
            return
        own = active.flow
        active.column.soft, active.column.on_create = True, False
        active.flow = lambda source: False if source.get(SOFT) == "True" else own(source)

    @property
    def table(self) -> tuple[Column, ...]:
        return tuple(each.column for each in self.all)

    def row(self, name: str, source: Source) -> tuple[tuple[Flow, ...], bool]:
        """What flows to every column, and whether all of it fits.

        Values that don't go to the findings, with `name`, and don't flow.
        """
        try:
            return tuple([flow(source) for flow in self._flows]), True
        except (Misfit, ExpressionError):
            return tuple([self._told(each, name, source) for each in self.all]), False

    def soft_row(self, name: str, source: Source) -> tuple[Flow, ...]:
        """What flows on deactivation: only the columns that read IsSoftDeleted."""
        return tuple(
            [self._told(each, name, source) if soft else UNSET for each, soft in zip(self.all, self._soft, strict=True)]
        )

    def off(self) -> tuple[Flow, ...]:
        """The same where nothing is known of the person. What needs an attribute does not flow then."""
        return tuple(
            [
                _quiet(each, {SOFT: "True"}, False if is_active(each.path) else UNSET) if each.column.soft else UNSET
                for each in self.all
            ]
        )

    def match(self, row: tuple[Flow, ...]) -> tuple[Value, ...]:
        return tuple([None if row[n] is UNSET else row[n] for n in self.matching])

    def match_alone(self, source: Source) -> tuple[Value, ...]:
        """The matching values of somebody who is not wanted: nothing depends on whether they fit."""
        return tuple([None if (v := _quiet(self.all[n], source, None)) is UNSET else v for n in self.matching])

    def former(self, source: Source, entries: tuple[dict[str, Value], ...]) -> tuple[tuple[Flow, ...], ...]:
        """The matching values under each earlier identity; UNSET where that entry changes nothing."""
        return tuple(tuple(self._earlier(source, entry)) for entry in entries)

    def _earlier(self, source: Source, entry: Mapping[str, Value]) -> Iterator[Flow]:
        overlaid = {**source, **entry}
        for n in self.matching:
            each = self.all[n]
            yield UNSET if each.reads.isdisjoint(entry) else _quiet(each, overlaid, UNSET)

    def _told(self, each: Compiled, name: str, source: Source) -> Flow:
        try:
            return each.flow(source)
        except Misfit as error:
            message, hint = error.message, error.hint
        except ExpressionError as error:
            message, hint = error.message, error.hint
        target = each.column.path
        self.findings.add_many(f"{self.kind} → {target}", each.place, f"{target} of {name}: {message}", hint)
        return UNSET

    def attribute_of(self, n: int) -> str:
        """The attribute whose line a column's value stands on; of an expression the first it reads."""
        each = self.all[n]
        return each.column.source or next(iter(sorted(each.reads)), "")

    def find(self, path: str) -> int | None:
        """The column of a path; a path without a value filter also finds the one with."""
        wanted = parse_path(path)
        for n, each in enumerate(self.all):
            if each.path.canonical == wanted.canonical:
                return n
        return next((n for n, each in enumerate(self.all) if each.path.schema_name == wanted.schema_name), None)

    def place(self, n: int) -> Place:
        return self.all[n].place


def _not_soft(source: Source) -> Flow:
    return source.get(SOFT) != "True"


def _quiet(each: Compiled, source: Source, otherwise: Flow) -> Flow:
    try:
        return each.flow(source)
    except (Misfit, ExpressionError):
        return otherwise
