"""A forge's API: JSON, pages, refusals in words, and no longer a wait than anybody has patience for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from reconciler.errors import ForgeError
from reconciler.forge.surroundings import Surroundings
from reconciler.http import Answer, Client
from reconciler.http.allowance import asked_to_wait
from reconciler.render import safe

PATIENCE: Final = 120.0
"""Seconds that all waits of one command take together: a job that waits an hour for a comment costs more than it."""
PAGE: Final = 100
DOWNLOAD: Final = 300.0
"""Seconds for a file."""
_MOST_PAGES: Final = 200
_LARGEST: Final = 32 * 1024 * 1024  # bytes of one answer
_GITHUB: Final = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
_ELSEWHERE: Final = frozenset({301, 302, 303, 307, 308})
_HINTS: Final = {
    401: "is the token right, and has it not expired?",
    403: "the job's token has not this permission; a pull request from a fork never has it",
    404: "there is no such thing, or the token may not see it",
    422: "the forge does not take this",
}


class Patience:
    """Waits as it is asked to, until that is too long altogether. Then it raises ForgeError, at once ever after."""

    def __init__(self, seconds: float = PATIENCE, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._left = seconds
        self._sleep = sleep

    async def wait(self, seconds: float) -> None:
        if seconds > self._left:
            self._left = 0.0
            raise ForgeError(
                f"the forge asks to wait {seconds:,.0f} s, which is too long",
                hint="run the job again later",
                status=429,
            )
        self._left -= seconds
        await self._sleep(seconds)


class Api:
    """One base URL. `headers` go with every request, the token with them or as `bearer`; neither goes anywhere else."""

    def __init__(
        self,
        base_url: str,
        *,
        patience: Patience,
        headers: Mapping[str, str],
        bearer: str | None = None,
        secret: str = "",
        largest: int = _LARGEST,
        timeout: float = 30.0,
    ) -> None:
        self._patience = patience
        self._headers = headers
        self._secret = bearer or secret
        self._client = Client(
            base_url,
            bearer=None if bearer is None else lambda: bearer,
            content_type="application/json",
            concurrency=4,
            max_body=largest,
            timeout=timeout,
            attempts=4,
            sleep=patience.wait,
        )

    async def close(self) -> None:
        await self._client.__aexit__(None, None, None)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        also: Collection[int] = (),
    ) -> Answer:
        """The answer, if it is a success or one of `also`. Raises ForgeError, and TransportError.

        403 with a wait is a limit of GitHub's, not a refusal: it is waited for as 429 is.
        """
        while True:
            answer = await self._client.send(method, path, params=params, body=body, headers=self._headers)
            if 200 <= answer.status < 300 or answer.status in also:
                return answer
            asked = asked_to_wait(answer.headers, time.time()) if answer.status == 403 else None
            if asked is None:
                raise self._refused(answer)
            await self._patience.wait(max(asked, 1.0))

    async def json(self, method: str, path: str, **options: Any) -> Any:
        """What the answer says; None if it has no body."""
        return self._read(await self.ask(method, path, **options))

    async def pages(
        self, path: str, params: Mapping[str, str] | None = None, key: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Everything in a list, over all its pages; `key`: where the list is in the answer.

        Whether there is another page says the Link header (RFC 8288); its number is counted rather than its address
        followed, since no address from an answer is ever sent the token.
        """
        for page in range(1, _MOST_PAGES + 1):
            asked = {**(params or {}), "per_page": str(PAGE), "page": str(page)}
            answer = await self.ask("GET", path, params=asked)
            found = self._read(answer)
            rows = found.get(key) if key is not None and isinstance(found, dict) else found
            if not isinstance(rows, list):
                raise ForgeError(f"GET {path}: the answer is no list", hint="is the API's address right?")
            for row in rows:
                if isinstance(row, dict):
                    yield row
            if 'rel="next"' not in answer.headers.get("link", ""):
                return
        raise ForgeError(f"GET {path}: more than {_MOST_PAGES * PAGE:,} entries", hint="nobody reads that many")

    async def download(self, path: str, largest: int) -> bytes:
        """A file of at most so many bytes. It may be in a storage elsewhere, whose signed address the answer names: the
        token does not go there.
        """
        answer = await self.ask("GET", path, also=_ELSEWHERE)
        if answer.status not in _ELSEWHERE:
            return answer.body
        location = urlsplit(answer.headers.get("location", ""))
        storage = Api(
            f"{location.scheme}://{location.netloc}",
            patience=self._patience,
            headers={},
            largest=largest,
            timeout=DOWNLOAD,
        )
        try:
            params = dict(parse_qsl(location.query, keep_blank_values=True))
            return (await storage.ask("GET", location.path, params=params)).body
        finally:
            await storage.close()

    def _read(self, answer: Answer) -> Any:
        if not answer.body:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise ForgeError(f"{answer.request}: the answer is no JSON", hint="is the API's address right?") from error

    def _refused(self, answer: Answer) -> ForgeError:
        detail = _detail(answer.without(self._secret))
        said = f"{answer.request}: {answer.status}{f' ({detail})' if detail else ''}"
        hint = _HINTS.get(answer.status, "")
        if 300 <= answer.status < 400:
            hint = "the repository has moved: the token is not sent after it"
        return ForgeError(said, hint=hint or "try again later", status=answer.status)


def reach(where: Surroundings, patience: Patience, *, base_url: str = "", **options: Any) -> Api:
    """The API there, with the token in the header that is for it. `base_url`: where it is not the one for REST;
    `options` are an Api's.
    """
    headers = _GITHUB if where.kind == "github" else {"job-token": where.token} if where.job_token else {}
    bearer = None if where.job_token else where.token
    return Api(base_url or where.api, patience=patience, headers=headers, bearer=bearer, secret=where.token, **options)


def needed(row: Any, key: str) -> Any:
    """What an answer must have. Raises ForgeError if it has not."""
    found = row.get(key) if isinstance(row, dict) else None
    if found is None:
        raise ForgeError(f"an answer of the forge has no {key!r}", hint="is the API's address right?")
    return found


def whole(row: Any, key: str = "id") -> int:
    """As `needed`, of a number."""
    found = needed(row, key)
    if not isinstance(found, int):
        raise ForgeError(f"{key!r} in an answer of the forge is no number", hint="is the API's address right?")
    return found


def within(row: Any, *keys: str) -> str:
    """Text somewhere inside; "" where there is none. An account or a repository that is gone is null."""
    for key in keys:
        row = row.get(key) if isinstance(row, dict) else None
    return row if isinstance(row, str) else ""


def _detail(answer: Answer) -> str:
    """The forge's own words, harmless."""
    try:
        found = answer.json()
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    errors = found.get("errors")
    listed = errors[:3] if isinstance(errors, list) else []
    told = [each.get("message") or each.get("code") if isinstance(each, dict) else each for each in listed]
    return safe("; ".join(str(part) for part in (found.get("message") or found.get("error"), *told) if part), 300)
