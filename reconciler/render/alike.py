"""Many people who change in the same way: one line, since one mapping is behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from reconciler.model.plan import Change, Difference, RenameUser, UpdateUser
from reconciler.render.lines import Line, Telling
from reconciler.render.marks import place, said, value, whom
from reconciler.render.origins import came

MANY = 5
"""People from which on a reviewer sees one line for all of them."""
MANY_NAMES = 30
"""The same, of people who sign in with another name: each of these is worth a look."""
NAMED = 2


def grouped(lines: Mapping[str, Line], changes: Sequence[Change], telling: Telling) -> list[Line]:
    """The lines of a section, those of many people who change at the same paths as one. With `everybody` all are
    listed below it. Nobody is left out of a count.
    """
    alike: dict[tuple[str, str, tuple[str, ...]], list[UpdateUser | RenameUser]] = {}
    times: dict[str, int] = {}
    for change in changes:
        times[change.key] = times.get(change.key, 0) + (change.key in lines and hasattr(change, "set"))
    for change in changes:
        if isinstance(change, (UpdateUser, RenameUser)) and change.key in lines and times[change.key] == 1:
            alike.setdefault((change.action, came(change), tuple(sorted(change.set))), []).append(change)
    many = [people for people in alike.values() if len(people) >= _enough(people[0])]
    together = {change.key for people in many for change in people}
    return [
        *(_together(people, telling) for people in many),
        *(line for key, line in lines.items() if key not in together),
    ]


def _enough(change: UpdateUser | RenameUser) -> int:
    return MANY_NAMES if isinstance(change, RenameUser) else MANY


def _together(people: Sequence[UpdateUser | RenameUser], telling: Telling) -> Line:
    first, paths = people[0], sorted(people[0].set)
    names = ", ".join(whom(change.key) for change in islice(people, NAMED))
    fact = f"{len(people):,} people, such as {names}, …{came(first)}"
    line = Line("~", ", ".join(said(path) for path in paths), [fact], keys=[change.key for change in people])
    line.below += _facts(people, paths) if telling.values else ()
    if len(paths) == 1 and line.below:
        line.facts[0] += f"  {line.below.pop()}"
    if telling.everybody:
        line.everybody = [_one(change, telling) for change in people]
    return line


def _facts(people: Sequence[UpdateUser | RenameUser], paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        before, after = (_common([getattr(c.set[path], side) for c in people]) for side in ("before", "after"))
        if before and after:
            fact = f"{before} → {after}"
        elif after:
            fact = f"all to {after}"
        else:
            fact = f"such as {_change(people[0].set[path])}"
        yield f"{said(path)}  {fact}" if len(paths) > 1 else fact


def _common(values: Sequence[object]) -> str:
    """How the value that all of them are is shown; empty if they differ."""
    return value(values[0]) if all(each == values[0] for each in values) else ""


def _change(difference: Difference) -> str:
    return f"{value(difference.before)} → {value(difference.after)}"


def _one(change: UpdateUser | RenameUser, telling: Telling) -> str:
    facts = [_change(change.set[path]) for path in sorted(change.set)] if telling.values else []
    source = f"   {place(change.source)}" if change.source else ""
    return f"{whom(change.key)}  {', '.join(facts)}{source}"
