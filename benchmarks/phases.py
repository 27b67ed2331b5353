"""Where the time of one plan goes: `python -m benchmarks.phases ROOT` prints seconds a phase as JSON.

It is `reconciler plan` itself, with a stopwatch around its parts; what none of them covers is `rest`: imports, the
app's memory, the report.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

BEGUN = time.perf_counter()


def phases(root: Path) -> dict[str, float]:
    """Seconds a phase, and `requests`."""
    from reconciler.cli import session, show
    from reconciler.live import Reader

    spent: dict[str, float] = {}
    read = Reader.read

    async def timed_read(*arguments: Any, **named: Any) -> Any:
        with _watch(spent, "application"):
            snapshot = await read(*arguments, **named)
        spent["requests"] = snapshot.requests
        return snapshot

    session.load = _timed(spent, "files", session.load)
    session.project = _timed(spent, "project", session.project)
    session.propose = _timed(spent, "plan", session.propose)
    Reader.read = timed_read  # type: ignore[method-assign]
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        asyncio.run(show.planned(session.Settings(root), form="text", verbose=False))
    parts = sum(seconds for name, seconds in spent.items() if name != "requests")
    return {**spent, "rest": time.perf_counter() - BEGUN - parts}


def _timed(spent: dict[str, float], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        with _watch(spent, name):
            return function(*arguments, **named)

    return timed


@contextlib.contextmanager
def _watch(spent: dict[str, float], name: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    spent[name] = time.perf_counter() - begun


if __name__ == "__main__":
    sys.stdout.write(json.dumps(phases(Path(sys.argv[1]))))
