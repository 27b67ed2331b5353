"""How often something happens: `40m`, `1h30m`, `30s`, `1d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

DEFAULT: Final = "40m"
SHORTEST: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(days=7)
EXAMPLE: Final = "such as 40m, 1h30m or 30s"
_FORM: Final = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?\Z", re.ASCII)


def interval_of(text: str) -> timedelta:
    """Days, hours, minutes and seconds, in this order, each once. Raises ValueError, saying why: for what is no such
    text, and for less than a second or more than a week.
    """
    try:
        interval = span_of(text)
    except ValueError as error:
        message = f"not an interval, {EXAMPLE}"
        raise ValueError(message) from error
    if not SHORTEST <= interval <= LONGEST:
        message = "an interval is between 1s and 7d"
        raise ValueError(message)
    return interval


def span_of(text: str) -> timedelta:
    """Days, hours, minutes and seconds, in this order, each once, however long. Raises ValueError, saying why."""
    found = _FORM.match(text)
    if not text or found is None:
        message = "not a length of time, such as 90d or 12h"
        raise ValueError(message)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
