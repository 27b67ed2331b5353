"""The client: one base URL, one token, one pace; retries of what may be retried."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import httpx
import orjson

from reconciler import __version__
from reconciler.errors import NotSent, SecretError, TransportError
from reconciler.http.address import parse_address
from reconciler.http.answer import Answer
from reconciler.http.exchange import Call, Exchange
from reconciler.http.pace import Bucket, Window
from reconciler.http.proxy import proxy_for
from reconciler.http.retry import LONGEST, retry_after, wait_after_error, wait_after_status
from reconciler.http.transport import OnceTransport

_CONNECT: Final = 10.0  # seconds for a connection, within the whole deadline
_TOO_MUCH: Final = frozenset({429, 503})


class Client:
    """Speaks to one server. An async context manager, for one event loop; `send` may be called from many tasks.

    `base_url` is https, or http to this machine alone. `bearer` gives the token (RFC 6750 section 2.1), asked for each
    request. At most `per_second` requests are sent, evenly, and at most `concurrency` are out at once; fewer while the
    server is too busy. `timeout` is in seconds, for each try as a whole; `max_body` in bytes after decompression;
    `attempts` is how often one request is sent at most. `transport` replaces the network, in tests and rehearsals;
    `clock`, `sleep` and `chance` replace time and luck in tests.

    Raises SecretError or ReconcilerError for a base URL that a token must not go to.
    """

    def __init__(
        self,
        base_url: str,
        *,
        bearer: Callable[[], str] | None = None,
        content_type: str = "application/scim+json",
        per_second: float | None = None,
        concurrency: int = 16,
        timeout: float = 30.0,
        max_body: int = 100 * 1024 * 1024,
        attempts: int = 6,
        user_agent: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._address = parse_address(base_url)
        self._bearer = bearer
        self._content_type = content_type
        self._headers = {
            "accept": "application/scim+json, application/json",
            "accept-encoding": "gzip",
            "user-agent": user_agent or f"reconciler/{__version__}",
        }
        self._attempts = max(1, attempts)
        self._bucket = Bucket(per_second, clock=clock, sleep=sleep)
        self._window = Window(concurrency)
        self._sleep = sleep
        self._chance = chance
        if transport is None:
            transport = OnceTransport(proxy=proxy_for(self._address), connect=min(_CONNECT, timeout))
        self._exchange = Exchange(transport, timeout=timeout, max_body=max_body)
        self.requests = 0
        """Requests handed over so far, repeated ones included."""
        self.throttled = 0
        """Answers 429 so far."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exchange.close()

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        attempts: int | None = None,
    ) -> Answer:
        """Send one request and return the answer, whatever its status; a redirect is an answer too, never followed.

        `path` is below the base URL, its segments percent-encoded; `body` is JSON to be, or bytes that are JSON;
        `headers` go over the client's own; `attempts` replaces the client's own number.
        Tried again: what was not sent, and 429, for every method; 500, 502, 503, 504 and lost answers for GET and
        HEAD alone. After the last try the last answer is returned. Raises NotSent, AnswerLost and BodyTooLarge.
        """
        call = self._call(method, path, params, body)
        most = self._attempts if attempts is None else attempts
        attempt = 0
        while True:
            attempt += 1
            wait: float | None
            try:
                answer = await self._try(call, headers or {})
            except TransportError as error:
                wait = wait_after_error(error, call.method, attempt, chance=self._chance())
                if wait is None or attempt >= most:
                    raise
            else:
                if answer.status < 429 or attempt >= most:
                    return answer
                wait = wait_after_status(
                    answer.status, answer.headers, call.method, attempt, chance=self._chance(), now=time.time()
                )
                if wait is None:
                    return answer
            await self._sleep(wait)

    def _call(self, method: str, path: str, params: Mapping[str, str] | None, body: Any) -> Call:
        method = method.upper()
        content = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        told = f"{method} {self._address.told(path, params)}"
        return Call(method, self._address.url(path, params), content, told)

    async def _try(self, call: Call, more: Mapping[str, str]) -> Answer:
        headers = {**self._headers_of(call), **more}
        era = await self._window.enter()
        good = throttled = False
        try:
            await self._bucket.take()
            self.requests += 1
            answer = (await self._exchange.send(call, headers)).without(headers.get("authorization", "")[7:])
            throttled = answer.status in _TOO_MUCH
            good = not throttled
        except NotSent:
            self.requests -= 1
            raise
        finally:
            self._window.leave(era, good=good, throttled=throttled)
        if answer.status == 429:
            self.throttled += 1
            self._bucket.hold(min(retry_after(answer.headers, time.time()) or 0.0, LONGEST))
        return answer

    def _headers_of(self, call: Call) -> dict[str, str]:
        headers = dict(self._headers)
        if call.content is not None:
            headers["content-type"] = self._content_type
        if self._bearer is not None:
            token = self._bearer()
            if not token or not token.isascii() or not token.isprintable() or " " in token:
                raise SecretError("the token has characters that no token has", hint="blank, line end or not ASCII")
            headers["authorization"] = f"Bearer {token}"
        return headers
