"""Groups that an end of access empties: their last effective member leaves by a window, whenever that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

from reconciler.errors import Place, Problem
from reconciler.model.directory import Directory, Group
from reconciler.model.values import GroupId
from reconciler.model.window import ALWAYS, Window
from reconciler.project.membership import Nesting
from reconciler.project.rules import Rules

SHOWN: Final = 20
"""Groups that are told one by one; of the rest the number is told."""
_PIECES: Final = 64
"""Of a group with more stretches only the first and the last are looked at from outside."""
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of time in which somebody is in a group."""

    opens: datetime
    closes: datetime
    until: str = ""
    line: int = 0
    """Of the entry that holds to its end."""


_Pieces: TypeAlias = tuple[Piece, ...]
_FULL: Final[_Pieces] = (Piece(_FIRST, _LAST),)


def emptied(directory: Directory) -> list[Problem]:
    """A warning for each group that has members, and none after some day, or none for a while; and rules that can't be
    tried, as `project` tells them.
    """
    problems: list[Problem] = []
    rules = Rules(directory, lambda place, message: problems.append(Problem(place, message)))
    found = list(_emptied(directory, rules))
    problems += [_problem(group, before, after) for group, before, after in found[:SHOWN]]
    if len(found) > SHOWN:
        place = problems[-1].place
        problems.append(Problem(place, f"and {len(found) - SHOWN:,} more groups are emptied so", severity="warning"))
    return problems


def _emptied(directory: Directory, rules: Rules) -> Iterator[tuple[Group, Piece, Piece | None]]:
    """The group, its stretch that is over first, and the one that follows, if one does."""
    if not _has_windows(directory):
        return
    nesting = Nesting(directory, rules=rules)
    covered: dict[GroupId, _Pieces] = {}
    for identity in nesting.inside_first(directory.groups):
        pieces = covered[identity] = _cover(directory, nesting, identity, covered)
        if pieces and pieces[0].closes != _LAST:
            yield directory.groups[identity], pieces[0], pieces[1] if len(pieces) > 1 else None


def _has_windows(directory: Directory) -> bool:
    return any(user.window is not ALWAYS for user in directory) or any(
        entry.window is not ALWAYS for group in directory.groups.values() for entry in group.members
    )


def _cover(directory: Directory, nesting: Nesting, identity: GroupId, covered: dict[GroupId, _Pieces]) -> _Pieces:
    """When somebody is in a group: joined where they meet, in order."""
    pieces: list[Piece] = []
    for each in _pieces(directory, nesting, directory.groups[identity], covered):
        if each.opens == _FIRST and each.closes == _LAST:
            return _FULL
        pieces.append(each)
    joined: list[Piece] = []
    for each in sorted(pieces, key=lambda piece: (piece.opens, piece.closes, piece.line)):
        if not joined or each.opens > joined[-1].closes:
            joined.append(each)
        elif each.closes > joined[-1].closes:
            joined[-1] = Piece(joined[-1].opens, each.closes, each.until, each.line)
    return tuple(joined)


def _pieces(directory: Directory, nesting: Nesting, group: Group, covered: dict[GroupId, _Pieces]) -> Iterator[Piece]:
    seen: set[tuple[int, int]] = set()
    for entry in group.members:
        if entry.user is not None:
            user = directory.users.get(entry.user)
            if user is None or not user.enabled:
                continue  # who keeps no group staffed
            windows = id(entry.window), id(user.window)  # many share theirs: one of them stands for all
            if windows not in seen:
                seen.add(windows)
                yield from _both(_piece(user.window, entry.line), entry.window, entry.line)
        elif entry.group is not None:
            inner = covered.get(entry.group, ())
            if len(inner) > _PIECES:
                inner = (Piece(inner[0].opens, inner[-1].closes, inner[-1].until),)
            for piece in inner:
                yield from _both(piece, entry.window, entry.line)
    for rule, people in nesting.rules.people(group):
        for each in people:
            if directory.users[each].enabled:
                yield _piece(directory.users[each].window, rule.line)


def _piece(window: Window, line: int) -> Piece:
    if window is ALWAYS:
        return Piece(_FIRST, _LAST, line=line)
    return Piece(window.opens or _FIRST, window.closes or _LAST, window.until, line)


def _both(piece: Piece, window: Window, line: int) -> Iterator[Piece]:
    """What a piece and a window have in common."""
    other = _piece(window, line)
    first = min(piece, other, key=lambda each: each.closes)
    opens = max(piece.opens, other.opens)
    if opens < first.closes:
        yield Piece(opens, first.closes, first.until, line)


def _problem(group: Group, before: Piece, after: Piece | None) -> Problem:
    then = "" if after is None else ", until somebody's access begins again"
    message = f"`{group.id}` has no members after {before.until}: the last one's access ends{then}"
    return Problem(Place(group.file, before.line), message, "let somebody stay, or remove the group", "warning")
