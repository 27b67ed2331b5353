"""What servers say of how much one may still ask, and what is made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from reconciler.errors import Throttled
from reconciler.http import Client, Quota
from reconciler.http.allowance import asked_to_wait, day_quota, told

NOW = 1_700_000_000.0


def _asked(**headers: str) -> float | None:
    return asked_to_wait(httpx.Headers({name.replace("_", "-"): text for name, text in headers.items()}), NOW)


@pytest.mark.parametrize("prefix", ["RateLimit", "X-RateLimit", "X-Rate-Limit"])
@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("0", 0.0),
        ("12", 12.0),
        ("1.5", 1.5),
        (" 30 ", 30.0),
        ("1700000020", 20.0),
        ("1700000020500", 20.5),
        ("1699999990", None),
        ("1800000000", None),
        ("-3", None),
        ("99999999", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        ("9" * 400, None),
    ],
)
def test_reset_is_in_seconds_or_a_moment_and_nonsense_is_nothing(
    prefix: str, reset: str, seconds: float | None
) -> None:
    assert _asked(**{f"{prefix}-Remaining": "0", f"{prefix}-Reset": reset}) == seconds


@pytest.mark.parametrize("remaining", ["1", "100", "-1", "none", "", "0.5", "0, 3"])
def test_as_long_as_something_is_left_nobody_waits(remaining: str) -> None:
    assert _asked(X_RateLimit_Remaining=remaining, X_RateLimit_Reset="12") is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("limit=100, remaining=0, reset=12", 12.0),
        ("limit=100, remaining=5, reset=12", None),
        ('"default";r=0;t=12', 12.0),
        ('"burst";r=0;t=2, "daily";r=900;t=5000', 2.0),
        ('"burst";r=3;t=2, "daily";r=0;t=50', 50.0),
        ('"default";r=0', None),
        ('"default";r=0;t=999999999', None),
        ("r=t=0", None),
        ("\x00", None),
    ],
)
def test_the_joined_header_in_both_of_its_spellings(text: str, seconds: float | None) -> None:
    assert _asked(RateLimit=text) == seconds


def test_a_moment_is_compared_with_the_servers_own_clock() -> None:
    date = formatdate(NOW - 3600, usegmt=True)
    assert _asked(X_RateLimit_Remaining="0", X_RateLimit_Reset=str(int(NOW - 3590)), Date=date) == 10.0


def test_retry_after_says_it_before_all_else() -> None:
    assert _asked(Retry_After="3", X_RateLimit_Remaining="0", X_RateLimit_Reset="12") == 3.0


@pytest.mark.parametrize(
    ("limit", "used", "found"),
    [
        ("100000 per day", "812", (100_000, 812)),
        ("100000 per hour", "x", (None, None)),
        ("many", "-1", (None, None)),
        ("9" * 50 + " per day", "9" * 50, (None, None)),
    ],
)
def test_the_quota_of_a_day(limit: str, used: str, found: tuple[int | None, int | None]) -> None:
    assert day_quota(told(httpx.Headers({"X-Account-Quota": limit, "X-Account-Quota-Used": used}))) == found


def _run(answers: Iterator[httpx.Response], naps: Any, count: int, **options: Any) -> tuple[Client, int]:
    seen = 0

    def handler(_: httpx.Request) -> httpx.Response:
        nonlocal seen
        seen += 1
        return next(answers)

    async def main() -> Client:
        transport = httpx.MockTransport(handler)
        async with Client("https://a.example", transport=transport, sleep=naps, **options) as client:
            for _ in range(count):
                await client.send("POST", "Users", body={})
            with pytest.raises(Throttled) as caught:
                await client.send("POST", "Users", body={})
            assert "used up" in caught.value.message
            assert "tomorrow" in caught.value.hint
            assert caught.value.status == 429
            return client

    return asyncio.run(main()), seen


def test_what_the_server_says_of_the_day_is_known_and_ends_it(naps: Any) -> None:
    answers = (
        httpx.Response(201, headers={"X-Account-Quota": "814 per day", "X-Account-Quota-Used": str(used)})
        for used in (812, 813, 814)
    )
    client, seen = _run(answers, naps, 3)
    assert seen == 3
    assert client.quota == Quota(814, 814)
    assert client.quota.remaining == 0


def test_the_smaller_of_both_limits_counts(naps: Any) -> None:
    answers = (
        httpx.Response(201, headers={"X-Account-Quota": "100000 per day", "X-Account-Quota-Used": str(used)})
        for used in (48, 49, 50)
    )
    client, seen = _run(answers, naps, 3, per_day=50)
    assert (seen, client.quota) == (3, Quota(50, 50))


def test_requests_are_counted_where_the_server_says_nothing(naps: Any) -> None:
    client, seen = _run((httpx.Response(201) for _ in range(9)), naps, 3, per_day=3)
    assert (seen, client.quota) == (3, Quota(3, None))
    assert client.quota.remaining is None


def test_a_refusal_that_says_that_the_day_is_over_is_not_tried_again(naps: Any) -> None:
    headers = {"X-Account-Quota": "100000 per day", "X-Account-Quota-Used": "100000"}
    _, seen = _run((httpx.Response(429, headers=headers) for _ in range(9)), naps, 0)
    assert (seen, naps.taken) == (1, [])


def test_after_a_while_one_request_finds_out_whether_the_day_is_over() -> None:
    now = 0.0
    used = iter(["5", "1"])

    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"X-Account-Quota-Used": next(used)})

    async def main() -> None:
        nonlocal now
        options: dict[str, Any] = {"transport": httpx.MockTransport(handler), "clock": lambda: now}
        async with Client("https://a.example", per_day=5, **options) as client:
            await client.send("GET", "Users")
            with pytest.raises(Throttled):
                await client.send("GET", "Users")
            now = 601.0
            await client.send("GET", "Users")
            assert client.quota == Quota(5, 1)

    asyncio.run(main())


def test_a_long_reset_is_waited_for_a_minute_at_a_time(naps: Any) -> None:
    handler = httpx.MockTransport(
        lambda _: httpx.Response(200, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3600"})
    )

    async def main() -> None:
        async with Client("https://a.example", transport=handler, sleep=naps) as client:
            await client.send("GET", "Users")
            await client.send("GET", "Users")

    asyncio.run(main())
    assert naps.taken == [pytest.approx(60.0, abs=0.5)]
