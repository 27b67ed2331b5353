"""Hours of cycles in seconds: a clock that only moves when everybody waits for it, and a network that can be cut."""

from __future__ import annotations

import asyncio
import functools
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson

from reconciler.http import Client
from reconciler.model.history import Cycle
from reconciler.service.board import Board
from reconciler.service.checkout import Checkout
from reconciler.service.clock import Clock
from reconciler.service.history import History
from reconciler.service.logs import logger
from reconciler.service.runner import Options, Runner
from reconciler.service.telling import Telling
from reconciler.session import Settings
from reconciler.state.file import make_ignored

START = datetime(2026, 11, 26, 18, tzinfo=UTC)
ELSEWHERE = 10
"""The port of an application that is always away."""
PATIENCE = 60.0
"""Seconds of real time after which a test is stuck."""


async def instantly(_: float) -> None:
    """Waiting between two tries of a request."""


def quick_client(*args: Any, **options: Any) -> Client:
    return Client(*args, **options, sleep=instantly, chance=lambda: 0.0)


class Virtual:
    """Time that stands still until `forward`. `jump` moves only the time of day, as somebody who sets a clock."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.jump = timedelta()
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    @property
    def clock(self) -> Clock:
        return Clock(self.now, lambda: self.seconds, self.sleep)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds) + self.jump

    async def sleep(self, seconds: float) -> None:
        until = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.seconds + seconds, until))
        await until

    @property
    def waiting(self) -> list[tuple[float, asyncio.Future[None]]]:
        return [each for each in self._sleepers if not each[1].done()]

    def wake(self, end: float) -> bool:
        """Whoever waits shortest goes on, if that is before the end."""
        self._sleepers = self.waiting
        if not self._sleepers or min(self._sleepers, key=lambda each: each[0])[0] > end:
            return False
        at, until = min(self._sleepers, key=lambda each: each[0])
        self.seconds = max(self.seconds, at)
        until.set_result(None)
        return True


class Network(httpx.AsyncBaseTransport):
    """The way to the application: `down`, or with a token that has expired."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.down = False
        self.expired = False
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.down or request.url.port == ELSEWHERE:
            message = "no route to host"
            raise httpx.ConnectError(message, request=request)
        if self.expired:
            body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "401", "detail": "expired"}
            return httpx.Response(401, json=body, request=request)
        return await self._inner.handle_async_request(request)


@dataclass
class Night:
    """One runner, its history and its clock."""

    root: Path
    network: httpx.AsyncBaseTransport
    time: Virtual = field(default_factory=Virtual)
    ended: list[Cycle] = field(default_factory=list)
    stream: io.StringIO = field(default_factory=io.StringIO)

    @functools.cached_property
    def history(self) -> History:
        make_ignored(self.root / ".reconciler")
        return History.open(f"sqlite:///{self.root / '.reconciler' / 'history.db'}")

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[Runner]:
        settings = Settings(directory=self.root, transport=self.network)
        log = logger(self.stream, terminal=False)
        clock = self.time.clock
        self.runner = Runner(
            settings, Checkout(settings, clock), self.history, Board(), clock, log,
            Telling(self.history, settings, {}, log, clock), Options(ended=self.ended.append, **options),
        )  # fmt: skip
        task = asyncio.ensure_future(self.runner.run())
        try:
            yield self.runner
        finally:
            self.runner.stop()
            async with asyncio.timeout(PATIENCE):
                await task

    async def forward(self, **length: float) -> None:
        """So long, and every cycle that falls into it to its end."""
        end = self.time.seconds + timedelta(**length).total_seconds()
        while True:
            await self._all_wait()
            if not self.time.wake(end):
                break
        self.time.seconds = end

    async def _all_wait(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                await asyncio.sleep(0.002)
                apps = self.runner._apps
                if apps and len(self.time.waiting) >= len(apps) and not self.runner._jobs:
                    return

    @property
    def log(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.stream.getvalue().splitlines()]

    def statuses(self) -> list[str]:
        return [each.status for each in self.ended]
