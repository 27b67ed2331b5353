"""An application in one process that fails where it is told to."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

import httpx
import pytest

Cut: TypeAlias = Literal["unreachable", "answerLost", "requestLost", "killedBefore", "killedAfter", "lostThenDown"]


class Killed(BaseException):
    """The process is gone: nothing catches this, and nothing is saved after it."""


class Cutting(httpx.AsyncBaseTransport):
    """Counts requests, and does at number `at` (from 1) what `cut` says.

    unreachable: from there on nothing reaches the server. answerLost, requestLost: this one is done, or not, and the
    answer never comes; everything after is well. lostThenDown: done, no answer, and from there on unreachable.
    killedBefore, killedAfter: the process ends before the request leaves, or when the server has done it.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.cut: Cut | None = None
        self.at = 0
        self.count = 0
        self.alive = True

    def arm(self, cut: Cut | None, at: int = 0) -> None:
        self.cut, self.at, self.count, self.alive = cut, at, 0, True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.alive:
            raise Killed
        self.count += 1
        down = self.cut in ("unreachable", "lostThenDown") and self.count > self.at
        if self.cut is None or self.count < self.at:
            return await self.inner.handle_async_request(request)
        if down or (self.count == self.at and self.cut == "unreachable"):
            raise httpx.ConnectError("nobody there")
        if self.count > self.at:
            return await self.inner.handle_async_request(request)
        if self.cut in ("answerLost", "lostThenDown", "killedAfter"):
            await (await self.inner.handle_async_request(request)).aread()
        if self.cut in ("killedBefore", "killedAfter"):
            self.alive = False
            raise Killed
        raise httpx.ReadError("the connection broke")


MEMORY = Path("/dev/shm")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory, where there is such a place: nobody pulls the plug here."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield Path(folder).resolve()


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on the disk when is tested beside the journal and the state."""

    async def at_once(call: Callable[..., Any], *arguments: Any) -> Any:
        return call(*arguments)

    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(asyncio, "to_thread", at_once)


@pytest.fixture
def cutting() -> Callable[[httpx.AsyncBaseTransport], Cutting]:
    return Cutting


@pytest.fixture
def killed() -> type[BaseException]:
    return Killed
