"""The rows of a table, one after the other: each becomes a person or a refusal, and nobody is there twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from reconciler.errors import ReconcilerError
from reconciler.model.directory import DATES, MULTI_VALUED
from reconciler.model.settings import CustomAttribute
from reconciler.model.window import EXAMPLE, between
from reconciler.sources.csv import cells
from reconciler.sources.csv.columns import Column, Columns, Dates
from reconciler.sources.csv.table import Table
from reconciler.sources.draft import Values

IDENTIFYING: Final = ("id", "userPrincipalName", "mail", "employeeId")
"""By one of these a person is known again."""
TITLES: Final = {"id": "id", "userPrincipalName": "user principal name", "mail": "mail", "employeeId": "employee id"}
MAX_ROWS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """`taken`: only a value was left out. `cells` are those of the row."""

    line: int
    why: str
    remedy: str
    cells: Sequence[str]
    taken: bool = False


@dataclass(slots=True)
class Person:
    line: int
    cells: list[str]
    values: Values
    refused: bool = False

    @property
    def own(self) -> str:
        """What tells this person from others with the same name, whatever else the table holds."""
        known = ((name, self.values.get(name)) for name in ("employeeId", "userPrincipalName", "mail"))
        return next((f"{name}:{value}".casefold() for name, value in known if value), "")


class Reading:
    """Rows so far: each becomes a person or a refusal; whoever is there twice becomes refusals, all of them."""

    def __init__(self, table: Table, columns: Columns, custom: Mapping[str, CustomAttribute]) -> None:
        self.width = len(table.headings)
        self.people: list[Person] = []
        self.refusals: list[Refusal] = []
        self.rows = 0
        self.same = 0
        """Rows that say what another says, cell by cell."""
        self.made_up = 0
        self._days: dict[str, set[str]] = {}
        """Attribute → cells of its column, where nobody said how dates are written."""
        self._open: list[tuple[Person, str, str, str]] = []
        self._takers = [
            (column.number, column.heading, name, self._cleaner(column, name, custom))
            for column in columns.used
            for name in column.attributes
        ]
        given = {name for _, _, name, _ in self._takers}
        self._builds_names = "displayName" not in given and given >= {"givenName", "surname"}
        self._has_windows = bool(given & {"from", "until"})
        self._keys = [name for name in IDENTIFYING if name in given]
        self._owners: dict[tuple[str, str], Person] = {}

    def _cleaner(self, column: Column, name: str, custom: Mapping[str, CustomAttribute]) -> cells.Cleaner:
        told = column.told
        declared = custom.get(name)
        kind = declared.type if declared else "boolean" if name == "accountEnabled" else "string"
        if kind == "date" or name in DATES or name in ("from", "until"):
            return self._dates(name, told.dates if told else None)
        if kind == "boolean":
            active, inactive = (told.active, told.inactive) if told else (frozenset(), frozenset())
            clean = cells.remembered(cells.truth(active, inactive, required=name == "accountEnabled"))
        elif kind == "integer":
            clean = cells.whole
        else:
            clean = cells.identifier if name == "id" else cells.text(name)
        if name in MULTI_VALUED or (declared and declared.multi_valued):
            return cells.several(clean, commas=name in MULTI_VALUED)
        return clean

    def _dates(self, name: str, order: Dates | None) -> cells.Cleaner:
        clean = cells.remembered(cells.day(order))
        if order:
            return clean
        seen = self._days.setdefault(name, set())

        def noted(cell: str) -> Any:
            seen.add(cell)
            return clean(cell)

        return noted

    def row(self, line: int, row: list[str]) -> None:
        self.rows += 1
        if self.rows > MAX_ROWS:
            raise ReconcilerError(f"more than {MAX_ROWS:,} rows", hint="split the file")
        if len(row) > self.width and not any(cell.strip() for cell in row[self.width :]):
            row = row[: self.width]
        if len(row) != self.width:
            why = f"{len(row)} cells, and {self.width} headings"
            self._refuse(line, row, why, "a value that holds the separator needs quotes around it")
            return
        person = Person(line, row, {})
        wrong: list[cells.Unusable] = []
        for number, heading, name, clean in self._takers:
            try:
                value = clean(row[number])
            except cells.AmbiguousDate:
                self._open.append((person, heading, name, row[number]))
                continue
            except cells.Unusable as error:
                wrong.append(cells.Unusable(f"{heading}: {error.why}", error.remedy))
                continue
            if value is not None:
                person.values[name] = value
        if wrong:
            remedies = dict.fromkeys(error.remedy for error in wrong if error.remedy)
            self._refuse(line, row, "; ".join(error.why for error in wrong), "; ".join(remedies))
            person.refused = True
            return
        self._known_by(person)

    def _known_by(self, person: Person) -> None:
        """Who this is: nobody else, as far as ids, addresses and numbers tell."""
        values = person.values
        keys = [(name, str(values[name]).casefold()) for name in self._keys if name in values]
        if not keys:
            names = " nor ".join(TITLES[name] for name in self._keys)
            self._refuse(person.line, person.cells, f"no {names}: nothing tells who this is", "fill one in")
            return
        first = next((self._owners[key] for key in keys if key in self._owners), None)
        if first is None:
            self._owners.update(dict.fromkeys(keys, person))
            if self._builds_names and (name := " ".join(filter(None, map(values.get, ("givenName", "surname"))))):
                values["displayName"] = name
                self.made_up += 1
            self.people.append(person)
            return
        if first.cells == person.cells:
            self.same += 1
            return
        for key in keys:
            other = self._owners.setdefault(key, person)
            if other is not person:
                self._twice(key[0], other, person)

    def _twice(self, name: str, first: Person, second: Person) -> None:
        remedy = "leave the row that holds, and give each person an own one"
        for one, other in ((first, second), (second, first)):
            if not one.refused:
                one.refused = True
                what = f"the {TITLES[name]} `{one.values[name]}` is in line {other.line} too"
                self._refuse(one.line, one.cells, what, remedy)

    def decide_dates(self) -> None:
        """Of dates that can be read in two ways: as the rest of their column is, else they are refused. After the last
        row.
        """
        orders = {name: cells.order_of(days) for name, days in self._days.items()}
        for person, heading, name, cell in self._open:
            try:
                person.values[name] = cells.day(orders[name])(cell)
            except cells.Unusable as error:
                if not person.refused:
                    self.refuse(person, cells.Unusable(f"{heading}: {error.why}", error.remedy))
        if self._has_windows:
            for person in self.people:
                if not person.refused and (why := _never(person.values)):
                    self.refuse(person, cells.Unusable(why, EXAMPLE))

    def _refuse(self, line: int, row: Sequence[str], why: str, remedy: str, *, taken: bool = False) -> None:
        self.refusals.append(Refusal(line, why, remedy, row, taken))

    def refuse(self, person: Person, error: cells.Unusable) -> None:
        """Somebody who was read, and turns out not to be usable."""
        person.refused = True
        self._refuse(person.line, person.cells, error.why, error.remedy)

    def leave_out(self, person: Person, why: str, remedy: str) -> None:
        """A value that could not be used, of a person who is taken without it."""
        self._refuse(person.line, person.cells, why, f"{remedy}; the rest of the row was taken", taken=True)

    def identifying(self, row: Sequence[str]) -> Values:
        """What a row that was refused says of who it is, as it stands there."""
        return {
            name: row[number].strip()
            for number, _, name, _ in self._takers
            if name in (*IDENTIFYING, "displayName") and number < len(row)
        }


def _never(values: Values) -> str:
    """Why `from` and `until` are no window in which anything could hold, or ""."""
    from_, until = str(values.get("from", "")), str(values.get("until", ""))
    try:
        window = between(from_, until, UTC)
    except ValueError:
        return (
            f"`{from_}` and `{until}` are no days, nor times with an offset"
            if from_ and until
            else (f"`{from_ or until}` is no day, nor a time with an offset")
        )
    return f"until {until}, which is not after {from_}" if window.empty else ""
