"""Work on a thread of its own: the loop that waits stays free, and can end it."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from reconciler.service.apart import Apart, apart


def test_who_waits_is_free_meanwhile_and_gets_the_result() -> None:
    here = threading.get_ident()

    def compute() -> int:
        time.sleep(0.2)
        return threading.get_ident()

    async def main() -> tuple[int, int]:
        ticks = 0
        waiting = asyncio.ensure_future(apart(compute))
        while not waiting.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return waiting.result(), ticks

    there, ticks = asyncio.run(main())
    assert there != here
    assert ticks > 3


def test_what_it_raises_is_raised_here() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(apart(fail))


@pytest.mark.parametrize("early", [True, False])
def test_cancelled_before_it_began_or_while_it_waits(early: bool) -> None:
    async def forever() -> None:
        await asyncio.sleep(3600)

    async def main() -> None:
        work = Apart(forever, "work")
        if early:
            work.cancel()
        else:
            asyncio.get_running_loop().call_later(0.1, work.cancel)
        with pytest.raises(asyncio.CancelledError):
            await work.result()
        work.cancel()  # of what is over: nothing happens
        work.call(lambda: pytest.fail("nobody is there"))

    asyncio.run(main())
