"""Indexes and cached bytes stay right whatever happens, in whatever order."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from reconciler.sandbox import Sandbox

NAMES = st.sampled_from(["ada", "Bob", "CLEO", "dan"])
PICK = st.integers(0, 50)


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.box = Sandbox("scim", acts_as=None)

    def _some(self, table: dict[str, Any], number: int) -> str | None:
        return list(table)[number % len(table)] if table else None

    @rule(name=NAMES)
    def add_user(self, name: str) -> None:
        self.box.add_user(name)

    @rule(name=NAMES, members=st.lists(PICK, max_size=3))
    def add_group(self, name: str, members: list[int]) -> None:
        everybody = [*self.box.users, *self.box.groups]
        self.box.add_group(name, {everybody[n % len(everybody)] for n in members} if everybody else ())

    @rule(number=PICK, name=NAMES)
    def rename_user(self, number: int, name: str) -> None:
        if user := self._some(self.box.users, number):
            self.box.edit_user(user, userName=name, displayName=name)

    @rule(number=PICK, name=NAMES)
    def rename_group(self, number: int, name: str) -> None:
        if group := self._some(self.box.groups, number):
            self.box.edit_group(group, displayName=name)

    @rule(number=PICK, other=PICK)
    def join(self, number: int, other: int) -> None:
        group, user = self._some(self.box.groups, number), self._some(self.box.users, other)
        if group and user:
            self.box.add_member(group, user)

    @rule(number=PICK, other=PICK)
    def leave(self, number: int, other: int) -> None:
        group, user = self._some(self.box.groups, number), self._some(self.box.users, other)
        if group and user:
            self.box.remove_member(group, user)

    @rule(number=PICK)
    def delete_user(self, number: int) -> None:
        if user := self._some(self.box.users, number):
            self.box.delete_user(user)

    @rule(number=PICK)
    def delete_group(self, number: int) -> None:
        if group := self._some(self.box.groups, number):
            self.box.delete_group(group)

    @invariant()
    def cached_bytes_are_what_would_be_made_now(self) -> None:
        store = self.box.store
        for table in store.tables.values():
            for row in table.values():
                assert orjson.loads(store.wire(row)) == store.document(row)

    @invariant()
    def names_and_lists_know_exactly_those_who_are_there(self) -> None:
        store = self.box.store
        for kind, table in store.tables.items():
            assert [row.id for row in store.ordered(kind)] == list(table)
            for row in table.values():
                assert row in store.named(kind, row.name.swapcase())
            for name in ("ada", "bob", "cleo", "dan"):
                assert all(row.name.casefold() == name for row in store.named(kind, name))

    @invariant()
    def memberships_are_seen_from_both_sides(self) -> None:
        users, groups = self.box.users, self.box.groups
        inside = {(group, m["value"]) for group, row in groups.items() for m in row.get("members", ())}
        shown = {(g["value"], user) for user, row in users.items() for g in row.get("groups", ())}
        assert shown == {(group, member) for group, member in inside if member in users}
        assert all(member in users or member in groups for _, member in inside)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
