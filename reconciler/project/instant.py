"""Dates as SCIM writes them (RFC 7643 section 2.3.5: XML Schema's dateTime, of which RFC 3339 is a form)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

_ISO: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[Tt ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s?(?P<zone>[Zz]|[+-]\d\d:\d\d)?)?\Z"
)
_SERVICE: Final = "%m/%d/%Y %I:%M:%S %p"
"""`M/d/yyyy h:mm:ss tt`, the form in which the functions of expressions give dates. UTC."""


def as_date_time(text: str) -> str | None:
    """A date, with or without time, as dateTime; what has no zone is UTC. None: it is no date."""
    found = _ISO.match(text.strip())
    if not found:
        return _from_service(text.strip())
    clock = found["time"] or "00:00:00"
    if clock.count(":") == 1:
        clock += ":00"
    written = f"{found['day']}T{clock}{(found['zone'] or 'Z').upper()}"
    try:
        datetime.fromisoformat(written)
    except ValueError:
        return None
    return written


def as_date(text: str) -> str | None:
    """The day of a date, as YYYY-MM-DD, in the zone that it is written in. None: it is no date."""
    written = as_date_time(text)
    return written[:10] if written is not None else None


def _from_service(text: str) -> str | None:
    try:
        return f"{datetime.strptime(text, _SERVICE).isoformat()}Z"  # noqa: DTZ007  always UTC, and written as such
    except ValueError:
        return None
