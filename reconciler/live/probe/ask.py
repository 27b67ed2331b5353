"""Single questions to a server, whose answers are looked at whatever they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from reconciler.errors import AnswerLost, BodyTooLarge, NotScim, ScimError, Throttled, Unauthorized
from reconciler.http import Answer, Client
from reconciler.live.judge import accept, remote_id
from reconciler.model.path import member

Progress: TypeAlias = Callable[[str, int, int | None], None]
Row: TypeAlias = dict[str, Any]

BUSY: Final = frozenset({502, 503, 504})
"""Says nothing of what was asked."""
REFUSED: Final = frozenset({400, 409, 413, 422, 500})
"""Speaks of what is in a request."""
CANT: Final = frozenset({404, 405, 501})
"""Speaks of the request itself, whatever is in it."""
_WAITS: Final = (0.1, 0.5)
_LIST: Final = ("Resources", "resources")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: `status` 0 if none came, `ok` if it is a success, `said` what the server says of a refusal."""

    status: int
    ok: bool
    body: Any = None
    said: str = ""
    error: Exception | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> list[Row] | None:
        """The resources of a list, ids as text; None if this is no list."""
        if not self.ok or not isinstance(self.body, dict):
            return None
        found = next((self.body[name] for name in _LIST if name in self.body), None)
        if found is None and number(self.body.get("totalResults")) == 0:
            found = []
        if not isinstance(found, list):
            return None
        return [{**row, "id": remote_id(row)} for row in found if isinstance(row, dict) and remote_id(row)]

    @property
    def ids(self) -> list[str]:
        return [str(row["id"]) for row in self.rows or ()]

    @property
    def total(self) -> int | None:
        return number(self.body.get("totalResults")) if isinstance(self.body, dict) else None

    @property
    def row(self) -> Row | None:
        """One resource with an id; None if this is none."""
        key = remote_id(self.body) if self.ok and isinstance(self.body, dict) else None
        return {**self.body, "id": key} if key else None

    @property
    def short(self) -> str:
        """`400 invalidPath: no path, please`."""
        if not self.status:
            return self.said
        return f"{self.status}: {self.said}" if self.said else str(self.status)


class Ask:
    """Sends what it is told to, and counts. A question beyond `most` is not sent, and its answer is unknown."""

    def __init__(
        self,
        client: Client,
        progress: Progress | None = None,
        *,
        most: int,
        what: str = "questions",
        attempts: int | None = None,
    ) -> None:
        self._client = client
        self._attempts = attempts
        self._progress = progress
        self._most = most
        self._what = what
        self.count = 0
        self.types: set[str] = set()
        """Content types of answers with a body."""
        self.limits: dict[str, str] = {}
        """Headers that speak of rates."""
        self.headers: dict[str, str] = {}
        """Of every request."""

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Said:
        if self.count >= self._most:
            return Said(0, False, said="not asked: enough questions")
        return await self.send("GET", path, params=params)

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Said:
        """Anything but a POST is sent again where nobody knows what became of it.

        Raises NotSent, Unauthorized and Throttled: without a server, a token and time nothing can be found.
        """
        said = await self._once(method, path, params, body, headers)
        for wait in _WAITS:
            if method == "POST" or (said.status not in BUSY and not isinstance(said.error, AnswerLost)):
                break
            await asyncio.sleep(wait)
            said = await self._once(method, path, params, body, headers)
        return said

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Any,
        headers: Mapping[str, str] | None,
    ) -> Said:
        self.count += 1
        if self._progress:
            self._progress(self._what, self.count, max(self._most, self.count))
        try:
            answer = await self._client.send(
                method,
                path,
                params=params,
                body=body,
                headers={**self.headers, **(headers or {})},
                attempts=self._attempts,
            )
        except (AnswerLost, BodyTooLarge) as error:
            return Said(0, False, said="no usable answer came", error=error)
        self._notice(answer)
        try:
            return Said(answer.status, True, accept(answer), headers=answer.headers)
        except (Throttled, Unauthorized):
            raise
        except ScimError as error:
            said = " ".join(part for part in (error.scim_type, error.detail) if part)
            return Said(error.status, False, said=said, error=error, headers=answer.headers)
        except NotScim as error:
            return Said(answer.status, False, said="no SCIM", error=error, headers=answer.headers)

    def _notice(self, answer: Answer) -> None:
        if answer.body and 200 <= answer.status < 300:
            self.types.add(answer.headers.get("content-type", "none").split(";")[0].strip().lower())
        for name, value in answer.headers.items():
            lower = name.lower()
            if "ratelimit" in lower.replace("-", "") or lower == "retry-after":
                self.limits[lower] = value[:40]


def number(value: Any) -> int | None:
    """totalResults, in whatever form; None if it says nothing."""
    text = str(value).strip()
    return int(text) if not isinstance(value, bool) and text.isascii() and text.isdigit() and len(text) < 16 else None


def at(endpoint: str, key: str) -> str:
    """The path of one resource."""
    return f"{endpoint}/{quote(key, safe='')}"


def member_ids(row: Row) -> list[str]:
    """Ids of a group's members, each as often as it is there."""
    listed = member(row, "members")
    elements = listed if isinstance(listed, list) else []
    return [str(e.get("value") if isinstance(e, dict) else e) for e in elements]
