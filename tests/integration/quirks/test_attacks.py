"""Servers and files that mean harm: nothing is taken from anybody, and nothing secret or spoilt comes out."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.integration.quirks.company import TOKEN, Company, held, live, run
from tests.integration.quirks.outsider import Outsider

Outsiders = Callable[..., Outsider]
HOSTILE = [
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnirts eslaf",
    "a\u200bb\ufeffc",
    "<img src=x onerror=alert(1)>",
    "| `code` | @team -->",
    "line\r\nGAINS ACCESS\n  + root",
    "x" * 10_000,
    "\u2028next",
]


@pytest.fixture
def settled(outsider: Outsiders, people: Company) -> Callable[..., Outsider]:
    """A server on which the company is provisioned, and nothing is left to do."""

    def make(*habits: str) -> Outsider:
        server = outsider(*habits)
        people.write(server.url)
        assert run(server, people.root, "apply", "--yes").code == 0
        assert run(server, people.root, "plan", "--detailed-exitcode").code == 0
        server.log.clear()
        return server

    return make


def writes(server: Outsider) -> list[tuple[str, str, Any]]:
    return [entry for entry in server.log if entry[0] != "GET"]


def spoilt(text: str) -> set[str]:
    """Characters that a terminal or a reader would obey instead of showing."""
    return {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")}


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_come_out_harmless(outsider: Outsiders, people: Company, name: str) -> None:
    server = outsider()
    server.add_user(f"{name}@elsewhere.example", displayName=name)
    server.add_group(f"Their {name}", server.add_user("inside@elsewhere.example", displayName=name))
    people.people["ada"]["displayName"] = f"Ada {name}"
    people.people["alan"] |= {"displayName": name, "givenName": name}
    people.groups["red"]["displayName"] = f"Team {name}"
    people.write(server.url)
    ran = [run(server, people.root, *call) for call in (("plan", "--verbose"), ("apply", "--yes"), ("drift",))]
    for each in ran:
        assert each.code in (0, 1), each.out  # some names are refused, with their place
        assert not spoilt(each.out)
        assert max(map(len, each.out.splitlines())) < 2000
        assert "\n  + root" not in each.out
    if ran[0].code == 0:
        server.error = lambda status, detail, scim_type="": {"detail": name, "schemas": []}  # type: ignore[method-assign]
        server.override = lambda method, *_: (400, {"detail": name, "scimType": name}) if method != "GET" else None
        people.people["grace"]["displayName"] = "Admiral Hopper"
        people.write(server.url)
        refused = run(server, people.root, "apply", "--yes")
        assert refused.code == 4
        assert not spoilt(refused.out)


def test_an_answer_with_somebody_elses_id_takes_nobodys_account(outsider: Outsiders, people: Company) -> None:
    server = outsider()
    victim = next(iter(server.users))
    before = dict(server.users[victim])

    def lie(method: str, target: str, body: Any) -> Any:
        if method == "POST" and target.endswith("/Users"):
            return 201, {**body, "id": victim}
        return None

    server.override = lie
    story = live(server, people, applies=1)
    assert 4 in story.codes
    assert server.users[victim] == before
    assert not any(victim in target for method, target, _ in writes(server))
    assert all(victim not in str(group["members"]) for group in server.groups.values())
    assert f"account {victim}, which was there before" in story.out


def test_everybody_suddenly_inactive_is_held(settled: Callable[..., Outsider], people: Company) -> None:
    server = settled()
    for row in server.users.values():
        row["active"] = False
    planned = run(server, people.root, "plan", "--detailed-exitcode")
    assert planned.code == 3
    assert planned.out.count("takenAwayInApp:user:") >= 8
    assert run(server, people.root, "apply", "--yes").code == 3
    assert not writes(server)


@pytest.mark.parametrize("call", [("plan",), ("apply", "--yes"), ("drift",)])
def test_an_empty_list_makes_no_plan(settled: Callable[..., Outsider], people: Company, call: tuple[str, ...]) -> None:
    server = settled()
    server.users.clear()
    ran = run(server, people.root, *call)
    assert ran.code == 1
    assert "lists 0 accounts, and only 0 of the 8 that belong to people of ours" in ran.out
    assert "--allow emptyApp" in ran.out
    assert not writes(server)


def test_more_than_half_of_the_accounts_gone_makes_no_plan(settled: Callable[..., Outsider], people: Company) -> None:
    server = settled()
    ours = [key for key, row in server.users.items() if "@contoso" in row["userName"].lower()]
    for key in ours[:5]:
        del server.users[key]
    ran = run(server, people.root, "apply", "--yes")
    assert ran.code == 1
    assert "only 3 of the 8" in ran.out
    assert not writes(server)


def test_half_of_the_accounts_gone_is_held(settled: Callable[..., Outsider], people: Company) -> None:
    server = settled()
    ours = [key for key, row in server.users.items() if "@contoso" in row["userName"].lower()]
    for key in ours[:4]:
        del server.users[key]
    ran = run(server, people.root, "apply", "--yes")
    assert ran.code == 3
    assert ran.out.count("takenAwayInApp:user:") >= 4
    assert not writes(server)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("when", ["GET", "POST"])
def test_a_redirect_never_carries_the_token(outsider: Outsiders, people: Company, status: int, when: str) -> None:
    server, thief = outsider(), outsider()
    people.write(server.url)

    def redirect(method: str, target: str, body: Any) -> Any:
        return (status, thief.url + "/Users") if method == when else None

    server.override = redirect
    ran = run(server, people.root, "apply", "--yes")
    assert ran.code == (1 if when == "GET" else 4)
    assert "redirected to http://127.0.0.1:" in ran.out
    assert not thief.log
    assert TOKEN not in ran.out


def test_the_token_is_in_no_output_and_no_file(outsider: Outsiders, people: Company) -> None:
    server = outsider()

    def tell(method: str, target: str, body: Any) -> Any:
        if method in ("PATCH", "PUT"):
            return 400, {"detail": f"Bearer {TOKEN} may not, token={TOKEN}", "scimType": TOKEN, "schemas": [ERROR]}
        return (500, f"<html>{TOKEN}</html>") if method == "POST" and "Groups" in target else None

    server.override = tell
    people.write(server.url)
    outs = [run(server, people.root, *call) for call in CALLS]
    assert server.tokens == {f"Bearer {TOKEN}"}
    assert "may not, token=…" in outs[2].out
    assert not [each.out for each in outs if TOKEN in each.out]
    files = [path for path in people.root.rglob("*") if path.is_file()]
    assert any(path.suffix == ".jsonl" for path in files)
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
CALLS = [("plan", "--verbose"), ("plan", "--format", "json"), ("apply", "--yes"),
         ("apply", "--yes", "--format", "json"), ("drift",), ("check",)]  # fmt: skip


def test_one_resource_is_never_written_twice_at_a_time(outsider: Outsiders, people: Company) -> None:
    people.settings["profile"] = {"groups": {"maxMembers": 1}}
    server = outsider("slow")
    story = live(server, people)
    assert story.codes == [2, 0, 0] * 2
    assert server.busiest > 1, "nothing was written side by side, so this shows nothing"
    assert not server.overlaps


def test_json_is_one_whole_document(outsider: Outsiders, people: Company, capsys: pytest.CaptureFixture[str]) -> None:
    server = outsider("429-every-7th")
    for name in HOSTILE:
        server.add_user(f"{name}@elsewhere.example", displayName=name)
    people.write(server.url)
    plan = orjson.loads(run(server, people.root, "plan", "--format", "json").out)
    assert plan["format"] == "reconciler.plan/1"
    outcome = orjson.loads(run(server, people.root, "apply", "--yes", "--format", "json").out)
    assert outcome["exitCode"] == 0
    assert held(server) == people.truth()


def test_journals_and_state_hold_no_values(settled: Callable[..., Outsider], people: Company) -> None:
    settled()
    """The plan that is kept beside a journal, so that it can be undone, holds them as any plan does."""
    files = [p for p in Path(people.root / ".reconciler").rglob("*") if p.is_file()]
    assert {p.stat().st_mode & 0o077 for p in files if p.name.endswith(".plan.json")} == {0}
    kept = b"".join(p.read_bytes() for p in files if not p.name.endswith(".plan.json"))
    assert b"Hopper@Contoso" not in kept
    assert b"Europe/London" not in kept
