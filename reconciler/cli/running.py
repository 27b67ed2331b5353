"""What `run` wires together: files, history, the cycles, the page, and the signals that end it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TextIO

import click
import orjson

from reconciler.cli.extras import need
from reconciler.cli.interrupts import handled
from reconciler.cli.outcomes import together
from reconciler.errors import HistoryError, Interrupted, UsageError
from reconciler.render.safe import safe
from reconciler.service.board import Board
from reconciler.service.checkout import Checkout
from reconciler.service.clock import Clock
from reconciler.service.history import History
from reconciler.service.logs import logger
from reconciler.service.runner import Options, Runner
from reconciler.service.telling import Telling
from reconciler.session import root_of
from reconciler.session.memory import FOLDER
from reconciler.state.file import make_ignored

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from reconciler.model.history import Cycle
    from reconciler.service.web import Listen
    from reconciler.session import Settings

GRACE: Final = 5.0
"""Seconds in which journals and memories are closed after the second signal."""


@dataclass(slots=True)
class Wish:
    """How `run` is to go about it."""

    history: str | None = None
    form: str = "text"
    once: bool = False
    pull: bool = False
    signed: bool = False
    serve: str | None = None
    interval: timedelta | None = None


async def running(settings: Settings, wish: Wish, environ: Mapping[str, str], stderr: TextIO) -> int:
    """Cycles until a signal, or one of every app. Returns the exit code."""
    _check(settings, wish)
    listen = None if wish.serve is None else _listen(wish.serve, environ)
    log = logger(stderr, terminal=stderr.isatty())
    settings.tell = lambda sentence: log.warning("note", text=sentence)
    with _history(wish, settings) as history:
        board = Board()
        clock = Clock()
        checkout = Checkout(settings, clock, pulls=wish.pull, signed=wish.signed, earlier=lambda: _commits(history))
        runner = Runner(
            settings, checkout, history, board, clock, log, Telling(history, settings, environ, log, clock),
            Options(wish.once, wish.interval, lambda cycle: _print(cycle, wish.form)),
        )  # fmt: skip
        async with _served(listen, history, checkout, board, clock, log):
            received = await _until_signalled(runner, log)
    if received == signal.SIGINT or (received is not None and wish.once):
        return Interrupted.exit_code
    return together(runner.codes.values()) if wish.once else 0


def _check(settings: Settings, wish: Wish) -> None:
    if settings.allow and not wish.once:
        hint = "with --once, or answer what is held with `reconciler approve DIGEST`"
        raise UsageError("--allow is an answer to one plan, and `run` makes many", hint=hint)
    if wish.once and wish.serve is not None:
        raise UsageError("--serve is for a runner that stays, --once for one that does not", hint="leave one out")
    if wish.once and wish.interval is not None:
        raise UsageError("--interval is between cycles, and --once makes one", hint="leave one out")


def _listen(where: str, environ: Mapping[str, str]) -> Listen:
    need("service", "starlette", "uvicorn", "prometheus_client")
    from reconciler.service.web import Listen

    return Listen.of(where, environ)


async def _until_signalled(runner: Runner, log: FilteringBoundLogger) -> int | None:
    """Runs; the first signal ends it gracefully, the second at once. Returns the first."""
    loop = asyncio.get_running_loop()
    received: list[int] = []
    task = asyncio.ensure_future(runner.run())
    hurry = asyncio.Event()

    def stop(number: int) -> None:
        received.append(number)
        name = signal.Signals(number).name
        if len(received) == 1:
            log.info("stopping: what is being written is finished; once more: at once", signal=name)
            runner.stop()
        else:
            log.warning("giving up what is being waited for", signal=name)
            runner.give_up()
            hurry.set()

    with handled(lambda number, _: loop.call_soon_threadsafe(stop, number)):
        hurried = asyncio.ensure_future(hurry.wait())
        await asyncio.wait({task, hurried}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not task.done():
            await asyncio.wait({task}, timeout=GRACE)
        if not task.done():
            log.warning("ended without waiting: the next start continues")
            task.cancel()
            return received[0]
    try:
        task.result()
    except Interrupted:
        if not received:
            raise
    return received[0] if received else None


@contextmanager
def _history(wish: Wish, settings: Settings) -> Iterator[History]:
    """The one that is named, or the one beside the memory, which is made."""
    url = wish.history
    if url is None:
        folder = root_of(settings).resolve() / FOLDER
        try:
            make_ignored(folder)
        except OSError as error:
            hint = "name another place with --history"
            raise HistoryError(f"{folder} can't be written: {error.strerror}", hint=hint) from error
        url = f"sqlite:///{folder / 'history.db'}"
    history = History.open(url)
    try:
        yield history
    finally:
        history.close()


def _commits(history: History) -> Iterator[str]:
    """Those that cycles were done with, newest first."""
    for cycle in history.cycles(limit=500):
        if cycle.trigger == "run" and cycle.commit and cycle.status in ("success", "inPart"):
            yield cycle.commit


def _print(cycle: Cycle, form: str) -> None:
    click.echo(orjson.dumps(_document(cycle)).decode() if form == "json" else _line(cycle))


def _document(cycle: Cycle) -> dict[str, Any]:
    trouble = cycle.trouble
    return {
        "format": "reconciler.cycle/1",
        "id": cycle.id,
        "app": cycle.app,
        "tenantUrl": cycle.tenant_url,
        "kind": cycle.kind,
        "startedAt": cycle.started_at,
        "endedAt": cycle.ended_at,
        "status": cycle.status,
        "exitCode": cycle.exit_code,
        "commit": cycle.commit,
        "planDigest": cycle.plan_digest or None,
        "changesDigest": cycle.changes_digest or None,
        "heldDigest": cycle.held_digest,
        "counts": cycle.counts,
        "requests": cycle.requests,
        "trouble": None if trouble is None else {
            "category": trouble.category, "message": trouble.message, "recommendedAction": trouble.recommended_action,
        },
        "journal": cycle.journal,
    }  # fmt: skip


_SHOWN: Final = (
    ("done", "done"), ("failed", "failed"), ("skipped", "skipped"), ("notStored", "not stored"), ("held", "held"),
)  # fmt: skip
_STATUS: Final = {"success": "done", "inPart": "in part", "failure": "failed", "interrupted": "interrupted"}


def _line(cycle: Cycle) -> str:
    """One app: how its cycle ended."""
    seconds = (cycle.ended_at - cycle.started_at).total_seconds() if cycle.ended_at else 0.0
    facts = [f"{cycle.counts[name]:,} {word}" for name, word in _SHOWN if cycle.counts.get(name)]
    what = ", ".join(facts) or ("nothing to do" if cycle.status == "success" else "nothing done")
    how = _STATUS.get(cycle.status, cycle.status)
    line = f"{safe(cycle.app)}: {how}: {what}; {cycle.requests:,} requests, {seconds:.1f} s"
    if cycle.held_digest:
        line += f"\n  held: reconciler approve {cycle.held_digest}"
    if cycle.trouble is not None:
        line += f"\n  {safe(cycle.trouble.message, 400)}"
    return line


@asynccontextmanager
async def _served(
    listen: Listen | None, history: History, checkout: Checkout, board: Board, clock: Clock, log: FilteringBoundLogger
) -> AsyncIterator[None]:
    """The page, while the block runs."""
    if listen is None:
        yield
        return
    from reconciler.service.web import create, served

    page = create(history, board, lambda: checkout.apps, clock.now, listen.token)
    async with served(page, listen) as url:
        log.info("serving", url=url)
        yield
