"""What a cycle runs: what nothing holds and what was approved, and never anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.apply import Outcome
from reconciler.cli.progress import Progress
from reconciler.model.history import Backoff, Held
from reconciler.plan import Proposal, Releases, signed, to_json
from reconciler.service.backoff import after, waiting
from reconciler.service.selection import Selected, select
from tests.conftest import SandboxStory

NOW = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
Keys = set[tuple[str, str]]


@pytest.fixture
def story(story_of: Callable[..., SandboxStory]) -> SandboxStory:
    return story_of("scim")


def approved(plan: Any) -> Held:
    alone = signed(plan.model_copy(update={"changes": plan.held, "blocked": ()}))
    return Held("app", alone.changes_digest, to_json(alone).decode(), NOW, "ada", NOW)


def selected(
    story: SandboxStory,
    held: Held | None,
    late: Callable[[Proposal], Collection[str]] = lambda _: (),
    *,
    run: bool = True,
) -> tuple[Selected, Outcome]:
    async def main() -> tuple[Selected, Outcome]:
        opened = story.open()
        async with story.client(opened) as client:
            first = await opened.propose(client, Progress("app"))

            def again(releases: Releases) -> Proposal:
                return replace(opened, releases=opened.releases | releases).proposed(first.context.snapshot, None)

            chosen = select(first, again, held, late(first))
            outcome = await story.run(opened, client, chosen.proposal).execute()
            return chosen, outcome

    return asyncio.run(main())


def keys(changes: Any) -> Keys:
    return {(change.action, change.key) for change in changes}


def active(story: SandboxStory) -> set[str]:
    users = story.sandbox.users.values()
    return {user["userName"].split("@")[0] for user in users if user["active"]} - {"provisioning"}


LEAVERS = ("ada.lovelace", "alan.turing", "linus.byrne")


def with_leavers(story: SandboxStory, *names: str) -> None:
    """More than the guardrail lets go."""
    story.company.edit_app(
        guardrails={"deprovisionUsers": {"count": 1, "ignoreBelow": 0}, "removeMembers": {"percent": 100}}
    )
    story.converge()
    for name in names:
        story.company.edit_person(name, accountEnabled=False)


def test_without_approval_the_plan_stays_as_it_is(story: SandboxStory) -> None:
    with_leavers(story, *LEAVERS)
    held = replace(approved(story.plan()), approved_at=None, approved_by=None)
    chosen, _ = selected(story, held)
    assert not chosen.approved
    assert not keys(chosen.proposal.plan.pending)
    assert {"ada", "alan", "linus"} <= active(story)


def test_what_was_approved_runs(story: SandboxStory) -> None:
    with_leavers(story, *LEAVERS)
    held = approved(story.plan())
    chosen, outcome = selected(story, held)
    assert chosen.approved
    assert not chosen.left
    assert outcome.exit_code == 0
    assert not {"ada", "alan", "linus"} & active(story)
    story.settled()


def test_who_came_afterwards_stays_held(story: SandboxStory) -> None:
    with_leavers(story, *LEAVERS)
    held = approved(story.plan())
    story.company.edit_person("grace.hopper", accountEnabled=False)
    chosen, outcome = selected(story, held)
    assert chosen.approved
    assert outcome.exit_code == 3
    assert active(story) == {"grace", "mary", "charles"}
    (left,) = [change for change in chosen.proposal.plan.held if change.action == "deactivateUser"]
    assert left.key == "user:grace.hopper"
    assert [each.by for each in left.held] == ["guardrail:deprovisionUsers"]
    assert keys(story.plan().held) >= {("deactivateUser", "user:grace.hopper")}, "and in the next cycle too"


def test_what_is_no_longer_needed_is_told(story: SandboxStory) -> None:
    with_leavers(story, *LEAVERS)
    held = approved(story.plan())
    story.company.edit_person("ada.lovelace", accountEnabled=True)
    chosen, _ = selected(story, held)
    assert "deactivateUser user:ada.lovelace: no longer needed" in chosen.left
    assert active(story) == {"ada", "grace", "mary", "charles"}


def test_what_was_never_held_runs_beside_it(story: SandboxStory) -> None:
    with_leavers(story, *LEAVERS)
    held = approved(story.plan())
    story.company.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    chosen, outcome = selected(story, held)
    assert ("updateUser", "user:grace.hopper") in keys(chosen.proposal.plan.pending)
    assert outcome.exit_code == 0
    assert story.user("grace")["displayName"] == "Rear Admiral Hopper"


def test_an_approval_for_another_tenant_or_an_altered_one(story: SandboxStory) -> None:
    with_leavers(story, *LEAVERS)
    plan = story.plan()
    other = approved(signed(plan.model_copy(update={"tenant_url": "http://127.0.0.1:8/scim/v2"})))
    chosen, _ = selected(story, other)
    assert not chosen.approved
    assert {"ada", "alan", "linus"} <= active(story)
    altered = replace(approved(plan), plan=approved(plan).plan.replace("ada.lovelace", "grace.hopper"))
    swapped = replace(approved(plan), digest="sha256:" + "0" * 64)
    for each, why in ((altered, "altered"), (swapped, "is not the one that was approved")):
        chosen, _ = selected(story, each)
        assert not chosen.approved
        assert why in chosen.left[0]
    assert {"ada", "alan", "linus"} <= active(story)


def test_whose_account_it_is_no_approval_says(story: SandboxStory) -> None:
    story.company.remove_person("ada.lovelace")
    story.converge()
    story.sandbox.add_user("ada@contoso.com", active=False, name={"givenName": "Eve", "familyName": "Other"})
    story.company.person("ada.lovelace", "Ada", "Lovelace")
    plan = story.plan()
    assert [each.by for change in plan.held for each in change.held] == ["whoIsThis"]
    chosen, _ = selected(story, approved(plan))
    assert not chosen.approved
    assert keys(chosen.proposal.plan.held) == keys(plan.held)
    assert chosen.left
    assert not story.user("ada")["active"]


def test_who_waits_holds_nobody_up(story: SandboxStory) -> None:
    story.converge()
    for name in ("ada.lovelace", "grace.hopper"):
        story.company.edit_person(name, displayName="Another Name")
    chosen, outcome = selected(story, None, lambda _: {"user:ada.lovelace"})
    assert keys(chosen.proposal.plan.changes) == {("updateUser", "user:grace.hopper")}
    assert keys(chosen.waiting) == {("updateUser", "user:ada.lovelace")}
    assert outcome.exit_code == 0
    assert story.user("ada")["displayName"] == "Ada Lovelace"


def test_what_needs_somebody_who_waits_waits_too(story: SandboxStory) -> None:
    chosen, outcome = selected(story, None, lambda _: {"user:ada.lovelace"})
    assert ("createUser", "user:ada.lovelace") not in keys(chosen.proposal.plan.changes)
    assert outcome.exit_code == 0
    assert story.members("Research") == {"alan@contoso.com", "mary@contoso.com"}
    assert "ada" not in active(story)
    story.converge()


def test_a_removal_does_not_wait(story: SandboxStory) -> None:
    story.converge()
    story.company.edit_person("ada.lovelace", accountEnabled=False)
    chosen, _ = selected(story, None, lambda _: {"user:ada.lovelace"})
    assert not chosen.waiting
    assert "ada" not in active(story)


def outcome_of(story: SandboxStory) -> tuple[Any, Outcome]:
    applied = story.apply()
    return applied.plan, applied.outcome


def test_who_fails_is_tried_more_seldom(story: SandboxStory) -> None:
    story.converge()
    story.company.edit_person("ada.lovelace", displayName="Countess of Lovelace")
    plan, outcome = outcome_of(story)
    story.company.edit_person("ada.lovelace", displayName="Ada Lovelace")
    story.converge()
    for step in outcome.steps:
        step.status, step.message = type(step.status).FAILED, "refused"  # type: ignore[union-attr]
    first = after("app", {}, outcome, NOW)
    (row,) = first.rows
    assert (row.key, row.failures, row.removal, row.message) == ("user:ada.lovelace", 1, False, "refused")
    assert row.next_attempt == NOW + timedelta(hours=6)
    known = {row.key: row}
    assert waiting(known, plan, NOW + timedelta(hours=5)) == {"user:ada.lovelace"}
    assert not waiting(known, plan, NOW + timedelta(hours=6))
    second = after("app", known, outcome, NOW + timedelta(hours=6)).rows[0]
    assert (second.failures, second.first_failed, second.next_attempt) == (2, NOW, NOW + timedelta(hours=12))
    story.company.edit_person("ada.lovelace", displayName="The Countess")
    assert not waiting(known, story.plan(), NOW), "another change: nobody knows that it fails"
    for step in outcome.steps:
        step.status = type(step.status).DONE  # type: ignore[union-attr]
    assert after("app", known, outcome, NOW).cleared == ("user:ada.lovelace",)
    nothing = Outcome([])
    assert after("app", known, nothing, NOW + timedelta(hours=1)).cleared == (), "it waits"
    assert after("app", known, nothing, NOW + timedelta(hours=6)).cleared == ("user:ada.lovelace",), "nobody needs it"


def test_a_removal_that_fails_is_told_from_the_second_time_on(story: SandboxStory) -> None:
    story.converge()
    story.company.edit_person("ada.lovelace", accountEnabled=False)
    plan, outcome = outcome_of(story)
    for step in outcome.steps:
        step.status = type(step.status).FAILED  # type: ignore[union-attr]
    first = after("app", {}, outcome, NOW)
    rows = {row.key: row for row in first.rows}
    assert rows["user:ada.lovelace"].removal
    assert not first.failing_removals
    assert not waiting(rows, plan, NOW), "it is tried in every cycle"
    second = after("app", rows, outcome, NOW + timedelta(minutes=40))
    assert "user:ada.lovelace" in {row.key for row in second.failing_removals}
    assert all(isinstance(row, Backoff) for row in second.rows)
