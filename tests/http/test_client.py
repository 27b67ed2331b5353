"""The client over transports that are not a network, and what it costs to import it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.errors import AnswerLost, NotSent, SecretError
from reconciler.http import Answer, Client

Handler = Callable[[httpx.Request], httpx.Response]


def _run(handler: Handler, method: str, **options: Any) -> tuple[Answer, Client]:
    async def main() -> tuple[Answer, Client]:
        async with Client("https://a.example/scim", transport=httpx.MockTransport(handler), **options) as client:
            body = None if method == "GET" else {"userName": "ada"}
            return await client.send(method, "Users", body=body), client

    return asyncio.run(main())


def _script(*outcomes: int | Exception) -> tuple[Handler, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        outcome = outcomes[len(seen)]
        seen.append(request)
        if isinstance(outcome, Exception):
            raise outcome
        return httpx.Response(outcome, json={"try": len(seen)})

    return handler, seen


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_429_is_tried_until_it_is_over_and_counted(naps: Any, method: str) -> None:
    handler, seen = _script(429, 429, 200)
    answer, client = _run(handler, method, sleep=naps, chance=lambda: 0.0)
    assert (answer.status, answer.json()) == (200, {"try": 3})
    assert (client.requests, client.throttled) == (3, 2)
    assert naps.taken == [1.0, 2.0]
    assert len({request.content for request in seen}) == 1


def test_after_the_last_try_the_last_answer_is_given_back(naps: Any) -> None:
    handler, seen = _script(*[429] * 10)
    answer, client = _run(handler, "POST", sleep=naps, attempts=3)
    assert (answer.status, len(seen), client.throttled, len(naps.taken)) == (429, 3, 3, 2)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_write_that_failed_is_given_back_at_once(naps: Any, status: int) -> None:
    handler, seen = _script(status, 200)
    answer, _ = _run(handler, "POST", sleep=naps)
    assert (answer.status, len(seen), naps.taken) == (status, 1, [])


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_read_that_failed_is_tried_again(naps: Any, status: int) -> None:
    handler, seen = _script(status, status, 200)
    answer, _ = _run(handler, "GET", sleep=naps)
    assert (answer.status, len(seen)) == (200, 3)


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ConnectError("s3cret")])
def test_a_foreign_transport_that_could_not_connect_sent_nothing(naps: Any, error: Exception) -> None:
    handler, seen = _script(error, error, 200)
    answer, client = _run(handler, "POST", sleep=naps)
    assert (answer.status, len(seen), client.requests) == (200, 3, 1)
    handler, seen = _script(*[error] * 10)
    with pytest.raises(NotSent) as caught:
        _run(handler, "POST", sleep=naps)
    assert len(seen) == 4
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectTimeout("s3cret"),
        httpx.ReadTimeout("s3cret"),
        httpx.ReadError("s3cret"),
        httpx.RemoteProtocolError("s3cret"),
        httpx.WriteError("s3cret"),
        ConnectionResetError("s3cret"),
        TimeoutError("s3cret"),
        ValueError("s3cret"),
    ],
)
def test_whatever_else_a_foreign_transport_says_may_have_arrived(naps: Any, error: Exception) -> None:
    handler, seen = _script(error, 200)
    with pytest.raises(AnswerLost) as caught:
        _run(handler, "POST", sleep=naps)
    assert len(seen) == 1
    assert caught.value.request == "POST https://a.example/scim/Users"
    assert "s3cret" not in str(caught.value)


def test_a_url_that_is_too_long_was_not_sent(naps: Any) -> None:
    handler, seen = _script(200)

    async def main() -> None:
        async with Client("https://a.example", transport=httpx.MockTransport(handler), sleep=naps) as client:
            with pytest.raises(NotSent, match="64 KiB"):
                await client.send("POST", "Users", params={"filter": "x" * 70_000})

    asyncio.run(main())
    assert (seen, naps.taken) == ([], [])


def test_a_mistake_in_a_test_is_not_taken_for_a_lost_answer() -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise AssertionError("the planner wrote something")

    with pytest.raises(AssertionError, match="planner"):
        _run(handler, "POST")


def test_an_asgi_application_is_a_server(naps: Any) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert scope["path"] == "/scim/Users"
        assert dict(scope["headers"])[b"authorization"] == b"Bearer t0ken"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"etag", b'W/"1"')]})
        await send({"type": "http.response.body", "body": b'{"a"', "more_body": True})
        await send({"type": "http.response.body", "body": b": 1}"})

    async def main() -> Answer:
        transport = httpx.ASGITransport(application)
        async with Client("http://localhost/scim", transport=transport, bearer=lambda: "t0ken") as client:
            return await client.send("GET", "Users")

    answer = asyncio.run(main())
    assert answer.json() == {"a": 1}
    assert answer.headers["ETag"] == 'W/"1"'
    assert answer.request == "GET http://localhost/scim/Users"


def test_the_token_is_asked_for_each_try() -> None:
    tokens = iter(["first", "second"])
    handler, seen = _script(429, 200)

    async def nap(_: float) -> None: ...

    _run(handler, "POST", bearer=lambda: next(tokens), sleep=nap)
    assert [request.headers["authorization"] for request in seen] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("token", ["", "two words", "line\nend", "gr\u00fcn", "nul\x00"])
def test_a_token_that_no_header_can_hold_is_not_sent_and_not_repeated(token: str) -> None:
    handler, seen = _script(200)
    with pytest.raises(SecretError) as caught:
        _run(handler, "GET", bearer=lambda: token)
    assert seen == []
    assert not token or token not in str(caught.value)


def test_a_failing_token_leaves_the_window_open() -> None:
    def bearer() -> str:
        if next(turns) < 50:
            raise SecretError("not now")
        return "t0ken"

    turns = iter(range(100))

    async def main() -> int:
        transport = httpx.MockTransport(lambda _: httpx.Response(200))
        async with Client("http://localhost", transport=transport, bearer=bearer) as client:
            for _ in range(50):
                with pytest.raises(SecretError):
                    await client.send("GET", "Users")
            return (await asyncio.wait_for(client.send("GET", "Users"), 5)).status

    assert asyncio.run(main()) == 200


def test_cancelled_requests_leave_the_window_open() -> None:
    never = asyncio.Event()

    async def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            await never.wait()
        return httpx.Response(200)

    async def main() -> int:
        async with Client("http://localhost", transport=httpx.MockTransport(handler)) as client:
            tasks = [asyncio.ensure_future(client.send("POST", "Users")) for _ in range(8)]
            for _ in range(5):
                await asyncio.sleep(0)
            assert client.requests == 4
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
            answers = await asyncio.wait_for(asyncio.gather(*(client.send("GET", "Users") for _ in range(20))), 5)
            return len(answers)

    assert asyncio.run(main()) == 20


def test_no_more_are_out_than_allowed_and_the_window_opens_slowly() -> None:
    out = most = 0

    async def slow(request: httpx.Request) -> httpx.Response:
        nonlocal out, most
        out += 1
        most = max(most, out)
        peaks.append(out)
        for _ in range(3):
            await asyncio.sleep(0)
        out -= 1
        return httpx.Response(200)

    peaks: list[int] = []

    async def main() -> None:
        async with Client("http://localhost", transport=httpx.MockTransport(slow), concurrency=6) as client:
            await asyncio.gather(*(client.send("GET", "Users") for _ in range(200)))

    asyncio.run(main())
    assert most == 6
    assert max(peaks[:4]) <= 4


def test_content_type_and_user_agent_are_the_callers() -> None:
    handler, seen = _script(200)
    _run(handler, "POST", content_type="application/json", user_agent="audit/1")
    assert seen[0].headers["content-type"] == "application/json"
    assert seen[0].headers["user-agent"] == "audit/1"


def test_a_byte_order_mark_does_not_hurt() -> None:
    answer, _ = _run(lambda _: httpx.Response(200, content=b"\xef\xbb\xbf{}"), "GET")
    assert answer.json() == {}


def test_plain_http_to_others_is_refused_before_anything_is_made() -> None:
    with pytest.raises(SecretError, match="clear text"):
        Client("http://scim.example.com/v2")


def test_importing_the_package_does_not_load_httpx() -> None:
    code = (
        "import sys, reconciler.http as h; from reconciler.http import Outgoing, resolve_secret; "
        "assert h.__all__ == sorted(h.__all__); "
        "sys.exit(bool({'httpx', 'aiohttp', 'orjson'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_all_names_are_there_and_no_others() -> None:
    import reconciler.http as package

    assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        package.nonsense  # noqa: B018


def _sent(**options: Any) -> tuple[list[httpx.Request], int]:
    handler, seen = _script(*[503] * 9)

    async def nap(_: float) -> None: ...

    async def main() -> int:
        transport = httpx.MockTransport(handler)
        async with Client("https://a.example", bearer=lambda: "t0ken", transport=transport, sleep=nap) as client:
            return (await client.send("GET", "Users/1", **options)).status

    return seen, asyncio.run(main())


def test_headers_of_one_request_go_along_and_never_replace_the_token() -> None:
    seen, _ = _sent(headers={"If-Match": 'W/"7"', "Authorization": "Bearer other"}, attempts=1)
    assert seen[0].headers["if-match"] == 'W/"7"'
    assert seen[0].headers.get_list("authorization") == ["Bearer t0ken"]


@pytest.mark.parametrize("value", ['W/"\r\nX-Evil: 1"', 'W/"\u00fc"', "\x00"])
def test_a_header_that_no_header_can_be_is_not_sent(value: str) -> None:
    with pytest.raises(NotSent, match="If-Match"):
        _sent(headers={"If-Match": value})


@pytest.mark.parametrize(("attempts", "tries"), [(None, 6), (1, 1), (2, 2), (0, 1)])
def test_one_request_may_be_tried_less_often(attempts: int | None, tries: int) -> None:
    seen, status = _sent(attempts=attempts)
    assert (len(seen), status) == (tries, 503)
