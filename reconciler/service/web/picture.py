"""The history of an app as a picture: how many cycles, how they ended, how long they took, what they did. Drawn as SVG
without any text in it, so that it fits every width; the words are beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from reconciler.model.history import Cycle
from reconciler.service.overview import ENDED
from reconciler.service.words import counted, span, utc

SLOTS: Final = (24, 60)
"""At least and at most. Where it can be, each holds one cycle."""
HEIGHT: Final = 100
WIDE: Final = 10
"""Of a slot, in units of the drawing."""
_LEAST: Final = 4.0
"""What is there at all can be seen."""
_SEVERITY: Final = ("success", "interrupted", "inPart", "abandoned", "failure")
"""The higher the bar, the worse: it can be told without colours."""
PERIODS: Final = {"1": timedelta(days=1), "7": timedelta(days=7), "30": timedelta(days=30)}


@dataclass(slots=True)
class Slot:
    """A stretch of time, and the cycles that ended in it."""

    begins: datetime
    cycles: int = 0
    worst: str = "success"
    done: int = 0
    failed: int = 0
    longest: timedelta = timedelta()

    def take(self, cycle: Cycle, took: timedelta) -> None:
        self.cycles += 1
        self.worst = max(self.worst, cycle.status, key=_SEVERITY.index)
        self.done += cycle.counts.get("done", 0)
        self.failed += cycle.counts.get("failed", 0)
        self.longest = max(self.longest, took)

    @property
    def told(self) -> str:
        """For whoever points at it."""
        return (
            f"{utc(self.begins)}: {counted(self.cycles, 'cycle', 'cycles')}, "
            f"{'' if self.cycles == 1 else 'at worst '}{ENDED[self.worst]}; {self.done:,} changes done, "
            f"{self.failed:,} failed; {'' if self.cycles == 1 else 'up to '}{span(self.longest)}"
        )


@dataclass(frozen=True, slots=True)
class Bar:
    x: int
    y: float
    height: float
    kind: str
    """Of the style: how it ended, done, failed or took."""


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    told: str
    """What it shows, in words."""
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    period: str
    begins: datetime
    ends: datetime
    cycles: int
    lanes: tuple[Lane, ...]
    slots: tuple[Slot, ...] = field(repr=False)
    quarantined_from: float | None = None
    """Where in the drawing a quarantine that lasts began."""

    @property
    def width(self) -> int:
        return WIDE * len(self.slots)


def picture(
    cycles: Iterable[Cycle],
    now: datetime,
    period: str = "1",
    *,
    every: timedelta,
    quarantined_since: datetime | None = None,
) -> Picture:
    """Of the cycles that ended within `period`, a key of PERIODS, before `now`. `every`: from one to the next."""
    length = PERIODS[period]
    least, most = SLOTS
    count = min(max(int(length / every), least), most)
    begins, step = now - length, length / count
    slots = [Slot(begins + step * number) for number in range(count)]
    within = [c for c in cycles if c.ended_at is not None and begins < c.ended_at <= now]
    for cycle in within:
        assert cycle.ended_at is not None
        slot = slots[min(int((cycle.ended_at - begins) / step), count - 1)]
        slot.take(cycle, max(cycle.ended_at - cycle.started_at, timedelta()))
    since = None
    if quarantined_since is not None:
        since = max((quarantined_since - begins) / length, 0.0) * count * WIDE
    lanes = (_cycles(slots, within), _changes(slots), _durations(slots))
    return Picture(period, begins, now, len(within), lanes, tuple(slots), since)


def _cycles(slots: Sequence[Slot], within: Sequence[Cycle]) -> Lane:
    bars = []
    for number, slot in enumerate(slots):
        if slot.cycles:
            height = HEIGHT * (0.3 + 0.7 * _SEVERITY.index(slot.worst) / (len(_SEVERITY) - 1))
            bars.append(_bar(number, 0, height, slot.worst))
    ends: dict[str, int] = {}
    for cycle in within:
        ends[cycle.status] = ends.get(cycle.status, 0) + 1
    parts = [f"{ends[status]:,} {ENDED[status]}" for status in _SEVERITY if status in ends]
    return Lane("Cycles", ", ".join(parts) or "none", tuple(bars))


def _changes(slots: Sequence[Slot]) -> Lane:
    most = max((slot.done + slot.failed for slot in slots), default=0)
    bars = []
    for number, slot in enumerate(slots):
        failed = _scaled(slot.failed, most)
        if slot.failed:
            bars.append(_bar(number, 0, failed, "failed"))
        if slot.done:
            bars.append(_bar(number, failed, min(_scaled(slot.done, most), HEIGHT - failed), "done"))
    done, failed_all = sum(slot.done for slot in slots), sum(slot.failed for slot in slots)
    peak = f"; at most {most:,} at a time" if most else ""
    return Lane("Changes", f"{done:,} done, {failed_all:,} failed{peak}", tuple(bars))


def _durations(slots: Sequence[Slot]) -> Lane:
    most = max((slot.longest for slot in slots), default=timedelta())
    bars = [
        _bar(number, 0, _scaled(slot.longest.total_seconds(), most.total_seconds()), "took")
        for number, slot in enumerate(slots)
        if slot.cycles
    ]
    return Lane("Duration", f"at most {span(most)}" if bars else "none", tuple(bars))


def _scaled(value: float, most: float) -> float:
    if not value:
        return 0.0
    return max(HEIGHT * value / most, _LEAST) if most else _LEAST


def _bar(number: int, above: float, height: float, kind: str) -> Bar:
    return Bar(number * WIDE, round(HEIGHT - above - height, 1), round(height, 1), kind)
