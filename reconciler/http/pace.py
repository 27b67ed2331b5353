"""How fast: every limit that a request counts for has room before it is sent.

Short limits hand out moments evenly, without bursts; longer ones let a burst through and count what was sent. A short
wait is spent in one's place among those that are out, a long one before it, so that nobody else waits for it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.http.limits import Limit

_MARGIN: Final = 0.975  # of a short limit: a server counts arrivals, and the network pushes them together by some ms
_LATE: Final = 0.01  # seconds that a timer may be late without the rate falling
_SHORT: Final = 1.0  # seconds of a limit up to which moments are even


class _Even:
    """Moments `seconds / count` apart.

    Not a bucket that fills up while nobody sends: a server that counts over one second would see the rest of the last
    second and a burst. Timers that fire a little late don't add up.
    """

    __slots__ = ("interval", "next")

    def __init__(self, limit: Limit) -> None:
        self.interval = limit.seconds / (limit.count * _MARGIN)
        self.next = -math.inf

    def spend(self, now: float) -> None:
        self.next = max(self.next, now - _LATE) + self.interval


@dataclass(slots=True)
class _Sending:
    """One request in the log of a long limit; until it is sent, its moment is not known."""

    moment: float = math.inf


class _Log:
    """The last requests of a long limit. Arrivals may be nearer to each other than departures: hence the margin."""

    __slots__ = ("_count", "_sent", "_span")

    def __init__(self, limit: Limit) -> None:
        self._count = max(1, int(limit.count))
        self._span = limit.seconds + min(1.0, 0.05 + limit.seconds / 100)
        self._sent: deque[_Sending] = deque()

    def room_at(self, now: float) -> float:
        """When one more may be sent; infinity: when one of those that wait to be sent is."""
        while self._sent and self._sent[0].moment + self._span <= now:
            self._sent.popleft()
        return -math.inf if len(self._sent) < self._count else self._sent[0].moment + self._span

    def add(self, sending: _Sending) -> None:
        self._sent.append(sending)

    def remove(self, sending: _Sending) -> None:
        self._sent = deque(one for one in self._sent if one is not sending)


@dataclass(slots=True)
class Turn:
    """One try on its way through the limits that it counts for."""

    even: tuple[_Even, ...] = ()
    logs: tuple[_Log, ...] = ()
    sending: _Sending = field(default_factory=_Sending)


class Pace:
    """All limits of one server together: first `reserve`, then `take`; then send, or `give_back`.

    Among those who count for the same limits, who came first goes first.
    """

    def __init__(
        self,
        limits: Sequence[Limit] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._even = [(limit, _Even(limit)) for limit in limits if limit.seconds <= _SHORT]
        self._logs = [(limit, _Log(limit)) for limit in limits if limit.seconds > _SHORT]
        self._clock = clock
        self._sleep = sleep
        self._held = -math.inf
        self._queues: dict[tuple[int, ...], asyncio.Lock] = {}
        self._moved = asyncio.Event()

    async def reserve(self, method: str, path: str, size: int) -> Turn:
        """A turn, once all long limits have room for it."""
        logs = tuple(log for limit, log in self._logs if limit.applies(method, path, size))
        turn = Turn(tuple(even for limit, even in self._even if limit.applies(method, path, size)), logs)
        if logs:
            async with self._queue(logs):
                await self._room(logs)
                for log in logs:
                    log.add(turn.sending)
        return turn

    async def take(self, turn: Turn) -> None:
        """Return when it is the turn's moment by all short limits, and the server does not ask to wait."""
        if turn.even or self._held > self._clock():
            async with self._queue(turn.even):
                goal = None
                while goal != (now_goal := self._goal(turn)):  # it moves if the server says "too much" meanwhile
                    goal = now_goal
                    wait = goal - self._clock()
                    if wait > 0:
                        await self._sleep(wait)
                for even in turn.even:
                    even.spend(self._clock())
        turn.sending.moment = self._clock()
        self._wake()

    def give_back(self, turn: Turn) -> None:
        """The turn was not used: nothing was sent."""
        for log in turn.logs:
            log.remove(turn.sending)
        self._wake()

    def hold(self, seconds: float) -> None:
        """Give out no moment for so long."""
        self._held = max(self._held, self._clock() + seconds)

    def refused(self, turn: Turn) -> None:
        """The server says that it was too much: five moments of the turn's short limits are left out, so that those
        that the network pushed together are outside of the server's window again."""
        for even in turn.even:
            even.next = max(even.next, self._clock() + 5 * even.interval)

    def _goal(self, turn: Turn) -> float:
        return max((self._held, *(even.next for even in turn.even)))

    async def _room(self, logs: tuple[_Log, ...]) -> None:
        now = self._clock()
        while (room := max(log.room_at(now) for log in logs)) > now:
            if room == math.inf:
                await self._moved.wait()
                now = self._clock()
            else:
                await self._sleep(room - now)
                now = max(room, self._clock())

    def _queue(self, of: Iterable[object]) -> asyncio.Lock:
        return self._queues.setdefault(tuple(id(one) for one in of), asyncio.Lock())

    def _wake(self) -> None:
        self._moved.set()
        self._moved.clear()
