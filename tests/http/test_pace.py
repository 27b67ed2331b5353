"""The limits and the window, in virtual time."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left
from typing import Any

import httpx
import pytest

from reconciler.errors import NotSent
from reconciler.http import Client, Limit
from reconciler.http.pace import Pace
from reconciler.http.window import Window


def _densest(moments: list[float], seconds: float = 1.0) -> int:
    """The most moments within any half-open stretch of `seconds`."""
    moments = sorted(moments)
    return max(index - bisect_left(moments, moment - seconds + 1e-9) + 1 for index, moment in enumerate(moments))


async def _turn(pace: Pace, method: str = "GET", path: str = "/Users", size: int = 0) -> None:
    await pace.take(await pace.reserve(method, path, size))


@pytest.mark.parametrize("rate", [1, 20, 25, 200])
@pytest.mark.parametrize("tasks", [1, 16])
def test_no_second_holds_more_than_the_rate_and_95_percent_of_it_is_used(virtual: Any, rate: int, tasks: int) -> None:
    pace = Pace([Limit(rate, 1)], clock=virtual.clock, sleep=virtual.sleep)
    moments: list[float] = []
    left = iter(range(rate * 20))

    async def work() -> None:
        for _ in left:
            await _turn(pace)
            moments.append(virtual.now)

    async def main() -> None:
        await asyncio.gather(*(work() for _ in range(tasks)))

    asyncio.run(virtual.run(main()))
    assert len(moments) == rate * 20
    assert _densest(moments) <= rate
    assert (len(moments) - 1) / (moments[-1] - moments[0]) >= 0.95 * rate


def test_time_without_requests_is_not_saved_up_for_a_burst(virtual: Any) -> None:
    pace = Pace([Limit(20, 1)], clock=virtual.clock, sleep=virtual.sleep)
    moments: list[float] = []

    async def main() -> None:
        for pause in (10.0, 3.0, 0.0):
            await virtual.sleep(pause)
            for _ in range(25):
                await _turn(pace)
                moments.append(virtual.now)

    asyncio.run(virtual.run(main()))
    assert _densest(moments) <= 20


def test_late_timers_do_not_slow_the_pace_down(virtual: Any) -> None:
    async def late(seconds: float) -> None:
        await virtual.sleep(seconds + 0.004)

    pace = Pace([Limit(20, 1)], clock=virtual.clock, sleep=late)

    async def main() -> None:
        for _ in range(401):
            await _turn(pace)

    start = virtual.now
    asyncio.run(virtual.run(main()))
    assert 400 / (virtual.now - start) >= 0.95 * 20


def test_a_hold_reaches_those_who_wait_already(virtual: Any) -> None:
    pace = Pace([Limit(20, 1)], clock=virtual.clock, sleep=virtual.sleep)
    moments: list[float] = []

    async def work() -> None:
        await _turn(pace)
        moments.append(virtual.now)

    async def main() -> None:
        tasks = [asyncio.ensure_future(work()) for _ in range(10)]
        await virtual.sleep(0.12)
        pace.hold(5.0)
        await asyncio.gather(*tasks)

    start = virtual.now
    asyncio.run(virtual.run(main()))
    before = [moment for moment in moments if moment < start + 1]
    assert len(before) == 3
    assert min(moment for moment in moments if moment not in before) == pytest.approx(start + 5.12)


def test_without_a_rate_nobody_waits_until_the_server_says_so(virtual: Any) -> None:
    pace = Pace(clock=virtual.clock, sleep=virtual.sleep)
    start = virtual.now

    async def main() -> None:
        for _ in range(1000):
            await _turn(pace)
        assert virtual.now == start
        pace.hold(3.0)
        await asyncio.gather(*(_turn(pace) for _ in range(10)))

    asyncio.run(virtual.run(main()))
    assert virtual.now == pytest.approx(start + 3.0)


def test_a_cancelled_wait_does_not_stop_the_others(virtual: Any) -> None:
    pace = Pace([Limit(1, 1)], clock=virtual.clock, sleep=virtual.sleep)

    async def main() -> None:
        await _turn(pace)
        first, second = (asyncio.ensure_future(_turn(pace)) for _ in range(2))
        await virtual.sleep(0.1)
        first.cancel()
        await second

    asyncio.run(virtual.run(main()))


@pytest.mark.parametrize("jitter", [0.0, 0.010, 0.020])
def test_a_strict_server_of_20_a_second_refuses_less_than_one_percent(virtual: Any, jitter: float) -> None:
    """The server counts arrivals over the last second; the network delays each by something else."""
    luck = random.Random(7)
    arrivals: list[float] = []

    async def handler(request: httpx.Request) -> httpx.Response:
        await virtual.sleep(0.02 + luck.random() * jitter)
        recent = sum(1 for moment in arrivals[-20:] if moment > virtual.now - 1.0)
        if recent >= 20:
            return httpx.Response(429)
        arrivals.append(virtual.now)
        await virtual.sleep(0.03)
        return httpx.Response(200, json={})

    transport = httpx.MockTransport(handler)

    async def main() -> int:
        options = {"transport": transport, "clock": virtual.clock, "sleep": virtual.sleep, "chance": luck.random}
        async with Client("http://localhost", limits=[Limit(20, 1)], timeout=1e6, **options) as client:
            answers = await asyncio.gather(*(client.send("POST", "Users", body={}) for _ in range(600)))
            assert {answer.status for answer in answers} == {200}
            return client.throttled

    start = virtual.now
    throttled = asyncio.run(virtual.run(main()))
    assert throttled <= 6
    assert 600 / (virtual.now - start) >= 0.95 * 20


@pytest.mark.parametrize(
    ("limit", "request_", "counts"),
    [
        (Limit(1, 1), ("GET", "Users", 0), True),
        (Limit(1, 1, frozenset({"GET"})), ("POST", "Users", 0), False),
        (Limit(1, 1, path="/Groups"), ("GET", "Groups", 0), True),
        (Limit(1, 1, path="/Groups"), ("GET", "/Groups/7", 0), True),
        (Limit(1, 1, path="/Groups"), ("GET", "GroupsToo", 0), False),
        (Limit(1, 1, path="/Groups/"), ("GET", "Groups", 0), False),
        (Limit(1, 1, path="/Groups/"), ("GET", "Groups/7", 0), True),
        (Limit(1, 1, larger_than=500), ("PATCH", "Groups/7", 500), False),
        (Limit(1, 1, larger_than=500), ("PATCH", "Groups/7", 501), True),
    ],
)
def test_which_requests_count_for_a_limit(limit: Limit, request_: tuple[str, str, int], counts: bool) -> None:
    assert limit.applies(*request_) is counts


@pytest.mark.parametrize(("count", "seconds"), [(5, 30), (100, 60), (3, 1.5), (1, 20)])
def test_no_stretch_of_a_long_limit_holds_more_than_its_count_and_95_percent_is_used(
    virtual: Any, count: int, seconds: float
) -> None:
    pace = Pace([Limit(count, seconds)], clock=virtual.clock, sleep=virtual.sleep)
    moments: list[float] = []

    async def work() -> None:
        await _turn(pace)
        moments.append(virtual.now)

    async def main() -> None:
        await asyncio.gather(*(work() for _ in range(count * 20 + 1)))

    asyncio.run(virtual.run(main()))
    assert _densest(moments, seconds) == count
    assert (len(moments) - 1) / (moments[-1] - moments[0]) >= 0.95 * count / seconds


def test_a_burst_within_a_long_limit_does_not_wait(virtual: Any) -> None:
    pace = Pace([Limit(5, 30)], clock=virtual.clock, sleep=virtual.sleep)
    start = virtual.now

    async def main() -> None:
        for _ in range(5):
            await _turn(pace)
        assert virtual.now == start
        await virtual.sleep(31)
        for _ in range(5):
            await _turn(pace)

    asyncio.run(virtual.run(main()))
    assert virtual.now == start + 31


def test_all_limits_that_count_a_request_hold_together(virtual: Any) -> None:
    """20 a second for all; 100 writes in 10 s; 5 in 30 s of large bodies to groups."""
    limits = [
        Limit(20, 1),
        Limit(100, 10, frozenset({"PATCH"})),
        Limit(5, 30, frozenset({"PATCH"}), "/Groups", 500),
    ]
    pace = Pace(limits, clock=virtual.clock, sleep=virtual.sleep)
    sent: dict[str, list[float]] = {"read": [], "small": [], "large": []}

    async def work(kind: str) -> None:
        method, size = ("GET", 0) if kind == "read" else ("PATCH", 900 if kind == "large" else 100)
        await _turn(pace, method, "/Groups/1", size)
        sent[kind].append(virtual.now)

    async def main() -> None:
        kinds = ["large"] * 12 + ["small"] * 250 + ["read"] * 300
        await asyncio.gather(*(work(kind) for kind in kinds))

    asyncio.run(virtual.run(main()))
    assert {kind: len(moments) for kind, moments in sent.items()} == {"read": 300, "small": 250, "large": 12}
    writes = sent["small"] + sent["large"]
    assert _densest(sent["read"] + writes) <= 20
    assert _densest(writes, 10) <= 100
    assert _densest(sent["large"], 30) <= 5
    start = min(min(moments) for moments in sent.values())
    assert max(sent["read"]) < start + 35, "reads wait for no writes"
    assert max(sent["large"]) == pytest.approx(start + 60, abs=3)


def test_who_waits_for_a_long_limit_stands_in_nobodys_way(virtual: Any) -> None:
    reads: list[float] = []
    large = {"x": "y" * 600}

    async def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            reads.append(virtual.now)
        return httpx.Response(200)

    async def main() -> None:
        options = {"clock": virtual.clock, "sleep": virtual.sleep, "transport": httpx.MockTransport(handler)}
        limits = [Limit(1, 30, larger_than=500)]
        async with Client("http://localhost", limits=limits, concurrency=2, **options) as client:
            writes = [asyncio.ensure_future(client.send("PATCH", "Groups/1", body=large)) for _ in range(5)]
            await asyncio.gather(*(client.send("GET", "Users") for _ in range(50)))
            await asyncio.gather(*writes)

    start = virtual.now
    asyncio.run(virtual.run(main()))
    assert reads[-1] == start
    assert len(reads) == 50
    assert virtual.now >= start + 4 * 30


def test_what_was_not_sent_leaves_its_room_to_others(virtual: Any) -> None:
    pace = Pace([Limit(2, 60)], clock=virtual.clock, sleep=virtual.sleep)
    start = virtual.now

    async def main() -> None:
        unsent = [await pace.reserve("GET", "/Users", 0) for _ in range(2)]
        waiting = [asyncio.ensure_future(_turn(pace)) for _ in range(2)]
        await asyncio.sleep(0)
        pace.give_back(unsent[0])
        await waiting[0]
        assert virtual.now == start
        waiting[1].cancel()
        await asyncio.gather(waiting[1], return_exceptions=True)
        await pace.take(unsent[1])
        await _turn(pace)

    asyncio.run(virtual.run(main()))
    assert virtual.now >= start + 60


def test_a_connection_that_fails_uses_up_no_long_limit(virtual: Any) -> None:
    async def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    async def main() -> None:
        options = {"clock": virtual.clock, "sleep": virtual.sleep, "transport": httpx.MockTransport(handler)}
        async with Client("http://localhost", limits=[Limit(1, 600)], **options) as client:
            with pytest.raises(NotSent):
                await client.send("GET", "Users")

    start = virtual.now
    asyncio.run(virtual.run(main()))
    assert virtual.now < start + 5


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_limits_and_whoever_gives_up_all_others_get_through(virtual: Any, seed: int) -> None:
    luck = random.Random(seed)
    methods, paths = ("GET", "POST", "PATCH"), ("/Users", "/Groups", "/Groups/1")
    limits = [
        Limit(
            luck.randint(1, 9),
            luck.choice([0.5, 1, 2, 10, 30]),
            frozenset(luck.sample(methods, luck.randint(0, 2))),
            luck.choice(["", "/Groups", "/Groups/"]),
            luck.choice([0, 500]),
        )
        for _ in range(luck.randint(1, 6))
    ]
    sent: list[tuple[float, tuple[str, str, int]]] = []
    left: set[asyncio.Task[Any]] = set()

    async def handler(request: httpx.Request) -> httpx.Response:
        size = len(request.content)
        sent.append((virtual.now, (request.method, request.url.path, size)))
        await virtual.sleep(luck.random() * 0.2)
        return httpx.Response(luck.choice([200, 200, 200, 200, 404, 503]))

    async def main() -> None:
        transport = httpx.MockTransport(handler)
        options: dict[str, Any] = {"transport": transport, "clock": virtual.clock, "sleep": virtual.sleep}
        async with Client("http://localhost", limits=limits, concurrency=4, timeout=1e9, **options) as client:
            for _ in range(60):
                method, body = luck.choice(methods), {"x": "y" * luck.choice([1, 600])}
                sending = client.send(method, luck.choice(paths), body=None if method == "GET" else body, attempts=1)
                left.add(asyncio.ensure_future(sending))
            for task in sorted(left, key=id)[:20]:
                await virtual.sleep(luck.random())
                task.cancel()
            done = await asyncio.gather(*left, return_exceptions=True)
            assert sum(isinstance(one, asyncio.CancelledError) for one in done) <= 20
            assert sum(hasattr(one, "status") for one in done) >= 40

    asyncio.run(virtual.run(main()))
    for limit in limits:
        counted = [moment for moment, request in sent if limit.applies(*request)]
        assert not counted or _densest(counted, limit.seconds) <= limit.count


@pytest.mark.parametrize("status", [200, 404, 429])
def test_nothing_is_sent_before_the_reset_when_nothing_is_left(virtual: Any, status: int) -> None:
    moments: list[float] = []

    async def handler(_: httpx.Request) -> httpx.Response:
        moments.append(virtual.now)
        if len(moments) == 2:
            return httpx.Response(status, headers={"RateLimit-Remaining": "0", "RateLimit-Reset": "7"})
        return httpx.Response(200, headers={"RateLimit-Remaining": "9", "RateLimit-Reset": "7"})

    async def main() -> None:
        options = {"clock": virtual.clock, "sleep": virtual.sleep, "chance": lambda: 0.0}
        async with Client("http://localhost", transport=httpx.MockTransport(handler), **options) as client:
            for _ in range(4):
                await client.send("POST", "Users")

    start = virtual.now
    asyncio.run(virtual.run(main()))
    assert moments[:2] == [start, start]
    assert moments[2] == pytest.approx(start + 7)
    assert moments[-1] < start + 8


@pytest.mark.parametrize(("headers", "pause"), [({"retry-after": "5"}, 5.0), ({}, 5 / 20)])
def test_one_refusal_holds_everybody_back(virtual: Any, headers: dict[str, str], pause: float) -> None:
    moments: list[float] = []

    async def handler(_: httpx.Request) -> httpx.Response:
        moments.append(virtual.now)
        return httpx.Response(429, headers=headers) if len(moments) == 3 else httpx.Response(200)

    async def main() -> None:
        options = {"clock": virtual.clock, "sleep": virtual.sleep, "chance": lambda: 0.0}
        transport = httpx.MockTransport(handler)
        async with Client("http://localhost", limits=[Limit(20, 1)], transport=transport, **options) as client:
            await asyncio.gather(*(client.send("GET", "Users") for _ in range(10)))

    asyncio.run(virtual.run(main()))
    assert len(moments) == 11
    assert moments[3] - moments[2] >= pause
    assert moments[2] - moments[1] < 0.1


def _fill(window: Window, count: int, *, throttled: bool = False) -> None:
    async def main() -> None:
        for _ in range(count):
            era = await window.enter()
            window.leave(era, good=not throttled, throttled=throttled)

    asyncio.run(main())


def test_the_window_starts_small_and_grows_by_one_for_each_full_window() -> None:
    window = Window(16)
    sizes = [window.size]
    for _ in range(14):
        _fill(window, window.size)
        sizes.append(window.size)
    assert sizes == [*range(4, 17), 16, 16]


def test_the_window_never_starts_above_its_most() -> None:
    assert Window(2).size == 2
    assert Window(0).size == 1


def test_the_window_halves_and_never_closes() -> None:
    window = Window(16)
    _fill(window, 4 + 5 + 6 + 7)
    sizes = [window.size]
    for _ in range(5):
        _fill(window, 1, throttled=True)
        sizes.append(window.size)
    assert sizes == [8, 4, 2, 1, 1, 1]
    _fill(window, 1)
    assert window.size == 2


def test_many_refusals_of_one_flight_halve_once() -> None:
    window = Window(4)

    async def main() -> None:
        eras = [await window.enter() for _ in range(4)]
        for era in eras:
            window.leave(era, throttled=True)

    asyncio.run(main())
    assert window.size == 2


def test_answers_that_are_neither_change_nothing() -> None:
    window = Window(16)

    async def main() -> None:
        for _ in range(100):
            window.leave(await window.enter())

    asyncio.run(main())
    assert window.size == 4


def test_no_more_than_the_window_are_out_and_all_get_in() -> None:
    window = Window(6)
    out = most = done = 0

    async def work() -> None:
        nonlocal out, most, done
        era = await window.enter()
        out += 1
        most = max(most, out)
        await asyncio.sleep(0)
        out -= 1
        done += 1
        window.leave(era, good=True, throttled=done == 50)

    async def main() -> None:
        await asyncio.gather(*(work() for _ in range(200)))

    asyncio.run(main())
    assert (most, done, out) == (6, 200, 0)


def test_who_gives_up_waiting_leaves_no_place_behind() -> None:
    window = Window(1)

    async def main() -> None:
        era = await window.enter()
        waiting = [asyncio.ensure_future(window.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        window.leave(era)  # gives the place to the second, which is cancelled before it runs
        waiting[1].cancel()
        await asyncio.gather(*waiting[:2], return_exceptions=True)
        window.leave(await asyncio.wait_for(waiting[2], 5))
        window.leave(await asyncio.wait_for(window.enter(), 5))

    asyncio.run(main())


def test_the_window_follows_429_and_503_of_the_client(naps: Any) -> None:
    statuses = iter([429, 200, 503, 500, 200])
    transport = httpx.MockTransport(lambda _: httpx.Response(next(statuses)))

    async def main() -> list[int]:
        async with Client("http://localhost", transport=transport, sleep=naps) as client:
            await client.send("POST", "Users", body={})
            sizes = [client._window.size]
            await client.send("POST", "Users", body={})
            sizes.append(client._window.size)
            await client.send("POST", "Users", body={})
            sizes.append(client._window.size)
            return sizes

    assert asyncio.run(main()) == [2, 1, 2]
