"""Promise 2: cut anywhere, run again: the same final state, nobody twice, nobody removed whom the plan did not remove.

All cut points are enumerated: every request of an apply, reading and verifying included, fails in every way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.errors import ReconcilerError
from reconciler.sandbox import Sandbox, create_app

if TYPE_CHECKING:
    from tests.conftest import SandboxStory
    from tests.properties.conftest import Cut, Cutting

CUTS: list[Cut] = ["unreachable", "lostThenDown", "answerLost", "requestLost", "killedBefore", "killedAfter"]


class Bench:
    """One moment in the life of a company, as often as it is needed: files, memory and application as they were."""

    def __init__(
        self,
        story: SandboxStory,
        cutting: Callable[[httpx.AsyncBaseTransport], Cutting],
        killed: type[BaseException],
        kept: Path,
    ) -> None:
        self.story, self.cutting, self.killed, self.kept = story, cutting, killed, kept
        self.habits = story.sandbox.habits
        self.memory = story.company.state_file.read_bytes() if story.company.state_file.exists() else None
        story.sandbox._state = kept
        story.sandbox._saved = -1
        story.sandbox.save()
        self.rewind()

    def rewind(self) -> None:
        story = self.story
        story.sandbox = Sandbox(self.habits, rate=0, state=self.kept)
        story.sandbox.store.move("http://127.0.0.1:9/scim/v2")
        self.transport = self.cutting(httpx.ASGITransport(app=create_app(story.sandbox)))
        story.transport = self.transport
        story.alive = lambda: self.transport.alive
        if self.memory is None:
            story.company.state_file.unlink(missing_ok=True)
        else:
            story.company.state_file.write_bytes(self.memory)

    def apply(self, cut: Cut | None = None, at: int = 0) -> None:
        """One run, whatever becomes of it."""
        self.transport.arm(cut, at)
        with contextlib.suppress(ReconcilerError, self.killed):
            self.story.apply()

    def picture(self) -> Any:
        """What the application holds, by name: ids differ from run to run where the order does."""
        sandbox = self.story.sandbox
        users = {
            u["id"]: {k: v for k, v in u.items() if k not in ("id", "meta", "groups")} for u in sandbox.users.values()
        }
        names = {id_: u["userName"] for id_, u in users.items()}
        groups = sorted(
            (g["displayName"], sorted(names[m] for m in sandbox.members(g["id"]))) for g in sandbox.groups.values()
        )
        return sorted(users.values(), key=lambda u: str(u["userName"])), groups


def beginnings(company: Any) -> None:
    """Nothing is there yet: everything is created."""


def changes(company: Any) -> None:
    """A hire, a rename, an update, a leaver, somebody disabled, a group made, one renamed, one gone, members moved."""
    company.person("emmy.noether", "Emmy", "Noether")
    company.edit_person("grace.hopper", userPrincipalName="rear@contoso.com", displayName="Rear Admiral Hopper")
    company.remove_person("alan.turing")
    company.edit_person("linus.byrne", accountEnabled=False)
    company.group("science", "Science", ["emmy.noether", "mary.somerville", "charles.babbage"])
    company.edit_group(
        "agencies", displayName="Partners", formerly=[{"displayName": "Agencies"}], members=["ada.lovelace"]
    )
    company.remove_group("research")


@pytest.fixture(params=["hootsuite", "scim", "bulk"])
def bench(
    request: pytest.FixtureRequest,
    story_of: Callable[..., SandboxStory],
    cutting: Callable[[httpx.AsyncBaseTransport], Cutting],
    killed: type[BaseException],
    tmp_path: Path,
) -> Callable[[Callable[[Any], None]], Bench]:
    def make(edit: Callable[[Any], None]) -> Bench:
        story = story_of("hootsuite" if request.param == "hootsuite" else "scim")
        if request.param == "bulk":
            story.company.edit_app(profile={"bulk": {"operations": 5}, "groups": {"maxMembers": 2}})
        if edit is not beginnings:
            story.converge()
            edit(story.company)
            story.company.edit_app(deprovision={"users": "delete"} if request.param != "hootsuite" else None)
        return Bench(story, cutting, killed, tmp_path / "application.json")

    return make


@pytest.mark.parametrize("edit", [beginnings, changes])
@pytest.mark.parametrize("cut", CUTS)
def test_cut_anywhere_and_run_again(
    bench: Callable[[Callable[[Any], None]], Bench], edit: Callable[[Any], None], cut: Cut
) -> None:
    at = bench(edit)
    at.apply()
    wanted, requests, ids = at.picture(), at.transport.count, at.story.company.state["bindings"].keys()
    assert at.story.plan().empty
    assert requests > 8
    for k in range(1, requests + 1):
        at.rewind()
        at.apply(cut, k)
        at.apply(cut, k)  # the same again, in the next run
        at.apply()
        assert at.picture() == wanted, (cut, k)
        after = at.story.plan()
        assert after.empty, (cut, k, [(c.action, c.key, c.held) for c in after.changes])
        assert at.story.company.state["bindings"].keys() == ids, (cut, k)


def test_a_cut_of_writes_loses_no_more_than_its_own_run(bench: Callable[[Callable[[Any], None]], Bench]) -> None:
    """At every moment of every cut run nobody has lost what the plan did not take."""
    at = bench(changes)
    at.apply()
    requests = at.transport.count
    keep = {"ada@contoso.com", "mary@contoso.com", "charles@contoso.com"}
    for k in range(1, requests + 1):
        at.rewind()
        at.apply("killedAfter", k)
        active = {u["userName"] for u in at.story.sandbox.users.values() if u["active"]}
        assert keep <= active
        assert "ada@contoso.com" in at.story.members("Social Media")
        addresses = [u["userName"] for u in at.story.sandbox.users.values()]
        assert len(addresses) == len(set(addresses))
