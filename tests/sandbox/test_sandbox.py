"""What tests and the demo do with a sandbox directly, and what it remembers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconciler.errors import ReconcilerError
from reconciler.gallery import names
from reconciler.sandbox import ACTS_AS, Sandbox
from reconciler.sandbox.seed import people


def test_seeded_people_are_the_same_every_time_and_all_different() -> None:
    first, many = list(people(6)), list(people(2000))
    assert many[:6] == first
    assert len({p["userName"] for p in many}) == 2000
    assert all(p["userName"].endswith("@example.com") for p in many)


def test_the_account_behind_the_token_comes_first() -> None:
    names = [u["userName"] for u in Sandbox(users=3).users.values()]
    assert names[0] == ACTS_AS
    assert len(names) == 4
    assert Sandbox(acts_as=None).users == {}


def test_an_unknown_application() -> None:
    with pytest.raises(ReconcilerError) as caught:
        Sandbox("myspace")
    assert caught.value.hint == f"it can be: {', '.join(names())}"


def test_everything_can_be_changed_behind_the_tools_back(hootsuite: Any) -> None:
    box = hootsuite.sandbox
    ada, bob = box.add_user("ada@example.com", active=False), box.add_user("bob@example.com", title="Editor")
    team = box.add_group("Team", [ada], externalId="team")
    box.add_member(team, bob)
    box.remove_member(team, ada)
    assert box.members(team) == {bob}
    box.edit_user(bob, title=None, userName="rob@example.com")
    box.edit_group(team, displayName="Crew")
    assert box.user_id("ROB@example.com") == bob
    assert box.group_id("crew") == team
    shown = hootsuite.get(f"/Users/{bob}").json
    assert "title" not in shown
    assert shown["groups"][0]["display"] == "Crew"
    assert box.users[ada]["active"] is False
    box.delete_user(bob)
    assert box.groups[team].get("members") is None
    box.delete_group(team)
    assert box.groups == {}
    with pytest.raises(KeyError):
        box.user_id("bob@example.com")


def test_views_are_copies(hootsuite: Any) -> None:
    identifier = hootsuite.sandbox.add_user("ada@example.com")
    hootsuite.sandbox.users[identifier]["userName"] = "changed"
    assert hootsuite.sandbox.users[identifier]["userName"] == "ada@example.com"


def test_every_request_is_logged_with_its_body_and_answer(hootsuite: Any) -> None:
    hootsuite.user("ada@example.com")
    hootsuite.get("/Users?count=1")
    hootsuite.ask("POST", "/Users", b"{")
    first, second, third = hootsuite.sandbox.requests
    assert (first.method, first.path, first.status) == ("POST", "/Users", 200)
    assert first.json["userName"] == "ada@example.com"
    assert (second.query, second.json) == ({"count": "1"}, None)
    assert (third.status, third.json) == (400, None)


def test_the_log_is_bounded(hootsuite: Any) -> None:
    assert hootsuite.sandbox.requests.maxlen == 20_000


def test_dates_come_from_the_clock_and_move_only_with_changes() -> None:
    now = [datetime(2026, 11, 23, 17, tzinfo=UTC)]
    box = Sandbox("scim", acts_as=None, clock=lambda: now[0])
    ada = box.add_user("ada@example.com")
    now[0] = datetime(2026, 11, 24, 17, tzinfo=UTC)
    box.edit_user(ada, displayName="ada")
    assert box.users[ada]["meta"]["lastModified"] == "2026-11-23T17:00:00.000Z"
    box.edit_user(ada, displayName="Ada")
    assert box.users[ada]["meta"]["created"] == "2026-11-23T17:00:00.000Z"
    assert box.users[ada]["meta"]["lastModified"] == "2026-11-24T17:00:00.000Z"


def test_adding_to_a_large_group_does_not_cost_what_the_group_has() -> None:
    """10,000 members in requests of 100: the draft copies ids, it does not compare each with each."""
    box = Sandbox("scim", acts_as=None)
    team = box.add_group("Team")
    ids = [box.add_user(f"u{n}") for n in range(10_000)]
    for start in range(0, len(ids), 100):
        box.add_member(team, *ids[start : start + 100])
    assert len(box.members(team)) == 10_000


class TestState:
    def test_everything_comes_back(self, tmp_path: Path, client_of: Any) -> None:
        file = tmp_path / "sandbox.json"
        box = Sandbox("hootsuite", users=2, state=file)
        ada = box.add_user("ada@example.com")
        team = box.add_group("Team", [ada])
        box.delete_user(box.user_id(ACTS_AS))
        box.save()
        again = Sandbox("hootsuite", users=50, state=file)
        assert again.users == box.users
        assert again.groups == box.groups
        assert again.members(team) == {ada}
        assert again.add_user("new@example.com") not in {*box.users, *box.groups}, "ids are never given twice"
        assert client_of(again).get('/Users?filter=userName eq "ADA@example.com"').json["totalResults"] == 1

    def test_nothing_is_written_without_a_change(self, tmp_path: Path) -> None:
        file = tmp_path / "sandbox.json"
        box = Sandbox(state=file)
        box.save()
        file.unlink()
        box.save()
        assert not file.exists()
        box.add_user("ada@example.com")
        box.save()
        assert file.exists()
        assert [p.name for p in tmp_path.iterdir()] == ["sandbox.json"]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"{", "the sandbox's state can't be read"),
            (b"[]", "not a state file of the sandbox"),
            (b'{"format": "other/1"}', "not a state file of the sandbox"),
            (orjson.dumps({"format": "reconciler.sandbox/1", "habits": "scim"}), "written by the sandbox as scim"),
            (orjson.dumps({"format": "reconciler.sandbox/1", "habits": "hootsuite"}), "is damaged"),
            (
                orjson.dumps(
                    {"format": "reconciler.sandbox/1", "habits": "hootsuite", "resources": [{}], "created": 1}
                ),
                "is damaged",
            ),
        ],
    )
    def test_files_that_can_not_be_used(self, tmp_path: Path, content: bytes, message: str) -> None:
        file = tmp_path / "sandbox.json"
        file.write_bytes(content)
        with pytest.raises(ReconcilerError) as caught:
            Sandbox("hootsuite", state=file)
        assert message in caught.value.message
        assert str(file) in caught.value.message
        assert caught.value.hint

    def test_a_place_that_can_not_be_written(self, tmp_path: Path) -> None:
        box = Sandbox(state=tmp_path / "nowhere" / "sandbox.json")
        with pytest.raises(ReconcilerError, match="can't be written"):
            box.save()
