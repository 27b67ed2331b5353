"""Three hours of cycles in virtual time: what is changed by hand, a server that goes away, a token that expires, a
question that waits for its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
import pytest

from reconciler.service.history import History
from tests.conftest import TENANT, Company, SandboxStory, build_company, build_story
from tests.service.night import START, Network, Night, quick_client

if TYPE_CHECKING:
    from pathlib import Path


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


def test_every_forty_minutes_and_nothing_is_written_that_need_not(night: Night, story: SandboxStory) -> None:
    async def main() -> None:
        async with night.running() as runner:
            await night.forward(minutes=1)
            assert runner.board.ready
            assert night.statuses() == ["success"]
            writes = len(story.writes())
            await night.forward(hours=3)
            assert len(story.writes()) == writes

    asyncio.run(main())
    assert [each.started_at - START for each in night.ended] == [timedelta(minutes=m) for m in (0, 40, 80, 120, 160)]
    assert [each.kind for each in night.ended] == ["initial", *["incremental"] * 4]
    assert [each.counts["done"] for each in night.ended] == [12, 0, 0, 0, 0]
    assert night.ended[0].journal is not None
    assert [each.journal for each in night.ended[1:]] == [None] * 4
    assert len(list((story.company.root / ".reconciler" / "journals").iterdir())) == 2
    assert [c.id for c in night.history.cycles("app")] == [c.id for c in reversed(night.ended)]
    assert len({line["cycle"] for line in night.log if "cycle" in line}) == 5


def test_what_is_changed_by_hand_is_repaired_or_asked_about(night: Night, story: SandboxStory) -> None:
    """As drift always is: what somebody was given is taken back; what was taken away is a question."""
    box = story.sandbox

    async def main() -> None:
        async with night.running():
            await night.forward(minutes=1)
            ada, research = box.user_id("ada@contoso.com"), box.group_id("Research")
            charles = box.user_id("charles@contoso.com")
            box.edit_user(ada, displayName="Changed By Hand")
            box.add_member(research, charles)
            box.edit_user(box.user_id("alan@contoso.com"), active=False)
            await night.forward(minutes=60)
            assert box.users[ada]["displayName"] == "Ada Lovelace"
            assert charles not in box.members(research)
            assert box.users[box.user_id("alan@contoso.com")]["active"] is False
            await night.forward(hours=2)

    asyncio.run(main())
    assert night.statuses() == ["success"] * 5
    assert [each.exit_code for each in night.ended] == [0, 3, 3, 3, 3]
    digests = [each.held_digest for each in night.ended]
    assert digests[0] is None
    assert len(set(digests[1:])) == 1
    held = night.history.held("app")
    assert held is not None
    assert held.since == night.ended[1].ended_at
    (change,) = orjson.loads(held.plan)["changes"]
    assert (change["action"], change["key"]) == ("reactivateUser", "user:alan.turing")


def test_what_is_held_is_approved_and_the_next_cycle_does_exactly_that(night: Night, story: SandboxStory) -> None:
    box, company = story.sandbox, story.company
    company.edit_app(guardrails={"deprovisionUsers": {"count": 1, "ignoreBelow": 0}})

    def active() -> set[str]:
        return {str(user["userName"]).partition("@")[0] for user in box.users.values() if user["active"]}

    async def main() -> None:
        async with night.running():
            await night.forward(minutes=1)
            everybody = active()
            company.remove_person("ada.lovelace")
            company.remove_person("alan.turing")
            company.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
            await night.forward(minutes=60)
            assert active() == everybody, "held"
            assert story.user("grace")["displayName"] == "Rear Admiral Hopper", "the rest goes on"
            held = night.history.held("app")
            assert held is not None
            night.history.approve(held.digest[:19], "mary", night.time.now())
            await night.forward(minutes=40)
            assert everybody - active() == {"ada", "alan"}
            assert night.history.held("app") is None
            await night.forward(hours=2)

    asyncio.run(main())
    assert [each.exit_code for each in night.ended] == [0, 3, 0, 0, 0, 0]
    assert night.ended[1].held_digest is not None
    assert night.ended[2].held_digest is None
    begins = [line for line in company.journals() if line["event"] == "begin"]
    assert begins[-1]["approved"] == night.ended[1].held_digest
    assert begins[-1]["approvedBy"] == "mary"


def test_who_comes_to_the_question_after_its_answer_stays_held(night: Night, story: SandboxStory) -> None:
    box, company = story.sandbox, story.company
    company.edit_app(guardrails={"deprovisionUsers": {"count": 1, "ignoreBelow": 0}})

    async def main() -> None:
        async with night.running():
            await night.forward(minutes=1)
            company.remove_person("ada.lovelace")
            company.remove_person("alan.turing")
            await night.forward(minutes=40)
            held = night.history.held("app")
            assert held is not None
            night.history.approve(held.digest, "mary", night.time.now())
            company.remove_person("linus.byrne")
            await night.forward(minutes=40)
            gone = {str(u["userName"]) for u in box.users.values() if not u["active"]}
            assert gone == {"ada@contoso.com", "alan@contoso.com"}

    asyncio.run(main())


def test_a_server_that_goes_away_and_comes_back(night: Night, story: SandboxStory, network: Network) -> None:
    async def main() -> None:
        async with night.running():
            await night.forward(minutes=1)
            network.down = True
            story.company.edit_person("ada.lovelace", displayName="Countess")
            await night.forward(minutes=85)
            network.down = False
            await night.forward(minutes=95)
            assert story.user("ada")["displayName"] == "Countess"

    asyncio.run(main())
    assert night.statuses() == ["success", "failure", "failure", "success", "success"]
    trouble = night.ended[1].trouble
    assert trouble is not None
    assert trouble.category == "notSent"
    assert night.ended[1].exit_code == 1
    assert night.history.quarantine("app") is None, "a server that is away is no reason"


def test_a_token_that_expires_is_a_quarantine_until_somebody_resumes(
    night: Night, story: SandboxStory, network: Network
) -> None:
    async def main() -> None:
        async with night.running():
            await night.forward(minutes=1)
            network.expired = True
            await night.forward(hours=3)
            quarantine = night.history.quarantine("app")
            assert quarantine is not None
            assert quarantine.reason == "credentials"
            before = network.requests
            await night.forward(hours=2)
            assert network.requests == before, "it is left alone"
            await night.forward(hours=2)
            assert network.requests > before, "after six hours it is tried"
            network.expired = False
            night.history.clear_quarantine("app")
            await night.forward(minutes=40)

    asyncio.run(main())
    assert night.statuses() == ["success", "failure", "failure", "success"]
    assert "out of quarantine" not in {line["event"] for line in night.log}


def test_new_files_end_a_quarantine(night: Night, story: SandboxStory, network: Network) -> None:
    async def main() -> None:
        async with night.running():
            await night.forward(minutes=1)
            network.expired = True
            await night.forward(minutes=60)
            network.expired = False
            story.company.edit_person("ada.lovelace", displayName="Countess")
            await night.forward(minutes=40)
            assert night.history.quarantine("app") is None

    asyncio.run(main())
    assert night.statuses() == ["success", "failure", "success"]


def test_clocks_that_jump_do_no_harm(night: Night) -> None:
    async def main() -> None:
        async with night.running():
            await night.forward(minutes=50)
            night.time.jump = timedelta(days=-400)
            await night.forward(minutes=50)
            night.time.jump = timedelta(days=400)
            await night.forward(minutes=80)

    asyncio.run(main())
    assert night.statuses() == ["success"] * 5
    assert len({each.id for each in night.ended}) == 5
    assert all(each.ended_at is not None and each.ended_at >= each.started_at for each in night.ended)


def test_files_that_become_invalid_the_last_good_ones_hold(night: Night, story: SandboxStory) -> None:
    box, file = story.sandbox, story.company.root / "users" / "grace.hopper.yaml"

    async def main() -> None:
        async with night.running():
            await night.forward(minutes=1)
            file.write_text("id: [\n")
            ada = box.user_id("ada@contoso.com")
            box.edit_user(ada, displayName="By Hand")
            await night.forward(minutes=100)
            assert box.users[ada]["displayName"] == "Ada Lovelace"

    asyncio.run(main())
    assert night.statuses() == ["success"] * 3
    for each in night.ended[1:]:
        assert each.trouble is not None
        assert each.trouble.category == "filesRefused"
        assert "grace.hopper.yaml" in each.trouble.message
    assert [line["event"] for line in night.log].count("filesRefused") == 1, "told once"


@pytest.fixture
def two(tmp_path: Path, story: SandboxStory) -> Company:
    """Another app, with an interval of its own, whose server is away."""
    company = story.company
    app = {**company.read("apps/app/app.yaml"), "tenantUrl": TENANT.replace(":9/", ":10/"), "interval": "1h"}
    company.write("apps/other/app.yaml", app)
    return company


def test_one_app_that_fails_never_stops_another_and_each_has_its_interval(
    night: Night, story: SandboxStory, two: Company
) -> None:
    async def main() -> None:
        async with night.running() as runner:
            await night.forward(minutes=170)
            assert runner.board.ready

    asyncio.run(main())
    by_app = {name: [e for e in night.ended if e.app == name] for name in ("app", "other")}
    assert [e.status for e in by_app["app"]] == ["success"] * 5
    assert [e.started_at - START for e in by_app["other"]] == [timedelta(hours=h) for h in range(3)]


def test_a_new_app_is_taken_up_and_one_that_is_gone_is_left(night: Night, story: SandboxStory) -> None:
    company = story.company
    app = {**company.read("apps/app/app.yaml"), "tenantUrl": TENANT.replace(":9/", ":10/"), "provisioning": False}

    async def main() -> None:
        async with night.running() as runner:
            await night.forward(minutes=1)
            company.write("apps/other/app.yaml", app)
            await night.forward(minutes=60)
            assert set(runner._apps) == {"app", "other"}
            company.app_file.with_name("mappings.yaml").unlink(missing_ok=True)
            (company.root / "apps" / "other" / "app.yaml").unlink()
            (company.root / "apps" / "other").rmdir()
            await night.forward(minutes=120)
            assert set(runner._apps) == {"app"}

    asyncio.run(main())
    assert {each.app for each in night.ended} == {"app", "other"}


def test_provisioning_that_is_off_plans_and_writes_nothing(night: Night, story: SandboxStory) -> None:
    story.company.edit_app(provisioning=False)

    async def main() -> None:
        async with night.running():
            await night.forward(minutes=50)

    asyncio.run(main())
    assert night.statuses() == ["success", "success"]
    assert not story.writes()
    assert night.ended[0].counts["planned"] == 12
    assert night.ended[0].plan_digest
    assert not (story.company.root / ".reconciler" / "journals").exists()


def test_what_is_not_committed_is_not_applied_to_others(tmp_path: Path, night: Night, story: SandboxStory) -> None:
    """Elsewhere than on this machine."""
    import subprocess

    from tests.state.conftest import git

    far_away = "https://scim.example.com/scim/v2"
    story.sandbox.store.move(far_away)
    company = build_company(tmp_path / "far", gallery="scim", tenant=far_away)
    subprocess.run(["git", "init", "-q", "-b", "main", str(company.root)], check=True)
    git(company.root, "add", "-A")
    git(company.root, "commit", "-qm", "begin")
    far = Night(company.root, night.network)

    async def main() -> None:
        async with far.running():
            await far.forward(minutes=1)
            company.edit_person("ada.lovelace", displayName="Countess")
            await far.forward(minutes=40)

    asyncio.run(main())
    far.history.close()
    assert far.statuses() == ["success", "failure"]
    assert far.ended[1].trouble is not None
    assert far.ended[1].trouble.category == "NotReviewed"


def test_after_a_restart_the_interval_goes_on_and_what_was_abandoned_at_once(
    night: Night, story: SandboxStory, tmp_path: Path
) -> None:
    async def main() -> None:
        async with night.running():
            await night.forward(minutes=10)
        async with night.running():
            await night.forward(minutes=20)
            assert len(night.ended) == 1
            await night.forward(minutes=11)
            assert len(night.ended) == 2
        last = night.ended[-1]
        last.status, last.ended_at = "running", None
        night.history.update(last)
        async with night.running():
            await night.forward(seconds=1)

    asyncio.run(main())
    assert [each.status for each in night.history.cycles()] == ["success", "abandoned", "success"]
    assert "a cycle was abandoned: whoever ran it is gone" in {line["event"] for line in night.log}


def test_a_history_that_is_away_is_no_cycle_and_tried_again_soon(
    night: Night, story: SandboxStory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written to an application that nobody could tell of."""
    from reconciler.errors import HistoryError

    def begin(*_: object) -> None:
        raise HistoryError("the database is away")

    async def main() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(History, "begin", begin)
            async with night.running() as runner:
                await night.forward(seconds=90)
                assert not story.writes()
                assert runner.codes == {"app": 1}
                patch.undo()
                await night.forward(seconds=60)

    with monkeypatch.context() as outer:
        outer.setattr("reconciler.http.Client", quick_client)
        asyncio.run(main())
    assert night.statuses() == ["success"]


def test_a_fault_of_ours_in_one_cycle_is_a_failure_of_that_cycle(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("ours")

    async def main() -> None:
        async with night.running():
            with monkeypatch.context() as patch:
                patch.setattr("reconciler.service.cycle.still_remembers", broken)
                await night.forward(minutes=1)
            await night.forward(minutes=40)

    asyncio.run(main())
    assert night.statuses() == ["failure", "success"]
    assert night.ended[0].trouble is not None
    assert "ZeroDivisionError" in night.ended[0].trouble.message
