"""Work on a thread of its own, in an event loop of its own: a plan for 100,000 people computes for a minute, and
whoever asks for health or progress meanwhile must get an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class Apart(Generic[T]):
    """One coroutine on a thread, which ends with the process at the latest. Belongs to the loop that awaits `result`;
    `call` and `cancel` are for that loop too.
    """

    def __init__(self, make: Callable[[], Coroutine[Any, Any, T]], name: str) -> None:
        self._make = make
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[T] | None = None
        self._cancelled = False

    async def result(self) -> T:
        """Starts it, and waits. Raises what it raises; asyncio.CancelledError after `cancel`."""
        here = asyncio.get_running_loop()
        done: asyncio.Future[T] = here.create_future()
        thread = threading.Thread(target=self._run, args=(here, done), name=self._name, daemon=True)
        thread.start()
        return await done

    def cancel(self) -> None:
        """What is being waited for there is given up, now or as soon as something is."""
        with self._lock:
            self._cancelled = True
        self.call(lambda: None if self._task is None else self._task.cancel())

    def call(self, function: Callable[[], object]) -> None:
        """Calls it on the other thread, between two steps of the work; never, if that is over."""
        with self._lock:
            if self._loop is not None:
                with contextlib.suppress(RuntimeError):  # its loop has just been closed
                    self._loop.call_soon_threadsafe(function)

    def _run(self, here: asyncio.AbstractEventLoop, done: asyncio.Future[T]) -> None:
        try:
            result = asyncio.run(self._main())
        except BaseException as error:  # whoever waits gets it, whatever it is
            tell: Callable[[], None] = _raising(done, error)
        else:
            tell = _giving(done, result)
        with contextlib.suppress(RuntimeError):  # the process ends, and nobody waits any more
            here.call_soon_threadsafe(tell)

    async def _main(self) -> T:
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.ensure_future(self._make())
            if self._cancelled:
                self._task.cancel()
        try:
            return await self._task
        finally:
            with self._lock:
                self._loop = None


async def apart(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """A function's result, from a thread that nobody has to wait for."""

    async def main() -> T:
        return function(*args, **kwargs)

    return await Apart(main, getattr(function, "__name__", "function")).result()


def _giving(done: asyncio.Future[T], result: T) -> Callable[[], None]:
    return lambda: None if done.done() else done.set_result(result)


def _raising(done: asyncio.Future[T], error: BaseException) -> Callable[[], None]:
    def tell() -> None:
        if not done.done():
            if isinstance(error, asyncio.CancelledError):
                done.cancel()
            else:
                done.set_exception(error)

    return tell
