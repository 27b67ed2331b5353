"""Making a resource, and knowing it again when the answer was lost.

What is adopted is only what this run itself created: it has the name that was sent, and carries all of the values.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.errors import Conflict, NotStored, ScimError, WrongResource
from reconciler.http import Answer, Client
from reconciler.live import wire
from reconciler.live.judge import accept, clean, remote_id
from reconciler.live.reader import Kind, Reader, endpoint
from reconciler.live.rows import carries
from reconciler.live.sure import UNSURE
from reconciler.model.comparison import equal
from reconciler.model.path import AttributePath, parse_path
from reconciler.model.profile import Profile
from reconciler.model.values import RemoteId, Value, is_null


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource that was written, as far as the answer showed it."""

    id: RemoteId
    resource: dict[str, Any]
    adopted: bool = False
    """The answer to the creation was lost, and a resource with the values that were sent was found."""


class Creation:
    """Creates users and groups of one application."""

    def __init__(self, client: Client, profile: Profile, reader: Reader) -> None:
        self._client = client
        self._profile = profile
        self._reader = reader

    async def create(self, kind: Kind, values: Mapping[str, Value], body: wire.Body) -> Stored:
        """POST `body`, which carries `values` (target path → value).

        Believed only if what comes back has an id and the name that was sent. After a lost answer or a 5xx the
        resource is looked up: adopted if it carries what was sent, a Conflict if not, sent once more if there is none.
        """
        unsure: Exception | None = None
        for _ in range(2):
            try:
                answer = await self._client.send("POST", endpoint(kind, self._profile), body=body)
                created = accept(answer, self._profile.answers.errors)
            except UNSURE as lost:
                unsure = lost
                found = await self.adopt(kind, values, lost)
            except Conflict as taken:
                if unsure is None:
                    raise
                found = await self.adopt(kind, values, taken)  # the first one may have arrived
                if not found:
                    raise
            else:
                return await self._believe(kind, values, self._as_created(created, answer), answer.request)
            if found:
                return found
        assert unsure is not None
        raise unsure

    def _as_created(self, created: Any, answer: Answer) -> Any:
        """The body of the answer, where its status says that the resource is there."""
        return created if answer.status in self._profile.answers.created else None

    async def adopt(self, kind: Kind, values: Mapping[str, Value], cause: Exception) -> Stored | None:
        """What a creation without an answer left behind. Raises Conflict if somebody else has the name."""
        found = await self._look_up(kind, values, sure=True)
        if not found:
            return None
        key, resource = found
        if carries(resource, values, self._profile):
            return Stored(key, resource, adopted=True)
        request = getattr(cause, "request", f"POST {endpoint(kind, self._profile)}")
        message = f"the answer was lost, and {kind} {clean(key, 60)} has the name that was sent, but other values"
        raise Conflict(message, request=request, status=409, hint="plan again to see whose it is") from cause

    async def _believe(self, kind: Kind, values: Mapping[str, Value], created: Any, request: str) -> Stored:
        """The created resource, if it is the one that was sent; else what a look-up finds."""
        path, sent = _name(kind, values, self._profile)
        key = remote_id(created) if isinstance(created, dict) else None
        if key is not None and is_null(path.read(created)):  # some answer with the id alone
            created = await (self._reader.user(key) if kind == "user" else self._reader.group(key))
        if key is not None and created is not None and self._is_named(path, sent, created):
            return Stored(RemoteId(key), created)
        found = await self._look_up(kind, values)
        if found and carries(found[1], values, self._profile):
            return Stored(*found)
        shown = f"{kind} {clean(key, 60)} with another {path.text}" if key else f"no {kind} with an id"
        raise (WrongResource if key else NotStored)(
            f"the creation was answered with {shown}, and the one that was sent can't be found",
            request=request,
            status=200,
            hint="plan again to see what the application made of it",
        )

    def _is_named(self, path: AttributePath, sent: str, created: dict[str, Any]) -> bool:
        """Some servers lower the case of names: that is no other name."""
        return equal(sent, path.read(created), exact=False)

    async def _look_up(
        self, kind: Kind, values: Mapping[str, Value], *, sure: bool = False
    ) -> tuple[RemoteId, dict[str, Any]] | None:
        """The resource that has the name that was sent. Raises Conflict if several have it."""
        if self._profile.settle_seconds:
            await asyncio.sleep(self._profile.settle_seconds)
        path, sent = _name(kind, values, self._profile)
        find = self._reader.find_user if kind == "user" else self._reader.find_group
        found = await find(path.text, sent, sure=sure)
        if len(found) > 1:
            ids = clean(", ".join(sorted(str(each["id"]) for each in found)))
            message = f"several resources have the {path.text} that was sent: {ids}"
            raise Conflict(
                message, request=f"POST {endpoint(kind, self._profile)}", status=409, hint="one of them has to go"
            )
        return (RemoteId(found[0]["id"]), found[0]) if found else None


def _name(kind: Kind, values: Mapping[str, Value], profile: Profile) -> tuple[AttributePath, str]:
    """What a created resource is recognized by: userName or displayName, else the first that can be filtered by."""
    trusted = profile.filters.users if kind == "user" else profile.filters.groups
    usual = "userName" if kind == "user" else "displayName"
    table = {path.canonical: (path, value) for path, value in ((parse_path(t), v) for t, v in values.items())}
    for name in (usual, *trusted):
        found = table.get(parse_path(name).canonical)
        if found and not is_null(found[1]):
            return found[0], str(found[1])
    raise ScimError(
        f"nothing that is sent names the {kind}: without {usual} it could not be found again",
        request=f"POST {endpoint(kind, profile)}",
        status=0,
        hint=f"map {usual}",
    )
