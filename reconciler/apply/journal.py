"""What was tried and what came of it: JSON lines, on the disk before and after each write.

Values of attributes are not in it; who, what, and the outcome are.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson


class Journal:
    """Append-only. Many writers at a time share one flush: `note` returns when its line is on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._flusher: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab", buffering=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lines:
            self._write(self._lines)
        self._file.close()

    async def note(self, event: str, **facts: Any) -> None:
        """Adds one line: event, time (UTC), facts. Facts must hold no values of attributes and no secrets."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._lines.append(orjson.dumps({"event": event, "at": at, **facts}, option=orjson.OPT_APPEND_NEWLINE))
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        while self._lines:
            lines, self._lines = self._lines, []
            waiting, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._write, lines)
            except OSError as error:
                for future in waiting:
                    future.set_exception(error)
                raise
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    def _write(self, lines: list[bytes]) -> None:
        self._file.write(b"".join(lines))
        os.fsync(self._file.fileno())
