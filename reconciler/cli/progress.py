"""Progress on stderr: bars where somebody looks, a line now and then where nobody does, nothing when it is quick."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

PATIENCE = 0.7
"""Seconds before anything is shown: what is quick needs no bar."""
SILENCE = 10.0
"""Seconds between two lines where stderr is no terminal."""


class Progress:
    """Called with (what, done, total); a total of None is not known yet."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._begun = time.monotonic()
        self._told = self._begun
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self._begun < PATIENCE:
            return
        if not self._terminal:
            if now - self._told >= SILENCE:
                self._told = now
                sys.stderr.write(f"{self.title}: {what} {done:,}{f' of {total:,}' if total else ''}\n")
            return
        bars = self._bars or self._start()
        if what not in self._tasks:
            self._tasks[what] = bars.add_task(what, total=total)
        bars.update(self._tasks[what], completed=done, total=total)

    def _start(self) -> Bars:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._bars = Progress(
            TextColumn(f"{self.title}  {{task.description}}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bars.start()
        return self._bars
