"""What is kept after an apply, beside a plain account of who moved where."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.apply.after import after
from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.apply.write import Names
from reconciler.model.plan import (
    AddMembers,
    Change,
    CreateUser,
    DeleteGroup,
    DeleteUser,
    MemberRef,
    RemoveMembers,
    RenameUser,
)
from reconciler.model.snapshot import Account, LiveGroup, Snapshot
from reconciler.model.values import RemoteId

IDS = ("a", "b", "c", "d", "e", "f")
GROUPS = ("g", "h")


@dataclass(eq=False)
class Somebody:
    name: str


@dataclass
class Application:
    """Whose ids are made of names, as some servers make them: the same id may be another's later."""

    accounts: dict[str, Somebody]
    groups: dict[str, set[Somebody]]
    steps: list[Step] = field(default_factory=list)

    def snapshot(self) -> Snapshot:
        ids = sorted(self.accounts)
        accounts = [Account(RemoteId(id_), True, (self.accounts[id_].name,)) for id_ in ids]
        groups = [
            LiveGroup(RemoteId(g), (g,), {n for n, id_ in enumerate(ids) if self.accounts[id_] in members})
            for g, members in sorted(self.groups.items())
        ]
        return Snapshot("https://x", ("userName",), ("displayName",), accounts, groups, datetime.now(UTC)).number()

    def did(self, change: Change, id_: str, **values: str) -> None:
        self.steps.append(
            Step(len(self.steps), change, Status.DONE, id_, values=cast("dict[str, Any]", values), verified=True)
        )

    def step(self, draw: st.DrawFn) -> None:
        free = [id_ for id_ in IDS if id_ not in self.accounts]
        there = sorted(self.accounts)
        kind = draw(st.sampled_from(("rename", "create", "delete", "add", "remove", "empty")))
        group = draw(st.sampled_from(GROUPS))
        if kind == "create" and free:
            new = draw(st.sampled_from(free))
            self.accounts[new] = Somebody(new)
            self.did(CreateUser(key=f"user:{new}", name=new), new, userName=new)
        elif there and kind in ("rename", "delete"):
            old = draw(st.sampled_from(there))
            if kind == "delete":
                gone = self.accounts.pop(old)
                for members in self.groups.values():
                    members.discard(gone)
                self.did(DeleteUser(key=f"user:{old}", id=old, name=old), old)
            elif free:
                new = draw(st.sampled_from(free))
                who = self.accounts[new] = self.accounts.pop(old)
                who.name = new
                self.did(RenameUser(key=f"user:{old}", id=old, name=new), new, userName=new)
        elif there and group in self.groups:
            who_id = draw(st.sampled_from(there))
            one = (MemberRef(key=f"user:{who_id}", id=who_id, name=who_id),)
            if kind == "add":
                self.groups[group].add(self.accounts[who_id])
                self.did(AddMembers(key=f"group:{group}", id=group, name=group, members=one), group)
            elif kind == "remove":
                self.groups[group].discard(self.accounts[who_id])
                self.did(RemoveMembers(key=f"group:{group}", id=group, name=group, members=one), group)
            elif kind == "empty" and draw(st.booleans()):
                del self.groups[group]
                self.did(DeleteGroup(key=f"group:{group}", id=group, name=group), group)


@st.composite
def applications(draw: st.DrawFn) -> tuple[Snapshot, Application]:
    people = {id_: Somebody(id_) for id_ in draw(st.sets(st.sampled_from(IDS), max_size=5))}
    members = st.sets(st.sampled_from(sorted(people))) if people else st.just(set[str]())
    application = Application(people, {g: {people[each] for each in draw(members)} for g in GROUPS})
    before = application.snapshot()
    for _ in range(draw(st.integers(0, 8))):
        application.step(draw)
    return before, application


@settings(max_examples=500, deadline=None)
@given(applications())
def test_everybody_is_where_they_went(story: tuple[Snapshot, Application]) -> None:
    before, application = story
    names = Names({}, ())
    untouched = [(each.id, set(each.members)) for each in before.groups]
    moved = asyncio.run(after(before, Outcome(application.steps), names, cast("Any", None), cast("Any", None)))
    now = application.snapshot()
    assert moved is not None
    assert moved.accounts == now.accounts
    assert moved.groups == now.groups
    assert [(each.id, each.members) for each in before.groups] == untouched, "what was read stays as it was read"
