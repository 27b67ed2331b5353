"""Server-sent events (HTML Living Standard, section 9.2): what is running at this moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

import orjson

from reconciler.service.board import Board

MOST: Final = 50
"""Pages that may listen at the same time."""
SILENCE: Final = 15.0
"""Seconds after which something is sent all the same, so that nobody in between ends the connection."""


class Streams:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._open = 0

    @property
    def full(self) -> bool:
        return self._open >= MOST

    async def events(self) -> AsyncIterator[bytes]:
        """One event at once, and one after every change; each says all there is."""
        self._open += 1
        try:
            yield b"retry: 3000\n\n"
            async with aclosing(self._board.changes()) as changes:  # type: ignore[type-var]
                waiting = asyncio.ensure_future(anext(changes))
                try:
                    while True:
                        done, _ = await asyncio.wait([waiting], timeout=SILENCE)
                        if not done:
                            yield b": still here\n\n"
                            continue
                        waiting.result()
                        yield b"data: " + orjson.dumps(self._document()) + b"\n\n"
                        waiting = asyncio.ensure_future(anext(changes))
                finally:
                    waiting.cancel()
                    await asyncio.gather(waiting, return_exceptions=True)
        finally:
            self._open -= 1

    def _document(self) -> dict[str, object]:
        return {
            "running": [
                {"app": each.app, "cycle": each.cycle, "phase": each.phase, "done": each.done, "total": each.total}
                for each in self._board.running.values()
            ]
        }
