"""Where the time of one plan goes: `python -m benchmarks.phases ROOT` prints CPU seconds a phase as JSON.

It is `reconciler plan` itself, with a stopwatch around its parts; what none of them covers is `rest`: the app's memory,
the connection, the report. Imports are not counted, here and in the floor: they are the same whatever the size.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.processes import Clock


def phases(root: Path) -> dict[str, float]:
    """CPU seconds a phase, of everything together as `all`; seconds as `wall`; and `requests`."""
    import reconciler.http  # noqa: F401  late in the command, before the clock here
    from reconciler.cli import plans
    from reconciler.live import Reader
    from reconciler.session import Settings, opened

    begun = Clock.now()
    spent: dict[str, float] = {}
    read = Reader.read

    async def timed_read(*arguments: Any, **named: Any) -> Any:
        with _watch(spent, "application"):
            snapshot = await read(*arguments, **named)
        spent["requests"] = snapshot.requests
        return snapshot

    for name, phase in (("load", "files"), ("project", "project"), ("propose", "plan")):
        setattr(opened, name, _timed(spent, phase, getattr(opened, name)))
    Reader.read = timed_read  # type: ignore[method-assign]
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        asyncio.run(plans.planned(Settings(root), form="text", verbose=False))
    whole = begun.since()
    parts = sum(seconds for name, seconds in spent.items() if name != "requests")
    return {**spent, "rest": whole["cpu"] - parts, "all": whole["cpu"], "wall": whole["wall"]}


def _timed(spent: dict[str, float], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        with _watch(spent, name):
            return function(*arguments, **named)

    return timed


@contextlib.contextmanager
def _watch(spent: dict[str, float], name: str) -> Iterator[None]:
    begun = Clock.now()
    yield
    spent[name] = begun.since()["cpu"]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(phases(Path(sys.argv[1]))))
