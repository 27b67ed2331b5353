"""The requests of a day: counted, and learnt from what the server says. A day is too long to wait for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from reconciler.errors import Throttled
from reconciler.http.allowance import day_quota
from reconciler.http.limits import Quota

_DAY: Final = 86_400.0
_FRESH: Final = 600.0  # seconds for which a server's "used up" is believed; then one request finds out


class DayBudget:
    """`per_day` requests, or fewer if the server says so; those that others make are seen only where it says `used`."""

    def __init__(self, per_day: int | None, clock: Callable[[], float]) -> None:
        self._per_day = self._limit = per_day
        self._clock = clock
        self._sent = 0
        self._since: float | None = None
        self._used: int | None = None
        self._told = 0.0

    @property
    def quota(self) -> Quota:
        return Quota(self._limit, self._used)

    def check(self, request: str) -> None:
        """Raises Throttled if nothing is left of the day."""
        if not self._spent():
            return
        raise Throttled(
            f"not sent: the {self._limit:,} requests a day are used up",
            request=request,
            status=429,
            hint="go on tomorrow: what was done is done, and the next plan holds the rest",
        )

    def count(self) -> None:
        """One request was sent."""
        now = self._clock()
        if self._since is None or now - self._since >= _DAY:
            self._since, self._sent = now, 0
        self._sent += 1
        if self._used is not None:
            self._used += 1

    def learn(self, found: Mapping[str, str]) -> None:
        """What an answer's headers say, as `allowance.told` gives them."""
        limit, used = day_quota(found)
        if limit is not None:
            self._limit = limit if self._per_day is None else min(limit, self._per_day)
        if used is not None:
            self._used, self._told = used, self._clock()

    def _spent(self) -> bool:
        if self._limit is None:
            return False
        now = self._clock()
        if self._used is not None:
            return self._used >= self._limit and now - self._told < _FRESH
        return self._sent >= self._limit and self._since is not None and now - self._since < _DAY
