"""What was held stays held until it is released, although a part of the figure ran and a memory is there by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import SandboxStory


def test_what_was_held_for_want_of_a_memory_does_not_run_the_second_time(story: SandboxStory) -> None:
    """Alan is disabled, which runs; the stranger waits, also when the figure is one and no longer two."""
    story.sandbox.add_user("alan@contoso.com", displayName="Alan Turing")
    stranger = story.sandbox.add_user("stranger@elsewhere.example")
    story.company.edit_person("alan.turing", accountEnabled=False)
    story.company.edit_app(
        unmanaged={"users": "deprovision"},
        guardrails={"actsAs": "provisioning@contoso.com", "deprovisionUsers": {"count": 20}},
    )
    for figure in (2, 1, 1):
        (held,) = [c for c in story.plan().held if c.id == stranger]
        assert [h.release for h in held.held] == [f"deprovisionUsers={figure}"]
        assert story.apply().code == 3
        assert story.sandbox.users[stranger]["active"]
    assert not story.user("alan")["active"]
    assert story.apply("deprovisionUsers=1").code == 0
    assert not story.sandbox.users[stranger]["active"]


def test_members_whom_nobody_knew_wait_although_others_left(story: SandboxStory) -> None:
    ids = {name: story.sandbox.add_user(f"{name}@contoso.com", displayName=name) for name in ("linus", "charles")}
    stranger = story.sandbox.add_user("stranger@elsewhere.example")
    story.sandbox.add_group("Research", [*ids.values(), stranger])
    story.company.edit_app(
        unmanaged={"users": "report", "members": "remove"},
        guardrails={"removeMembers": {"percent": 100, "ignoreBelow": 4}},
    )
    for _ in range(3):
        assert story.apply().code == 3
        assert stranger in story.sandbox.members(story.sandbox.group_id("Research"))
    assert not set(ids.values()) & story.sandbox.members(story.sandbox.group_id("Research"))
