"""How many requests may be out at a time: it adapts to the server."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

_START: Final = 4


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
