"""A stretch of time in which something holds: `from` and `until` of people, memberships and assignments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

_DAY: Final = len("2026-11-23")


@dataclass(frozen=True, slots=True)
class Window:
    """Holds from `opens` (included) to `closes` (not included); None: without that end. Instants know their offset."""

    opens: datetime | None = None
    closes: datetime | None = None
    from_: str = ""
    """As it is written, for people to read."""
    until: str = ""

    def holds(self, moment: datetime) -> bool:
        """`moment` knows its offset."""
        return (self.opens is None or moment >= self.opens) and (self.closes is None or moment < self.closes)

    def over(self, moment: datetime) -> bool:
        return self.closes is not None and moment >= self.closes


ALWAYS: Final = Window()


def opens_at(text: str, zone: tzinfo) -> datetime:
    """The first instant of a whole day in `zone`, or the time that is written. Raises ValueError."""
    return _start(text, zone) if len(text) == _DAY else _instant(text)


def closes_at(text: str, zone: tzinfo) -> datetime:
    """The first instant after a whole day in `zone`, or the time that is written. Raises ValueError."""
    if len(text) != _DAY:
        return _instant(text)
    day = date.fromisoformat(text)
    return datetime.max.replace(tzinfo=UTC) if day == date.max else _start((day + timedelta(1)).isoformat(), zone)


def _start(text: str, zone: tzinfo) -> datetime:
    """Where clocks skip midnight the day begins when they skip; where they have it twice, with the first one."""
    return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = "a time without an offset"
        raise ValueError(message)
    return moment.astimezone(UTC)
