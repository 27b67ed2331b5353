"""httpx's transport interface over aiohttp (httpx-aiohttp), without what aiohttp does behind one's back.

aiohttp sends a GET, PUT or DELETE a second time, in silence, when a reused connection closes without an answer; and
its errors don't say whether the request had left. Here each request leaves once, and `Handover` knows when it did.
"""

from __future__ import annotations

import ssl
from contextvars import ContextVar
from typing import Any, Final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from reconciler.http.tls import tls_context

_KEEP_ALIVE: Final = 4.0  # seconds; common servers close idle connections after 5, and a race costs an AnswerLost
_LONGEST_LINE: Final = 64 * 1024  # bytes of one header


def in_process(app: Any) -> httpx.AsyncBaseTransport:
    """Requests go to an ASGI application in this process, and nowhere else."""
    return httpx.ASGITransport(app=app)


class Handover:
    """Whether one request was handed to a connection; until then the server knows nothing of it."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False


CURRENT: ContextVar[Handover | None] = ContextVar("CURRENT", default=None)


class Broken(Exception):
    """The connection broke under a request. Not of aiohttp's tree: its session sends such requests again."""


class _Connector(aiohttp.TCPConnector):
    """Marks the handover: between a ready connection (TCP, TLS, proxy tunnel) and the first byte nothing can fail."""

    async def connect(self, *args: Any, **kwargs: Any) -> aiohttp.connector.Connection:
        connection = await super().connect(*args, **kwargs)
        handover = CURRENT.get()
        if handover is not None:
            handover.done = True
        return connection


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A session middleware, inside of the session's resend loop: what that would catch becomes Broken."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise  # never resent
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Broken from error


class OnceTransport(httpx.AsyncBaseTransport):
    """Sends each request once, over kept-alive connections, through `proxy` if given. No cookies, no redirects.

    `connect` is how long a connection may take, in seconds; without `tls` the usual authorities are trusted. Raises
    whatever httpx, aiohttp and sockets raise, and `Broken`: `exchange` alone makes sense of it.
    """

    def __init__(self, *, proxy: httpx.Proxy | None, connect: float, tls: ssl.SSLContext | None = None) -> None:
        self._context = tls or tls_context()
        self._timeout = {"connect": connect}
        self._inner = AiohttpTransport(client=self._session, verify=self._context, proxy=proxy)

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_Connector(ssl=self._context, limit=0, keepalive_timeout=_KEEP_ALIVE),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_once,),
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["timeout"] = self._timeout
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
