"""Which outcome of a request may be tried again, and after how long. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.errors import AnswerLost, BodyTooLarge, NotSent, TransportError
from reconciler.http.allowance import asked_to_wait

_READS: Final = frozenset({"GET", "HEAD"})
_PASSING: Final = frozenset({500, 502, 503, 504})
_UNREACHED: Final = 4  # tries to reach a server at all: a wrong host name should not take long to say so
LONGEST: Final = 60.0  # seconds of one wait, whatever the server says


class NotTrusted(NotSent):
    """No way that a token may go: the URL, TLS, the certificate, the proxy. Trying again changes nothing."""


class NoToken(NotSent):
    """The token that the request needs could not be had, after tries of its own."""


class Garbled(AnswerLost):
    """There was an answer, and it can't be read. Trying again changes nothing."""


def wait_after_status(
    status: int, headers: Mapping[str, str], method: str, attempt: int, *, chance: float, now: float
) -> float | None:
    """Seconds until the next try, None if this answer is final.

    `attempt` counts from 1; `chance` is in [0, 1); `now` is the time in seconds since 1970. 429 was not processed and
    is tried again for every method (RFC 6585 section 4); 500, 502, 503 and 504 only for reads, since a write may have
    been done. What the server asks for (`asked_to_wait`) is obeyed up to 60 seconds at a time.
    """
    if status != 429 and not (status in _PASSING and method in _READS):
        return None
    asked = asked_to_wait(headers, now)
    if asked is not None:
        return min(asked, LONGEST) + chance * 0.25  # so that those who were told the same don't come together
    return _growing(1.0 if status == 429 else 0.5, attempt, chance)


def wait_after_error(error: TransportError, method: str, attempt: int, *, chance: float) -> float | None:
    """Seconds until the next try, None if it would help nothing, or might do a write twice."""
    match error:
        case NotTrusted() | NoToken() | Garbled() | BodyTooLarge():
            return None
        case NotSent():
            return _growing(0.25, attempt, chance) if attempt < _UNREACHED else None
        case _:
            return _growing(0.5, attempt, chance) if method in _READS else None


def _growing(first: float, attempt: int, chance: float) -> float:
    return float(min(LONGEST, first * 2 ** (attempt - 1)) * (1 + chance / 2))
