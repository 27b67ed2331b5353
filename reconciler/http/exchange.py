"""One request and its answer: what a transport does becomes an Answer, or one of our errors, and nothing else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import aiohttp
import httpx

from reconciler.errors import AnswerLost, BodyTooLarge, NotSent, TransportError
from reconciler.http.answer import Answer
from reconciler.http.body import OverLimit, Undecodable, read_body
from reconciler.http.retry import Garbled, NotTrusted
from reconciler.http.transport import CURRENT, Broken, Handover, OnceTransport

_TROUBLE: Final = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    aiohttp.ClientError,
    aiohttp.http_exceptions.HttpProcessingError,
    Broken,
    OSError,  # ssl.SSLError and TimeoutError are among them
    EOFError,
    ValueError,
)
_PIECE: Final = 512 * 1024
_UNREACHABLE: Final = "is the URL right, and may this machine reach it?"
_HUNG_UP: Final = "does it speak TLS 1.2 or later, and does it ask for a certificate (auth.mutualTls)?"
_PROXY: Final = "HTTPS_PROXY and NO_PROXY decide on the proxy"


@dataclass(frozen=True, slots=True)
class Call:
    """A request ready to be sent, any number of times. `told` is "METHOD URL" for messages."""

    method: str
    url: str
    content: bytes | None
    told: str


class Exchange:
    """Sends calls through one transport, each within `timeout` seconds from connecting to the last byte of the body.

    Whatever happens before the request is handed to a connection is NotSent, everything after is AnswerLost; a
    transport other than ours tells no more than httpx.ConnectError, which is NotSent. Messages are in our own words,
    since those of libraries may quote headers.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, *, timeout: float, max_body: int) -> None:
        self._transport = transport
        self._ours = isinstance(transport, OnceTransport)
        self._timeout = timeout
        self._max_body = max_body

    async def send(self, call: Call, headers: dict[str, str]) -> Answer:
        """One try. Raises NotSent, AnswerLost or BodyTooLarge."""
        handover = Handover()
        token = CURRENT.set(handover)
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._transport.handle_async_request(_request(call, headers))
                return await self._answer(call, response)
        except OverLimit as error:
            limit = f"{self._max_body:,} bytes"
            raise BodyTooLarge(
                f"the answer is larger than {limit}", request=call.told, hint="ask for less a page"
            ) from error
        except Undecodable as error:
            raise Garbled(f"the answer can't be read: {error}", request=call.told) from error
        except _TROUBLE as error:
            sent = handover.done if self._ours else not isinstance(error, httpx.ConnectError | httpx.InvalidURL)
            raise (self._lost(call, error) if sent else self._not_sent(call, error)) from error
        finally:
            CURRENT.reset(token)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _answer(self, call: Call, response: httpx.Response) -> Answer:
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        try:
            encoding = response.headers.get("content-encoding", "").strip().lower()
            body = await read_body(stream, encoding, self._max_body)
        finally:
            await stream.aclose()
        return Answer(response.status_code, response.headers, body, call.told)

    def _lost(self, call: Call, error: Exception) -> TransportError:
        for cause in _causes(error):
            if isinstance(cause, TimeoutError):
                return AnswerLost(f"no whole answer within {self._timeout:g} s", request=call.told)
            if isinstance(
                cause, aiohttp.ClientResponseError | aiohttp.http_exceptions.HttpProcessingError | ValueError
            ):
                return Garbled("the answer is not proper HTTP", request=call.told)
        return AnswerLost("the connection broke before the whole answer was there", request=call.told)

    def _not_sent(self, call: Call, error: Exception) -> TransportError:
        for cause in _causes(error):
            found = _unreached(cause, call.told)
            if found is not None:
                return found
        return NotSent("no connection", request=call.told, hint=_UNREACHABLE)


_url = lru_cache(maxsize=64)(httpx.URL)  # most creations go to one URL, and parsing it is an eighth of their cost


def _request(call: Call, headers: dict[str, str]) -> httpx.Request:
    if call.content is None or len(call.content) <= _PIECE:
        return httpx.Request(call.method, _url(call.url), headers=headers, content=call.content)
    sized = {**headers, "content-length": str(len(call.content))}
    return httpx.Request(call.method, _url(call.url), headers=sized, content=_pieces(call.content))


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    """A large body bit by bit: in one go it would stop everybody else (aiohttp warns of that above 1 MiB)."""
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]


def _unreached(cause: BaseException, told: str) -> NotSent | None:
    """Why no connection came about, if this error says so."""
    match cause:
        case httpx.InvalidURL():
            return NotTrusted("the URL is not valid, or longer than 64 KiB", request=told, hint="ask for less at once")
        case aiohttp.ClientSSLError():
            return None  # the reason is in the next one
        case ssl.SSLCertVerificationError():
            why = f"the server's certificate is not trusted: {cause.verify_message}"
            return NotTrusted(why, request=told, hint="SSL_CERT_FILE names the authorities to trust")
        case ssl.SSLError():
            why = f"TLS failed: {(cause.reason or 'no reason given').replace('_', ' ').lower()}"
            return NotTrusted(why, request=told, hint="does this port speak TLS?")
        case aiohttp.ClientHttpProxyError():
            why = f"the proxy refused to connect, with status {cause.status}"
            return NotTrusted(why, request=told, hint=_PROXY)
        case aiohttp.ClientProxyConnectionError():
            return NotSent("the proxy can't be reached", request=told, hint=_PROXY)
        case aiohttp.ClientConnectorDNSError():
            return NotSent("the host's name can't be resolved", request=told, hint=_UNREACHABLE)
        case TimeoutError():
            return NotSent("no connection in time", request=told, hint=_UNREACHABLE)
        case ConnectionRefusedError():
            return NotSent("the connection was refused", request=told, hint=_UNREACHABLE)
        case ConnectionResetError():
            return NotSent("the connection was closed while it was being made", request=told, hint=_HUNG_UP)
        case _:
            return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, outermost first."""
    step: BaseException | None = error
    while step is not None:
        yield step
        step = step.__cause__
