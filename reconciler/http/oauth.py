"""OAuth 2.0 client credentials (RFC 6749 section 4.4): tokens that are got, kept, renewed in time and never told."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol
from urllib.parse import quote_plus, urlencode

from reconciler.errors import NotSent, TransportError, Unauthorized
from reconciler.http.address import parse_address
from reconciler.http.answer import Answer
from reconciler.http.assertion import TYPE, Signer
from reconciler.http.exchange import Call
from reconciler.http.retry import LONGEST, NoToken, NotTrusted, wait_after_error, wait_after_status

_ATTEMPTS: Final = 3
_EARLY: Final = 60.0  # seconds before its end that a token is renewed; a tenth of its life if that is shorter
_DAY: Final = 86_400.0
_CLEAN: Final = re.compile(r"[\x20-\x7e]{1,60}")
_JWT: Final = re.compile(r"\beyJ[\w-]+(?:\.[\w-]*)*")
_REFUSALS: Final = {
    "invalid_client": "the client is unknown, or its secret or key is wrong or expired: look at auth.clientCredentials",
    "invalid_scope": "look at auth.clientCredentials.scope",
    "invalid_target": "look at auth.clientCredentials.audience",
    "unauthorized_client": "the client may not use client credentials: allow it where the client is registered",
    "unsupported_grant_type": "the server gives no tokens for client credentials: is tokenUrl right?",
}


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Who we are at `token_url`: exactly one of `secret` and `private_key` (PEM).

    `audience` and `scope` are sent as they are; `assertion_audience` stands in what the key signs, instead of the
    token URL; `key_id` tells the server which key, or `certificate` (PEM) does, by its thumbprint.
    """

    token_url: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    key_id: str | None = None
    certificate: str | None = None
    scope: str | None = None
    audience: str | None = None
    assertion_audience: str | None = None
    secret_in: Literal["header", "body"] = "header"  # noqa: S105  a place, no secret


class Sends(Protocol):
    """As Exchange."""

    async def send(self, call: Call, headers: dict[str, str]) -> Answer: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Token:
    value: str = field(repr=False)
    until: float
    """By the clock; infinity: not known."""
    worked: bool = False
    """The application took it."""
    replaces: bool = False
    """It was got because the application refused another."""


class Tokens:
    """The token of one client: one request to the token endpoint, however many wait for it.

    Raises SecretError for credentials that can't be used.
    """

    def __init__(
        self,
        credentials: ClientCredentials,
        exchange: Sends,
        *,
        user_agent: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._who = credentials
        parse_address(credentials.token_url)
        self._url = credentials.token_url  # to the letter: a slash at its end may matter
        self._told = f"POST {self._url}"
        self._exchange = exchange
        self._user_agent = user_agent
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._signer = self._made_signer()
        self._token: _Token | None = None
        self._getting: asyncio.Task[None] | None = None

    async def token(self) -> str:
        """A token that has not expired. Raises Unauthorized if it is refused, NotSent if nobody answers."""
        if self._token is None or self._clock() >= self._token.until:
            await self._renew(replaces=False)
        assert self._token is not None
        return self._token.value

    async def another(self, refused: str) -> bool:
        """The application answered 401: whether there is a token now that is worth another try.

        There is none if this one itself came after a refusal and was never taken: the next would not be either.
        """
        token = self._token
        if token is None or token.value != refused:
            return token is not None
        if token.replaces and not token.worked:
            return False
        await self._renew(replaces=True)
        return True

    def took(self, value: str) -> None:
        """The application took this token."""
        if self._token is not None and self._token.value == value:
            self._token.worked = True

    async def close(self) -> None:
        if self._getting is not None:
            self._getting.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._getting
        await self._exchange.close()

    async def _renew(self, *, replaces: bool) -> None:
        if self._getting is None:
            self._getting = asyncio.ensure_future(self._replace(replaces))
        await asyncio.shield(self._getting)

    async def _replace(self, replaces: bool) -> None:
        try:
            self._token = await self._get(replaces)
        finally:
            self._getting = None  # not in a callback: who comes before that would wait for nothing

    async def _get(self, replaces: bool) -> _Token:
        attempt = 0
        while True:
            attempt += 1
            started = self._clock()
            call, headers, secrets = self._request()
            wait: float | None
            try:
                answer = await self._exchange.send(call, headers)
            except TransportError as error:
                # asking twice for a token does no harm: a lost answer is as good as none
                wait = wait_after_error(error, "GET", attempt, chance=self._chance())
                if wait is None or attempt >= _ATTEMPTS:
                    raise self._unreached(error) from error
            else:
                wait = wait_after_status(
                    answer.status, answer.headers, "GET", attempt, chance=self._chance(), now=time.time()
                )
                if wait is None or attempt >= _ATTEMPTS:
                    return self._read(answer, secrets, started, replaces)
            await self._sleep(min(wait, LONGEST))

    def _request(self) -> tuple[Call, dict[str, str], tuple[str, ...]]:
        """(the call, its headers, what no message may repeat)."""
        who = self._who
        form = {"grant_type": "client_credentials"}
        form |= {name: text for name, text in (("scope", who.scope), ("audience", who.audience)) if text is not None}
        headers = {
            "accept": "application/json",
            "accept-encoding": "gzip",
            "content-type": "application/x-www-form-urlencoded",
            "user-agent": self._user_agent,
        }
        hidden: tuple[str, ...]
        if self._signer is not None:
            assertion = self._signer.sign(time.time())
            form |= {"client_id": who.client_id, "client_assertion_type": TYPE, "client_assertion": assertion}
            hidden = (assertion,)
        else:
            secret = who.secret or ""
            pair = base64.b64encode(f"{quote_plus(who.client_id)}:{quote_plus(secret)}".encode()).decode()
            if who.secret_in == "body":  # noqa: S105
                form |= {"client_id": who.client_id, "client_secret": secret}
            else:
                headers["authorization"] = f"Basic {pair}"  # both are form-encoded before (RFC 6749 section 2.3.1)
            hidden = (secret, quote_plus(secret), pair)
        return Call("POST", self._url, urlencode(form).encode(), self._told), headers, hidden

    def _made_signer(self) -> Signer | None:
        who = self._who
        if who.private_key is None:
            return None
        audience = who.assertion_audience or who.token_url
        return Signer(
            who.private_key,
            client_id=who.client_id,
            audience=audience,
            key_id=who.key_id,
            certificate=who.certificate,
        )

    def _read(self, answer: Answer, secrets: tuple[str, ...], started: float, replaces: bool) -> _Token:
        document = _object(answer)
        if answer.status == 200 and (value := _usable(document)):
            life = _life(document.get("expires_in"))
            until = started + life - min(_EARLY, life / 10) if life else float("inf")
            return _Token(value, until, replaces=replaces)
        if answer.status == 429 or answer.status >= 500:
            raise NoToken(
                f"no token: the token endpoint answers with status {answer.status}",
                request=self._told,
                hint="try again later",
            )
        raise self._refusal(answer, document, secrets)

    def _refusal(self, answer: Answer, document: dict[str, Any], secrets: tuple[str, ...]) -> Unauthorized:
        code = document.get("error")
        code = code if isinstance(code, str) and _CLEAN.fullmatch(code) else ""
        detail = ": ".join(part for part in (code, _text(document.get("error_description"))) if part)
        for secret in secrets:
            detail = detail.replace(secret, "…") if secret else detail
        detail = _JWT.sub("…", detail)[:300]
        hint = _REFUSALS.get(code, "is auth.clientCredentials.tokenUrl the token endpoint?")
        if 300 <= answer.status < 400:
            what, hint = "the token endpoint leads elsewhere", "no secret follows it: is tokenUrl quite right?"
        elif answer.status == 200:
            what = "the token endpoint gave no bearer token that can be used"
        else:
            what = "the token endpoint refused to give a token"
        message = f"{what} ({answer.status}){f': {detail}' if detail else ''}"
        return Unauthorized(message, request=self._told, status=answer.status, detail=detail, hint=hint)

    def _unreached(self, error: TransportError) -> NotSent:
        what = error.message.removeprefix(f"{self._told}: ")
        kind = NotTrusted if isinstance(error, NotTrusted) else NoToken
        return kind(f"no token: {what}", request=self._told, hint=error.hint)


def _object(answer: Answer) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _usable(document: dict[str, Any]) -> str | None:
    """The access token, if it is a bearer token (RFC 6749 section 5.1) and can stand in a header."""
    value, kind = document.get("access_token"), document.get("token_type", "Bearer")
    if not isinstance(value, str) or not isinstance(kind, str) or kind.lower() != "bearer":
        return None
    return value if value and value.isascii() and value.isprintable() and " " not in value else None


def _life(given: Any) -> float | None:
    """Seconds, at most a day; None if it is missing or nonsense: such a token is used until it is refused."""
    if isinstance(given, str) and re.fullmatch(r"\d{1,12}", given):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int | float) or not given > 0:
        return None
    return min(float(given), _DAY)


def _text(given: Any) -> str:
    """Of a server's own words what is safe to show."""
    return "".join(c if c.isprintable() else " " for c in given[:2000]).strip() if isinstance(given, str) else ""
