"""From a table to people. A row is taken whole or refused with its line and why; nobody is there twice.

Refused is what would have to be guessed: two rows that could be one person, whether somebody still works here, which
of two numbers is the month. A manager whom nobody knows is left out, and told: no access hangs on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.errors import Place, ReconcilerError
from reconciler.model.directory import User
from reconciler.model.settings import CustomAttribute
from reconciler.sources.csv.cells import Unusable
from reconciler.sources.csv.columns import Columns
from reconciler.sources.csv.managers import Managers
from reconciler.sources.csv.present import Present
from reconciler.sources.csv.rows import IDENTIFYING, Person, Reading, Refusal
from reconciler.sources.csv.table import Table
from reconciler.sources.draft import Draft, Record, Refused
from reconciler.sources.naming import id_of

Step = Callable[[int], None]
"""Called with the number of rows read."""
_EVERY: Final = 1000


@dataclass(slots=True)
class Found:
    """What a table holds: the draft, and for whoever corrects the table what was refused, by line."""

    draft: Draft
    refusals: list[Refusal]
    rows: int


def people_of(
    table: Table,
    columns: Columns,
    custom: Mapping[str, CustomAttribute],
    existing: Mapping[str, User],
    step: Step = lambda _: None,
) -> Found:
    """Reads all rows. `existing`: who is described already, by id; whoever of the table is one of them has that id.

    Raises ReconcilerError if no column tells people apart, or the table can't be read to its end.
    """
    given = {name for column in columns.used for name in column.attributes}
    if not given & set(IDENTIFYING):
        raise ReconcilerError(
            "no column tells people apart: an id, a user principal name, a mail or an employee number",
            hint="say which one does: --column 'HEADING=mail'; its headings are taken from line "
            f"{table.line}, separated by {table.delimiter!r}",
            place=Place(table.name, table.line),
        )
    reading = Reading(table, columns, custom)
    for line, row in table.rows():
        reading.row(line, row)
        if reading.rows % _EVERY == 0:
            step(reading.rows)
    reading.decide_dates()
    people, names = _known_again(reading, existing)
    if links := [name for name in sorted(given) if _is_reference(name, custom)]:
        _link(people, names, links, existing, reading)
    refusals = sorted(reading.refusals, key=lambda refusal: refusal.line)
    draft = Draft(
        users={
            one: _record(one, person, new=one not in existing)
            for one, person in sorted(zip(names, people, strict=True), key=_first)
        },
        complete=all(refusal.taken for refusal in refusals),
        refused=[Refused(f"{table.name}:{one.line}", one.why, one.remedy) for one in refusals],
        notes=list(_notes(table, given, reading)),
    )
    return Found(draft, refusals, reading.rows)


def _first(pair: tuple[str, Person]) -> str:
    return pair[0]


def _is_reference(name: str, custom: Mapping[str, CustomAttribute]) -> bool:
    return name == "manager" or (name in custom and custom[name].type == "reference")


def _known_again(reading: Reading, existing: Mapping[str, User]) -> tuple[list[Person], list[str]]:
    """Who is left, and the id of each: that of the table, that of whoever is described already, else a new one.

    The order of rows does not matter: whoever shares a name gets it in the order of own numbers. A new id is never
    that of somebody described: namesakes are other people.
    """
    present = Present(existing.values())
    found: dict[int, str] = {}
    lines: dict[str, Person] = {}
    for person in reading.people:
        if person.refused:
            continue
        try:
            identity = str(person.values.get("id", "")) or present.of(person.values)
        except Unusable as error:
            reading.refuse(person, error)
            continue
        if identity and (other := lines.setdefault(identity, person)) is not person:
            for one, two in ((other, person), (person, other)):
                if not one.refused:
                    why = f"line {two.line} and this are both `{identity}` of the desired state"
                    reading.refuse(one, Unusable(why, "one of them is somebody else: correct it"))
            continue
        found[person.line] = identity
    people = [person for person in reading.people if not person.refused]
    taken = {*existing, *filter(None, found.values())}
    for person in sorted(people, key=lambda person: person.own):
        if not found[person.line]:
            found[person.line] = id_of(_name(person), person.own, taken)
            taken.add(found[person.line])
    return people, [found[person.line] for person in people]


def _name(person: Person) -> str:
    """What the id is made of: the name somebody signs in with, in whole or before the @."""
    values = person.values
    for attribute in ("userPrincipalName", "mail"):
        if local := str(values.get(attribute, "")).partition("@")[0]:
            return local
    return str(values.get("displayName") or values["employeeId"])


def _link(
    people: list[Person],
    names: list[str],
    links: list[str],
    existing: Mapping[str, User],
    reading: Reading,
) -> None:
    """Cells that name people become their ids. Nobody is their own manager."""
    managers = Managers(existing.values())
    for person, identity in zip(people, names, strict=True):
        managers.add(identity, {**person.values, "id": identity})
    for refusal in reading.refusals:
        managers.refuse(refusal.line, reading.identifying(refusal.cells))
    for person, identity in zip(people, names, strict=True):
        for link in links:
            named = person.values.pop(link, None)
            found = []
            for one in named if isinstance(named, list) else [named] if named else []:
                try:
                    other = managers.find(one)
                except Unusable as error:
                    reading.leave_out(person, f"{link}: {error.why}", error.remedy)
                    continue
                if other != identity:
                    found.append(other)
            if found:
                person.values[link] = list(dict.fromkeys(found)) if isinstance(named, list) else found[0]


def _record(identity: str, person: Person, *, new: bool) -> Record:
    """Whoever is new is enabled unless a file says otherwise."""
    values = {name: value for name, value in person.values.items() if name != "id"}
    if new and values.get("accountEnabled") is True:
        del values["accountEnabled"]
    return Record(identity, values, where=f"line {person.line}")


def _notes(table: Table, given: Collection[str], reading: Reading) -> Iterator[str]:
    if table.encoding.guessed:
        yield f"read as {table.encoding.title}, which the file does not say: --encoding names another"
    if reading.same:
        yield f"{_rows(reading.same)} twice in the table, cell by cell: taken once"
    if reading.made_up:
        yield "no column gives displayName: it is made of givenName and surname"
    if "userPrincipalName" not in given and "mail" in given:
        yield (
            "no column gives userPrincipalName, which most applications' mappings read. If people sign in with their "
            "mail: --column 'HEADING=mail,userPrincipalName'"
        )
    if "accountEnabled" not in given:
        yield "no column says who still works here: all are taken as enabled"


def _rows(number: int) -> str:
    return "1 row is" if number == 1 else f"{number:,} rows are"
