"""Requests a second, a day, and of some kinds in some seconds."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence

from reconciler.model.rate import Bucket


class Pace:
    """A token bucket that holds one second's worth, and a count for each 24 hours.

    A refused request costs nothing. `per_second` 0: everything is let through, and nothing is counted against the day.
    """

    def __init__(
        self,
        per_second: float,
        per_day: int,
        clock: Callable[[], float] = time.monotonic,
        buckets: Sequence[Bucket] = (),
    ) -> None:
        self.per_second = per_second
        self.per_day = per_day
        self.used = 0
        self._clock = clock
        self._tokens = max(1.0, per_second)
        self._at = self._day = clock()
        self._buckets: list[tuple[Bucket, deque[float]]] = [(bucket, deque()) for bucket in buckets]
        self.wait = 1.0
        """Seconds after which one that was refused may come again."""

    def take(self, method: str = "GET", path: str = "", size: int = 0) -> str:
        """Counts one request; a sentence if it is one too many, else nothing."""
        now = self._clock()
        filled = [taken for bucket, taken in self._buckets if _counts(bucket, method, path, size)]
        for bucket, taken in self._buckets:
            while taken and now - taken[0] >= bucket.seconds:
                taken.popleft()
            if len(taken) >= bucket.count and _counts(bucket, method, path, size):
                self.wait = bucket.seconds - (now - taken[0])
                return f"more than {bucket.count} requests in {bucket.seconds:g} seconds"
        refused = self._take(now)
        if not refused:
            for taken in filled:
                taken.append(now)
        return refused

    def _take(self, now: float) -> str:
        self.wait = 1.0
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
    def retry_after(self) -> str:
        return str(max(1, math.ceil(self.wait)))

    @property
    def remaining(self) -> int:
        return int(self._tokens)


def _counts(bucket: Bucket, method: str, path: str, size: int) -> bool:
    return (
        (not bucket.methods or method in bucket.methods)
        and path.startswith(bucket.path)
        and (not bucket.larger_than or size > bucket.larger_than)
    )
