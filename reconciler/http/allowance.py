"""What the headers of an answer say about how much one may still ask. Pure; nonsense counts as nothing said.

`RateLimit` is draft-ietf-httpapi-ratelimit-headers in both of its spellings; the X- forms are what servers made up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

_PREFIXES: Final = ("ratelimit", "x-ratelimit", "x-rate-limit")
_DAY: Final = 86_400.0
_SINCE_1970: Final = 1e9  # above it, a reset is a moment; above _MILLISECONDS, in thousandths
_MILLISECONDS: Final = 1e11
_NUMBER: Final = re.compile(r"\d{1,15}(\.\d{1,9})?")
_LEFT: Final = re.compile(r"\b(?:remaining|r)\s*=\s*(\d{1,15})\b")
_RESET: Final = re.compile(r"\b(?:reset|t)\s*=\s*(\d{1,15})\b")


def asked_to_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the server asks to wait, by Retry-After or because nothing is left before a reset; None if it
    doesn't say. `now` is the time in seconds since 1970, for servers that send no Date."""
    asked = retry_after(headers, now)
    return until_reset(told(headers), headers, now) if asked is None else asked


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the server asks to wait, from a number or a date; None if it doesn't say, or nonsense.

    A date is compared with the server's own Date where it sends one: its clock may differ from ours.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        until = _time(text)
        if until is None:
            return None
        seconds = until - (_time(headers.get("date", "")) or now)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def told(headers: Mapping[str, str]) -> dict[str, str]:
    """Those headers that this module reads; names in lower case."""
    return {name: text for name, text in headers.items() if "limit" in name or "quota" in name}


def until_reset(found: Mapping[str, str], headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the server takes requests again, if it says that none are left; None otherwise.

    `found` is what `told` gives.
    """
    empty = [prefix for prefix in _PREFIXES if _number(found.get(f"{prefix}-remaining", "")) == 0]
    waits = [_seconds(_number(found.get(f"{prefix}-reset", "")), headers, now) for prefix in empty]
    waits.append(_joined(found.get("ratelimit", "")))
    return max((wait for wait in waits if wait is not None), default=None)


def day_quota(found: Mapping[str, str]) -> tuple[int | None, int | None]:
    """(requests a day, used of them), as Hootsuite says it: `X-Account-Quota: 100000 per day`."""
    limit = re.fullmatch(r"(\d{1,12}) per day", found.get("x-account-quota", "").strip())
    used = re.fullmatch(r"\d{1,12}", found.get("x-account-quota-used", "").strip())
    return int(limit[1]) if limit else None, int(used[0]) if used else None


def _joined(text: str) -> float | None:
    """`limit=100, remaining=0, reset=5`, or a list of `"name";r=0;t=5`."""
    waits: list[float] = []
    for part in [text] if "remaining" in text else text.split(","):
        left, reset = _LEFT.search(part), _RESET.search(part)
        if left and reset and int(left[1]) == 0 and int(reset[1]) <= _DAY:
            waits.append(float(reset[1]))
    return max(waits, default=None)


def _seconds(reset: float | None, headers: Mapping[str, str], now: float) -> float | None:
    if reset is None:
        return None
    if reset > _SINCE_1970:
        moment = reset / 1000 if reset > _MILLISECONDS else reset
        reset = moment - (_time(headers.get("date", "")) or now)
    return reset if 0 <= reset <= _DAY else None


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def _time(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
