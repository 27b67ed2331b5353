"""An account that could not be taken over is nobody's: its owner-to-be is put into no group by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.message import Answer, Call
from reconciler.sandbox.protocol import Protocol
from reconciler.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from tests.conftest import SandboxStory


def refusing(which: Callable[[Call], bool], patch: pytest.MonkeyPatch) -> None:
    """These updates are refused, also within Bulk."""
    plain = Protocol.perform

    def perform(self: Protocol, call: Call) -> Answer:
        if call.method in ("PATCH", "PUT") and which(call):
            raise Refusal(403, "not this one")
        return plain(self, call)

    patch.setattr(Protocol, "perform", perform)


@pytest.mark.parametrize(("gallery", "bulk"), [("scim", None), ("hootsuite", None), ("scim", {"operations": 100})])
def test_memberships_of_an_adoption_that_fails_are_skipped(
    story_of: Callable[..., SandboxStory], monkeypatch: pytest.MonkeyPatch, gallery: str, bulk: Any
) -> None:
    story = story_of(gallery)
    if bulk:
        story.company.edit_app(profile={"bulk": bulk}, canary=0)
    name = {"givenName": "Ada", "familyName": "Lovelace"}
    ada = story.sandbox.add_user("ada@contoso.com", displayName="Somebody", name=name)
    with monkeypatch.context() as patch:
        refusing(lambda call: call.path == f"/Users/{ada}", patch)
        applied = story.apply()
    assert applied.statuses()["adoptUser", "user:ada.lovelace"] == "failed"
    assert applied.code == 4
    assert story.members("Research") == {"alan@contoso.com", "mary@contoso.com"}
    assert "ada@contoso.com" not in story.members("Social Media")
    skipped = {key: why for s in applied.outcome.steps for key, why in s.skipped_members.items()}
    assert skipped == {"user:ada.lovelace": "the account was not taken over"}
    assert "user:ada.lovelace" not in story.company.state["bindings"]
    assert "ada.lovelace" not in story.company.state["bindings"]["group:research"]["members"]
    story.converge()
    assert "ada@contoso.com" in story.members("Research")
    assert story.sandbox.user_id("ada@contoso.com") == ada


def test_nor_is_anybody_put_into_a_group_that_was_not_taken_over(
    story_of: Callable[..., SandboxStory], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = story_of("scim")
    story.company.edit_group("research", description="Who finds out")
    story.company.write("apps/app/mappings.yaml", {"groups": [{"target": "externalId", "source": "description"}]})
    group = story.sandbox.add_group("Research")
    refusing(lambda call: b"externalId" in call.body, monkeypatch)
    applied = story.apply()
    assert applied.statuses()["adoptGroup", "group:research"] == "failed"
    assert applied.statuses()["addMembers", "group:research"] == "skipped"
    assert not story.sandbox.members(group)
