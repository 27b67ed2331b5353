"""The questions of an auditor, put to the past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path

from reconciler.desired.timeline import told
from reconciler.errors import UsageError
from reconciler.evidence.past import Held, Past
from reconciler.evidence.walk import State, begun, losses, ticks_back
from reconciler.model.access import Access, Decision, Detail, Difference, Grant, Since

Wanted = Callable[[Grant], bool]


def answered(past: Past, root: Path, moment: datetime, wanted: Wanted) -> list[Access]:
    """Who had what at a moment, in the order of app, person and group, and since when."""
    states = past.states()
    first = next((state for state in states if state.decision.merged_at <= moment), None)
    if first is None:
        return []
    held = {grant: detail for grant, detail in first.at(moment).items() if wanted(grant)}
    since = _told(root, begun(held.keys(), ticks_back(chain([first], states), moment)))
    return [Access(grant, held[grant], since.get(grant)) for grant in sorted(held)]


def between(past: Past, root: Path, start: datetime, end: datetime, wanted: Wanted) -> Difference:
    """What was gained and lost from one moment to another, by whom. Raises UsageError if the second is the first."""
    if start >= end:
        raise UsageError("--since is not before --on", hint="--since names the earlier day")
    states = list(_back_to(past.states(), start))
    then, now = _at(states, start, wanted), _at(states, end, wanted)
    lost, gained = sorted(then.keys() - now.keys()), sorted(now.keys() - then.keys())
    ended = _told(root, begun(lost, ticks_back(states, end), held=False))
    began = _told(root, begun(gained, ticks_back(states, end)))
    return Difference(
        tuple(Access(grant, now[grant], began.get(grant)) for grant in gained),
        tuple(Access(grant, then[grant], ended.get(grant)) for grant in lost),
    )


def leavers_since(
    past: Past, root: Path, start: datetime, end: datetime, wanted: Wanted
) -> list[tuple[Grant, Detail, Since]]:
    """Everybody who lost access to an app between two moments; the first in time first."""
    found = [each for each in losses(ticks_back(_back_to(past.states(), start), end), start) if wanted(each[0])]
    decisions = _Decisions(root)
    return [(grant, detail, decisions.of(since)) for grant, detail, since in reversed(found)]


def _back_to(states: Iterable[Held], start: datetime) -> Iterator[Held]:
    """And the one that held at that moment: what is older is not asked for."""
    for state in states:
        yield state
        if state.decision.merged_at <= start:
            return


def _at(states: Sequence[State], moment: datetime, wanted: Wanted) -> Mapping[Grant, Detail]:
    first = next((state for state in states if state.decision.merged_at <= moment), None)
    found = {} if first is None else first.at(moment)
    return {grant: detail for grant, detail in found.items() if wanted(grant)}


def _told(root: Path, answers: Mapping[Grant, Since]) -> dict[Grant, Since]:
    decisions = _Decisions(root)
    return {grant: decisions.of(since) for grant, since in answers.items()}


class _Decisions:
    """With who asked and who approved; git is asked once for each."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, Decision] = {}

    def of(self, since: Since) -> Since:
        decision = since.decision
        if decision is None:
            return since
        if decision.commit not in self._known:
            self._known[decision.commit] = told(self._root, decision)
        known = self._known[decision.commit]
        return replace(since, decision=replace(known, merged_at=decision.merged_at))
