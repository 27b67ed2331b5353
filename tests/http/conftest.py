"""Servers on this machine that do to a client what only a socket can do."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Received:
    """One request as it arrived; `connection` and `number` (within it) count from 1."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int
    number: int


Handler = Callable[[Received, asyncio.StreamWriter], Awaitable[bool]]
"""Answers one request; False closes the connection."""


@dataclass
class RawServer:
    handler: Handler
    port: int = 0
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/scim/v2"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection, number = self.connections, 0
        keep = True
        while keep:
            number += 1
            request = await self._read(reader, connection, number)
            self.received.append(request)
            keep = await self.handler(request, writer)

    async def _read(self, reader: asyncio.StreamReader, connection: int, number: int) -> Received:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Received(method, target, headers, body, connection, number)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _listening(
    talk: Talk, *, tls: ssl.SSLContext | None = None, sock: socket.socket | None = None
) -> AsyncIterator[int]:
    """Give the port; afterwards every connection and every task has ended."""
    tasks: set[asyncio.Task[None]] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            writer.transport.abort() if writer.is_closing() else writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(connection(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = sock or socket.create_server(("127.0.0.1", 0))
    server = await asyncio.start_server(accept, sock=listener, ssl=tls)
    try:
        yield listener.getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0)
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def listening() -> Callable[..., AbstractAsyncContextManager[int]]:
    """`async with listening(talk) as port:` for what is not even HTTP."""
    return _listening


@pytest.fixture
def serving() -> Callable[..., AbstractAsyncContextManager[RawServer]]:
    """`async with serving(handler) as server:` for whole requests, one after another on each connection."""

    @asynccontextmanager
    async def start(handler: Handler, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
        raw = RawServer(handler, scheme="https" if tls else "http")
        async with _listening(raw.serve, tls=tls) as raw.port:
            yield raw

    return start


@pytest.fixture
def reply() -> Callable[..., bytes]:
    """The bytes of an answer: `reply(200, b"{}", retry_after="1")`."""

    def build(status: int = 200, body: bytes = b"{}", **headers: str) -> bytes:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body

    return build


@pytest.fixture
def always() -> Callable[[bytes], Handler]:
    """A handler that gives the same bytes to everybody."""

    def build(content: bytes) -> Handler:
        async def handler(_: Received, writer: asyncio.StreamWriter) -> bool:
            writer.write(content)
            await writer.drain()
            return True

        return handler

    return build


class Naps:
    """A sleep that takes no time and remembers."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def naps() -> Naps:
    return Naps()


@dataclass
class Virtual:
    """A clock that moves only when all wait: one task at a time is woken, at its moment."""

    now: float = 1000.0
    waiting: list[tuple[float, int, asyncio.Future[None]]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((self.now + seconds, len(self.waiting), future))
        await future

    async def run(self, main: Awaitable[Any]) -> Any:
        task = asyncio.ensure_future(main)
        while not task.done():
            for _ in range(20):
                await asyncio.sleep(0)
            if self.waiting and not task.done():
                self.waiting.sort(key=lambda entry: entry[:2])
                moment, _, future = self.waiting.pop(0)
                self.now = max(self.now, moment)
                if not future.done():
                    future.set_result(None)
        return task.result()


@pytest.fixture
def virtual() -> Virtual:
    return Virtual()


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate, its own authority."""

    path: Path
    server: ssl.SSLContext


@pytest.fixture
def certificate(tmp_path: Path) -> Callable[..., Certificate]:
    """`certificate("scim.example.test")` or `certificate("127.0.0.1")`."""
    x509 = pytest.importorskip("cryptography.x509")
    from ipaddress import ip_address

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def make(name: str, *, days: int = 1) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        try:
            alternative = x509.IPAddress(ip_address(name))
        except ValueError:
            alternative = x509.DNSName(name)
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = tmp_path / f"{name}.pem"
        path.write_bytes(
            made.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        return Certificate(path, context)

    return make
