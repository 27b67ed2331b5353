"""What is going on at this moment, in this process: for the page, the metrics and the health endpoints."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Running:
    """A cycle that is under way."""

    app: str
    cycle: str
    since: datetime
    phase: str = "starting"
    done: int = 0
    total: int | None = None


class Board:
    """Written by the cycles, read by whoever looks. Everything happens in one event loop."""

    def __init__(self) -> None:
        self.running: dict[str, Running] = {}
        self.ready = False
        """The first cycle of every app has ended, whatever came of it."""
        self.version = 0
        """Moves with every change."""
        self._changed = asyncio.Event()

    def begin(self, running: Running) -> None:
        self.running[running.app] = running
        self.touch()

    def progress(self, app: str, phase: str, done: int, total: int | None) -> None:
        if app in self.running:
            self.running[app] = replace(self.running[app], phase=phase, done=done, total=total)
            self.touch()

    def end(self, app: str) -> None:
        self.running.pop(app, None)
        self.touch()

    def touch(self) -> None:
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def changes(self, *, at_most_every: float = 0.25) -> AsyncIterator[int]:
        """The version, now and after every change, but never more often than that (seconds)."""
        seen = -1
        while True:
            if seen == self.version:
                await self._changed.wait()
            seen = self.version
            yield seen
            await asyncio.sleep(at_most_every)
