"""Lines of a long plan, gathered: first those that say the same, then by the app's groups and by department."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from reconciler.render.figures import plural
from reconciler.render.lines import Line
from reconciler.render.marks import said

K = TypeVar("K")
ENOUGH = 5
"""Lines from which on one is enough for all."""
FEW, MOST = 8, 40
"""Names in one line."""


def alike(lines: Sequence[Line]) -> list[Line]:
    """Everybody of whom the same is said in one line, with their names."""
    same: dict[tuple[object, ...], list[Line]] = {}
    for line in lines:
        same.setdefault((line.sign, line.text, tuple(line.below), line.answer, bool(line.who)), []).append(line)
    return [row for found in same.values() for row in _rows(found)]


def _rows(found: Sequence[Line]) -> Sequence[Line]:
    first = found[0]
    if len(found) < ENOUGH or not first.who:
        return found
    keys = [key for line in found for key in line.keys]
    return [
        Line(first.sign, "", [f"{_people(found)}: {first.text}"], below=first.below, keys=keys, answer=first.answer,
             names=[line.who for line in found])
    ]  # fmt: skip


def by_group(lines: Sequence[Line]) -> list[Line]:
    """What happens, and to how many; then each group with how many join or leave it. Names only as examples."""
    whole = [line for line in lines if not line.who]
    happens: dict[tuple[str, str], list[Line]] = {}
    moves: dict[tuple[str, str, str], list[Line]] = {}
    for line in lines:
        if line.who:
            fact = ", ".join(line.facts) or ("" if line.groups else "attributes change")
            if fact:
                happens.setdefault((line.sign, f"{fact}{_in(line.department)}"), []).append(line)
            for verb, groups in line.groups.items():
                for group in groups:
                    moves.setdefault((line.sign, verb, group), []).append(line)
    return [
        *whole,
        *(_example(sign, fact, found) for (sign, fact), found in _largest(happens)),
        *(_example(sign, f"{_verb(verb, found)} {group}", found) for (sign, verb, group), found in _largest(moves)),
    ]


def _largest(found: dict[K, list[Line]]) -> list[tuple[K, list[Line]]]:
    return sorted(found.items(), key=lambda item: -len(item[1]))


def _in(department: str) -> str:
    return f", in {said(department)}" if department else ""


def _verb(verb: str, found: Sequence[Line]) -> str:
    return verb if len(found) == 1 else {"joins": "join", "leaves": "leave"}[verb]


def _example(sign: str, fact: str, found: Sequence[Line]) -> Line:
    if len(found) == 1:
        line = found[0]
        return Line(sign, line.who, [fact], keys=line.keys, source=line.source)
    link = " " if fact.startswith(("join ", "leave ")) else ": "
    return Line(sign, "", [f"{_people(found)}{link}{fact}"], keys=[key for line in found for key in line.keys],
                names=[line.who for line in found])  # fmt: skip


def _people(found: Sequence[Line]) -> str:
    groups = sum(1 for line in found if line.keys and line.keys[0].startswith(("group:", "appGroup:")))
    if groups == len(found):
        return f"{groups:,} {plural(groups, 'group', 'groups')}"
    return f"{len(found):,} {plural(len(found), 'person', 'people')}"


def counted(lines: Iterable[Line]) -> int:
    """People, groups and questions that the lines are about, as the count of a part has them."""
    return sum(max(len(line.names), 1) for line in lines)
