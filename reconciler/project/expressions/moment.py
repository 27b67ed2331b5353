"""Dates as .NET counts them: ticks of 100 nanoseconds since the year 1, always UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Self

TICKS: Final = 10_000_000
"""In a second."""
DAY: Final = 86_400 * TICKS
LAST: Final = 3_652_059 * DAY - 1
"""The last tick of the year 9999."""
FILETIME: Final = 504_911_232_000_000_000
"""The tick at which Windows' file times begin: 1601-01-01."""
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class OutOfRange(ValueError):
    """Before the year 1 or after 9999."""

    def __init__(self) -> None:
        super().__init__("is outside of the years 1 to 9999")


class DateText(str):
    """A date as the text that flows, and still a date for the functions that take one."""

    __slots__ = ("ticks",)
    ticks: int

    def __new__(cls, text: str, ticks: int) -> Self:
        made = super().__new__(cls, text)
        made.ticks = ticks
        return made


def ticks_of(when: datetime) -> int:
    """Of a time with its zone; one without counts as UTC."""
    utc = when.astimezone(UTC) if when.tzinfo else when
    seconds = (utc.toordinal() - 1) * 86_400 + utc.hour * 3600 + utc.minute * 60 + utc.second
    return seconds * TICKS + utc.microsecond * 10


def in_range(ticks: int) -> int:
    """The same ticks. Raises OutOfRange."""
    if not 0 <= ticks <= LAST:
        raise OutOfRange
    return ticks


def calendar(ticks: int) -> datetime:
    """Year to second, without zone; the fraction is dropped."""
    days, rest = divmod(ticks, DAY)
    seconds = rest // TICKS
    day = datetime.fromordinal(days + 1)
    return day.replace(hour=seconds // 3600, minute=seconds // 60 % 60, second=seconds % 60)


def fraction(ticks: int) -> str:
    """The seven digits behind the second."""
    return f"{ticks % TICKS:07d}"


def general(ticks: int) -> DateText:
    """`M/d/yyyy h:mm:ss tt`, the form in which the service's functions give dates."""
    when = calendar(ticks)
    half = "AM" if when.hour < 12 else "PM"
    text = f"{when.month}/{when.day}/{when.year:04d} {when.hour % 12 or 12}:{when.minute:02d}:{when.second:02d} {half}"
    return DateText(text, ticks)


def sortable(ticks: int) -> DateText:
    """`yyyy-MM-dd HH:mm:ss`"""
    return DateText(calendar(ticks).isoformat(" "), ticks)


def composed(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, rest: int = 0) -> int:
    """Ticks from their parts; `rest` in ticks. Raises ValueError if there is no such time."""
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        raise ValueError
    days = datetime(year, month, day).toordinal() - 1  # noqa: DTZ001  a day of the calendar has no zone
    return days * DAY + ((hour * 60 + minute) * 60 + second) * TICKS + rest
