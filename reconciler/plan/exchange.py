"""People who exchange names, and groups: one of each circle goes through a temporary name, all of them or none."""

from __future__ import annotations

from collections.abc import Container, Mapping
from functools import cached_property
from typing import Literal

from reconciler.model.path import parse_path
from reconciler.model.plan import Change, Difference, RenameGroup, RenameUser
from reconciler.plan.circles import circles
from reconciler.plan.context import Context
from reconciler.plan.impossible import sentences
from reconciler.plan.order import dependencies, exchanges, given_up, taken_names, waiters
from reconciler.plan.temporary import temporary_name


def open_circles(
    context: Context, kind: Literal["user", "group"], needs: Mapping[int, set[int]], stuck: Container[int]
) -> bool:
    """Makes two changes of one in every circle: to a temporary name, and from there on. Circles in which something
    waits for what is `stuck`, or can't be renamed, stay closed. True if any was opened.
    """
    changes = context.changes
    names = _Temporary(context, kind)
    halves: dict[int, tuple[Change, Change]] = {}
    doomed = _behind(needs, stuck)
    for whole in circles(needs):
        work = [whole] if names.possible and not whole & doomed and not names.stops(whole) else []
        cut: dict[int, tuple[Change, Change]] = {}
        while work:
            circle = work.pop()
            found = names.halve(circle)
            if found is None:
                cut = {}
                break
            cut[found[0]] = found[1:]
            work += circles({n: needs[n] & circle - cut.keys() for n in circle})
        halves |= cut
    context.changes[:] = [part for n, change in enumerate(changes) for part in halves.get(n, (change,))]
    return bool(halves)


def hold_together(context: Context) -> None:
    """What holds one of a circle holds them all: nothing of it begins that can't end."""
    changes = context.changes
    if not any(getattr(change, "temporary", False) for change in changes):
        return
    for circle in exchanges(changes, dependencies(changes, given_up(context))):
        holds = {hold.release: hold for n in sorted(circle) for hold in changes[n].held}
        for number in circle if holds else ():
            changes[number] = changes[number].model_copy(update={"held": tuple(holds.values())})


def _behind(needs: Mapping[int, set[int]], stuck: Container[int]) -> set[int]:
    """Whoever is stuck, or waits for somebody who is."""
    waiting = waiters(needs)
    reached = {n for n in {*needs, *waiting} if n in stuck}
    ready = list(reached)
    while ready:
        for number in waiting.get(ready.pop(), ()):
            if number not in reached:
                reached.add(number)
                ready.append(number)
    return reached


class _Temporary:
    """Finds who goes aside, and by what name."""

    def __init__(self, context: Context, kind: Literal["user", "group"]) -> None:
        self.context = context
        self.kind = kind
        self.cannot = sentences(context.profile)
        self._taken: dict[str, set[str]] = {}

    @property
    def possible(self) -> bool:
        return ("renameUser" if self.kind == "user" else "renameGroup") not in self.cannot

    def stops(self, circle: frozenset[int]) -> bool:
        """Whether the application can't make one of the changes."""
        return any(self.context.changes[n].action in self.cannot for n in circle)

    def halve(self, circle: frozenset[int]) -> tuple[int, Change, Change] | None:
        """The position of the one that goes aside, and its two changes; None if nobody can."""
        for number in sorted(circle, key=self._preference):
            if found := self._halves(number, circle - {number}):
                return number, *found
        return None

    def _preference(self, number: int) -> tuple[bool, bool, str]:
        """Active accounts before inactive ones, remembered before found ones, by key."""
        change = self.context.changes[number]
        return change.action == "reactivateUser", self.context.binding(change.key) is None, change.key

    def _halves(self, number: int, others: frozenset[int]) -> tuple[Change, Change] | None:
        change = self.context.changes[number]
        wanted = {name for n in others for name in taken_names(self.context.changes[n])}
        aside: dict[str, Difference] = {}
        onward = dict(getattr(change, "set", {}))
        for path, difference in getattr(change, "set", {}).items():
            if (self.kind, path, str(difference.before).casefold()) in wanted:
                name = temporary_name(change.key, str(difference.before), self._names(path), self._longest(path))
                if name is None:
                    return None
                aside[path] = Difference(before=difference.before, after=name)
                onward[path] = Difference(before=name, after=difference.after)
        if not aside or change.id is None:
            return None
        kind = RenameUser if self.kind == "user" else RenameGroup
        first = kind(
            key=change.key, id=change.id, name=change.name, origin=change.origin, reasons=change.reasons,
            source=change.source, held=change.held, suspect=change.suspect, set=aside, temporary=True,
        )  # fmt: skip
        return first, change.model_copy(update={"set": onward})

    def _names(self, path: str) -> set[str]:
        """Everything that the application has there, and everything that this plan writes there."""
        if path not in self._taken:
            snapshot = self.context.snapshot
            user = self.kind == "user"
            at = (snapshot.user_paths if user else snapshot.group_paths).index(path)
            rows = (each.values[at] for each in (snapshot.accounts if user else snapshot.groups))
            wanted = (d.after for c in self.context.changes for p, d in getattr(c, "set", {}).items() if p == path)
            self._taken[path] = {str(name).casefold() for name in (*rows, *wanted) if isinstance(name, str)}
        return self._taken[path]

    def _longest(self, path: str) -> int | None:
        wanted = parse_path(path).canonical
        for name, (_, most) in self._lengths.items():
            if parse_path(name).canonical == wanted:
                return most
        return None

    @cached_property
    def _lengths(self) -> dict[str, tuple[int, int]]:
        prefix = f"{self.kind}s."
        return {k.removeprefix(prefix): v for k, v in self.context.profile.lengths.items() if k.startswith(prefix)}
