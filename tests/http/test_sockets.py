"""What only a real socket shows: how often a request leaves, and what is said when no answer comes."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from contextlib import AsyncExitStack
from typing import Any

import pytest

from reconciler.errors import AnswerLost, NotSent
from reconciler.http import Answer, Client

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


async def _send(server: Any, method: str, path: str = "Users", *, body: Any = None, **options: Any) -> Answer:
    async with Client(server.url, bearer=lambda: "t0ken", attempts=options.pop("attempts", 1), **options) as client:
        return await client.send(method, path, body=body)


@pytest.mark.parametrize("method", METHODS)
def test_a_reused_connection_that_closes_gets_no_second_copy(serving: Any, reply: Any, method: str) -> None:
    async def handler(request: Any, writer: asyncio.StreamWriter) -> bool:
        if request.number == 1:
            writer.write(reply(200, b"" if request.method == "HEAD" else b"{}"))
            await writer.drain()
            return True
        return False

    async def main() -> list[Any]:
        async with serving(handler) as server, Client(server.url, attempts=1) as client:
            assert (await client.send(method, "Users")).status == 200
            with pytest.raises(AnswerLost, match=f"^{method} http://127"):
                await client.send(method, "Users", body={"userName": "ada"} if method != "HEAD" else None)
            await asyncio.sleep(0)
            assert client.requests == 2
            return list(server.received)

    received = asyncio.run(main())
    assert [(r.connection, r.number) for r in received] == [(1, 1), (1, 2)]


@pytest.mark.parametrize("method", METHODS)
def test_a_new_connection_that_closes_without_an_answer_loses_it(serving: Any, method: str) -> None:
    async def handler(request: Any, writer: asyncio.StreamWriter) -> bool:
        return False

    async def main() -> int:
        async with serving(handler) as server:
            with pytest.raises(AnswerLost):
                await _send(server, method)
            return len(server.received)

    assert asyncio.run(main()) == 1


def test_a_reset_after_the_request_loses_the_answer(serving: Any) -> None:
    async def handler(request: Any, writer: asyncio.StreamWriter) -> bool:
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False

    async def main() -> None:
        async with serving(handler) as server:
            with pytest.raises(AnswerLost, match="connection broke"):
                await _send(server, "POST", body={"userName": "ada"})

    asyncio.run(main())


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ],
)
def test_an_answer_that_stops_in_the_middle_is_lost(serving: Any, start: bytes) -> None:
    async def handler(request: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(start)
        await writer.drain()
        return False

    async def main() -> None:
        async with serving(handler) as server:
            with pytest.raises(AnswerLost):
                await _send(server, "PATCH", body={})

    asyncio.run(main())


@pytest.mark.parametrize("where", ["status", "headers", "body"])
def test_a_drip_ends_at_the_deadline_however_steady(serving: Any, where: str) -> None:
    starts = {
        "status": b"",
        "headers": b"HTTP/1.1 200 OK\r\n",
        "body": b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
    }
    drops = {"status": b"", "headers": b"X: y\r\n", "body": b" "}

    async def handler(request: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(starts[where])
        while not writer.is_closing():
            writer.write(drops[where])
            await writer.drain()
            await asyncio.sleep(0.02)
        return False

    async def main() -> None:
        async with serving(handler) as server:
            with pytest.raises(AnswerLost, match=r"no whole answer within 0\.3 s"):
                await asyncio.wait_for(_send(server, "POST", body={}, timeout=0.3), 20)

    asyncio.run(main())


def test_reads_that_got_lost_are_tried_again_and_writes_are_not(serving: Any, reply: Any, naps: Any) -> None:
    async def handler(request: Any, writer: asyncio.StreamWriter) -> bool:
        if request.connection % 3:
            return False
        writer.write(reply(200, b'{"id": "1"}'))
        await writer.drain()
        return False

    async def main() -> None:
        async with serving(handler) as server:
            assert (await _send(server, "GET", attempts=6, sleep=naps)).json() == {"id": "1"}
            assert len(server.received) == 3
            with pytest.raises(AnswerLost):
                await _send(server, "PUT", body={}, attempts=6, sleep=naps)
            assert len(server.received) == 4

    asyncio.run(main())
    assert len(naps.taken) == 2


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", {"userName": "ada"})])
def test_a_refused_connection_is_not_sent_and_tried_a_few_times(naps: Any, method: str, body: Any) -> None:
    async def main() -> None:
        async with Client(f"http://127.0.0.1:{_free_port()}", sleep=naps) as client:
            with pytest.raises(NotSent, match="refused") as caught:
                await client.send(method, "Users", body=body)
            assert client.requests == 0
            assert caught.value.hint
            assert "{" not in str(caught.value)

    asyncio.run(main())
    assert len(naps.taken) == 3
    assert naps.taken == sorted(naps.taken)


def test_a_name_that_does_not_resolve_is_not_sent(naps: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    async def main() -> None:
        async with Client("https://nothing.invalid/scim", sleep=naps) as client:
            with pytest.raises(NotSent, match=r"POST https://nothing\.invalid/scim/Users: the host's name"):
                await client.send("POST", "Users", body={})

    asyncio.run(main())


def test_a_write_that_was_not_sent_is_sent_once_the_server_listens(listening: Any, reply: Any) -> None:
    """The port is bound from the start, so that nobody else gets it, and refuses until it listens."""
    received: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append((await reader.readuntil(b"{}")).decode().split(" ")[0])
        writer.write(reply(201))
        await writer.drain()

    async def main() -> None:
        late = socket.socket()
        late.bind(("127.0.0.1", 0))
        async with AsyncExitStack() as stack:

            async def wake(_: float) -> None:
                await stack.enter_async_context(listening(talk, sock=late))

            async with Client(f"http://127.0.0.1:{late.getsockname()[1]}", sleep=wake) as client:
                assert (await client.send("POST", "Users", body={})).status == 201
                assert client.requests == 1

    asyncio.run(main())
    assert received == ["POST"]


def test_a_large_body_arrives_whole_and_with_its_length(serving: Any, reply: Any, always: Any) -> None:
    content = bytes(range(256)) * 12_000

    async def main() -> Any:
        async with serving(always(reply(200))) as server:
            await _send(server, "POST", "Bulk", body=content)
            return server.received[0]

    received = asyncio.run(main())
    assert received.body == content
    assert "transfer-encoding" not in received.headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_takes_the_token_nowhere(
    serving: Any, reply: Any, always: Any, status: int
) -> None:
    async def main() -> None:
        async with serving(always(reply(200))) as elsewhere:
            moved = reply(status, b"", location=f"{elsewhere.url}/Users", set_cookie="session=1")
            async with (
                serving(always(moved)) as server,
                Client(server.url.replace("127.0.0.1", "localhost"), bearer=lambda: "t0ken") as client,
            ):
                for method in ("GET", "POST"):
                    answer = await client.send(method, "Users")
                    assert (answer.status, answer.headers["LOCATION"]) == (status, f"{elsewhere.url}/Users")
                assert [r.headers["authorization"] for r in server.received] == ["Bearer t0ken"] * 2
                assert all("cookie" not in r.headers for r in server.received)
            assert elsewhere.received == []

    asyncio.run(main())


def test_an_answer_before_the_request_is_read_does_not_wait_for_it(listening: Any, reply: Any) -> None:
    """A server that refuses a large request early, and reads on no sooner than the client has the answer."""
    answered = asyncio.Event()
    ended = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply(413, b"too large"))
        await writer.drain()
        await answered.wait()
        while await reader.read(1 << 20):
            pass
        ended.set()

    async def main() -> Answer:
        narrow = socket.create_server(("127.0.0.1", 0))
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        async with listening(refuse, sock=narrow) as port, Client(f"http://127.0.0.1:{port}", timeout=5) as client:
            answer = await client.send("POST", "Bulk", body=b"x" * 20_000_000)
            answered.set()
            await asyncio.wait_for(ended.wait(), 10)
            return answer

    assert asyncio.run(main()).status == 413


def test_connections_are_kept_and_no_more_than_needed(serving: Any, reply: Any, always: Any) -> None:
    async def main() -> None:
        async with serving(always(reply(200))) as server, Client(server.url) as client:
            for _ in range(10):
                await client.send("GET", "Users")
            assert server.connections == 1
            await asyncio.gather(*(client.send("GET", "Users") for _ in range(100)))
            assert server.connections <= 16

    asyncio.run(main())


def test_what_is_sent_is_what_scim_wants(serving: Any, reply: Any, always: Any) -> None:
    async def main() -> Any:
        async with serving(always(reply(200))) as server, Client(server.url + "/", bearer=lambda: "t0ken") as client:
            await client.send("patch", "/Users/a%2Fb", params={"filter": 'userName eq "a+b&c d"'}, body={"x": "ü"})
            await client.send("GET", "Users")
            return server.received

    patch, get = asyncio.run(main())
    assert patch.method == "PATCH"
    assert patch.target == "/scim/v2/Users/a%2Fb?filter=userName%20eq%20%22a%2Bb%26c%20d%22"
    assert patch.body == '{"x":"ü"}'.encode()
    assert patch.headers["content-type"] == "application/scim+json"
    assert patch.headers["accept"] == "application/scim+json, application/json"
    assert patch.headers["authorization"] == "Bearer t0ken"
    assert patch.headers["user-agent"].startswith("reconciler/")
    assert "content-type" not in get.headers
    assert get.body == b""


def test_a_retry_after_date_is_measured_by_the_servers_own_clock(serving: Any, reply: Any, naps: Any) -> None:
    async def handler(request: Any, writer: asyncio.StreamWriter) -> bool:
        date, later = "Mon, 23 Nov 2020 17:00:00 GMT", "Mon, 23 Nov 2020 17:00:07 GMT"
        first = request.number == 1
        writer.write(reply(429, date=date, retry_after=later) if first else reply(200))
        await writer.drain()
        return True

    async def main() -> None:
        async with serving(handler) as server:
            assert (await _send(server, "POST", body={}, attempts=2, sleep=naps, clock=time.monotonic)).status == 200

    asyncio.run(main())
    assert 6.9 <= max(naps.taken) <= 7.3
