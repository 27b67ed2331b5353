"""What was tried and what came of it: JSON lines, on the disk before and after each write.

Values of attributes are not in it; who, what, and the outcome are.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from reconciler.errors import Place, ReconcilerError


class Journal:
    """Append-only. Many writers at a time share one flush: `note` returns when its line is on the disk.

    Raises ReconcilerError where that can't be: what can't be written down must not be done.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._failed: ReconcilerError | None = None

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab")
        except OSError as error:
            raise self._unwritable(error) from error
        return self

    def keep(self, plan: Iterable[bytes]) -> None:
        """Writes the pieces of the plan beside the journal, on the disk before anything of it is done. It holds values
        of people, so nobody else may read it.
        """
        try:
            descriptor = os.open(plan_beside(self.path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(plan)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._unwritable(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._lines.append(_line("aborted", {"why": kind.__name__}))
        try:
            with closing(self._file):
                if self._lines:
                    self._write(self._lines)
        except OSError as failed:
            if error is None:
                raise self._unwritable(failed) from failed

    async def note(self, event: str, **facts: Any) -> None:
        """Adds one line: event, time (UTC), facts. Facts must hold no values of attributes and no secrets."""
        if self._failed is not None:
            raise self._failed
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self.follow(event, **facts)
        await done

    def follow(self, event: str, **facts: Any) -> None:
        """The same without waiting: the line is on its way to the disk, and there before any later one. What keeps it
        from getting there is raised by the next `note`, so that nothing new is begun.
        """
        self._lines.append(_line(event, facts))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        while self._lines:
            lines, self._lines = self._lines, []
            waiting, self._waiting = self._waiting, []
            failed: ReconcilerError | None = None
            try:
                await asyncio.to_thread(self._write, lines)
            except OSError as error:
                failed = self._failed = self._unwritable(error)
            for future in waiting:
                if future.done():
                    continue
                if failed is None:
                    future.set_result(None)
                else:
                    future.set_exception(failed)

    def _write(self, lines: list[bytes]) -> None:
        self._file.write(b"".join(lines))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _unwritable(self, error: OSError) -> ReconcilerError:
        return JournalError(
            f"the journal can't be written: {error.strerror or error}",
            place=Place(str(self.path)),
            hint="nothing is written to the application without it: make room, or name another file with --journal",
        )


class JournalError(ReconcilerError):
    """What is done could not be noted down: the run ends."""


def plan_beside(journal: Path) -> Path:
    """Where the plan that a journal is about is kept: without it there is no undo."""
    return journal.with_suffix(".plan.json")


def _line(event: str, facts: dict[str, Any]) -> bytes:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return orjson.dumps({"event": event, "at": at, **facts}, option=orjson.OPT_APPEND_NEWLINE)
