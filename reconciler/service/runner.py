"""Cycles of all apps, day and night: each on its own schedule, none waiting for another's failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.errors import Interrupted, Locked, ReconcilerError
from reconciler.model.history import Cycle
from reconciler.service.apart import Apart, apart
from reconciler.service.board import Board, Running
from reconciler.service.checkout import Checkout, Files
from reconciler.service.clock import Clock
from reconciler.service.cycle import Means, OneCycle, Teller
from reconciler.service.history import History
from reconciler.service.schedule import due, pause
from reconciler.service.trouble import of_files, sentence_of
from reconciler.session import Settings

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from reconciler.model.app import App

AT_ONCE: Final = 16
"""Cycles that may be under way at the same time."""
STANDBY_SECONDS: Final = 15.0
"""Between two looks at whether the other runner is still there."""
SOON_SECONDS: Final = 60.0
"""After what has nothing to do with the application: a lock that somebody held, a database that was away."""


@dataclass(slots=True)
class Options:
    once: bool = False
    interval: timedelta | None = None
    """Instead of every app's own."""
    ended: Callable[[Cycle], None] = lambda _cycle: None
    """Called with every cycle that has ended."""


class _Reporter:
    """What a cycle says from its thread, on the board."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._loop = asyncio.get_running_loop()

    def begin(self, cycle: Cycle) -> None:
        self._call(lambda: self._board.begin(Running(cycle.app, cycle.id, cycle.started_at)))

    def progress(self, app: str, what: str, done: int, total: int | None) -> None:
        self._call(lambda: self._board.progress(app, what, done, total))

    def end(self, app: str) -> None:
        self._call(lambda: self._board.end(app))

    def _call(self, function: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody looks any more
            self._loop.call_soon_threadsafe(function)


@dataclass(slots=True)
class _Job:
    one: OneCycle
    work: Apart[Cycle | None]


@dataclass
class Runner:
    """For one event loop, in which `stop` and `give_up` are called too."""

    settings: Settings
    checkout: Checkout
    history: History
    board: Board
    clock: Clock
    log: FilteringBoundLogger
    teller: Teller
    options: Options = field(default_factory=Options)
    codes: dict[str, int] = field(default_factory=dict, init=False)
    """App → the exit code of its last cycle."""

    def __post_init__(self) -> None:
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        """The task of some app is done."""
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._jobs: dict[str, _Job] = {}
        self._apps: dict[str, asyncio.Task[None]] = {}
        self._seen: set[str] = set()
        self._told: set[str] = set()
        self._standing_by: set[str] = set()

    async def run(self) -> None:
        """Until `stop`; with `once`, one cycle of every app. Raises ReconcilerError if no files can be used."""
        used = await self._files()
        for warning in used.loaded.warnings:
            self.log.warning("warning", text=str(warning))
        self._follow(used)
        while self._apps:
            await self._ended.wait()
            self._ended.clear()
            for name, task in list(self._apps.items()):
                if task.done():
                    del self._apps[name]
                    task.result()

    def stop(self) -> None:
        """Nothing new begins. What is being written is finished, and looked at once more; the rest is given up."""
        self._stopping.set()
        for job in self._jobs.values():
            job.work.call(job.one.stop)

    def give_up(self) -> None:
        """Nothing is waited for any more. Journals and memories are closed all the same."""
        self._stopping.set()
        for job in self._jobs.values():
            job.work.cancel()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    async def _files(self) -> Files:
        reading = asyncio.ensure_future(self.checkout.current())
        stopped = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not reading.done():
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            raise Interrupted("stopped while the files were read")
        return reading.result()

    def _follow(self, used: Files) -> None:
        """Every app of these files has its task."""
        for name in used.loaded.apps:
            if name not in self._apps:
                task = self._apps[name] = asyncio.create_task(self._keep(name, used), name=f"app {name}")
                task.add_done_callback(lambda _: self._ended.set())

    # one app

    async def _keep(self, name: str, used: Files) -> None:
        """Until the app is gone, or we are stopped. A lock that was lost is waited for anew."""
        over = False
        while not over and not self.stopping:
            lost = asyncio.Event()
            async with self._alone(name, lost) as ours:
                if not ours:
                    return
                await self._ready(name, used, lost)
                over = await self._cycles(name, lost)

    async def _cycles(self, name: str, lost: asyncio.Event) -> bool:
        """Whether there is nothing more to do for this app."""
        while not self.stopping and not lost.is_set():
            began = self.clock.monotonic()
            wait = await self._tick(name)
            self._note_seen(name)
            if wait is None or self.options.once:
                return True
            await self._sleep(pause(began, self.clock.monotonic(), wait), lost)
        return False

    async def _ready(self, name: str, used: Files, lost: asyncio.Event) -> None:
        """What another process left behind is told; then the wait for the first cycle."""
        history, log, now = self.history, self.log.bind(app=name), self.clock.now()
        try:
            for each in await apart(history.abandon, name, now):
                log.warning("a cycle was abandoned: whoever ran it is gone", abandoned=each.id, journal=each.journal)
            if self.options.once:
                return
            last = await apart(history.last, name, trigger="run")
            quarantine = await apart(history.quarantine, name)
        except ReconcilerError as error:
            self._complain(name, "the history can't be used", error)
            return
        at = due(last, self._interval(used.loaded.apps[name]), quarantine, now)
        if at > now:
            log.info("first cycle later", at=at)
            self._note_seen(name)  # it was seen not long ago, by whoever ran before
            await self._sleep((at - now).total_seconds(), lost)

    async def _tick(self, name: str) -> float | None:
        """One cycle, if it may be. Returns the interval in seconds that now begins; None: there is no such app any
        more. No failure gets out.
        """
        try:
            used = await self._files()
            self._tell_files(used)
            if not self.options.once:
                self._follow(used)
            if name not in used.loaded.apps:
                self.log.info("the app is gone from the files", app=name)
                return None
            seconds = self._interval(used.loaded.apps[name]).total_seconds()
            async with self._slots:
                if self.stopping:
                    return seconds
                cycle = await self._cycle(name, used)
        except ReconcilerError as error:
            self._complain(name, "no cycle", error)
            self.codes[name] = error.exit_code
            return SOON_SECONDS
        except Exception as error:  # one app never stops another
            self.log.exception("a fault of reconciler itself: please report it", app=name, fault=type(error).__name__)
            self.codes[name] = ReconcilerError.exit_code
            return SOON_SECONDS
        if cycle is None:
            self.codes[name] = ReconcilerError.exit_code  # in quarantine, and not tried
            return seconds
        self.codes[name] = cycle.exit_code or 0
        self.options.ended(cycle)
        locked = cycle.trouble is not None and cycle.trouble.category == Locked.__name__
        return min(SOON_SECONDS, seconds) if locked else seconds

    async def _cycle(self, name: str, used: Files) -> Cycle | None:
        means = Means(self.settings, self.history, self.clock, self.log, _Reporter(self.board), self.teller)

        async def main() -> Cycle | None:
            return await one.run()

        one = OneCycle(name, used, means)
        job = self._jobs[name] = _Job(one, Apart(main, f"cycle {name}"))
        try:
            return await job.work.result()
        except asyncio.CancelledError:
            if not self.stopping:
                raise
            raise Interrupted("given up before anything was written") from None
        finally:
            del self._jobs[name]

    def _interval(self, app: App) -> timedelta:
        return self.options.interval or app.every

    async def _sleep(self, seconds: float, *others: asyncio.Event) -> None:
        """Until then, or until somebody stops us, or one of the others happens."""
        waits = [self.clock.sleep(max(0.0, seconds)), *(each.wait() for each in (self._stopping, *others))]
        tasks = {asyncio.ensure_future(each) for each in waits}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in tasks:
                each.cancel()

    def _note_seen(self, name: str) -> None:
        self._seen.add(name)
        if self._seen.issuperset(self._apps) and not self.board.ready:
            self.board.ready = True
            self.board.touch()

    def _tell_files(self, used: Files) -> None:
        """Once, until it is another trouble."""
        trouble = of_files(used)
        if trouble is not None and trouble.message not in self._told:
            self.log.warning(trouble.category, trouble=trouble.message, hint=trouble.recommended_action or None)
        self._told = {trouble.message} if trouble is not None else set()

    def _complain(self, app: str, what: str, error: ReconcilerError) -> None:
        self.log.error(what, app=app, trouble=sentence_of(error), hint=error.hint or None)

    # two runners

    @asynccontextmanager
    async def _alone(self, name: str, lost: asyncio.Event) -> AsyncIterator[bool]:
        """Whether this app is ours until the block ends, or `lost` is set. Another runner that has it is waited for;
        with `once`, not.
        """
        loop = asyncio.get_running_loop()

        def tell() -> None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._leave, name, lost)

        while True:
            with ExitStack() as lock:
                if await self._taken(name, lock, tell):
                    yield True
                    return
            if self.options.once:
                self.log.warning("another runner does the cycles of this app", app=name)
                self.codes[name] = Locked.exit_code
            if self.options.once or self.stopping:
                yield False
                return
            if name not in self._standing_by:
                self._standing_by.add(name)
                self.log.info("another runner does the cycles of this app: standing by", app=name)
            self._note_seen(name)
            await self._sleep(STANDBY_SECONDS)

    async def _taken(self, name: str, lock: ExitStack, lost: Callable[[], None]) -> bool:
        try:
            ours = await apart(lock.enter_context, self.history.leader(f"run:{name}", lost))
        except ReconcilerError as error:
            self._complain(name, "the history can't be used", error)
            return False
        if ours and name in self._standing_by:
            self._standing_by.discard(name)
            self.log.info("the other runner is gone: its app is taken over", app=name)
        return ours

    def _leave(self, name: str, lost: asyncio.Event) -> None:
        """Somebody else may have the app now: nothing new is written to it."""
        self.log.warning("the lock of this app was lost: the database went away", app=name)
        lost.set()
        if job := self._jobs.get(name):
            job.work.call(job.one.stop)
