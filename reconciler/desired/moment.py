"""The moment for which somebody wants a plan."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final

from reconciler.desired.findings import shown
from reconciler.errors import UsageError
from reconciler.model.window import EXAMPLE, opens_at

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 9999
"""Outside of them there is no day before and no day after to be told of."""


def moment_of(text: str | None, zone: tzinfo) -> datetime:
    """The present if nothing is asked for; of a whole day its first instant in `zone`. Whole seconds, in UTC.

    Raises UsageError.
    """
    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        moment = opens_at(text, zone).replace(microsecond=0)
    except ValueError as error:
        raise UsageError(f"--as-of {shown(text)}: neither a day nor a time with an offset", hint=EXAMPLE) from error
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise UsageError(f"--as-of {shown(text)}: not between the years {FIRST_YEAR} and {LAST_YEAR}", hint=EXAMPLE)
    return moment
