"""Where requests go: a base URL that may carry a token, paths below it, and how both are told to people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from reconciler.errors import NotSent, ReconcilerError, SecretError

_TOLD: Final = frozenset(
    {"count", "startIndex"}
)  # paging is no secret and says which page it was; a filter names people


def is_loopback(host: str) -> bool:
    """Whether `host` (no port, no brackets) is this machine: localhost (RFC 6761 section 6.3), 127.0.0.0/8 or ::1."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Address:
    """A checked base URL, without a slash at its end."""

    base: str
    scheme: str
    host: str
    port: int

    def url(self, path: str, params: Mapping[str, str] | None = None, query: str = "") -> str:
        """The URL of `path`, whose segments are already percent-encoded, with `params`, or a `query` to the letter.

        NotSent if a segment is "." or "..": such an id would climb to another resource (RFC 3986 section 5.2.4).
        """
        target = self._below(path)
        if ("." in path or "%2" in path) and any(unquote(part) in {".", ".."} for part in path.split("/")):
            raise NotSent(
                "a path with '.' or '..' in it is not sent", request=target, hint="the id came from the server"
            )
        if params:
            query = urlencode(params, quote_via=quote)
        return f"{target}?{query}" if query else target

    def told(self, path: str, params: Mapping[str, str] | None = None, query: str = "") -> str:
        """The same for messages: of the query only its names, and the values of paging."""
        given = dict(params or parse_qsl(query, keep_blank_values=True))
        shown = "&".join(f"{name}={value if name in _TOLD else '…'}" for name, value in given.items())
        target = self._below(path)
        return f"{target}?{shown}" if shown else target

    def _below(self, path: str) -> str:
        return f"{self.base}/{path.lstrip('/')}" if path else self.base


def parse_address(base_url: str) -> Address:
    """Check a base URL. A token goes there, so: https, or http to this machine alone; no credentials in the URL.

    Raises SecretError or ReconcilerError; the message never repeats credentials.
    """
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ReconcilerError("the URL can't be read", hint="it looks like https://host/scim/v2") from error
    if parts.username is not None or parts.password is not None:
        raise SecretError(f"the URL of {host} has credentials in it", hint="use a reference such as {env: NAME}")
    if parts.scheme not in {"http", "https"} or not host:
        raise ReconcilerError(f"{base_url!r} is not an http URL", hint="it looks like https://host/scim/v2")
    if parts.query or parts.fragment:
        raise ReconcilerError(
            f"the URL of {host} has a query or a fragment", hint="leave out everything from ? or # on"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise SecretError(
            f"{base_url}: a token would travel in clear text", hint="use https; http is for loopback alone"
        )
    return Address(base_url.rstrip("/"), parts.scheme, host.lower(), port or (443 if parts.scheme == "https" else 80))
