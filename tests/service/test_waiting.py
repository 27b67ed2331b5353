"""One person whose change is refused, in a day of cycles: the others go on, and a removal is tried every time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.conftest import SandboxStory, build_story
from tests.service.night import START, Network, Night, quick_client


class Refusing(Network):
    """Says no to every write of one account, as long as `refused` names it."""

    refused = ""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        super().__init__(inner)
        self.times: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.refused and request.method != "GET" and request.url.path.endswith(self.refused):
            self.times.append(request.method)
            schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"]
            body = {"schemas": schemas, "status": "400", "scimType": "invalidValue", "detail": "not for her"}
            return httpx.Response(400, json=body, request=request)
        return await super().handle_async_request(request)


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SandboxStory:
    monkeypatch.setattr("reconciler.http.Client", quick_client)
    made = build_story(tmp_path / "state", "scim")
    made.converge()
    return made


def test_who_is_refused_waits_and_nobody_else(story: SandboxStory) -> None:
    network = Refusing(story.transport)
    network.refused = story.sandbox.user_id("ada@contoso.com")
    night = Night(story.company.root, network)
    seen: dict[str, int] = {}

    async def main() -> None:
        async with night.running():
            await night.forward(minutes=1)
            story.company.edit_person("ada.lovelace", displayName="Countess")
            await night.forward(minutes=40)
            seen["first"] = len(network.times)
            story.company.edit_person("grace.hopper", displayName="Rear Admiral")
            await night.forward(hours=5)
            seen["waiting"] = len(network.times)
            assert story.user("grace")["displayName"] == "Rear Admiral"
            story.company.edit_person("ada.lovelace", displayName="The Countess")
            await night.forward(minutes=40)
            seen["another"] = len(network.times)
            await night.forward(hours=2)
            seen["due"] = len(network.times)
            assert night.history.quarantine("app") is None
            network.refused = ""
            await night.forward(hours=24)

    asyncio.run(main())
    once = seen["first"]
    assert once > 0
    assert seen["waiting"] == once, "not tried again within six hours"
    assert seen["another"] > once, "another change is tried at once"
    assert seen["due"] <= seen["another"] + once
    assert story.user("ada")["displayName"] == "The Countess"
    assert not night.history.backoffs("app")
    assert night.ended[-1].status == "success"
    night.history.close()


def test_a_removal_that_is_refused_is_tried_in_every_cycle(story: SandboxStory) -> None:
    network = Refusing(story.transport)
    network.refused = story.sandbox.user_id("ada@contoso.com")
    night = Night(story.company.root, network)

    async def main() -> None:
        async with night.running():
            await night.forward(minutes=1)
            story.company.edit_person("ada.lovelace", accountEnabled=False)
            await night.forward(hours=2)

    asyncio.run(main())
    tries = [each for each in night.ended if each.counts.get("failed")]
    assert [each.started_at - START for each in tries] == [timedelta(minutes=m) for m in (40, 80, 120)]
    row = night.history.backoffs("app")["user:ada.lovelace"]
    assert (row.failures, row.removal, row.content) == (3, True, "")
    assert story.user("ada")["active"]
    night.history.close()
