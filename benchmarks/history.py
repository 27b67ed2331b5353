"""A history of months: how long `status`, the log of one person and one more cycle take, and how large it is."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import insert

from benchmarks.table import Row, table
from reconciler.model.app import App
from reconciler.model.history import Cycle, Entry, LogFilter, LogStep, Modified, StepName
from reconciler.service.history import History, new_cycle_id
from reconciler.service.history.rows import cycle_row
from reconciler.service.history.tables import CYCLES

AIM: Final = 0.1
"""Seconds after which nobody calls it at once any more."""
_APPS: Final = 5
_PEOPLE: Final = 20_000
_NOW: Final = datetime(2026, 11, 26, 17, tzinfo=UTC)
_STEPS: Final = (
    LogStep(StepName.IMPORT, "success", "users/ada.lovelace.yaml:1"),
    LogStep(StepName.SCOPE, "success", "in scope"),
    LogStep(StepName.MATCH, "success", "2819c223-7f76-453a-919d-413861904646"),
    LogStep(StepName.ACTION, "success", "done, and read again"),
)


def run(cycles: int, entries: int, rounds: int, url: str | None = None) -> tuple[str, list[Row]]:
    """`url`: an empty database of PostgreSQL instead of a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "history.db")
        history = History.open(url or f"sqlite:///{file}")
        began = time.perf_counter()
        _fill(history, cycles, entries)
        filled = time.perf_counter() - began
        rows = [
            {"question": name, "of the aim": seconds / AIM, "ms": 1000 * seconds}
            for name, seconds in _asked(history, rounds)
        ]
        history.close()
        size = "" if url else f", {file.stat().st_size / 1e6:,.0f} MB"
    title = (
        f"history: {cycles:,} cycles, {entries:,} entries, written in {filled:.0f} s{size} (aim: {1000 * AIM:.0f} ms)"
    )
    return table(title, rows), rows


def _asked(history: History, rounds: int) -> Iterator[tuple[str, float]]:
    from reconciler.service.monitor import statuses

    apps = _apps()
    questions: dict[str, Callable[[], object]] = {
        "status of all apps": lambda: statuses(history, apps, _NOW),
        "log of one person": lambda: list(history.log(LogFilter(key="user:p777"))),
        "log of one group, 100": lambda: list(history.log(LogFilter(key="group:g7", limit=100))),
        "log of failures, 100": lambda: list(history.log(LogFilter(status="failure", limit=100))),
        "log of one person that is not there": lambda: list(history.log(LogFilter(key="user:nobody"))),
        "log of one app, 100": lambda: list(history.log(LogFilter(app="app3", limit=100))),
        "log of one day, 100": lambda: list(history.log(LogFilter(since=_NOW - timedelta(days=1), limit=100))),
        "log of one old day, 100": lambda: list(
            history.log(LogFilter(since=_NOW - timedelta(days=40), before=_NOW - timedelta(days=39), limit=100))
        ),
        "search of a name": lambda: history.people("number 777"),
        "one more cycle, 100 entries": lambda: _cycle(history, _PEOPLE, 100),
    }
    for name, ask in questions.items():
        taken = []
        for _ in range(rounds):
            began = time.perf_counter()
            ask()
            taken.append(time.perf_counter() - began)
        yield name, statistics.median(taken)


def _apps() -> list[App]:
    return [
        App.model_validate({"name": f"app{n}", "tenantUrl": "https://app.example/scim/v2", "scope": {"everyone": True},
                            "auth": {"bearer": {"env": "TOKEN"}}, "unmanaged": {"users": "report"}})
        for n in range(_APPS)
    ]  # fmt: skip


def _fill(history: History, cycles: int, entries: int) -> None:
    """In two transactions: the machine's disk is not what is measured."""
    each = entries // cycles
    made = [_ended(_begun(number, each, cycles - number)) for number in range(cycles)]
    with history._engine.begin() as connection:
        connection.execute(insert(CYCLES), [cycle_row(cycle) for cycle in made])
    history.write(_entry(cycle, number * each + n) for number, cycle in enumerate(made) for n in range(each))


def _cycle(history: History, number: int, entries: int) -> None:
    cycle = _begun(number, entries, 0)
    history.begin(cycle)
    history.write(_entry(cycle, number * entries + n) for n in range(entries))
    history.update(_ended(cycle))


def _begun(number: int, entries: int, ago: int) -> Cycle:
    at = _NOW - timedelta(minutes=8 * ago)
    counts = {"people": _PEOPLE, "planned": entries, "done": entries}
    where = "https://app.example/scim/v2"
    return Cycle(new_cycle_id(at), f"app{number % _APPS}", where, "run", "incremental", at, counts=counts)


def _ended(cycle: Cycle) -> Cycle:
    ended = cycle.started_at + timedelta(seconds=40)
    return replace(cycle, status="success", ended_at=ended, exit_code=0)


def _entry(cycle: Cycle, number: int) -> Entry:
    person, member = number % _PEOPLE, number % 2 == 0
    return Entry(
        cycle.id, cycle.started_at, cycle.app, f"user:p{person}", f"Person Number {person}",
        "addMembers" if member else "updateUser",
        "failure" if number % 50 == 0 else "success",
        id="2819c223-7f76-453a-919d-413861904646",
        group=f"group:g{number % 100}" if member else None,
        modified=(Modified("displayName", f"Person {person}", f"Person Number {person}"),),
        steps=_STEPS, commit="4f2c" * 10, verified=True,
    )  # fmt: skip
