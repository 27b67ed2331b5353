"""What every request passes before anything looks at it: host, method, token; and what every answer carries."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
OPEN: Final = frozenset({"/healthz", "/readyz"})
"""Say one word, and need no token: who asks has none."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_CHALLENGE: Final = 'Basic realm="reconciler", charset="UTF-8"'


class Guard:
    """ASGI middleware. Without a `token` only names of this machine's loopback are answered to, so that no page whose
    name was made to point here can read anything; with one, whoever has it may call the host what they like.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self.app = app
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self.app)(scope, receive, sending)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if not self._is_ours(headers.getlist("host")):
            return PlainTextResponse("this is not the host's name\n", 421)
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("nothing can be changed here\n", 405, {"allow": "GET, HEAD"})
        if self._token is None or scope["path"] in OPEN or self._has_token(headers.getlist("authorization")):
            return None
        return PlainTextResponse(
            "the token is missing or wrong; a browser asks for it as a password, of any user\n",
            401,
            {"www-authenticate": _CHALLENGE},
        )

    def _is_ours(self, hosts: list[str]) -> bool:
        found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        return found is not None and (self._token is not None or found[1].lower() in LOOPBACK)

    def _has_token(self, given: list[str]) -> bool:
        assert self._token is not None
        scheme, _, rest = (given[0] if len(given) == 1 else "").partition(" ")
        match scheme.lower():
            case "bearer":
                return hmac.compare_digest(rest.strip().encode("latin-1", "replace"), self._token)
            case "basic":
                return hmac.compare_digest(_password(rest.strip()), self._token)
            case _:
                return False


def _password(encoded: str) -> bytes:
    """RFC 7617: base64 of user:password. Nothing for what is no such."""
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
