"""The client: one base URL, one identity, one pace; retries of what may be retried."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import httpx
import orjson

from reconciler import __version__
from reconciler.errors import NotSent, SecretError, TransportError
from reconciler.http.address import Address, parse_address
from reconciler.http.allowance import retry_after, told, until_reset
from reconciler.http.answer import Answer
from reconciler.http.budget import DayBudget
from reconciler.http.exchange import Call, Exchange
from reconciler.http.limits import Limit, Quota
from reconciler.http.oauth import ClientCredentials, Tokens
from reconciler.http.pace import Pace
from reconciler.http.proxy import proxy_for
from reconciler.http.retry import LONGEST, wait_after_error, wait_after_status
from reconciler.http.transport import OnceTransport
from reconciler.http.window import Window

_CONNECT: Final = 10.0  # seconds for a connection, within the whole deadline
_TOO_MUCH: Final = frozenset({429, 503})
_LARGEST_TOKEN: Final = 1024 * 1024  # bytes of a token endpoint's answer


class Client:
    """Speaks to one server. An async context manager, for one event loop; `send` may be called from many tasks.

    `base_url` is https, or http to this machine alone. `bearer` gives the token (RFC 6750 section 2.1), asked for each
    request; or `oauth` gets tokens by itself; `scheme` is the word before either. `tls` is whom to trust and what
    certificate to show, there and at the token endpoint. Requests keep to all of `limits`, which are everybody's who
    uses this client, and stop when `per_day` are used up; at most `concurrency` are out at once, fewer while the
    server is too busy. `timeout` is in seconds, for each try as a whole; `max_body` in bytes after decompression;
    `attempts` is how often one request is sent at most. `transport` replaces the network, in tests and rehearsals;
    `clock`, `sleep` and `chance` replace time and luck in tests.

    Raises SecretError or ReconcilerError for a base URL that a token must not go to, or credentials without use.
    """

    def __init__(
        self,
        base_url: str,
        *,
        bearer: Callable[[], str] | None = None,
        oauth: ClientCredentials | None = None,
        scheme: str = "Bearer",
        tls: ssl.SSLContext | None = None,
        content_type: str = "application/scim+json",
        limits: Sequence[Limit] = (),
        per_day: int | None = None,
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
        self._scheme = scheme
        self._content_type = content_type
        self._headers = {
            "accept": "application/scim+json, application/json",
            "accept-encoding": "gzip",
            "user-agent": user_agent or f"reconciler/{__version__}",
        }
        self._attempts = max(1, attempts)
        self._pace = Pace(limits, clock=clock, sleep=sleep)
        self._window = Window(concurrency)
        self._budget = DayBudget(per_day, clock)
        self._sleep = sleep
        self._chance = chance

        def exchange(address: Address, largest: int) -> Exchange:
            over = transport or OnceTransport(proxy=proxy_for(address), connect=min(_CONNECT, timeout), tls=tls)
            return Exchange(over, timeout=timeout, max_body=largest)

        self._tokens = None
        if oauth is not None:
            asking = exchange(parse_address(oauth.token_url), _LARGEST_TOKEN)
            agent = self._headers["user-agent"]
            self._tokens = Tokens(oauth, asking, user_agent=agent, clock=clock, sleep=sleep, chance=chance)
        self._exchange = exchange(self._address, max_body)
        self.requests = 0
        """Requests handed over so far, repeated ones included; those for tokens are not among them."""
        self.throttled = 0
        """Answers 429 so far."""

    @property
    def quota(self) -> Quota:
        """What is known of the requests a day: the limit, and what the server's last answers say is used of it."""
        return self._budget.quota

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._tokens is not None:
                await self._tokens.close()
        finally:
            await self._exchange.close()

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        query: str = "",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        attempts: int | None = None,
    ) -> Answer:
        """Send one request and return the answer, whatever its status; a redirect is an answer too, never followed.

        `path` is below the base URL, its segments percent-encoded; `query` is one that the server itself gave, sent to
        the letter in place of `params`; `body` is JSON to be, or bytes that are JSON;
        `headers` go over the client's own; `attempts` replaces the client's own number.
        Tried again: what was not sent, and 429, for every method; 500, 502, 503, 504 and lost answers for GET and
        HEAD alone; and once after a 401 with a new token. After the last try the last answer is returned.
        Raises NotSent, AnswerLost and BodyTooLarge; Throttled, unsent, if the requests of the day are used up;
        Unauthorized if the token endpoint gives no token.
        """
        call = self._call(method, path, params, body, query)
        extra = _checked(headers or {}, call)
        most = self._attempts if attempts is None else max(1, attempts)
        attempt = 0
        while True:
            attempt += 1
            self._budget.check(call.told)
            wait: float | None
            try:
                answer = await self._try_with_token(call, path, extra)
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
                self._budget.check(call.told)
            await self._sleep(wait)

    def _call(self, method: str, path: str, params: Mapping[str, str] | None, body: Any, query: str) -> Call:
        method = method.upper()
        content = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        told = f"{method} {self._address.told(path, params, query)}"
        return Call(method, self._address.url(path, params, query), content, told)

    async def _try_with_token(self, call: Call, path: str, extra: Mapping[str, str]) -> Answer:
        """One try; a second if the token was refused and there is another: what got a 401 was not done."""
        if self._tokens is None:
            return await self._try(call, path, extra, None if self._bearer is None else self._bearer())
        token = await self._tokens.token()
        answer = await self._try(call, path, extra, token)
        if answer.status == 401 and await self._tokens.another(token):
            token = await self._tokens.token()
            answer = await self._try(call, path, extra, token)
        if answer.status != 401:
            self._tokens.took(token)
        return answer

    async def _try(self, call: Call, path: str, extra: Mapping[str, str], token: str | None) -> Answer:
        headers = self._headers_of(call, extra, token)
        turn = await self._pace.reserve(call.method, path, len(call.content or b""))
        sent = good = throttled = False
        try:
            era = await self._window.enter()
            try:
                await self._pace.take(turn)
                self.requests += 1
                sent = True
                answer = (await self._exchange.send(call, headers)).without(token or "")
                throttled = answer.status in _TOO_MUCH
                good = not throttled
            except NotSent:
                self.requests -= 1
                sent = False
                raise
            finally:
                self._window.leave(era, good=good, throttled=throttled)
        finally:
            if sent:
                self._budget.count()
            else:
                self._pace.give_back(turn)
        self._learn(answer)
        if answer.status == 429:
            self.throttled += 1
            self._pace.refused(turn)
        return answer

    def _learn(self, answer: Answer) -> None:
        """Keep to what the server says of itself: everybody waits until it takes requests again."""
        found = told(answer.headers)
        wait = until_reset(found, answer.headers, time.time()) if found else None
        if answer.status == 429:
            asked = retry_after(answer.headers, time.time())
            wait = wait if asked is None else asked
        if wait is not None:
            self._pace.hold(min(wait, LONGEST))
        self._budget.learn(found)

    def _headers_of(self, call: Call, extra: Mapping[str, str], token: str | None) -> dict[str, str]:
        own = {} if call.content is None else {"content-type": self._content_type}
        headers = {**self._headers, **own, **extra}
        if token is not None:
            if not token or not token.isascii() or not token.isprintable() or " " in token:
                raise SecretError("the token has characters that no token has", hint="blank, line end or not ASCII")
            headers["authorization"] = f"{self._scheme} {token}".lstrip()
        return headers


def _checked(headers: Mapping[str, str], call: Call) -> dict[str, str]:
    """In lower case. NotSent for a value that no header can hold: it came from the server, as an ETag does."""
    for name, value in headers.items():
        if not value.isascii() or not value.isprintable():
            raise NotSent(
                f"the header {name} would hold characters that it can't", request=call.told, hint="the server gave it"
            )
    return {name.lower(): value for name, value in headers.items()}
