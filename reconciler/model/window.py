"""A stretch of time in which something holds: `from` and `until` of people, memberships and assignments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final

EXAMPLE: Final = "such as 2026-12-01, or 2026-12-01T08:00:00+01:00"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})\Z"
)
"""RFC 3339, seconds optional."""


@dataclass(frozen=True, slots=True)
class Window:
    """Holds from `opens` (included) to `closes` (not included); None: without that end. Instants know their offset."""

    opens: datetime | None = None
    closes: datetime | None = None
    from_: str = ""
    """As it is written, for people to read."""
    until: str = ""

    @property
    def empty(self) -> bool:
        """Never holds."""
        return self.opens is not None and self.closes is not None and self.opens >= self.closes

    def holds(self, moment: datetime) -> bool:
        """`moment` knows its offset."""
        return (self.opens is None or moment >= self.opens) and (self.closes is None or moment < self.closes)

    def over(self, moment: datetime) -> bool:
        return self.closes is not None and moment >= self.closes

    def __str__(self) -> str:
        """As people read it: `from 2026-12-01 until 2027-03-31`; "" without ends."""
        ends = ("from", self.from_), ("until", self.until)
        return " ".join(f"{word} {written}" for word, written in ends if written)

    def why_not(self, moment: datetime) -> str:
        """Of a window that does not hold, the end that says so: `until 2026-11-20`."""
        return f"until {self.until}" if self.over(moment) else f"from {self.from_}"


ALWAYS: Final = Window()


@lru_cache(maxsize=4096)
def between(from_: str, until: str, zone: tzinfo) -> Window:
    """The window that two texts make; "" leaves that end open. Raises ValueError."""
    return Window(
        opens_at(from_, zone) if from_ else None,
        closes_at(until, zone) if until else None,
        from_,
        until,
    )


def opens_at(text: str, zone: tzinfo) -> datetime:
    """The first instant of a whole day in `zone`, or the time that is written. Raises ValueError."""
    return _midnight(date.fromisoformat(text), zone) if _DAY.match(text) else _instant(text)


def closes_at(text: str, zone: tzinfo) -> datetime:
    """The first instant after a whole day in `zone`, or the time that is written. Raises ValueError."""
    if not _DAY.match(text):
        return _instant(text)
    day = date.fromisoformat(text)
    return datetime.max.replace(tzinfo=UTC) if day == date.max else _midnight(day + timedelta(1), zone, last=True)


def _midnight(day: date, zone: tzinfo, *, last: bool = False) -> datetime:
    """Where a day begins: the first instant that clocks show it.

    Where they skip midnight, that is when they skip; so it is of a day that they skip whole. Where they go back over
    midnight the day begins twice, and the day before ends twice: `last` asks for that later end.
    """
    shown = datetime.combine(day, time(), zone)
    try:
        first, second = shown.astimezone(UTC), shown.replace(fold=1).astimezone(UTC)
        if first > second:
            return _skipped(day, second, first, zone)
        again = first < second and (second - timedelta(microseconds=1)).astimezone(zone).date() < day
    except OverflowError as error:
        message = f"{day} is out of reach"
        raise ValueError(message) from error
    return second if last and again else first


def _skipped(day: date, before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The first instant of `day` or later, in the gap between the two."""
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (before, middle) if middle.astimezone(zone).date() >= day else (middle, after)
    return after


def _instant(text: str) -> datetime:
    if not _TIME.match(text):
        message = "neither a day nor a time with an offset"
        raise ValueError(message)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        message = f"{text} is out of reach"
        raise ValueError(message) from error
