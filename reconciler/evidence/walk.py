"""Since when something is as it is: from now back through the revisions, until every question is answered. Pure.

A tick is a moment at which something may have changed: a revision came, or a window opened or closed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler.model.access import Decision, Detail, Grant, Since


class State(Protocol):
    """The files of one revision, while they held."""

    decision: Decision
    """By which they came."""
    oldest: bool
    """Nothing older is known here, although there was something."""

    def at(self, moment: datetime) -> dict[Grant, Detail]:
        """What they give at a moment."""

    def boundaries(self) -> Collection[datetime]:
        """When a window of theirs opens or closes."""


@dataclass(frozen=True, slots=True)
class Tick:
    at: datetime
    access: dict[Grant, Detail]
    cause: Decision | None
    """None: the clock."""


def ticks_back(states: Iterable[State], until: datetime) -> Iterator[tuple[Tick, bool]]:
    """From `until` back, each with whether nothing older is known. `states`: newest first; those that came after
    `until` are left out.
    """
    end = until
    for state in states:
        begin = state.decision.merged_at
        if begin > until:
            continue
        inside = sorted((each for each in set(state.boundaries()) if begin < each <= end), reverse=True)
        for moment in inside:
            yield Tick(moment, state.at(moment), None), False
        yield Tick(begin, state.at(begin), state.decision), state.oldest
        end = begin


def begun(grants: Collection[Grant], ticks: Iterable[tuple[Tick, bool]], *, held: bool = True) -> dict[Grant, Since]:
    """Grant → when it became as it is now: held, or not held. What was so since the first tick is since that one."""
    open_, answers = set(grants), {}
    later: Tick | None = None
    cut = False
    for tick, oldest in ticks:
        changed = {grant for grant in open_ if (grant in tick.access) is not held}
        for grant in changed if later is not None else ():
            assert later is not None
            answers[grant] = Since(later.at, later.cause)
        open_ -= changed
        later, cut = tick, oldest
        if not open_:
            break
    for grant in open_:
        if later is not None:
            answers[grant] = Since(later.at, later.cause, at_least=cut)
    return answers


def losses(ticks: Iterable[tuple[Tick, bool]], since: datetime) -> Iterator[tuple[Grant, Detail, Since]]:
    """Whoever had an account at some moment from `since` on, and then no longer; the newest first. Who came back is
    among them, for each time that they left.
    """
    later: Tick | None = None
    for tick, _ in ticks:
        if later is not None:
            for grant, detail in tick.access.items():
                if not grant.group and grant not in later.access and later.at >= since:
                    yield grant, detail, Since(later.at, later.cause)
        later = tick
        if tick.at < since:
            return
