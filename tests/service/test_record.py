"""What a cycle did becomes entries: of each person what, whether, and why not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.apply import Outcome
from reconciler.cli.progress import Progress
from reconciler.model.history import Cycle, Entry
from reconciler.model.plan import Blocked, Difference
from reconciler.plan import Proposal
from reconciler.sandbox import Sandbox
from reconciler.service.record import LARGEST, counts, entries

if TYPE_CHECKING:
    from tests.conftest import SandboxStory

NOW = datetime(2026, 11, 26, 17, tzinfo=UTC)
CYCLE = Cycle("c1", "app", "https://app.example", "run", "initial", NOW, commit="4f2c")


def done(story: SandboxStory, *allow: str) -> tuple[Proposal, Outcome]:
    story.allow = list(allow)

    async def main() -> tuple[Proposal, Outcome]:
        opened = story.open()
        async with story.client(opened) as client:
            proposal = await opened.propose(client, Progress("app"))
            return proposal, await story.run(opened, client, proposal).execute()

    return asyncio.run(main())


def planned(story: SandboxStory) -> Proposal:
    async def main() -> Proposal:
        opened = story.open()
        async with story.client(opened) as client:
            return await opened.propose(client, Progress("app"))

    return asyncio.run(main())


def by_key(found: list[Entry], action: str) -> dict[str, Entry]:
    return {each.key: each for each in found if each.action == action}


def texts(entry: Entry) -> dict[str, tuple[str, str]]:
    return {str(step.name): (step.status, step.text) for step in entry.steps}


def test_of_a_new_person(story: SandboxStory) -> None:
    proposal, outcome = done(story)
    found = list(entries(proposal, outcome, CYCLE, NOW))
    ada = by_key(found, "createUser")["user:ada.lovelace"]
    assert (ada.status, ada.verified, ada.commit, ada.name) == ("success", True, "4f2c", "Ada Lovelace")
    assert ada.id == story.sandbox.user_id("ada@contoso.com")
    assert {each.path: (each.before, each.after) for each in ada.modified}["userName"] == (None, "ada@contoso.com")
    assert texts(ada) == {
        "import": ("success", "users/ada.lovelace.yaml:1"),
        "scope": ("success", "new in scope"),
        "match": ("success", "nothing in the application belongs to it"),
        "action": ("success", "done, and read again"),
    }
    member = by_key([each for each in found if each.group == "group:research"], "addMembers")["user:ada.lovelace"]
    assert (member.id, member.modified[0].after) == (ada.id, "group:research")
    assert texts(member)["match"] == ("success", f"{ada.id}, created just before")
    total = counts(proposal, outcome)
    assert (total["people"], total["groups"], total["planned"], total["done"], total["gains"], total["losses"]) == (
        6, 3, len(proposal.plan.pending), len(proposal.plan.pending), 6, 0,
    )  # fmt: skip


def test_nothing_is_written_of_those_who_stay_as_they_are(story: SandboxStory) -> None:
    done(story)
    proposal, outcome = done(story)
    assert list(entries(proposal, outcome, CYCLE, NOW)) == []
    assert counts(proposal, outcome)["accounts"] >= 6


def test_what_was_only_compared_was_not_tried(story: SandboxStory) -> None:
    proposal = planned(story)
    found = list(entries(proposal, None, replace(CYCLE, trigger="drift"), NOW))
    assert {each.status for each in found} == {"skipped"}
    assert {texts(each)["action"][1] for each in found} == {"planned, and not tried: this only compared"}
    assert counts(proposal, None)["done"] == 0


def test_what_is_held_names_its_answer(story: SandboxStory) -> None:
    done(story)
    for id_ in ("ada.lovelace", "grace.hopper", "alan.turing"):
        story.company.edit_person(id_, accountEnabled=False)
    story.company.edit_app(guardrails={"deprovisionUsers": {"count": 1, "ignoreBelow": 0}})
    proposal, outcome = done(story)
    found = by_key(list(entries(proposal, outcome, CYCLE, NOW)), "deactivateUser")
    assert len(found) == 3
    status, text = texts(found["user:ada.lovelace"])["action"]
    assert status == "skipped"
    assert "guardrail:deprovisionUsers (--allow deprovisionUsers=3)" in text
    assert found["user:ada.lovelace"].trouble is None
    assert counts(proposal, outcome)["held"] >= 3


def test_what_failed_says_why_and_what_to_do(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim", Sandbox("scim", rate=0))
    proposal = planned(story)
    from reconciler.apply import Status
    from reconciler.apply.outcome import Step

    def step(number: int, status: Status, **more: Any) -> Step:
        return Step(number, proposal.plan.changes[number], status, **more)

    steps = [step(0, Status.FAILED, message="the name is taken", code="conflict", recommended_action="rename it"),
             step(1, Status.NOT_STORED, paths=("title",)), step(2, Status.SKIPPED, message="ended early")]  # fmt: skip
    found = list(entries(proposal, Outcome(steps), CYCLE, NOW))
    assert [each.status for each in found[:3]] == ["failure", "warning", "skipped"]
    assert found[0].trouble is not None
    assert (found[0].trouble.category, found[0].trouble.recommended_action) == ("conflict", "rename it")
    assert texts(found[1])["action"] == ("warning", "the application did not store title")
    assert found[1].trouble is not None
    assert found[1].trouble.category == "notStored"
    assert texts(found[2])["action"] == ("skipped", "ended early")


def test_a_member_that_was_left_out_is_not_done(story: SandboxStory) -> None:
    proposal, outcome = done(story)
    step = next(s for s in outcome.steps if s.change.action == "addMembers" and s.change.key == "group:research")
    step.skipped_members = {"user:ada.lovelace": "the account was not created"}
    rows = [each for each in entries(proposal, outcome, CYCLE, NOW) if each.group == "group:research"]
    found = by_key(rows, "addMembers")
    assert (found["user:ada.lovelace"].status, found["user:ada.lovelace"].verified) == ("skipped", False)
    assert texts(found["user:ada.lovelace"])["action"] == ("skipped", "the account was not created")
    assert found["user:alan.turing"].status == "success"


def test_what_is_blocked_is_a_warning(story: SandboxStory) -> None:
    proposal = planned(story)
    blocked = Blocked(key="user:x", id="7", name="X", wanted="deleteUser", reason="appCannot", text="it can't delete")
    proposal = replace(proposal, plan=proposal.plan.model_copy(update={"changes": (), "blocked": (blocked,)}))
    (entry,) = entries(proposal, Outcome([]), CYCLE, NOW)
    assert (entry.status, entry.action, entry.id) == ("warning", "deleteUser", "7")
    assert texts(entry)["action"] == ("warning", "it can't delete")


@pytest.mark.parametrize(
    ("expression", "stands"),
    [("Redact([displayName])", {"redacted": True}), ("RandomString(16, 4, 4, 4, 4)", {"generated": "RandomString"})],
)
def test_what_a_plan_only_names_is_not_kept(
    story_of: Callable[..., SandboxStory], expression: str, stands: object
) -> None:
    story = story_of("scim")
    mapping = {"target": "title", "expression": expression, "apply": "onCreate"}
    story.company.write("apps/app/mappings.yaml", {"users": [mapping]})
    found = list(entries(*done(story), CYCLE, NOW))
    kept = [each.after for entry in found for each in entry.modified if each.path == "title"]
    assert len(kept) == 6
    assert all(each == stands for each in kept)


def test_a_value_without_measure_is_told_by_its_size(story: SandboxStory) -> None:
    proposal = planned(story)
    change = next(c for c in proposal.plan.changes if c.action == "createUser")
    large = change.model_copy(update={"set": {"photos": Difference(after="x" * LARGEST)}})
    proposal = replace(proposal, plan=proposal.plan.model_copy(update={"changes": (large,)}))
    (entry,) = entries(proposal, None, CYCLE, NOW)
    assert entry.modified[0].after == {"bytes": LARGEST + 2}
