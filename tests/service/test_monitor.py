"""How each app is: which state, why, what is to be done, and the table of `status`."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from reconciler.cli import call
from reconciler.model.history import Backoff, Cycle, Held, Notice, Quarantine
from reconciler.render import Style
from reconciler.render.safe import width
from reconciler.service.history import History
from reconciler.service.monitor import State, status_of, statuses
from reconciler.service.overview import document, text
from reconciler.service.words import ago, past, span
from tests.service.three import APPS, EVERY, NOW, app, cycle, held_plan, history_at, three_at

ENDED = NOW - timedelta(minutes=8)


@pytest.fixture
def empty(tmp_path: Path) -> Any:
    with history_at(tmp_path / "empty.db") as history:
        yield history


@pytest.fixture
def three(tmp_path: Path) -> Any:
    with three_at(tmp_path / "three.db") as history:
        yield history


def one(**given: Any) -> Cycle:
    return cycle("alpha", ENDED, **given)


@pytest.mark.parametrize(
    ("cycles", "state", "why"),
    [
        ([], State.NEVER_RUN, "no cycle has ended yet"),
        ([one()], State.HEALTHY, "the application is what git says"),
        ([one(counts={"drift": 3})], State.HEALTHY, "the application is what git says"),
        ([one(trigger="drift", counts={"drift": 3})], State.DRIFTING, "3 things were changed in the application"),
        ([one(counts={"drift": 1}, status="interrupted")], State.DRIFTING, "1 thing was changed"),
        ([one(status="inPart", counts={"held": 2})], State.HELD, "2 changes wait for an answer"),
        ([one(status="inPart", counts={"failed": 2, "held": 2})], State.FAILING, "2 changes failed"),
        ([one(status="inPart", counts={"notStored": 1})], State.FAILING, "1 was not stored as it was sent"),
        ([one(status="abandoned")], State.FAILING, "whoever ran the last cycle died"),
        ([one(status="failure", ended_at=ENDED)], State.FAILING, "did not do all"),
    ],
)
def test_the_last_cycle_says_how_the_app_is(empty: History, cycles: list[Cycle], state: State, why: str) -> None:
    for each in cycles:
        empty.begin(each)
    found = status_of(empty, app("alpha"), NOW)
    assert (found.state, why in found.why) == (state, True), found.why


def test_somebody_who_interrupts_a_cycle_says_nothing_of_the_app(empty: History) -> None:
    empty.begin(cycle("alpha", ENDED - EVERY, status="inPart", counts={"failed": 1}))
    empty.begin(cycle("alpha", ENDED, status="interrupted", counts={}))
    found = status_of(empty, app("alpha"), NOW)
    assert found.state is State.FAILING
    assert found.last is not None
    assert found.last.status == "interrupted"


def test_off_and_quarantine_come_before_everything(empty: History) -> None:
    empty.begin(one(status="failure"))
    empty.set_quarantine(Quarantine("alpha", NOW - timedelta(days=29), "notScim", "an answer in HTML", 32, None))
    found = status_of(empty, app("alpha"), NOW)
    assert found.state is State.QUARANTINED
    assert found.next_due is None
    assert "switched off: `reconciler resume alpha`" in found.why
    assert status_of(empty, app("alpha", provisioning=False), NOW).state is State.OFF


def test_what_runs_and_what_is_due(empty: History) -> None:
    never = status_of(empty, app("alpha"), NOW)
    assert never.next_due == NOW
    empty.begin(cycle("alpha", ENDED))
    assert status_of(empty, app("alpha"), NOW).next_due == ENDED + EVERY
    assert status_of(empty, app("alpha", interval="3h"), NOW).next_due == ENDED + timedelta(hours=3)
    empty.begin(cycle("alpha", NOW - timedelta(seconds=5), status="running", ended_at=None))
    found = status_of(empty, app("alpha"), NOW)
    assert found.running is not None
    assert found.last is not None
    assert found.last.started_at == ENDED, "the one before"
    assert "running for 5 s" in text([found], Style(), NOW)


def test_held_changes_tell_how_to_approve_them(empty: History) -> None:
    plan = held_plan()
    empty.begin(cycle("beta", ENDED, status="inPart", counts={"held": 32}))
    empty.keep_held(Held("beta", plan.changes_digest, plan.model_dump_json(by_alias=True), ENDED), "beta")
    found = status_of(empty, app("beta"), NOW)
    assert found.held is not None
    assert found.held.count == 32
    assert found.held.command == f"reconciler approve {plan.changes_digest[:19]}"
    empty.approve(found.held.command.split()[-1], "ada", NOW)
    approved = status_of(empty, app("beta"), NOW)
    assert "approved by ada" in approved.why
    assert "reconciler approve" not in text([approved], Style(), NOW)


def test_a_held_plan_of_another_version_is_told_all_the_same(empty: History) -> None:
    empty.begin(cycle("beta", ENDED, status="inPart", counts={"held": 4}))
    empty.keep_held(Held("beta", f"sha256:{'a' * 64}", '{"format":"reconciler.plan/9"}', ENDED), "beta")
    found = status_of(empty, app("beta"), NOW)
    assert found.state is State.HELD
    assert "4 changes wait" in found.why
    assert "another version" in text([found], Style(), NOW)


def test_people_who_fail_and_notices_that_did_not_arrive(empty: History) -> None:
    rows = [
        Backoff("alpha", "user:new", 2, ENDED - EVERY * 3, NOW, False),
        Backoff("alpha", "user:gone", 2, ENDED - EVERY, NOW, True),
    ]
    empty.set_backoffs("alpha", rows)
    for minute, (channel, error) in enumerate([("email", "lost"), ("email", ""), ("webhook", "410"), ("email", "503")]):
        empty.notice(Notice("alpha", ENDED + timedelta(minutes=minute), "held", str(minute), channel, error))
    found = status_of(empty, app("alpha"), NOW)
    assert [each.key for each in found.failing] == ["user:gone", "user:new"], "removals first"
    assert [each.error for each in found.undelivered] == ["503", "410"], "since the last that arrived"


def test_the_table_aligns_and_its_colours_mean_something(three: History) -> None:
    found = statuses(three, APPS, NOW)
    lines = text(found, Style(), NOW).splitlines()[:5]
    state, last = lines[0].index("STATE"), lines[0].index("LAST CYCLE")
    assert [line[state:last].split()[-1] for line in lines[1:]] == ["healthy", "held", "quarantined", "off"]
    assert all(line[state - 1] == line[last - 1] == " " for line in lines[1:4])
    assert max(width(line) for line in lines) < 100
    coloured = text(found, Style(True), NOW)
    for code, words in (("32", "healthy"), ("33", "held"), ("31", "quarantined")):
        assert any(f"\x1b[{code}m" in line and words in line for line in coloured.splitlines())


def test_the_document_says_all_that_the_table_says(three: History) -> None:
    said = json.loads(json.dumps(document(statuses(three, APPS, NOW), NOW)))
    assert said["format"] == "reconciler.status/1"
    alpha, beta, gamma, delta = said["apps"]
    assert (alpha["state"], alpha["last"]["status"], alpha["nextDue"]) == ("healthy", "success", "2026-11-26T18:29:00Z")
    assert beta["held"]["changes"] == 32
    assert beta["failing"][0]["key"] == "user:linus.byrne"
    assert gamma["quarantine"]["reason"] == "credentials"
    assert gamma["last"]["trouble"]["recommendedAction"] == "put a new token in GAMMA_TOKEN"
    assert gamma["undelivered"][0]["channel"] == "email"
    assert delta["state"] == "off"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (3.24, "3.2 s"), (42, "42 s"), (65, "1 min 5 s"), (2460, "41 min"), (7260, "2 h 1 min"),
     (3600, "1 h"), (93_600, "1 d 2 h"), (2_592_000, "30 d"), (-5, "0 s")],
)  # fmt: skip
def test_lengths_of_time(seconds: float, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words


def test_moments_beside_now() -> None:
    assert ago(NOW, NOW) == "just now"
    assert ago(NOW - timedelta(minutes=4, seconds=50), NOW) == "4 min ago"
    assert ago(NOW + timedelta(minutes=36), NOW) == "in 36 min"
    assert ago(NOW + timedelta(minutes=35, seconds=2), NOW) == "in 36 min", "not earlier than it is"
    assert ago(NOW + timedelta(seconds=42), NOW) == "in 42 s"


def test_what_has_happened_is_in_no_future() -> None:
    """A cycle may end between the look at the clock and the look at the history, and clocks differ."""
    assert past(NOW + timedelta(seconds=1), NOW) == "just now"
    assert past(NOW + timedelta(hours=2), NOW) == "just now"
    assert past(NOW - timedelta(seconds=42), NOW) == "42 s ago"


# -- the commands


@pytest.fixture
def company(tmp_path: Path) -> Path:
    root = tmp_path / "company"
    for each in ("alpha", "beta", "gamma", "delta"):
        folder = root / "apps" / each
        folder.mkdir(parents=True)
        (folder / "app.yaml").write_text(
            f"gallery: scim\ntenantUrl: https://{each}.example.com/scim/v2\nauth: {{bearer: {{env: TOKEN}}}}\n"
            f"provisioning: {'false' if each == 'delta' else 'true'}\nscope: {{everyone: true}}\n"
            "unmanaged: {users: report}\n",
            encoding="utf-8",
        )
    return root


def test_status_and_report_from_the_command_line(company: Path, capsys: Any, tmp_path: Path) -> None:
    assert call(["status", str(company)]) == 64
    assert "there is no history yet" in capsys.readouterr().err
    assert not (company / ".reconciler").exists(), "nothing is made by looking"
    (company / ".reconciler").mkdir()
    with three_at(company / ".reconciler" / "history.db"):
        pass
    with time_machine.travel(NOW, tick=False):
        assert call(["status", str(company)]) == 0
        shown = capsys.readouterr().out
        assert "? held" in shown
        assert "reconciler approve sha256:" in shown
        assert call(["status", str(company), "--format", "json", "--app", "gamma"]) == 0
        (gamma,) = json.loads(capsys.readouterr().out)["apps"]
        assert gamma["state"] == "quarantined"
        assert call(["report", str(company), "--out", str(tmp_path / "apps.html")]) == 0
        assert call(["report", str(company), "--app", "alpha"]) == 0
    page = (tmp_path / "apps.html").read_text(encoding="utf-8")
    assert all(f'id="app-{name}"' in page for name in ("alpha", "beta", "gamma", "delta"))
    alone = capsys.readouterr().out
    assert alone.startswith("<!doctype html>")
    assert "beta" not in alone


def test_one_broken_app_does_not_hide_the_others(company: Path, capsys: Any, tmp_path: Path) -> None:
    (company / "apps" / "beta" / "app.yaml").write_text("tenantUrl: 7\n", encoding="utf-8")
    with three_at(tmp_path / "elsewhere.db"):
        pass
    assert call(["status", str(company), "--history", f"sqlite:///{tmp_path / 'elsewhere.db'}"]) == 0
    shown = capsys.readouterr()
    assert "alpha" in shown.out
    assert "warning: " in shown.err
    assert "apps/beta/app.yaml" in shown.err
    assert call(["status", str(company), "--app", "beta", "--history", f"sqlite:///{tmp_path / 'elsewhere.db'}"]) == 1


def test_a_report_that_can_not_be_written(company: Path, capsys: Any, tmp_path: Path) -> None:
    history = f"sqlite:///{tmp_path / 'some.db'}"
    assert call(["report", str(company), "--history", history, "--out", str(tmp_path / "no" / "such.html")]) == 1
    assert "such.html" in capsys.readouterr().err
