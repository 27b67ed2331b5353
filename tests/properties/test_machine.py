"""A state machine: edits of the files, edits of the application, plans, applies, crashes, lost and old memories, in any
order. More of it: `PROPERTY_EXAMPLES=500 pytest tests/properties/test_machine.py`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
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
from tests.properties.pairs import WINDOWS, holds

if TYPE_CHECKING:
    import httpx

    from tests.conftest import SandboxStory
    from tests.properties.conftest import Cutting

IDS = ["ada", "bob", "cyd", "dee", "eli", "fay"]
TEAMS = ["red", "green"]
PROTECTED = "ada"
EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "12"))
MOST = 2
"""Deactivations that the guardrail lets through in a day."""
person = st.sampled_from(IDS)
anybody_else = st.sampled_from([i for i in IDS if i != PROTECTED])
team = st.sampled_from(TEAMS)
windows = st.sampled_from(WINDOWS)


def _named(member: Any) -> str:
    return str(member if isinstance(member, str) else member["user"])


class Life(RuleBasedStateMachine):
    """Surnames are people's ids and never change: they tell whose account is whose, whatever the tool believes."""

    story_of: Callable[..., SandboxStory]
    cutting: Callable[[httpx.AsyncBaseTransport], Cutting]
    killed: type[BaseException]
    gallery: str
    beside: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(dir=type(self).beside)
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
        self.disabled: set[str] = set()
        """Those outside of their window among them."""
        self.revoked: set[str] = set()
        self.owners: dict[str, str] = {}
        """Account → surname, as it was first seen."""
        self.kept: bytes | None = None
        """A memory of some earlier day."""
        self.whole = False
        """Whether the memory knows all that was done."""
        self.suspended: set[str] = set()
        """People whom somebody suspended in the application while the memory was whole, and nobody let back."""

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
        if self.gallery == "scim":
            self.company.edit_app(deprovision={"users": "deactivate", "groups": "delete"})
        self.stranger = self.sandbox.add_user("stranger@elsewhere.example", displayName="Stranger", title="theirs")
        self.before = self.sandbox.users[self.stranger]

    def _describe(self, id_: str, **more: Any) -> None:
        name, *former = self.names[id_]
        former_names = [{"userPrincipalName": f} for f in former]
        values = {"userPrincipalName": name, "mail": name, "accountEnabled": True, **more}
        self.company.person(id_, f"Given {id_}", id_, **values, **({"formerly": former_names} if former else {}))
        self.described.add(id_)
        (self.disabled.discard if values["accountEnabled"] and holds(values) else self.disabled.add)(id_)

    # The files

    @rule(id_=person)
    def hire(self, id_: str) -> None:
        self._describe(id_)

    @rule(id_=anybody_else)
    def leave(self, id_: str) -> None:
        if id_ in self.described and len(self.described) > 2:
            self.company.remove_person(id_)
            self.described.discard(id_)
            self.disabled.discard(id_)

    @rule(id_=anybody_else)
    def disable(self, id_: str) -> None:
        if id_ in self.described:
            self._describe(id_, accountEnabled=False)

    @rule(id_=anybody_else, window=windows)
    def limit(self, id_: str, window: dict[str, str]) -> None:
        if id_ in self.described:
            self._describe(id_, **window)

    @rule(id_=anybody_else)
    def rename(self, id_: str) -> None:
        if id_ in self.described:
            self.count += 1
            self.names[id_].insert(0, f"{id_}.{self.count}@contoso.com")
            self._describe(id_)

    @rule(one=anybody_else, other=anybody_else)
    def exchange(self, one: str, other: str) -> None:
        """Two people take each other's name, and both files say which they had."""
        if one != other and {one, other} <= self.described:
            self.names[one], self.names[other] = (
                [self.names[other][0], *self.names[one]],
                [self.names[one][0], *self.names[other]],
            )
            for id_ in (one, other):
                self._describe(id_, accountEnabled=id_ not in self.disabled)

    @rule(one=anybody_else, other=anybody_else)
    def claim(self, one: str, other: str) -> None:
        """A file says that a name of somebody else's was once its own."""
        if one != other and one in self.described:
            former = [{"userPrincipalName": self.names[other][0]}]
            self.company.edit_person(one, formerly=former)

    @rule(id_=anybody_else)
    def pin(self, id_: str) -> None:
        account = self._account(id_)
        if id_ in self.described and account:
            self.company.edit_person(id_, accounts={"app": account})

    @rule(one=anybody_else, other=anybody_else)
    def pin_wrongly(self, one: str, other: str) -> None:
        """The account of somebody who is bound to it and still in git; what is answered by a hold."""
        account = self._account(other)
        bindings = self.company.state["bindings"] if self.company.state_file.exists() else {}
        bound = bindings.get(f"user:{other}", {}).get("id") == account
        if account and bound and self.whole and one != other and {one, other} <= self.described - self.disabled:
            self.company.edit_person(one, accounts={"app": account})
            self.apply()
            self.company.edit_person(one, accounts=None)

    @rule(where=team)
    def rename_group(self, where: str) -> None:
        """Away and back: the file says what it was called."""
        if (self.company.root / f"groups/{where}.yaml").exists():
            shown = {where.title(): f"{where.title()} new", f"{where.title()} new": where.title()}
            old = self.company.read(f"groups/{where}.yaml")["displayName"]
            self.company.edit_group(where, displayName=shown[old], formerly=[{"displayName": old}])

    @rule(where=team)
    def end_group(self, where: str) -> None:
        if (self.company.root / f"groups/{where}.yaml").exists():
            self.company.remove_group(where)

    @rule(where=team)
    def begin_group(self, where: str) -> None:
        if not (self.company.root / f"groups/{where}.yaml").exists():
            self.company.group(where, where.title(), [])

    @rule(id_=person, where=team, window=st.just({}) | windows)
    def join(self, id_: str, where: str, window: dict[str, str]) -> None:
        members = self._members(where)
        if members is not None and id_ in self.described and id_ not in map(_named, members):
            self.company.edit_group(where, members=[*members, {"user": id_, **window} if window else id_])

    @rule(where=team, id_=st.none() | person)
    def rule_in(self, where: str, id_: str | None) -> None:
        """Somebody is a member by a rule; None: nobody is any more."""
        if self._members(where) is not None:
            clause = {"attribute": "surname", "operator": "EQUALS", "value": id_}
            self.company.edit_group(where, rules=[{"all": [clause]}] if id_ else None)

    @rule(id_=person, where=team)
    def part(self, id_: str, where: str) -> None:
        members = self._members(where)
        if members is not None:
            self.company.edit_group(where, members=[m for m in members if _named(m) != id_])

    def _members(self, where: str) -> list[Any] | None:
        return self.company.members(where) if (self.company.root / f"groups/{where}.yaml").exists() else None

    # The application

    def _account(self, id_: str) -> str | None:
        found = [u["id"] for u in self.sandbox.users.values() if u.get("name", {}).get("familyName") == id_]
        return found[0] if found else None

    @rule(id_=anybody_else)
    def suspend(self, id_: str) -> None:
        account = self._account(id_)
        if account:
            wanted = id_ in self.described - self.disabled - self.revoked
            if self.whole and wanted and self.sandbox.users[account]["active"]:
                self.suspended.add(id_)
            self.sandbox.edit_user(account, active=False)

    @rule(id_=anybody_else)
    def let_back(self, id_: str) -> None:
        account = self._account(id_)
        if account:
            self.suspended.discard(id_)
            self.sandbox.edit_user(account, active=True)

    @rule(id_=anybody_else)
    def delete(self, id_: str) -> None:
        account = self._account(id_)
        if account and len(self.sandbox.users) > 4:
            self.suspended.discard(id_)
            self.sandbox.delete_user(account)

    @rule(id_=anybody_else)
    def provision(self, id_: str) -> None:
        """Another provisioner, or a sign-in, makes the account before we do."""
        taken = {u["userName"].casefold() for u in self.sandbox.users.values()}
        if self._account(id_) is None and self.names[id_][0] not in taken:
            name = {"givenName": f"Given {id_}", "familyName": id_}
            self.sandbox.add_user(self.names[id_][0], displayName="Made elsewhere", name=name)

    @rule(id_=person)
    def scribble(self, id_: str) -> None:
        account = self._account(id_)
        if account:
            self.sandbox.edit_user(account, displayName="Scribble", title="theirs")

    @rule(id_=person, where=team, given=st.booleans())
    def regroup(self, id_: str, where: str, given: bool) -> None:
        account = self._account(id_)
        groups = {g["displayName"]: g["id"] for g in self.sandbox.groups.values()}
        where = where if where.title() in groups else f"{where} new"
        shown = where[0].upper() + where[1:]
        if account and shown in groups:
            change = self.sandbox.add_member if given else self.sandbox.remove_member
            change(groups[shown], account)

    # The tool

    def _active(self) -> set[str]:
        return {id_ for id_, u in self.sandbox.users.items() if u["active"]}

    @contextlib.contextmanager
    def _counting(self) -> Any:
        """Around everything that may write: whoever loses something by it must be somebody who should."""
        before, members, people = self._active(), self._memberships(), self._surnames()
        wanted = self.described - self.disabled - self.revoked
        try:
            yield
        finally:
            lost = before - self._active()
            self.removed += len(lost)
            assert not {people[a] for a in lost} & wanted, "whom git gives access keeps it"
            ours = self._described_memberships()
            for group, account in members - self._memberships():
                id_ = people.get(account, "")
                assert (group, id_) not in ours or id_ not in wanted, f"{id_} lost {group}, which git gives"
            back = {people.get(a, "") for a in self._active() - before}
            assert not back & self.suspended, "who was suspended stays so until somebody answers"
            assert not back & self.revoked

    def _surnames(self) -> dict[str, str]:
        return {id_: u.get("name", {}).get("familyName", "") for id_, u in self.sandbox.users.items()}

    def _memberships(self) -> set[tuple[str, str]]:
        return {(g, m) for g in self.sandbox.groups for m in self.sandbox.members(g)}

    def _described_memberships(self) -> set[tuple[str, str]]:
        """(group in the application, person), of groups that are called as their file says, or did."""
        found = set()
        for file in (self.company.root / "groups").glob("*.yaml"):
            document = self.company.read(f"groups/{file.name}")
            names = {document["displayName"], *(f["displayName"] for f in document.get("formerly", ()))}
            ids = [g for g, each in self.sandbox.groups.items() if each["displayName"] in names]
            members = {_named(m) for m in document["members"] if isinstance(m, str) or holds(m)}
            members |= {rule["all"][0]["value"] for rule in document.get("rules", ())}
            found |= {(g, m) for g in ids for m in members}
        return found

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
        self.suspended -= self.disabled | (set(IDS) - self.described)
        if applied.code in (0, 3):
            self.whole = True
            asked = {c.key for c in applied.plan.held if any(h.by == "whoIsThis" for h in c.held)}
            pending = [c for c in self.story.plan().pending if c.key not in asked]
            assert not pending, [(c.action, c.key, c.reasons) for c in pending]
        else:
            assert applied.code == 4
            assert [s for s in applied.outcome.steps if s.status not in ("done", "held")]

    @rule(at=st.integers(1, 25), cut=st.sampled_from(["unreachable", "answerLost", "requestLost", "lostThenDown"]))
    def stumble(self, at: int, cut: Any) -> None:
        self.transport.arm(cut, at)
        self._unsure()
        with contextlib.suppress(ReconcilerError), self._counting():
            self.story.apply()

    @rule(at=st.integers(1, 25), cut=st.sampled_from(["killedBefore", "killedAfter"]))
    def crash(self, at: int, cut: Any) -> None:
        self.transport.arm(cut, at)
        self._unsure()
        with contextlib.suppress(ReconcilerError, self.killed), self._counting():
            self.story.apply()
        self.removed = 0  # what was done in the stage that was killed is in no memory

    def _unsure(self) -> None:
        self.whole = False
        self.suspended.clear()

    @precondition(lambda self: self.company.state_file.exists())
    @rule()
    def lose_memory(self) -> None:
        self.company.state_file.unlink()
        self.removed = 0
        self.revoked.clear()
        self._unsure()

    @precondition(lambda self: self.company.state_file.exists())
    @rule()
    def keep_memory(self) -> None:
        if not self.revoked:
            self.kept = self.company.state_file.read_bytes()

    @precondition(lambda self: self.kept is not None)
    @rule()
    def restore_memory(self) -> None:
        self.company.state_file.write_bytes(self.kept or b"")
        self.removed = 0
        self.revoked.clear()
        self._unsure()

    @precondition(lambda self: self.company.state_file.exists())
    @rule(id_=anybody_else)
    def revoke(self, id_: str) -> None:
        """As `reconciler revoke` writes it; the account goes with the next apply."""
        self._revocations(**{id_: {"reason": "incident", "at": "2026-01-01T00:00:00Z", "by": "test", "until": None}})
        self.revoked.add(id_)

    @precondition(lambda self: self.company.state_file.exists())
    @rule()
    def release(self) -> None:
        self._revocations()
        self.revoked.clear()

    def _revocations(self, **more: Any) -> None:
        document = self.company.state
        known = document.get("revocations", {}) if more else {}
        document["revocations"] = {**known, **{f"user:{id_}": each for id_, each in more.items()}}
        self.company.state_file.write_bytes(orjson.dumps(document))

    # What holds

    @invariant()
    def nobody_twice(self) -> None:
        owners = [u["name"]["familyName"] for u in self.sandbox.users.values() if u.get("name", {}).get("familyName")]
        assert len(owners) == len(set(owners)), owners

    @invariant()
    def no_account_changes_hands(self) -> None:
        for id_, surname in self._surnames().items():
            assert self.owners.setdefault(id_, surname) == surname, f"{id_} was of {self.owners[id_]}"

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
        "beside": tmp_path,
    })  # fmt: skip
    bounded = settings(
        max_examples=EXAMPLES, stateful_step_count=24, deadline=None, derandomize=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=bounded)
