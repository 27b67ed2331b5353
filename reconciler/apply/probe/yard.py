"""Where a write probe makes its throw-away accounts and groups, and from where it takes them away again.

Nothing is written to a resource unless its own name, as the server shows it, is one that a probe gives.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from reconciler.apply.probe.names import Names, is_leftover
from reconciler.errors import ReconcilerError
from reconciler.live.probe import Ask, Report
from reconciler.live.probe.ask import BUSY, Row, Said, at, member_ids
from reconciler.model.comparison import truth
from reconciler.model.path import member

Kind: TypeAlias = Literal["user", "group"]

_PAGES: Final = 200


@dataclass(frozen=True, slots=True)
class Made:
    """A resource of ours: its id was seen together with its name. `said` is the answer to its creation."""

    kind: Kind
    id: str
    name: str
    said: Said


class Yard:
    def __init__(self, ask: Ask, report: Report, names: Names) -> None:
        self.ask = ask
        self.report = report
        self.profile = report.current()
        """As it was seen to be by reading, if it was."""
        self.names = names
        self.made: dict[tuple[Kind, str], Made] = {}
        self.tried = False
        """A creation was sent: there may be something of ours that nobody told us of."""
        self.deactivate: Any = None
        """How an account is deactivated here: an async function of its id; None where that is not known yet."""

    def endpoint(self, kind: Kind) -> str:
        return self.profile.users.endpoint if kind == "user" else self.profile.groups.endpoint

    def where(self, made: Made) -> str:
        return at(self.endpoint(made.kind), made.id)

    async def get(self, made: Made) -> Row | None:
        """As it is now, once a write had time to settle; None if it can't be read, or is not ours any more."""
        await asyncio.sleep(self.profile.settle_seconds)
        row = (await self.ask.send("GET", self.where(made))).row
        return row if row is not None and is_leftover(_name(made.kind, row)) else None

    async def create(self, kind: Kind, body: Row) -> tuple[Made | None, Said]:
        """None if it was refused, or can't be found: then the answer says why."""
        name = str(body["userName" if kind == "user" else "displayName"])
        self.tried = True
        said = await self.ask.send("POST", self.endpoint(kind), body=body)
        if said.status in BUSY and await self.find(kind, name) is None:
            said = await self.ask.send("POST", self.endpoint(kind), body=body)
        if not said.ok and 0 < said.status < 500:
            return None, said
        row = said.row
        if row is None or not self._same(kind, row, name):
            row = await self._confirmed(kind, row, name) or await self.find(kind, name)
        if row is None or (kind, str(row["id"])) in self.made:
            return None, said
        made = Made(kind, str(row["id"]), name, said)
        self.made[kind, made.id] = made
        return made, said

    async def _confirmed(self, kind: Kind, row: Row | None, name: str) -> Row | None:
        """What the id of an answer without the name, or with another one, belongs to."""
        if row is None:
            return None
        shown = (await self.ask.send("GET", at(self.endpoint(kind), str(row["id"])))).row
        return shown if shown is not None and self._same(kind, shown, name) else None

    def _same(self, kind: Kind, row: Row, name: str) -> bool:
        return str(_name(kind, row)).casefold() == name.casefold()

    async def find(self, kind: Kind, name: str) -> Row | None:
        """By filter where the profile trusts it and it finds somebody, else by walking the list."""
        label, trusted = ("userName", self.profile.filters.users) if kind == "user" else (
            "displayName", self.profile.filters.groups)  # fmt: skip
        if label in trusted:
            params = {"filter": f"{label} eq {json.dumps(name)}"}
            for row in (await self.ask.send("GET", self.endpoint(kind), params=params)).rows or ():
                if self._same(kind, row, name) and (kind, str(row["id"])) not in self.made:
                    return row
        async for row in self.walk(kind):
            if self._same(kind, row, name) and (kind, str(row["id"])) not in self.made:
                return row
        return None

    async def take(self, kind: Kind, key: str) -> None:
        """What an answer says was made is ours, if its name is."""
        row = (await self.ask.send("GET", at(self.endpoint(kind), key))).row
        if row is not None and self.names.are_ours(_name(kind, row)) and is_leftover(_name(kind, row)):
            self.made.setdefault(
                (kind, str(row["id"])), Made(kind, str(row["id"]), str(_name(kind, row)), Said(0, True))
            )

    async def again(self, kind: Kind, name: str) -> Row | None:
        """Something of ours by its name, whether it is known yet or not."""
        for made in self.made.values():
            if made.kind == kind and made.name.casefold() == name.casefold():
                return await self.get(made)
        return await self.find(kind, name)

    async def follow(self, made: Made, name: str) -> Made:
        """The same after it got another name: some servers make ids of names."""
        if await self.get(made) is not None:
            return made
        row = await self.find(made.kind, name)
        if row is None:
            return made
        self.report.bad("the id of a group changes with its name")
        del self.made[made.kind, made.id]
        moved = Made(made.kind, str(row["id"]), name, made.said)
        self.made[moved.kind, moved.id] = moved
        return moved

    async def walk(self, kind: Kind) -> AsyncIterator[Row]:
        """All rows of a list, as far as it can be walked."""
        style, count = self.profile.paging.style, self.profile.paging.count
        params = {"index": {"startIndex": "1", "count": str(count)}, "cursor": {"cursor": ""}, "none": {}}[style]
        seen: set[str] = set()
        for _ in range(_PAGES):
            said = await self.ask.send("GET", self.endpoint(kind), params=params)
            if said.rows is None and style == "index" and count > 10 and not seen:
                count = 10
                params = {"startIndex": "1", "count": "10"}
                continue
            rows = [row for row in said.rows or () if str(row["id"]) not in seen]
            for row in rows:
                yield row
            seen |= {str(row["id"]) for row in rows}
            following = said.body.get("nextCursor") if isinstance(said.body, dict) else None
            if not rows or style == "none" or (style == "cursor" and not following):
                return
            if style == "cursor":
                params = {"cursor": str(following)}
            elif said.total is not None and len(seen) >= said.total:
                return
            else:
                params = {"startIndex": str(len(seen) + 1), "count": str(count)}
        self.report.note(f"only the first {len(seen):,} rows of {self.endpoint(kind)} were looked through")

    # -- taking away

    async def sweep(self) -> None:
        """What earlier runs left is removed, and said."""
        for kind in self._kinds():
            async for row in self.walk(kind):
                name = _name(kind, row)
                if not is_leftover(name) or self.names.are_ours(name):
                    continue
                found = Made(kind, str(row["id"]), str(name), Said(0, False))
                done = await self._remove(found)
                what = f"{name}, left by an earlier probe, was {done or 'not removed'}"
                self.report.note(what) if done else self.report.bad(what, "remove it by hand")

    async def clean(self) -> None:
        """Everything of this run goes, groups first; what can't be deleted is emptied or deactivated, and said."""
        try:
            if self.tried:
                await self._collect()
            for made in sorted(self.made.values(), key=lambda each: each.kind):
                done = await self._remove(made)
                if done is None:
                    self.report.bad(f"{made.name} was left behind", "remove it by hand")
                elif done != "deleted":
                    self.report.note(f"{made.name} stays behind, {done}: nothing deletes it here")
        except ReconcilerError as error:
            names = ", ".join(made.name for made in self.made.values()) or "something"
            self.report.bad(f"{names} may be left behind: {error.message}", "another --write-probe removes it")

    async def _collect(self) -> None:
        """What was made though the answer was lost, or denied it."""
        for kind in self._kinds():
            async for row in self.walk(kind):
                key, name = str(row["id"]), _name(kind, row)
                if self.names.are_ours(name) and (kind, key) not in self.made:
                    self.made[kind, key] = Made(kind, key, str(name), Said(0, False))

    def _kinds(self) -> tuple[Kind, ...]:
        return ("group", "user") if self.profile.groups.supported else ("user",)

    async def _remove(self, made: Made) -> str | None:
        """What became of it: deleted, deactivated, emptied; None if it is as it was."""
        if await self.get(made) is not None:
            await self.ask.send("DELETE", self.where(made))
        row = await self.get(made)
        if row is None:
            return await self._gone(made)
        if made.kind == "group":
            return await self._empty(made, row)
        if truth(member(row, "active")) and self.deactivate is not None:
            await self.deactivate(made)
            row = await self.get(made)
        if row is None:
            return await self._gone(made)
        return None if truth(member(row, "active")) else "deactivated"

    async def _gone(self, made: Made) -> str | None:
        """What can't be read is gone only if the server says so, and does not fail."""
        said = await self.ask.send("GET", self.where(made))
        return "deleted" if not said.ok and 0 < said.status < 500 else None

    async def _empty(self, made: Made, row: Row) -> str | None:
        for body in (
            {"op": "replace", "path": "members", "value": []},
            {"op": "remove", "path": "members"},
            {"op": "remove", "value": {"members": [{"value": each} for each in member_ids(row)]}},
        ):
            if not member_ids(row):
                break
            await self.ask.send("PATCH", self.where(made), body=patch([body]))
            row = await self.get(made) or {}
        if member_ids(row):
            await self.ask.send("PUT", self.where(made), body={**_bare(row), "members": []})
            row = await self.get(made) or {}
        return None if member_ids(row) else "emptied"


def patch(operations: list[Row]) -> Row:
    """RFC 7644 section 3.5.2."""
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}


def _name(kind: Kind, row: Row) -> Any:
    return member(row, "userName" if kind == "user" else "displayName")


def _bare(row: Row) -> Row:
    return {name: value for name, value in row.items() if name.lower() not in {"meta", "groups"}}
