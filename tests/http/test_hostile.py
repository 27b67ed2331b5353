"""Servers that answer with what nobody asked for: not HTTP, endless, packed to burst."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import Any

import pytest

from reconciler.errors import AnswerLost, BodyTooLarge, TransportError
from reconciler.http import Answer, Client


async def _send(server: Any, method: str, path: str = "Users", *, body: Any = None, **options: Any) -> Answer:
    async with Client(server.url, bearer=lambda: "t0ken", attempts=options.pop("attempts", 1), **options) as client:
        return await client.send(method, path, body=body)


def test_html_is_an_answer_like_any_other(serving: Any, reply: Any, always: Any) -> None:
    page = "<!doctype html><title>Grüße</title>".encode()

    async def main() -> Answer:
        async with serving(always(reply(200, page, content_type="text/html"))) as server:
            return await _send(server, "GET")

    answer = asyncio.run(main())
    assert answer.body == page
    assert answer.headers["Content-Type"] == "text/html"
    with pytest.raises(ValueError):
        answer.json()


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"s3cret" * 50_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 " + b"s3cret" * 50_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: s3cret\r\n" * 5000 + b"Content-Length: 0\r\n\r\n",
        b"s3cret is not HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: s3cret\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ns3cret\r\n",
    ],
    ids=["header", "reason", "headers", "no HTTP", "length", "chunk"],
)
def test_what_is_not_http_comes_as_our_own_error(serving: Any, always: Any, naps: Any, content: bytes) -> None:
    async def main() -> TransportError:
        async with serving(always(content)) as server:
            with pytest.raises(AnswerLost) as caught:
                await _send(server, "GET", attempts=2, sleep=naps, timeout=5.0)
            return caught.value

    assert "s3cret" not in str(asyncio.run(main()))


def test_gzip_is_asked_for_and_unpacked(serving: Any, reply: Any, always: Any) -> None:
    packed = gzip.compress(b'{"totalResults": 0}')

    async def main() -> None:
        async with serving(always(reply(200, packed, content_encoding="GZIP"))) as server:
            assert (await _send(server, "GET")).json() == {"totalResults": 0}
            assert server.received[0].headers["accept-encoding"] == "gzip"

    asyncio.run(main())


def test_a_compressed_bomb_stops_at_the_limit(serving: Any) -> None:
    sent = 0

    async def handler(request: Any, writer: asyncio.StreamWriter) -> bool:
        nonlocal sent
        squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
        zeros = bytes(1 << 20)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n")
        while sent < 2000 and not writer.is_closing():
            writer.write(squeeze.compress(zeros) + squeeze.flush(zlib.Z_SYNC_FLUSH))
            await writer.drain()
            await asyncio.sleep(0)
            sent += 1
        return False

    async def main() -> None:
        async with serving(handler) as server:
            with pytest.raises(BodyTooLarge, match=r"larger than 5,000,000 bytes"):
                await _send(server, "GET", max_body=5_000_000, attempts=3)
            assert len(server.received) == 1

    asyncio.run(main())
    assert sent < 2000


def test_an_endless_body_stops_at_the_limit(serving: Any) -> None:
    async def handler(request: Any, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()
        return False

    async def main() -> None:
        async with serving(handler) as server:
            with pytest.raises(BodyTooLarge):
                await _send(server, "POST", body={}, max_body=1_000_000)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", b"{}"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}"))),
        ("gzip", b"{}"),
        ("gzip", gzip.compress(b"{}" * 99)[:-9]),
    ],
    ids=["unknown", "twice", "not gzip", "cut"],
)
def test_an_encoding_that_cant_be_read_is_said_so(
    serving: Any, reply: Any, always: Any, encoding: str, body: bytes
) -> None:
    async def main() -> None:
        async with serving(always(reply(200, body, content_encoding=encoding))) as server:
            with pytest.raises(AnswerLost, match="can't be read"):
                await _send(server, "GET", attempts=4)
            assert len(server.received) == 1

    asyncio.run(main())
