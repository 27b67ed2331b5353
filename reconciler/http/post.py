"""Posting one message to an address that is itself a secret: no word of its path or query is in any message."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

import httpx

from reconciler import __version__
from reconciler.errors import AnswerLost, NotSent, SecretError, TransportError
from reconciler.http.address import Address, is_loopback
from reconciler.http.answer import Answer
from reconciler.http.exchange import Call, Exchange
from reconciler.http.proxy import proxy_for
from reconciler.http.retry import NotTrusted
from reconciler.http.transport import OnceTransport

_LARGEST: Final = 64 * 1024  # bytes of an answer that nobody reads
_CONNECT: Final = 5.0  # seconds
_PASSING: Final = frozenset({429, 500, 502, 503, 504})
WAITS: Final = (1.0, 3.0)
"""Seconds before the second and the third try."""


@dataclass(frozen=True, slots=True)
class SecretAddress:
    """An https address, or http on this machine. `host` may be told, `url` may not."""

    url: str
    host: str
    port: int
    scheme: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises SecretError, which repeats nothing of the address but its host."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise SecretError("the address can't be read as a URL", hint="it begins with https://") from error
        if parts.scheme not in {"http", "https"} or not host or not url.isascii():
            raise SecretError("the address is not a URL", hint="it begins with https://")
        if parts.username is not None or parts.password is not None:
            raise SecretError(f"the address at {host} has a user name or a password in it", hint="leave them out")
        if parts.scheme == "http" and not is_loopback(host):
            raise SecretError(
                f"the address at {host} is plain http, which anybody on the way can read",
                hint="use https; http is for this machine only",
            )
        return cls(url.partition("#")[0], host.lower(), port or (443 if parts.scheme == "https" else 80), parts.scheme)

    @property
    def told(self) -> str:
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}/…"


async def post(
    address: SecretAddress,
    content: bytes,
    headers: Mapping[str, str],
    *,
    tls: ssl.SSLContext | None = None,
    patience: float = 10.0,
    transport: httpx.AsyncBaseTransport | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Answer:
    """Post JSON and return the answer, whatever its status; a redirect is an answer too, never followed.

    Tried three times at most, each within `patience` seconds: what was not sent or got no answer, and 429, 500, 502,
    503 and 504. So it may arrive twice: `headers` hold an id by which the receiver can tell. Raises TransportError.
    """
    where = Address(address.url, address.scheme, address.host, address.port)
    over = transport or OnceTransport(proxy=proxy_for(where), connect=min(_CONNECT, patience), tls=tls)
    exchange = Exchange(over, timeout=patience, max_body=_LARGEST)
    call = Call("POST", address.url, content, f"POST {address.told}")
    sent = {"content-type": "application/json", "user-agent": f"reconciler/{__version__}", **headers}
    try:
        for wait in WAITS:
            try:
                answer = await exchange.send(call, sent)
            except TransportError as error:
                if isinstance(error, NotTrusted) or not isinstance(error, NotSent | AnswerLost):
                    raise
            else:
                if answer.status not in _PASSING:
                    return answer
            await sleep(wait)
        return await exchange.send(call, sent)
    finally:
        if transport is None:
            await exchange.close()
