"""A state machine: edits of the files, edits of the application, plans, applies, crashes, lost memory, in any order."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reconciler.errors import ReconcilerError
from reconciler.sandbox import Sandbox

if TYPE_CHECKING:
    import httpx

    from tests.conftest import SandboxStory
    from tests.properties.conftest import Cutting

IDS = ["ada", "bob", "cyd", "dee", "eli", "fay"]
TEAMS = ["red", "green"]
PROTECTED = "ada"
MOST = 2
"""Deactivations that the guardrail lets through in a day."""
person = st.sampled_from(IDS)
anybody_else = st.sampled_from([i for i in IDS if i != PROTECTED])
team = st.sampled_from(TEAMS)


class Life(RuleBasedStateMachine):
    """Surnames are people's ids and never change: they tell whose account is whose, whatever the tool believes."""

    story_of: Callable[..., SandboxStory]
    cutting: Callable[[httpx.AsyncBaseTransport], Cutting]
    killed: type[BaseException]
    gallery: str

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        story = type(self).story_of(self.gallery, Sandbox(self.gallery, rate=0), self.folder)
        shutil.rmtree(story.company.root / "users")
        shutil.rmtree(story.company.root / "groups")
        self.story, self.company, self.sandbox = story, story.company, story.sandbox
        self.transport = type(self).cutting(story.transport)
        story.transport = self.transport
        story.alive = lambda: self.transport.alive
        self.names = {i: [f"{i}@contoso.com"] for i in IDS}
        self.described: set[str] = set()
        self.count = 0
        self.removed = 0
        """People deactivated by us since the memory was whole."""

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize()
    def begin(self) -> None:
        for id_ in IDS[:4]:
            self._describe(id_)
        for team in TEAMS:
            self.company.group(team, team.title(), [])
        self.company.edit_app(guardrails={
            "deprovisionUsers": {"count": MOST}, "removeMembers": {"count": 100}, "renameUsers": {"count": 100},
            "updateUsers": {"count": 100}, "clearAttributes": {"count": 100}, "deleteGroups": {"count": 100},
            "protected": {"users": [PROTECTED]},
        })  # fmt: skip
        self.stranger = self.sandbox.add_user("stranger@elsewhere.example", displayName="Stranger", title="theirs")
        self.before = self.sandbox.users[self.stranger]

    def _describe(self, id_: str, **more: Any) -> None:
        name, *former = self.names[id_]
        former_names = [{"userPrincipalName": f} for f in former]
        values = {"userPrincipalName": name, "mail": name, "accountEnabled": True, **more}
        self.company.person(id_, "Given", id_, **values, **({"formerly": former_names} if former else {}))
        self.described.add(id_)

    # The files

    @rule(id_=person)
    def hire(self, id_: str) -> None:
        self._describe(id_)

    @rule(id_=anybody_else)
    def leave(self, id_: str) -> None:
        if id_ in self.described and len(self.described) > 2:
            self.company.remove_person(id_)
            self.described.discard(id_)

    @rule(id_=anybody_else)
    def disable(self, id_: str) -> None:
        if id_ in self.described:
            self._describe(id_, accountEnabled=False)

    @rule(id_=anybody_else)
    def rename(self, id_: str) -> None:
        if id_ in self.described:
            self.count += 1
            self.names[id_].insert(0, f"{id_}.{self.count}@contoso.com")
            self._describe(id_)

    @rule(id_=person, where=team)
    def join(self, id_: str, where: str) -> None:
        members = self.company.members(where)
        if id_ in self.described and id_ not in members:
            self.company.edit_group(where, members=[*members, id_])

    @rule(id_=person, where=team)
    def part(self, id_: str, where: str) -> None:
        self.company.edit_group(where, members=[m for m in self.company.members(where) if m != id_])

    # The application

    def _account(self, id_: str) -> str | None:
        found = [u["id"] for u in self.sandbox.users.values() if u.get("name", {}).get("familyName") == id_]
        return found[0] if found else None

    @rule(id_=anybody_else)
    def suspend(self, id_: str) -> None:
        account = self._account(id_)
        if account:
            self.sandbox.edit_user(account, active=False)

    @rule(id_=person)
    def scribble(self, id_: str) -> None:
        account = self._account(id_)
        if account:
            self.sandbox.edit_user(account, displayName="Scribble", title="theirs")

    @rule(id_=person, where=team, given=st.booleans())
    def regroup(self, id_: str, where: str, given: bool) -> None:
        account = self._account(id_)
        groups = {g["displayName"]: g["id"] for g in self.sandbox.groups.values()}
        if account and where.title() in groups:
            change = self.sandbox.add_member if given else self.sandbox.remove_member
            change(groups[where.title()], account)

    # The tool

    def _active(self) -> set[str]:
        return {id_ for id_, u in self.sandbox.users.items() if u["active"]}

    @contextlib.contextmanager
    def _counting(self) -> Any:
        before = self._active()
        yield
        self.removed += len(before - self._active())

    @rule()
    def plan(self) -> None:
        self.transport.arm(None)
        writes = len(self.story.writes())
        with contextlib.suppress(ReconcilerError):
            self.story.plan()
        assert len(self.story.writes()) == writes

    @rule()
    def apply(self) -> None:
        self.transport.arm(None)
        try:
            with self._counting():
                applied = self.story.apply()
        except ReconcilerError:
            return
        assert self.removed <= MOST
        if applied.code in (0, 3):
            pending = self.story.plan().pending
            assert not pending, [(c.action, c.key, c.reasons) for c in pending]
        else:
            assert applied.code == 4
            assert [s for s in applied.outcome.steps if s.status not in ("done", "held")]

    @rule(at=st.integers(1, 25), cut=st.sampled_from(["unreachable", "answerLost", "requestLost", "lostThenDown"]))
    def stumble(self, at: int, cut: Any) -> None:
        self.transport.arm(cut, at)
        with contextlib.suppress(ReconcilerError), self._counting():
            self.story.apply()

    @rule(at=st.integers(1, 25), cut=st.sampled_from(["killedBefore", "killedAfter"]))
    def crash(self, at: int, cut: Any) -> None:
        self.transport.arm(cut, at)
        with contextlib.suppress(ReconcilerError, self.killed):
            self.story.apply()
        self.removed = 0  # what was done in the stage that was killed is in no memory

    @precondition(lambda self: self.company.state_file.exists())
    @rule()
    def lose_memory(self) -> None:
        self.company.state_file.unlink()
        self.removed = 0

    # What holds

    @invariant()
    def nobody_twice(self) -> None:
        owners = [u["name"]["familyName"] for u in self.sandbox.users.values() if u.get("name", {}).get("familyName")]
        assert len(owners) == len(set(owners)), owners

    @invariant()
    def the_protected_stay(self) -> None:
        account = self._account(PROTECTED)
        assert account is None or self.sandbox.users[account]["active"]

    @invariant()
    def strangers_are_untouched(self) -> None:
        if hasattr(self, "stranger"):
            now = self.sandbox.users[self.stranger]
            assert {k: v for k, v in now.items() if k != "groups"} == {
                k: v for k, v in self.before.items() if k != "groups"}  # fmt: skip
            wrote = [p for _, p, body in self.story.writes() if p.endswith(f"/{self.stranger}")]
            assert not wrote

    @invariant()
    def what_is_theirs_survives(self) -> None:
        for user in self.sandbox.users.values():
            if user["displayName"] == "Scribble":
                assert user["title"] == "theirs"


@pytest.mark.parametrize("gallery", ["hootsuite", "scim"])
def test_life(
    gallery: str,
    story_of: Callable[..., SandboxStory],
    cutting: Callable[[httpx.AsyncBaseTransport], Cutting],
    killed: type[BaseException],
    tmp_path: Path,
) -> None:
    machine = type("Life", (Life,), {
        "story_of": staticmethod(story_of), "cutting": staticmethod(cutting), "killed": killed, "gallery": gallery,
    })  # fmt: skip
    bounded = settings(
        max_examples=12, stateful_step_count=20, deadline=None, derandomize=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=bounded)
