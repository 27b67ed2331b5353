"""Lengths of time, moments and counts, as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from reconciler.render.safe import safe

_MINUTE: Final = timedelta(minutes=1)
_ALMOST: Final = timedelta(seconds=59)
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def span(length: timedelta) -> str:
    """Two units at most: "2 d 4 h", "41 min", "3.2 s" below ten seconds. What is negative counts as nothing."""
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds % 1 >= 0.05 else f"{int(seconds)} s"
    whole = round(seconds)
    for number, (size, unit) in enumerate(_UNITS):
        if whole >= size:
            many, left = divmod(whole, size)
            if number + 1 < len(_UNITS) and many < 10:
                less, name = _UNITS[number + 1]
                if left // less:
                    return f"{many} {unit} {left // less} {name}"
            return f"{many} {unit}"
    return "0 s"


def ago(then: datetime, now: datetime) -> str:
    """ "4 min ago", "just now", or "in 36 min"."""
    if then > now:
        return f"in {span(_whole(then - now + _ALMOST if then - now > _MINUTE else then - now))}"
    length = _whole(now - then)
    return f"{span(length)} ago" if length else "just now"


def past(then: datetime, now: datetime) -> str:
    """As `ago`, of what has happened: a clock that is behind, or a moment between two looks at it, makes no future."""
    return ago(min(then, now), now)


def _whole(length: timedelta) -> timedelta:
    """Without seconds, where there are minutes."""
    seconds = int(length.total_seconds())
    return timedelta(seconds=seconds - seconds % 60 if seconds >= 60 else seconds)


def moment(when: datetime) -> str:
    """2026-11-26 17:58 UTC"""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def stamp(when: datetime | None) -> str | None:
    """RFC 3339, to the second, for programs."""
    return None if when is None else f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def verb(action: str) -> str:
    """createUser → create user"""
    return safe("".join(f" {c.lower()}" if "A" <= c <= "Z" else c for c in action[:60]))


def utc(when: datetime) -> str:
    """26 Nov 17:58"""
    then = when.astimezone(UTC)
    return f"{then.day} {then:%b %H:%M}"
