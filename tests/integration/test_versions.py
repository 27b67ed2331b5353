"""Where versions are real, each write is conditional: what changed since the plan is not written over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.conftest import SandboxStory


class Between(httpx.AsyncBaseTransport):
    """Passes everything on; calls `meanwhile` once before the first PATCH, and keeps the conditions that were sent."""

    def __init__(self, inner: httpx.AsyncBaseTransport, meanwhile: Callable[[], Any] | None = None) -> None:
        self.inner = inner
        self.meanwhile = meanwhile
        self.conditions: list[tuple[str, str | None]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method in ("PATCH", "PUT", "DELETE"):
            self.conditions.append((request.method, request.headers.get("if-match")))
            if self.meanwhile is not None:
                self.meanwhile()
                self.meanwhile = None
        return await self.inner.handle_async_request(request)


@pytest.fixture
def settled(story_of: Callable[..., SandboxStory]) -> SandboxStory:
    story = story_of("scim")
    story.company.edit_app(profile={"rate": {"perSecond": None}, "versions": True})
    story.converge()
    return story


def test_every_write_names_the_version_that_the_plan_saw(settled: SandboxStory) -> None:
    settled.transport = between = Between(settled.transport)
    settled.company.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    settled.company.edit_group("research", members=["alan.turing"])
    settled.converge()
    assert len(between.conditions) == 2
    assert all(condition and condition.startswith('W/"') for _, condition in between.conditions)


def test_what_somebody_wrote_meanwhile_is_not_written_over(settled: SandboxStory) -> None:
    grace = settled.sandbox.user_id("grace@contoso.com")
    settled.transport = Between(settled.transport, lambda: settled.sandbox.edit_user(grace, title="Rear Admiral"))
    settled.company.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    applied = settled.apply()
    assert applied.code == 4
    (step,) = applied.outcome.steps
    assert (step.code, step.status) == ("preconditionFailed", "failed")
    assert "plan again" in step.recommended_action
    assert settled.user("grace")["displayName"] == "Grace Hopper"
    settled.converge()
    assert settled.user("grace")["displayName"] == "Rear Admiral Hopper"


def test_without_versions_nothing_is_conditional(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    story.converge()
    story.transport = between = Between(story.transport)
    story.company.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    story.converge()
    assert between.conditions == [("PATCH", None)]


def test_versions_are_no_part_of_the_plan(settled: SandboxStory) -> None:
    before = settled.plan()
    grace = settled.sandbox.user_id("grace@contoso.com")
    settled.sandbox.edit_user(grace, title="Rear Admiral")
    after = settled.plan()
    assert before.live.digest == after.live.digest
    assert "meta.version" not in after.model_dump_json()


def test_a_group_that_changes_with_a_deleted_member_is_still_written(settled: SandboxStory) -> None:
    """Its version moves with our own deletion of the account: that is no edit of somebody else's."""
    settled.company.edit_app(deprovision={"users": "delete"})
    settled.company.remove_person("alan.turing")
    settled.company.remove_group("research")
    settled.converge()
    assert "Research" not in {group["displayName"] for group in settled.sandbox.groups.values()}
