"""How fast, and how many at a time: a bucket without bursts, and a window that adapts to the server."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

_MARGIN: Final = 0.975  # of the limit: a server counts arrivals, and the network pushes them together by some ms
_LATE: Final = 0.01  # seconds that a timer may be late without the rate falling
_START: Final = 4


class Bucket:
    """Hands out moments to send, `1 / per_second` apart, to whoever came first; without a rate it never waits.

    Not a bucket that fills up while nobody sends: a server that counts over one second would see the rest of the last
    second and a burst. Timers that fire a little late don't add up.
    """

    def __init__(
        self,
        per_second: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._interval = 1 / (per_second * _MARGIN) if per_second else 0.0
        self._clock = clock
        self._sleep = sleep
        self._next = float("-inf")
        self._turn = asyncio.Lock()

    async def take(self) -> None:
        """Return when it is the caller's moment."""
        if not self._interval and self._next <= self._clock() and not self._turn.locked():
            return
        async with self._turn:
            goal = None
            while goal != self._next:  # it moves if the server says "too much" meanwhile
                goal = self._next
                wait = goal - self._clock()
                if wait > 0:
                    await self._sleep(wait)
            self._next = max(goal, self._clock() - _LATE) + self._interval

    def hold(self, seconds: float) -> None:
        """Give out no moment for so long. For a rate, at least five moments are left out, so that those that the
        network pushed together are outside of the server's window again."""
        self._next = max(self._next, self._clock() + max(seconds, 5 * self._interval))


class Window:
    """How many requests may be out at once: between 1 and `most`, starting small.

    One more for each full window of good answers; half when the server says that it is too much. Requests that were
    out already when it was halved don't halve it again: they are the same news.
    """

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._size = min(_START, self._most)
        self._out = 0
        self._good = 0
        self._era = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def size(self) -> int:
        """Requests allowed at once, now."""
        return self._size

    async def enter(self) -> int:
        """Wait for a place; returns the era to give to `leave`."""
        if self._out >= self._size or self._waiting:
            await self._queue()
        else:
            self._out += 1
        return self._era

    def leave(self, era: int, *, good: bool = False, throttled: bool = False) -> None:
        """Free the place; `throttled` is an answer 429 or 503, `good` any other that the server made."""
        self._out -= 1
        if throttled and era == self._era:
            self._size = max(1, self._size // 2)
            self._era += 1
            self._good = 0
        elif good:
            self._grow()
        self._wake()

    def _grow(self) -> None:
        self._good += 1
        if self._good >= self._size and self._size < self._most:
            self._size += 1
            self._good = 0

    async def _queue(self) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # the place had been given: pass it on
                self._out -= 1
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting and self._out < self._size:
            place = self._waiting.popleft()
            if not place.done():
                self._out += 1
                place.set_result(None)
