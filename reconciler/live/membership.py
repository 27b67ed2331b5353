"""Who is in a group: adding and removing in chunks, in the form that the server understands.

Nothing that a server says of a removal is believed the first time. It is looked whether those who should go went, and
whether those who should stay stayed: some servers take the removal of one for the removal of all. Whoever was driven
out is put back at once, and that form is not used again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import orjson

from reconciler.errors import NotFound, NotStored, ScimError, TooLarge, Unsupported, Verdict
from reconciler.live import wire
from reconciler.live.forms import Form, Ladder, Writes, writes_whole
from reconciler.live.judge import clean
from reconciler.live.reader import Reader, place
from reconciler.live.records import member_ids
from reconciler.live.sure import Send, write
from reconciler.model.path import member
from reconciler.model.profile import Profile
from reconciler.model.values import RemoteId

Verb: TypeAlias = Literal["add", "remove"]

_SETTLED: Final = 3
"""Looks at a group before something counts as missing, where the application needs time."""


_CUT: Final = 100
"""Lists of members that are cut are cut at a round number."""


class DrivenOut(ScimError):
    """Others lost their membership, and could not be given it back."""

    verdict = Verdict.NOT_STORED


@dataclass(slots=True)
class _Chunk:
    """Some accounts on their way into a group, or out of it."""

    verb: Verb
    group: RemoteId
    ids: list[RemoteId]


class Membership:
    """Writes members of groups of one application, one request after the other."""

    def __init__(self, profile: Profile, reader: Reader, ladders: dict[Writes, Ladder], send: Send) -> None:
        self._profile = profile
        self._reader = reader
        self._ladders = ladders
        self._send = send
        self._proven: set[tuple[Verb, Form]] = set()
        """What was seen to do what it should, and nothing else."""
        self.most = profile.groups.max_members
        """Members a request; fewer once the server said that it was too much."""
        self.told: list[str] = []
        """What a person should know: who was driven out and put back."""

    async def change(self, verb: Verb, group: RemoteId, ids: Sequence[RemoteId], form: Form | None = None) -> None:
        """Add or remove. With a `form` in that one alone, else by the ladder."""
        rest = list(dict.fromkeys(ids))
        while rest:

            async def once(form: Form, rest: list[RemoteId] = rest) -> int:
                chunk = _Chunk(verb, group, rest[: self._size(form, verb, rest)])
                return await self._once(form, chunk)

            try:
                done = await (once(form) if form is not None else self._ladders[verb].climb(once))
            except TooLarge:
                if self.most <= 1 or len(rest) == 1:
                    raise
                self.most = max(1, min(self.most, len(rest)) // 2)
                continue
            rest = rest[done:]

    def additions(self, ids: Sequence[str]) -> wire.Body | None:
        """The body of a PATCH that adds; None where the form that works here needs the group as it is."""
        form = self._ladders["add"].first
        return None if writes_whole(form) else self._patch(_operations(form, "add", [RemoteId(each) for each in ids]))

    def _size(self, form: Form, verb: Verb, ids: Sequence[RemoteId]) -> int:
        """How many of `ids` go into one request."""
        if writes_whole(form):
            return len(ids)
        size, most = min(self.most, len(ids)), self._profile.max_bytes
        while most is not None and size > 1 and len(orjson.dumps(_operations(form, verb, ids[:size]))) + 200 > most:
            size //= 2
        return size

    async def _once(self, form: Form, chunk: _Chunk) -> int:
        """One chunk in one form; how many it was. Raises NotStored if it did not do what it should."""
        if (chunk.verb, form) in self._proven or self._is_trusted(form, chunk.verb):
            await self._write(form, chunk)
            return len(chunk.ids)
        before = await self._members(chunk.group)
        await self._write(form, chunk)
        if before is None:
            return len(chunk.ids)
        after = await self._settled(chunk)
        stayed = set(before) - set(chunk.ids) if chunk.verb == "remove" else set(before)
        driven_out = [RemoteId(each) for each in before if each in stayed and each not in after]
        if len(driven_out) > 1 or (driven_out and len(stayed) == 1):  # one of several may have been taken by a person
            await self._put_back(form, chunk, driven_out)
        elif not (left := _left(chunk.verb, chunk.ids, after)):
            self._proven.add((chunk.verb, form))
        else:
            raise _kept(chunk, left)
        return len(chunk.ids)

    def _is_trusted(self, form: Form, verb: Verb) -> bool:
        """Additions in the form that the profile says are verified at the end, together; whole lists say who stays."""
        return verb == "add" and form == self._ladders["add"].start

    async def _put_back(self, form: Form, chunk: _Chunk, driven_out: list[RemoteId]) -> None:
        """Others went too: that was the server, not a person who took somebody out meanwhile."""
        self._ladders[chunk.verb].abandon(form)
        names = clean(", ".join(sorted(driven_out)), 120)
        await self.change("add", chunk.group, driven_out, "put" if chunk.verb == "add" else None)
        missing = set(driven_out) - set(await self._members(chunk.group) or ())
        what = "adding" if chunk.verb == "add" else "removing"
        if missing:
            raise DrivenOut(
                f"{what} members as {form} drove out others, and they could not be put back: {names}",
                request=f"PATCH {place('group', chunk.group, self._profile)}",
                status=200,
                hint="put them back by hand; groups.members in the app's profile says how members are written",
            )
        self.told.append(f"{what} members as {form} drove out others; they were put back, and it is not used again")
        if left := _left(chunk.verb, chunk.ids, await self._members(chunk.group) or ()):
            raise _kept(chunk, left)

    async def _settled(self, chunk: _Chunk) -> list[str]:
        """The members after a write, once the application had its time."""
        found: list[str] = []
        for _ in range(_SETTLED if self._profile.settle_seconds else 1):
            await asyncio.sleep(self._profile.settle_seconds)
            found = await self._members(chunk.group) or []
            if not _left(chunk.verb, chunk.ids, found):
                break
        return found

    async def _write(self, form: Form, chunk: _Chunk) -> None:
        """After a lost answer only what is left of a chunk is sent again: who is added twice may be there twice.

        A member who is gone already makes some servers refuse the whole removal (noTarget): the others are sent again.
        """
        verb, left = chunk.verb, list(chunk.ids)
        current = await self._whole(form, chunk) if writes_whole(form) else {}

        async def look() -> bool:
            nonlocal current
            if writes_whole(form):
                current = await self._whole(form, chunk)
                held: Iterable[str] = member_ids(member(current, "members"))
            else:
                held = await self._members(chunk.group) or ()
            left[:] = _left(verb, left, held)
            return not left

        def body() -> wire.Body:
            if form == "put":
                return wire.replace_members(current, **{verb: left})
            if form == "replace":
                return self._patch([_replacement(current, verb, left)])
            return self._patch(_operations(form, verb, left))

        request = "PUT" if form == "put" else "PATCH", place("group", chunk.group, self._profile)
        try:
            await write(self._send, *request, body, look)
        except ScimError as error:
            absent = verb == "remove" and error.status == 400 and error.scim_type.lower() == "notarget"
            if not absent or (not await look() and len(left) == len(chunk.ids)):
                raise
            if left:
                await write(self._send, *request, body, look)

    def _patch(self, operations: list[wire.Body]) -> wire.Body:
        return wire.patch(operations, self._profile.patch)

    async def _members(self, group: RemoteId) -> list[str] | None:
        """The ids of the members; None where the application shows none."""
        return await self._reader.members(group)

    async def _whole(self, form: Form, chunk: _Chunk) -> dict[str, Any]:
        """The group with everybody in it, as far as one can tell."""
        found = await self._group(chunk.group)
        if form != self._ladders[chunk.verb].start:
            refuse_cut(found, place("group", chunk.group, self._profile), f"groups.members: {form}")
        return found

    async def _group(self, group: RemoteId) -> dict[str, Any]:
        found = await self._reader.group(group)
        if found is None:
            message = "the group is gone"
            request = f"GET {place('group', group, self._profile)}"
            raise NotFound(message, request=request, status=404, hint="plan again")
        return found


def refuse_cut(group: dict[str, Any], where: str, key: str) -> None:
    """Raises Unsupported for a list that some servers show of a longer one: written back, it drives out the rest."""
    shown = len(member_ids(member(group, "members")))
    if shown and not shown % _CUT:
        raise Unsupported(
            f"it shows exactly {shown} members, so there may be more: the whole list is not written back",
            request=f"GET {where}",
            status=200,
            hint=f"if these are all, say {key} in the app's profile",
        )


def _kept(chunk: _Chunk, left: Sequence[RemoteId]) -> NotStored:
    did = "keeps them" if chunk.verb == "remove" else "does not hold them"
    return NotStored(
        f"the server answers with success and {did}: {clean(', '.join(sorted(left)), 120)}",
        request=f"PATCH /Groups/{clean(chunk.group, 60)}",
        status=200,
        hint="groups.members in the app's profile says how members are written",
    )


def _left(verb: Verb, ids: Sequence[RemoteId], held: Iterable[str]) -> list[RemoteId]:
    """Those that are still to be added, or removed."""
    there = set(held)
    return [each for each in ids if (each in there) == (verb == "remove")]


def _replacement(current: dict[str, Any], verb: Verb, ids: Sequence[RemoteId]) -> wire.Body:
    whole = wire.replace_members(current, **{verb: ids})
    return {"op": "replace", "path": "members", "value": member(whole, "members") or []}


def _operations(form: Form, verb: Verb, ids: Sequence[RemoteId]) -> list[wire.Body]:
    listed = [{"value": each} for each in ids]
    if form == "pathless":
        return [{"op": verb, "value": {"members": listed}}]
    if form == "nested":
        return [{"op": verb, "path": "members", "value": {"members": listed}}]
    if verb == "remove" and form != "valueArray":
        return [{"op": "remove", "path": f"members[value eq {json.dumps(each)}]"} for each in ids]
    return [{"op": verb, "path": "members", "value": listed}]
