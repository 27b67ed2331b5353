"""Cycles in virtual time, and the mails of them at a real mail server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SandboxStory, build_story
from tests.service.night import Network, Night, quick_client
from tests.service.notify.conftest import Mailbox, Start, mail_server

__all__ = ["mail_server"]


@pytest.fixture(autouse=True)
def _never_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.http.Client", quick_client)


@pytest.fixture
def story(tmp_path: Path) -> SandboxStory:
    return build_story(tmp_path / "state", "scim")


@pytest.fixture
def network(story: SandboxStory) -> Network:
    return Network(story.transport)


@pytest.fixture
def night(story: SandboxStory, network: Network) -> Iterator[Night]:
    found = Night(story.company.root, network)
    yield found
    found.history.close()


def mails_to(story: SandboxStory, port: int) -> None:
    smtp: dict[str, Any] = {"host": "127.0.0.1", "port": port}
    email = {"from": "r@contoso.com", "to": ["i@contoso.com"], "smtp": smtp}
    story.company.edit_app(notify={"email": email})


def subjects(box: Mailbox) -> list[str]:
    return [mail["Subject"].removeprefix("[reconciler] ") for mail in box.mails]


def test_a_night_in_quarantine_is_two_mails_of_one_thread(
    night: Night, story: SandboxStory, network: Network, mail_server: Start
) -> None:
    box = mail_server()
    mails_to(story, box.port)

    async def main() -> None:
        async with night.running():
            await night.forward(minutes=30)
            assert not box.mails
            network.expired = True
            await night.forward(hours=8)
            assert subjects(box) == ["app is in quarantine: the application refuses the credentials"]
            network.expired = False
            await night.forward(hours=12)

    asyncio.run(main())
    assert subjects(box)[1:] == ["app works again"]
    first, second = box.mails
    assert first["References"] == second["References"] is not None
    assert [n.event for n in night.history.notices("app")] == ["recovered", "quarantined"]


def test_what_is_held_is_one_mail_however_many_cycles_it_waits(
    night: Night, story: SandboxStory, mail_server: Start
) -> None:
    box = mail_server()
    mails_to(story, box.port)

    async def main() -> None:
        async with night.running():
            await night.forward(minutes=1)
            story.sandbox.edit_user(story.sandbox.user_id("ada@contoso.com"), active=False)
            await night.forward(hours=5)

    asyncio.run(main())
    assert subjects(box) == ["app: 1 change held, waiting for an answer"]
    held = night.history.held("app")
    assert held is not None
    assert f"reconciler approve {held.digest}" in next(box.mails[0].iter_parts()).get_content()


def test_a_mail_server_that_is_down_stops_no_cycle_and_is_told_of_once_it_is_up(
    night: Night, story: SandboxStory, network: Network, mail_server: Start
) -> None:
    """Also while the app rests in its quarantine, and nothing but the mail is tried."""
    mails_to(story, 1)
    box = mail_server()

    async def main() -> None:
        async with night.running():
            await night.forward(minutes=1)
            story.sandbox.edit_user(story.sandbox.user_id("ada@contoso.com"), active=False)
            await night.forward(hours=3)
            assert set(night.statuses()) == {"success"}
            assert [line["why"] for line in night.log if line["event"] == "not delivered"]
            assert all("refused the connection" in n.error for n in night.history.notices("app"))
            mails_to(story, box.port)
            await night.forward(hours=8)

    asyncio.run(main())
    assert subjects(box) == ["app: 1 change held, waiting for an answer"]


def test_a_fault_while_telling_ends_no_cycle(
    night: Night, story: SandboxStory, monkeypatch: pytest.MonkeyPatch, mail_server: Start
) -> None:
    mails_to(story, mail_server().port)

    def broken(*_: object, **__: object) -> None:
        message = "a bug"
        raise KeyError(message)

    monkeypatch.setattr("reconciler.service.telling.due", broken)

    async def main() -> None:
        async with night.running():
            await night.forward(hours=1)

    asyncio.run(main())
    assert night.statuses() == ["success", "success"]
    assert any("fault of reconciler" in line["event"] for line in night.log)


def test_refused_files_are_told_and_cycles_go_on(night: Night, story: SandboxStory, mail_server: Start) -> None:
    box = mail_server()
    mails_to(story, box.port)

    async def main() -> None:
        async with night.running():
            await night.forward(minutes=1)
            story.company.write("users/eve.yaml", "id: eve\nnonsense: true\n")
            await night.forward(hours=3)

    asyncio.run(main())
    assert subjects(box) == ["The files of the work tree are not used"]
    assert set(night.statuses()) == {"success"}
