"""Formats of .NET: standard ones (one letter) and custom ones, for writing and for reading. Names are English."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from reconciler.project.expressions.moment import DAYS, MONTHS, TICKS, calendar, composed, fraction, in_range

STANDARD: Final[dict[str, str]] = {
    "d": "M/d/yyyy",
    "D": "dddd, MMMM d, yyyy",
    "f": "dddd, MMMM d, yyyy h:mm tt",
    "F": "dddd, MMMM d, yyyy h:mm:ss tt",
    "g": "M/d/yyyy h:mm tt",
    "G": "M/d/yyyy h:mm:ss tt",
    "m": "MMMM d", "M": "MMMM d",
    "o": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK", "O": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
    "r": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'", "R": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
    "s": "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
    "t": "h:mm tt",
    "T": "h:mm:ss tt",
    "u": "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
    "U": "dddd, MMMM d, yyyy h:mm:ss tt",
    "y": "MMMM yyyy", "Y": "MMMM yyyy",
}  # fmt: skip
"""A format of one letter → what it stands for, as in American English, which is what the service speaks."""
_SPECIFIER: Final = r"""(d+|f+|F+|g+|h+|H+|K|m+|M+|s+|t+|y+|z+)|'([^']*)'|"([^"]*)"|\\(.)|%(?=.)|(.)"""
_PART: Final = re.compile(_SPECIFIER, re.DOTALL)
_LATEST_OF_TWO_DIGITS: Final = 2049
"""`yy`: the year that ends so and is not after this one."""


class BadFormat(ValueError):
    """Not a format of .NET."""


class NoMatch(ValueError):
    """A text that does not have its format."""


@lru_cache(maxsize=256)
def _parts(form: str) -> tuple[tuple[str, bool], ...]:
    """The parts of a format: text, and whether it is a specifier."""
    if not form.strip():
        raise BadFormat("is empty")
    if len(form) == 1:
        if form not in STANDARD:
            raise BadFormat(f"is no format: {form!r} (one letter names a standard format; %{form} is a custom one)")
        form = STANDARD[form]
    parts: list[tuple[str, bool]] = []
    for found in _PART.finditer(form):
        specifier, single, double, escaped, other = found.groups()
        if specifier is not None:
            if specifier[0] in "fF" and len(specifier) > 7:
                raise BadFormat(f"has more than seven digits of a second: {form!r}")
            parts.append((specifier, True))
        else:
            if other is not None and other in "'\"\\":
                raise BadFormat(f"has a quotation that does not end: {form!r}")
            literal = next((each for each in (single, double, escaped, other) if each is not None), "")
            parts.append((literal, False))
    return tuple(parts)


def check_format(form: str) -> None:
    """Raises BadFormat."""
    _parts(form)


@lru_cache(maxsize=4096)
def write(ticks: int, form: str, *, zone: str = "") -> str:
    """A UTC time in a format. `zone` is what K gives: "Z" for a time known to be UTC, else nothing."""
    out: list[str] = []
    for text, specifies in _parts(form):
        if not specifies:
            out.append(text)
            continue
        written = _written(text, ticks, zone)
        if not written and text[0] == "F" and out and out[-1] == ".":
            out.pop()  # no point without a fraction behind it
        out.append(written)
    return "".join(out)


def _written(specifier: str, ticks: int, zone: str) -> str:
    when, size = calendar(ticks), len(specifier)
    match specifier[0]:
        case "d":
            name = DAYS[when.weekday()]
            return name if size > 3 else name[:3] if size == 3 else f"{when.day:0{size}d}"
        case "M":
            name = MONTHS[when.month - 1]
            return name if size > 3 else name[:3] if size == 3 else f"{when.month:0{size}d}"
        case "y":
            return f"{when.year % 100:0{size}d}" if size < 3 else f"{when.year:0{size}d}"
        case "h":
            return f"{when.hour % 12 or 12:0{min(size, 2)}d}"
        case "H":
            return f"{when.hour:0{min(size, 2)}d}"
        case "m":
            return f"{when.minute:0{min(size, 2)}d}"
        case "s":
            return f"{when.second:0{min(size, 2)}d}"
        case "f":
            return fraction(ticks)[:size]
        case "F":
            return fraction(ticks)[:size].rstrip("0")
        case "t":
            half = "AM" if when.hour < 12 else "PM"
            return half if size > 1 else half[0]
        case "g":
            return "A.D."
        case "K":
            return zone
        case _:  # z: everything here is UTC
            return {1: "+0", 2: "+00"}.get(size, "+00:00")


@dataclass(slots=True)
class _Read:
    parts: dict[str, int] = field(default_factory=dict)
    offset: int | None = None
    """Minutes east of UTC, if the text says."""
    weekday: int | None = None
    afternoon: bool | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    ticks: int
    zoned: bool
    """Whether the text said in which zone."""


@lru_cache(maxsize=4096)
def read(text: str, form: str, today: tuple[int, int, int]) -> Moment:
    """A text that has exactly this format, as UTC. `today` gives year, month and day where the format has none.

    Raises NoMatch, BadFormat and OutOfRange.
    """
    found = _Read()
    position = 0
    for part, specifies in _parts(form):
        if specifies:
            position = _take(part, text, position, found)
        elif part == "Z" and text[position : position + 1] in ("Z", "z"):
            found.offset, position = 0, position + 1
        elif text.startswith(part, position):
            position += len(part)
        else:
            raise NoMatch
    if position != len(text):
        raise NoMatch
    return _settled(found, today)


def _take(specifier: str, text: str, position: int, found: _Read) -> int:
    size, kind = len(specifier), specifier[0]
    if kind in "dM" and size >= 3:
        return _name(kind, size, text, position, found)
    match kind:
        case "t":
            return _half(size, text, position, found)
        case "z" | "K":
            return _zone(specifier, text, position, found)
        case "g":
            return position + _length(r"(?i)A\.D\.|AD", text, position)
        case "f" | "F":
            return _fraction(kind, size, text, position, found)
    least, most = (1, 2) if size == 1 else (size, max(size, 2) if kind == "y" else 2)
    least = min(least, most)
    length = _length(rf"[0-9]{{{least},{most}}}", text, position)
    number = int(text[position : position + length])
    if kind == "y" and length <= 2:
        number += 2000 if 2000 + number <= _LATEST_OF_TWO_DIGITS else 1900
    if found.parts.setdefault(kind, number) != number:
        raise NoMatch
    return position + length


def _length(pattern: str, text: str, position: int) -> int:
    matched = re.compile(pattern).match(text, position)
    if matched is None:
        raise NoMatch
    return matched.end() - position


def _name(kind: str, size: int, text: str, position: int, found: _Read) -> int:
    for number, name in enumerate(DAYS if kind == "d" else MONTHS):
        wanted = name[:3] if size == 3 else name
        if text[position : position + len(wanted)].lower() == wanted.lower():
            if kind == "d":
                found.weekday = number
            elif found.parts.setdefault("M", number + 1) != number + 1:
                raise NoMatch
            return position + len(wanted)
    raise NoMatch


def _half(size: int, text: str, position: int, found: _Read) -> int:
    taken = text[position : position + min(size, 2)].upper()
    if taken not in ("AM", "PM", "A", "P") or len(taken) != min(size, 2):
        raise NoMatch
    found.afternoon = taken[0] == "P"
    return position + len(taken)


def _zone(specifier: str, text: str, position: int, found: _Read) -> int:
    if text[position : position + 1] in ("Z", "z") and specifier in ("K", "zzz"):
        found.offset = 0
        return position + 1
    minutes = specifier == "K" or len(specifier) > 2
    pattern = r"([+-])([0-9]{2}):?([0-9]{2})" if minutes else rf"([+-])([0-9]{{{min(len(specifier), 2)},2}})()"
    matched = re.compile(pattern).match(text, position)
    if matched is None:
        if specifier == "K":
            return position
        raise NoMatch
    found.offset = offset_of(*matched.groups())
    return matched.end()


def offset_of(sign: str, hours: str, minutes: str) -> int:
    """Minutes east of UTC. Raises NoMatch for more than 14 hours, as .NET."""
    offset = int(hours) * 60 + int(minutes or 0)
    if offset > 14 * 60 or int(minutes or 0) > 59:
        raise NoMatch
    return -offset if sign == "-" else offset


def _fraction(kind: str, size: int, text: str, position: int, found: _Read) -> int:
    length = _length(rf"[0-9]{{{size if kind == 'f' else 0},{size}}}", text, position)
    found.parts["f"] = int(text[position : position + length].ljust(7, "0"))
    return position + length


def _settled(found: _Read, today: tuple[int, int, int]) -> Moment:
    parts = found.parts
    try:
        ticks = composed(*_day(parts, today), _hour(found), parts.get("m", 0), parts.get("s", 0), parts.get("f", 0))
    except (ValueError, OverflowError):
        raise NoMatch from None
    if found.weekday is not None and calendar(ticks).weekday() != found.weekday:
        raise NoMatch
    return Moment(in_range(ticks - (found.offset or 0) * 60 * TICKS), found.offset is not None)


def _day(parts: dict[str, int], today: tuple[int, int, int]) -> tuple[int, int, int]:
    """What a format leaves out: nothing of the date, today; else January, the first, this year."""
    if not parts.keys() & {"y", "M", "d"}:
        return today
    return parts.get("y", today[0]), parts.get("M", 1), parts.get("d", 1)


def _hour(found: _Read) -> int:
    parts = found.parts
    if "H" in parts:
        hour = parts["H"]
        if found.afternoon is not None and found.afternoon != (hour >= 12):
            raise NoMatch
        return hour
    if "h" not in parts:
        return 12 if found.afternoon else 0
    if parts["h"] > 12:
        raise NoMatch
    return parts["h"] % 12 + (12 if found.afternoon else 0)


_CLOCK: Final = (
    r"(?:(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.(?P<rest>\d{1,9}))?)?\s*(?P<half>[AaPp][Mm])?"
    r"|(?P<hour2>\d{1,2})\s*(?P<half2>[AaPp][Mm]))"
)
_ZONE: Final = r"\s*(?P<zone>Z|z|GMT|UTC|(?P<sign>[+-])(?P<zh>\d{1,2}):?(?P<zm>\d{2})?)?"
_NAME: Final = "|".join(f"{name}|{name[:3]}" for name in MONTHS)
_WEEKDAY: Final = r"(?:(?P<weekday>" + "|".join(f"{name}|{name[:3]}" for name in DAYS) + r"),?\s+)?"
_DATES: Final = (
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
    r"(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})[-/.](?P<year>\d{4}|\d{2})",
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})[-\s](?P<name>{_NAME})[-,\s]\s*(?P<year>\d{{4}}|\d{{2}})",
    rf"{_WEEKDAY}(?P<name>{_NAME})\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})",
    rf"(?P<year>\d{{4}})[-\s](?P<name>{_NAME})[-\s](?P<day>\d{{1,2}})",
    rf"(?P<name>{_NAME})\s+(?P<year>\d{{4}})",
)
_GENERAL: Final = [
    re.compile(rf"\s*{each}(?:(?:T|t|,?\s+){_CLOCK})?{_ZONE}\s*", re.IGNORECASE | re.ASCII) for each in _DATES
]


@lru_cache(maxsize=4096)
def read_any(text: str) -> Moment:
    """A text in one of the forms that .NET's DateTime.Parse knows: ISO 8601, American, with names. Without zone UTC.

    Raises NoMatch and OutOfRange.
    """
    for pattern in _GENERAL:
        found = pattern.fullmatch(text)
        if found is not None:
            return _settled(_general(found.groupdict().get), (1, 1, 1))
    raise NoMatch


def _general(part: Callable[[str], str | None]) -> _Read:
    parts = dict(_numbers(part))
    half = part("half") or part("half2")
    read_ = _Read(parts, afternoon=None if half is None else half.upper() == "PM")
    if half is None and "h" in parts:
        parts["H"] = parts.pop("h")
    weekday = part("weekday")
    if weekday:
        read_.weekday = next(n for n, name in enumerate(DAYS) if name.lower().startswith(weekday.lower()))
    if part("sign"):
        read_.offset = offset_of(part("sign") or "", part("zh") or "", part("zm") or "")
    elif part("zone"):
        read_.offset = 0
    return read_


def _numbers(part: Callable[[str], str | None]) -> Iterator[tuple[str, int]]:
    year, name = part("year") or "", part("name")
    number = int(year)
    if len(year) == 2:
        number += 2000 if 2000 + number <= _LATEST_OF_TWO_DIGITS else 1900
    yield "y", number
    if name:
        yield "M", next(n for n, month in enumerate(MONTHS, 1) if month.lower().startswith(name.lower()))
    else:
        yield "M", int(part("month") or 1)
    yield "d", int(part("day") or 1)
    for key, group in (("h", "hour"), ("h", "hour2"), ("m", "minute"), ("s", "second")):
        value = part(group)
        if value:
            yield key, int(value)
    if part("rest"):
        yield "f", int((part("rest") or "")[:7].ljust(7, "0"))
