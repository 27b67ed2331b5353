"""Over a real socket, through the transport that is used in earnest: ids arrive as they were given."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import unquote

import pytest

from reconciler.http import Client
from reconciler.live import Reader
from reconciler.model.profile import Profile


@pytest.mark.parametrize("key", ["plain", "a@b", "a/b", "a+b c", "ü%2F", "?x#y", "~a.b", "a..b", "%2e%2e"])
def test_ids_reach_the_server_as_one_segment(key: str) -> None:
    targets: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        targets.append(head.split(b" ")[1].decode())
        body = json.dumps({"id": key}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, Client(f"http://127.0.0.1:{port}/scim/v2") as client:
            await Reader(client, Profile(name="x", title="X")).user(key)

    asyncio.run(main())
    (target,) = targets
    prefix, _, segment = target.rpartition("/")
    assert (prefix, unquote(segment)) == ("/scim/v2/Users", key)
    assert not set("?#+ ") & set(segment)
