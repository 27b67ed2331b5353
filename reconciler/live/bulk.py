"""Many writes in one request (RFC 7644 section 3.7), each judged by its own result.

`failOnErrors` is left out: everything is tried. What has no result that can be believed may or may not have been done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import orjson

from reconciler.errors import ReconcilerError, ScimError
from reconciler.http import Answer, Client
from reconciler.live.judge import accept, remote_id
from reconciler.model.path import member
from reconciler.model.profile import Meaning, Profile
from reconciler.model.values import RemoteId

REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_ENVELOPE: Final = 200  # bytes around the operations
_FEWEST: Final = 2
_TOO_MUCH: Final = frozenset({400, 413})


@dataclass(frozen=True, slots=True)
class Request:
    """One write as it would be sent alone."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    version: str | None = None
    """What If-Match would say."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A write inside of a Bulk request. Others in the same request refer to what it makes as `bulkId:` and `name`."""

    name: str
    request: Request

    def encoded(self) -> bytes:
        one = self.request
        content = {"method": one.method, "bulkId": self.name, "version": one.version, "path": one.path,
                   "data": one.body}  # fmt: skip
        return orjson.dumps({key: value for key, value in content.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one operation."""

    id: RemoteId | None = None
    """Of the resource, where the answer tells it."""
    resource: dict[str, Any] | None = None
    error: ScimError | None = None


class Bulk:
    """Sends operations together, as many as the server is known to take. Raises what a request as a whole brought."""

    def __init__(self, client: Client, profile: Profile) -> None:
        self._client = client
        self._profile = profile
        limits = profile.bulk
        self.operations = limits.operations if limits else 0
        """In one request at most; it shrinks when a request is refused for its size."""
        self.bytes = min(limits.bytes if limits else 0, profile.max_bytes or 1 << 40) - _ENVELOPE
        self.learned: list[str] = []

    @property
    def works(self) -> bool:
        return self.operations >= _FEWEST

    def smaller(self, error: ReconcilerError, tried: int) -> bool:
        """Whether a request of `tried` operations was too large, and a smaller one may do."""
        if not isinstance(error, ScimError) or error.status not in _TOO_MUCH or not self.works:
            return False
        if tried < 2 * _FEWEST:
            self.stop(error)
            return False
        self.operations = tried // 2
        self.learned.append(f"Bulk: a request of {tried} operations was refused; from then on {self.operations}")
        return True

    def stop(self, error: ReconcilerError) -> None:
        """No more of it in this run."""
        if self.operations or not self.learned:
            self.learned.append(f"Bulk does not work here, so writes went one by one: {error.message}")
        self.operations = 0

    async def send(self, operations: Sequence[Operation]) -> dict[str, Result]:
        """Name → result; what is not in it may or may not have been done."""
        listed = b",".join(each.encoded() for each in operations)
        body = b'{"schemas":["' + REQUEST.encode() + b'"],"Operations":[' + listed + b"]}"
        answer = await self._client.send("POST", "/Bulk", body=body)
        shown = accept(answer, self._profile.answers.errors)
        results = member(shown, "Operations") if isinstance(shown, dict) else None
        if not isinstance(results, list):
            return {}
        found: dict[str, Result] = {}
        for operation, result in _pairs(operations, results):
            judged = _judged(operation.request, result, answer.request, self._profile.answers.errors)
            if judged is not None:
                found[operation.name] = judged
        return found


def _pairs(operations: Sequence[Operation], results: Sequence[Any]) -> Iterator[tuple[Operation, dict[str, Any]]]:
    """By bulkId, where it is told once. A result without one is that of the operation at its place if all are there;
    but a creation has to be named.
    """
    named = {each.name: each for each in operations}
    told = [member(each, "bulkId") if isinstance(each, dict) else None for each in results]
    told = [None if name is None else str(name) for name in told]
    times = Counter(told)
    whole = len(results) == len(operations)
    for at, (name, result) in enumerate(zip(told, results, strict=True)):
        if not isinstance(result, dict):
            continue
        if name is not None:
            if name in named and times[name] == 1:
                yield named[name], result
        elif whole and operations[at].name not in times and _fits(operations[at].request, result):
            yield operations[at], result


def _fits(request: Request, result: dict[str, Any]) -> bool:
    method = str(member(result, "method") or request.method).upper()
    return request.method != "POST" and method == request.method


def _judged(request: Request, result: Mapping[str, Any], within: str, meanings: Sequence[Meaning]) -> Result | None:
    """None: the result says nothing that can be believed."""
    status = _status(member(dict(result), "status"))
    if status is None:
        return None
    response = member(dict(result), "response")
    content = b"" if response in (None, "") else orjson.dumps(response)
    try:
        shown = accept(Answer(status, {}, content, f"{within}: {request.method} {request.path}"), meanings)
    except ScimError as error:
        return Result(error=error)
    except ReconcilerError:
        return None
    resource = shown if isinstance(shown, dict) else None
    told = remote_id(resource) if resource else None
    location = member(dict(result), "location")
    placed = _placed(request, location)
    if (told and placed and told != placed) or (location and not placed):
        return None
    key = told or placed
    return Result(RemoteId(key) if key else None, resource)


def _status(value: Any) -> int | None:
    """RFC 7644 wants a string; numbers come too, and `{"code": "201"}`, as SCIM 1.1 had it."""
    if isinstance(value, dict):
        value = member(value, "code")
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and 100 <= int(text) < 600 else None


def _placed(request: Request, location: Any) -> str | None:
    """The id in a location, if that is below the endpoint that was written to."""
    if not isinstance(location, str):
        return None
    *_, endpoint, last = ["", "", *urlsplit(location).path.rstrip("/").split("/")]
    return unquote(last) or None if endpoint.lower() == request.path.split("/")[1].lower() else None
