"""Who is in a group: adding and removing in chunks, in the form that the server understands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

from reconciler.errors import NotFound, ScimError
from reconciler.http import Client
from reconciler.live import wire
from reconciler.live.forms import Form, Ineffective, Ladder
from reconciler.live.reader import Reader, member_ids, place
from reconciler.live.sure import write
from reconciler.model.path import member
from reconciler.model.profile import Profile
from reconciler.model.values import RemoteId

Verb: TypeAlias = Literal["add", "remove"]
Spelling: TypeAlias = Literal["valuePath", "valueArray"]

_SPELLINGS: Final[tuple[Spelling, ...]] = ("valuePath", "valueArray")


class Membership:
    """Writes members of groups of one application, one request after the other."""

    def __init__(self, client: Client, profile: Profile, reader: Reader, ladder: Ladder) -> None:
        self._client = client
        self._profile = profile
        self._reader = reader
        self._ladder = ladder
        self._spelling: Spelling | None = None
        """How a removal by path is written here: unknown until one was seen to work."""

    async def change(self, verb: Verb, group: RemoteId, ids: Sequence[RemoteId], form: Form | None = None) -> None:
        """Add or remove, `max_members` a request. With a `form` in that one alone, else by the ladder."""
        distinct = list(dict.fromkeys(ids))
        most = self._profile.groups.max_members
        for start in range(0, len(distinct), most):
            chunk = distinct[start : start + most]

            async def once(form: Form, chunk: list[RemoteId] = chunk) -> None:
                if form == "patchPath" and verb == "remove":
                    await self._remove_by_path(group, chunk)
                else:
                    await self._write(form, verb, group, chunk)

            await (once(form) if form is not None else self._ladder.climb(once))

    def additions(self, ids: Sequence[str]) -> wire.Body | None:
        """The body of a PATCH that adds; None where the form that works here needs the group as it is."""
        form = self._ladder.first
        return (
            None
            if form == "put"
            else wire.patch(_operations(form, "add", [RemoteId(each) for each in ids], "valuePath"))
        )

    async def _remove_by_path(self, group: RemoteId, ids: list[RemoteId]) -> None:
        """By `members[value eq "id"]` (RFC 7644 section 3.5.2.2), or by a value array: some servers know only the
        second, and some of those answer the first with success and do nothing. So the first removal is looked at.
        """
        if self._spelling is not None:
            await self._write("patchPath", "remove", group, ids, self._spelling)
            return
        refusal: ScimError | None = None
        for spelling in _SPELLINGS:
            try:
                await self._write("patchPath", "remove", group, ids, spelling)
            except ScimError as error:
                if not self._ladder.refused("patchPath", error):
                    raise
                refusal = refusal or error
                continue
            await asyncio.sleep(self._profile.settle_seconds)
            if not _left("remove", ids, await self._group(group)):
                self._spelling = spelling
                return
        raise refusal or Ineffective(
            "the server answers the removal of members with success and keeps them",
            request=f"PATCH {place('group', group)}",
            status=200,
            hint="groups.members in the app's profile says how members are written",
        )

    async def _write(
        self, form: Form, verb: Verb, group: RemoteId, ids: list[RemoteId], spelling: Spelling = "valuePath"
    ) -> None:
        """One chunk. After a lost answer only what is left of it is sent again: who is added twice may be there twice.

        A member who is gone already makes some servers refuse the whole removal (noTarget): the others are sent again.
        """
        left = list(ids)
        current = await self._group(group) if form == "put" else {}

        async def look() -> bool:
            nonlocal current
            current = await self._group(group)
            left[:] = _left(verb, left, current)
            return not left

        def body() -> wire.Body:
            if form == "put":
                return wire.replace_members(current, **{verb: left})
            return wire.patch(_operations(form, verb, left, spelling))

        method = "PUT" if form == "put" else "PATCH"
        try:
            await write(self._client, method, place("group", group), body, look)
        except ScimError as error:
            absent = verb == "remove" and error.status == 400 and error.scim_type.lower() == "notarget"
            if not absent or (not await look() and len(left) == len(ids)):
                raise
            if left:
                await write(self._client, method, place("group", group), body, look)

    async def _group(self, group: RemoteId) -> dict[str, Any]:
        found = await self._reader.group(group)
        if found is None:
            message = "the group is gone"
            raise NotFound(message, request=f"GET {place('group', group)}", status=404, hint="plan again")
        return found


def _left(verb: Verb, ids: Sequence[RemoteId], group: dict[str, Any]) -> list[RemoteId]:
    """Those that are still to be added, or removed."""
    held = set(member_ids(member(group, "members")))
    return [each for each in ids if (each in held) == (verb == "remove")]


def _operations(form: Form, verb: Verb, ids: Sequence[RemoteId], spelling: Spelling) -> list[wire.Body]:
    listed = [{"value": each} for each in ids]
    if form == "patchPathless":
        return [{"op": verb, "value": {"members": listed}}]
    if verb == "remove" and spelling == "valuePath":
        return [{"op": "remove", "path": f"members[value eq {json.dumps(each)}]"} for each in ids]
    return [{"op": verb, "path": "members", "value": listed}]
