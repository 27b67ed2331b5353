"""What an application holds after an apply, as far as that is known without reading it again: exactly what it holds."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.cli.progress import Progress
from reconciler.model.snapshot import Snapshot

if TYPE_CHECKING:
    from tests.conftest import SandboxStory


def applied(story: SandboxStory, faults: tuple[str, ...] = (), reads: Callable[[], None] = lambda: None) -> Any:
    """(the outcome, what is said to be there now; None: not known). `reads`: called before that is asked."""

    async def main() -> Any:
        opened = story.open()
        async with story.client(opened) as client:
            proposal = await opened.propose(client, Progress("app"))
            story.sandbox.faults.set(*faults)
            run = story.run(opened, client, proposal)
            outcome = await run.execute()
            reads()
            return outcome, await run.after(proposal.context.snapshot)

    return asyncio.run(main())


def found(story: SandboxStory, like: Snapshot) -> Snapshot:
    """What a complete reading finds at the same paths."""

    async def main() -> Snapshot:
        opened = story.open()
        async with story.client(opened) as client:
            proposal = await opened.propose(client, Progress("app"), also=(like.user_paths, like.group_paths))
            return proposal.context.snapshot

    return asyncio.run(main())


def told(snapshot: Snapshot, like: Snapshot) -> tuple[dict[str, Any], dict[str, Any]]:
    """By ids, at the paths of `like`."""
    users = [snapshot.user_paths.index(path) for path in like.user_paths]
    groups = [snapshot.group_paths.index(path) for path in like.group_paths]
    ids = [str(account.id) for account in snapshot.accounts]
    return (
        {str(a.id): (a.active, [a.values[n] for n in users]) for a in snapshot.accounts},
        {
            str(g.id): ([g.values[n] for n in groups], {ids[m] for m in g.members} | {*g.others})
            for g in snapshot.groups
        },
    )


def same(story: SandboxStory, said: Snapshot | None) -> None:
    assert said is not None
    assert told(said, said) == told(found(story, said), said)


def a_day(story: SandboxStory) -> None:
    """Somebody comes, somebody goes, somebody is called and signs in otherwise; a team is renamed, members move."""
    files = story.company
    files.person("rosa.klein", "Rosa", "Klein")
    files.remove_person("charles.babbage")
    files.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    files.edit_person("ada.lovelace", userPrincipalName="countess@contoso.com", mail="countess@contoso.com")
    files.edit_group("research", displayName="Science", formerly=[{"displayName": "Research"}],
                     members=["ada.lovelace", "rosa.klein", "mary.somerville"])  # fmt: skip


@pytest.mark.parametrize("faults", [(), ("notKept=displayName",), ("failCreate=rosa@contoso.com",), ("failDone=2",),
                                    ("refuseDone=3",), ("loseAnswer=2",), ("loseRequest=2",), ("noMembersInPost",)],
                         ids=lambda faults: faults[0] if faults else "none")  # fmt: skip
def test_it_is_what_a_reading_finds_whatever_went_wrong(story: SandboxStory, faults: tuple[str, ...]) -> None:
    story.converge()
    a_day(story)
    outcome, said = applied(story, faults)
    if "Create" in str(faults) or "notKept" in str(faults):
        assert outcome.exit_code == 4
    story.sandbox.faults.clear()
    same(story, said)


@pytest.mark.parametrize("faults", [(), ("notKept=displayName",)], ids=["done", "notKept"])
def test_an_id_that_is_made_of_the_name_stays_in_its_groups(
    story_of: Callable[..., SandboxStory], faults: tuple[str, ...]
) -> None:
    story = story_of("scim")
    story.sandbox.faults.set("movingIds")
    story.apply()
    before = story.sandbox.user_id("ada@contoso.com")
    a_day(story)
    _, said = applied(story, ("movingIds", *faults))
    story.sandbox.faults.set("movingIds")
    assert story.sandbox.user_id("countess@contoso.com") != before
    same(story, said)


def test_where_a_name_and_with_it_the_id_may_have_moved_nothing_is_known(
    story_of: Callable[..., SandboxStory],
) -> None:
    """The rename was done, and answered with 500: under the old id nobody is there."""
    story = story_of("scim")
    story.sandbox.faults.set("movingIds")
    story.apply()
    a_day(story)
    outcome, said = applied(story, ("movingIds", "failDone=3"))
    assert [s.change.action for s in outcome.steps if s.status == "failed"] == ["renameUser"]
    assert said is None


def test_what_was_written_and_not_read_again_is_read_then(story: SandboxStory) -> None:
    """The verification fails; what is said to be there is still what is there."""
    story.converge()
    a_day(story)
    transport = story.transport
    story.transport = Deaf(transport)
    outcome, said = applied(story, reads=story.transport.hear)
    assert outcome.unverified
    story.transport = transport
    same(story, said)


def test_it_is_not_known_where_nothing_can_be_read_and_where_too_much_is_in_doubt(
    story_of: Callable[..., SandboxStory], monkeypatch: pytest.MonkeyPatch
) -> None:
    for most, hears in ((100, False), (1, True)):
        story = story_of("scim", again=True)
        story.converge()
        a_day(story)
        monkeypatch.setattr(sys.modules["reconciler.apply.after"], "MOST", most)
        story.transport = Deaf(story.transport)
        _, said = applied(story, reads=story.transport.hear if hears else lambda: None)
        assert said is None


class Deaf(httpx.AsyncBaseTransport):
    """From the first write on nothing can be read, until it hears again."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner, self.written, self.hears = inner, False, False

    def hear(self) -> None:
        self.hears = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.written = self.written or request.method != "GET"
        if request.method == "GET" and self.written and not self.hears:
            return httpx.Response(403, json={"detail": "not now"}, request=request)
        return await self.inner.handle_async_request(request)
