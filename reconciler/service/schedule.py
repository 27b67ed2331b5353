"""When the next cycle of an app is due. Pure."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

from reconciler.model.history import Cycle, Quarantine

_UNFINISHED: Final = frozenset({"running", "abandoned", "interrupted"})


def due(last: Cycle | None, interval: timedelta, quarantine: Quarantine | None, now: datetime) -> datetime:
    """The moment of the first cycle after a start: never before `now`, and never more than `interval` after it,
    whatever the clock did in between.

    At once where there was none before, and after one that was not finished. An app in quarantine is looked at, at
    once: its files may have changed, which ends it.
    """
    if last is None or last.status in _UNFINISHED or quarantine is not None:
        return now
    return min(max(last.started_at + interval, now), now + interval)


def pause(began: float, ended: float, interval: float) -> float:
    """Seconds from the end of a cycle to the beginning of the next, on a clock that nobody sets. A cycle that took
    longer than its interval is not overtaken: the next begins at the next multiple of it.
    """
    took = max(0.0, ended - began)
    return max(1, math.ceil(took / interval)) * interval - took
