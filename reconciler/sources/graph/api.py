"""Graph's way to answer: pages, links, refusals. No address from an answer is followed to another host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.errors import GraphError, IncompleteRead, Unauthorized
from reconciler.http import Answer, Client

Row = dict[str, Any]
"""One resource as Graph has it."""

_LONGEST: Final = 300  # characters of Graph's own words
_MOST_PAGES: Final = 1_000_000
_PORTS: Final = {"https": 443, "http": 80}
_RESYNC: Final = ("syncstate", "resync", "expiredpagetoken", "invalidpagetoken")
"""In the codes by which Graph says that a link is too old: syncStateNotFound, resyncRequired, …"""


class LinkTooOld(Exception):
    """Graph does not know any more where a link was: everything has to be read again."""


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    delta: str
    """The link to what changes from now on: on the last page of a list that has one."""


class Graph:
    """Reads below `base`. `client` is for `base`, and knows how to get a token."""

    def __init__(self, client: Client, base: str) -> None:
        self._client = client
        self.base = base

    async def one(self, path: str, params: Mapping[str, str], *, permission: str) -> Row:
        """One resource. Raises GraphError, and TransportError."""
        return await self._ask(path, params, "", permission)

    async def pages(
        self, path: str, params: Mapping[str, str], *, permission: str, link: str = "", delta: bool = False
    ) -> AsyncIterator[Page]:
        """A whole list: from its beginning at `path`, or what came after `link`.

        With `delta` the last page has the link for the next time. Raises IncompleteRead for a list that can't be
        believed, GraphError for a refusal, LinkTooOld, and TransportError.
        """
        query = ""
        if link:
            path, query = self._within(link)
        seen = {link}
        for _ in range(_MOST_PAGES):
            answer = await self._ask(path, {} if query else params, query, permission)
            following, last = answer.get("@odata.nextLink"), answer.get("@odata.deltaLink")
            rows = answer.get("value")
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise IncompleteRead(f"GET {self.base}/{path}: the answer is no list", hint="run again")
            if following is None:
                if not delta:
                    last = ""
                elif not isinstance(last, str):
                    raise IncompleteRead(
                        f"GET {self.base}/{path}: the list ended without saying where it goes on next time",
                        hint="run again: a list that ended early is not used",
                    )
                yield Page(rows, str(last))
                return
            if not isinstance(following, str) or following in seen:
                raise IncompleteRead(f"GET {self.base}/{path}: the list leads back to where it was", hint="run again")
            yield Page(rows, "")
            seen.add(following)
            path, query = self._within(following)
        raise IncompleteRead(f"GET {self.base}/{path}: the list does not end", hint="run again")

    def _within(self, link: str) -> tuple[str, str]:
        """(path below the base, query) of a link that an answer or the disk gave. Raises IncompleteRead."""
        own = urlsplit(self.base)
        try:
            parts = urlsplit(link)
            port = parts.port or _PORTS.get(parts.scheme)
            where = parts.hostname or ""
        except ValueError:
            parts, port, where = urlsplit(""), None, ""
        same = (parts.scheme, where, port) == (own.scheme, own.hostname, own.port or _PORTS[own.scheme])
        plain = link.isascii() and link.isprintable() and " " not in link and "@" not in parts.netloc
        if not same or not plain or not parts.path.startswith(f"{own.path}/"):
            raise IncompleteRead(
                f"the next page is said to be at {where[:80]!r}, and not below {self.base}: it is not followed",
                hint="the token goes nowhere else; run again with --full",
            )
        return parts.path.removeprefix(f"{own.path}/"), parts.query

    async def _ask(self, path: str, params: Mapping[str, str], query: str, permission: str) -> Row:
        try:
            answer = await self._client.send("GET", path, params=params, query=query)
        except Unauthorized as error:
            raise _no_token(error) from error
        if answer.status == 200:
            return _read(answer)
        code, said = _said(answer)
        if answer.status == 410 or any(word in code.lower() for word in _RESYNC):
            raise LinkTooOld
        raise GraphError(
            f"{answer.request}: {answer.status}{f' ({said})' if said else ''}",
            hint=_hint(answer.status, permission),
            status=answer.status,
        )


def _read(answer: Answer) -> Row:
    try:
        found = answer.json()
    except ValueError as error:
        raise IncompleteRead(f"{answer.request}: the answer is no JSON", hint="run again") from error
    if not isinstance(found, dict):
        raise IncompleteRead(f"{answer.request}: the answer is no object", hint="run again")
    return found


def _said(answer: Answer) -> tuple[str, str]:
    """(code, the words) of a refusal, harmless."""
    try:
        found = answer.json()
    except ValueError:
        return "", ""
    error = found.get("error") if isinstance(found, dict) else None
    if not isinstance(error, dict):
        return "", ""
    code, message = (_clean(error.get(name)) for name in ("code", "message"))
    return code, ": ".join(part for part in (code, message) if part)[:_LONGEST]


def _clean(given: Any) -> str:
    text = given[: 2 * _LONGEST] if isinstance(given, str) else ""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def _hint(status: int, permission: str) -> str:
    if status == 401:
        return "does the client belong to this tenant and this cloud? Tokens of one are worth nothing in another"
    if status == 403:
        return f"the client needs the application permission {permission}, and an administrator's consent to it"
    if status == 404:
        return "there is no such thing in this tenant, or the client may not see it"
    if status == 429 or status >= 500:
        return "Graph is too busy: run again later; what was read is not used"
    return "run again with --full"


def _no_token(error: Unauthorized) -> GraphError:
    """In words of the command line: what refused is named there, not in a file."""
    said = f" ({error.detail})" if error.detail else ""
    return GraphError(
        f"{error.request}: no token{said}",
        hint="are --tenant, --client-id and --cloud right, and is the secret or certificate theirs and not expired?",
        status=error.status,
    )
