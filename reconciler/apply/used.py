"""Which trailers of commits a run used up: each works once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.apply.outcome import Outcome, Status
from reconciler.model.plan import Plan
from reconciler.model.state import State, Used
from reconciler.model.trailer import Trailer
from reconciler.plan import weigh

_KEPT: Final = 1000
"""The newest: older commits are never read again."""
_TRIED: Final = (Status.DONE, Status.FAILED, Status.NOT_STORED)


def note_used(state: State, trailers: Iterable[Trailer], plan: Plan, outcome: Outcome, now: str) -> None:
    """Remembers the trailers without which something that was tried would have been held."""
    rails = {f"{rail.name}={rail.value}" for rail in plan.guardrails if rail.broken and rail.released}
    tried = [step.change for step in outcome.steps if step.status in _TRIED]
    weighed = {name for change in tried for name in weigh(change)}
    keys = {change.key for change in tried} | {m.key for change in tried for m in getattr(change, "members", ())}
    ended = not (outcome.interrupted or outcome.ended)
    for each in trailers:
        name, _, figure = each.release.partition("=")
        key = name.partition(":")[2]
        if (each.release in rails and name in weighed) if figure else (key in keys if key else ended):
            state.used.append(_used(each, now))
    del state.used[:-_KEPT]


def _used(trailer: Trailer, now: str) -> Used:
    used = Used(release=trailer.release, commit=trailer.commit, at=now)
    return used if trailer.authored is None else {**used, "authored": trailer.authored}
