"""Requests a second and a day."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """A token bucket that holds one second's worth, and a count for each 24 hours.

    A refused request costs nothing. `per_second` 0: everything is let through, and nothing is counted against the day.
    """

    def __init__(self, per_second: float, per_day: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second = per_second
        self.per_day = per_day
        self.used = 0
        self._clock = clock
        self._tokens = max(1.0, per_second)
        self._at = self._day = clock()

    def take(self) -> str:
        """Counts one request; a sentence if it is one too many, else nothing."""
        now = self._clock()
        if now - self._day >= 86_400:
            self._day, self.used = now, 0
        if not self.per_second:
            self.used += 1
            return ""
        self._tokens = min(max(1.0, self.per_second), self._tokens + (now - self._at) * self.per_second)
        self._at = now
        if self.per_day and self.used >= self.per_day:
            return "Account plan limit exceeded"
        if self._tokens < 1:
            return "Account rate limit exceeded"
        self._tokens -= 1
        self.used += 1
        return ""

    @property
    def remaining(self) -> int:
        return int(self._tokens)
