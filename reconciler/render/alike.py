"""Many people who change in the same way: one line, since one mapping is behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from reconciler.model.plan import Change, Difference, UpdateUser
from reconciler.render.lines import Line, place, who
from reconciler.render.origins import came
from reconciler.render.safe import quoted, safe

MANY = 5
"""People from which on a reviewer sees one line for all of them."""
NAMED = 2


def grouped(lines: Mapping[str, Line], changes: Sequence[Change], *, verbose: bool) -> list[Line]:
    """The lines of a section, those of at least MANY people who change at the same paths as one. `verbose` lists
    everybody below it. Nobody is left out of a count.
    """
    alike: dict[tuple[str, tuple[str, ...]], list[UpdateUser]] = {}
    times: dict[str, int] = {}
    for change in changes:
        times[change.key] = times.get(change.key, 0) + (change.key in lines and hasattr(change, "set"))
    for change in changes:
        if isinstance(change, UpdateUser) and change.key in lines and times[change.key] == 1:
            alike.setdefault((came(change), tuple(sorted(change.set))), []).append(change)
    many = [people for people in alike.values() if len(people) >= MANY]
    together = {change.key for people in many for change in people}
    return [
        *(_together(people, verbose=verbose) for people in many),
        *(line for key, line in lines.items() if key not in together),
    ]


def _together(people: Sequence[UpdateUser], *, verbose: bool) -> Line:
    first, paths = people[0], sorted(people[0].set)
    drift = came(first)
    names = ", ".join(who(change.key) for change in islice(people, NAMED))
    line = Line("~", ", ".join(safe(path) for path in paths), [f"{len(people):,} people, such as {names}, …{drift}"])
    for path in paths:
        before, after = (_common([getattr(c.set[path], side) for c in people]) for side in ("before", "after"))
        if before and after:
            fact = f"{before} → {after}"
        elif after:
            fact = f"all to {after}"
        else:
            fact = f"such as {_change(first.set[path])}"
        line.below.append(f"{safe(path)}  {fact}" if len(paths) > 1 else fact)
    if len(paths) == 1:
        line.facts[0] += f"  {line.below.pop()}"
    if verbose:
        line.below += [_one(change) for change in people]
    return line


def _common(values: Sequence[object]) -> str:
    """How the value that all of them are is shown; empty if they differ."""
    return quoted(values[0]) if all(value == values[0] for value in values) else ""


def _change(difference: Difference) -> str:
    return f"{quoted(difference.before)} → {quoted(difference.after)}"


def _one(change: UpdateUser) -> str:
    facts = [_change(change.set[path]) for path in sorted(change.set)]
    source = f"   {place(change.source)}" if change.source else ""
    return f"{who(change.key)}  {', '.join(facts)}{source}"
