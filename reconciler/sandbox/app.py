"""The sandbox as an ASGI application, and the one address that it has: /scim/v2."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from reconciler.errors import ReconcilerError
from reconciler.sandbox.message import Call
from reconciler.sandbox.sandbox import Sandbox

BASE: Final = "/scim/v2"
SAVE_EVERY: Final = 0.5
"""Seconds: what a kill may cost."""
RACE: Final = 0.005
"""Seconds that a write takes where another may meet it."""

HangUp = Callable[[tuple[str, int]], None]
"""Ends the connection from this address and port."""


class HungUp(ConnectionResetError):
    """The connection ended without an answer, where there is no connection to end: in-process transports."""


def create_app(sandbox: Sandbox, hang_up: HangUp | None = None) -> Starlette:
    """The ASGI application. Without `hang_up` a lost answer is raised as HungUp."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        saver = asyncio.create_task(_keep_saving(sandbox))
        try:
            yield
        finally:
            saver.cancel()
            with contextlib.suppress(ReconcilerError):
                sandbox.save()

    return Starlette(routes=[Mount(BASE, _Endpoint(sandbox, hang_up))], lifespan=lifespan)


class _Endpoint:
    def __init__(self, sandbox: Sandbox, hang_up: HangUp | None) -> None:
        self.sandbox = sandbox
        self.hang_up = hang_up
        self._busy: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        path = _path(scope)
        call = Call(request.method, path, dict(request.query_params), dict(request.headers), await request.body())
        if self.sandbox.latency:
            await asyncio.sleep(self.sandbox.latency)
        async with self._in_turn(call):
            answer = self.sandbox.answer(call)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if answer.hang_up:
            await self._lose(scope)
            return
        await Response(answer.body, answer.status, answer.headers)(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _in_turn(self, call: Call) -> AsyncIterator[None]:
        """Where writes to one group may not meet: tells a call that it meets another."""
        if "memberRace" not in self.sandbox.faults or not (call.is_write and call.path.startswith("/Groups/")):
            yield
            return
        call.races = call.path in self._busy
        if call.races:
            yield
            return
        self._busy.add(call.path)
        try:
            await asyncio.sleep(RACE)
            yield
        finally:
            self._busy.discard(call.path)

    async def _lose(self, scope: Scope) -> None:
        if self.hang_up is None:
            raise HungUp("the sandbox was told to lose this answer")
        self.hang_up(tuple(scope["client"]))
        await asyncio.sleep(0)


def _path(scope: Scope) -> str:
    """Below the base URL, percent-encoded: an id may hold a slash."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.decode("latin-1").removeprefix(scope.get("root_path", ""))


async def _keep_saving(sandbox: Sandbox) -> None:
    while True:
        await asyncio.sleep(SAVE_EVERY)
        with contextlib.suppress(ReconcilerError):  # tried again; the one at the end is told
            sandbox.save()
