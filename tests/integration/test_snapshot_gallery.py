"""In every application of the gallery: what is kept after an apply plans as the application itself does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.progress import Progress
from reconciler.gallery import names
from reconciler.model.plan import Plan
from reconciler.session import Settings, open_apps
from reconciler.session.keeping import keep_after
from reconciler.session.reading import proposed
from tests.integration.test_probe_gallery import QUICK

if TYPE_CHECKING:
    from tests.conftest import SandboxStory


def applied(story: SandboxStory) -> None:
    """As `reconciler apply` does it: what is there afterwards is kept."""

    async def main() -> None:
        opened = story.open()
        async with story.client(opened) as client:
            run = story.run(opened, client, await opened.propose(client, Progress("app")))
            await run.execute()
            await keep_after(opened, run)

    asyncio.run(main())


def on_kept(story: SandboxStory) -> Plan:
    (opened,) = open_apps(Settings(directory=story.company.root, snapshot="state"))
    return asyncio.run(proposed(opened, Progress("app"))).plan


def told(plan: Plan) -> list[tuple[str, str, str | None, object, object]]:
    return [
        (c.action, c.key, c.id, getattr(c, "set", None), [m.key for m in getattr(c, "members", ())])
        for c in plan.changes
    ]


@pytest.mark.parametrize("name", names())
def test_what_an_apply_leaves_plans_as_the_application_does(
    name: str, story_of: Callable[..., SandboxStory], capsys: pytest.CaptureFixture[str]
) -> None:
    story = story_of(name)
    story.company.edit_app(profile=QUICK)
    applied(story)
    assert "is not known" not in capsys.readouterr().err
    assert told(on_kept(story)) == told(story.plan()) == []
    files = story.company
    files.person("rosa.klein", "Rosa", "Klein")
    files.edit_group("research", members=[*files.members("research"), "rosa.klein"])
    files.remove_person("charles.babbage")
    files.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    files.edit_person("alan.turing", userPrincipalName="turing@contoso.com", mail="turing@contoso.com")
    kept, live = on_kept(story), story.plan()
    assert told(kept) == told(live)
    assert kept.changes_digest == live.changes_digest
    assert len(kept.pending) >= 2
    applied(story)
    assert "is not known" not in capsys.readouterr().err
    assert told(on_kept(story)) == told(story.plan())
    assert not on_kept(story).pending
