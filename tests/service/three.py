"""A history of three apps: alpha is healthy, beta drifts and waits for an answer, gamma is in quarantine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reconciler.model.app import App
from reconciler.model.history import (
    Backoff,
    Cycle,
    Entry,
    Held,
    LogStep,
    Modified,
    Notice,
    Quarantine,
    StepName,
    Trouble,
)  # fmt: skip
from reconciler.model.plan import (
    AddMembers,
    DeactivateUser,
    Guardrail,
    Plan,
    Reason,
)  # fmt: skip
from reconciler.model.plan import Held as HeldBy
from reconciler.plan.document import signed
from reconciler.service.history import History, new_cycle_id
from tests.render.conftest import Make

NOW = datetime(2026, 11, 26, 17, 58, tzinfo=UTC)
EVERY = timedelta(minutes=40)


def app(name: str, **given: Any) -> App:
    written: dict[str, Any] = {
        "name": name,
        "tenantUrl": f"https://{name}.example.com/scim/v2",
        "scope": {"everyone": True},
        "unmanaged": {"users": "report"},
        **given,
    }
    return App.model_validate(written)


APPS = [app("alpha"), app("beta"), app("gamma"), app("delta", provisioning=False)]


def cycle(name: str, began: datetime, took: float = 42.0, **given: Any) -> Cycle:
    counts = {"people": 412, "planned": 3, "done": 3, "failed": 0, "skipped": 0, "held": 0, "drift": 0}
    ended = began + timedelta(seconds=took)
    return Cycle(
        **{
            "id": new_cycle_id(began),
            "app": name,
            "tenant_url": f"https://{name}.example.com/scim/v2",
            "trigger": "run",
            "kind": "incremental",
            "started_at": began,
            "ended_at": ended,
            "status": "success",
            "exit_code": 0,
            "commit": "4f2c1e7aa0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5",
            "requests": 118,
            **given,
            "counts": {**counts, **given.get("counts", {})},
        }
    )


def steps(action: str = "the application has it as it was sent", status: Any = "success") -> tuple[LogStep, ...]:
    return (
        LogStep(StepName.IMPORT, "success", "users/ada.lovelace.yaml, commit 4f2c1e7"),
        LogStep(StepName.SCOPE, "success", "in scope by group:social-media"),
        LogStep(StepName.MATCH, "success", "bound to account 1001"),
        LogStep(StepName.ACTION, status, action),
    )


def entry(of: Cycle, key: str, name: str, action: str = "updateUser", **given: Any) -> Entry:
    at = of.ended_at or of.started_at
    return Entry(
        **{
            "cycle": of.id, "at": at, "app": of.app, "key": key, "name": name, "action": action, "status": "success",
            "steps": steps(), "commit": of.commit, "verified": True, **given,
        }
    )  # fmt: skip


def held_plan() -> Plan:
    by = (HeldBy(by="guardrail:deprovisionUsers", release="deprovisionUsers=31"),)
    gone = [
        DeactivateUser(key=f"user:leaver{n:02}", id=f"9{n:02}", name=f"Leaver {n}", reasons=(Reason.LEFT_SCOPE,),
                       held=by, groups=("Social Media",))
        for n in range(31)
    ]  # fmt: skip
    taken = AddMembers(key="group:crisis", id="7", name="Crisis Team", members=(Make.member("ada.lovelace"),),
                       held=(HeldBy(by="takenAwayInApp", release="takenAwayInApp:group:crisis"),))  # fmt: skip
    rail = Guardrail(name="deprovisionUsers", value=31, count=20, of=412, broken=True)
    return signed(
        Make.plan(*gone, taken, app="beta", guardrails=(rail,), tenant_url="https://beta.example.com/scim/v2")
    )


def fill(history: History, now: datetime = NOW, days: int = 1) -> None:
    """Cycles of so many days, every 40 minutes."""
    count = days * 36
    for number in range(count, 0, -1):
        _alpha(history, now - EVERY * number + timedelta(minutes=31), number)
        _beta(history, now - EVERY * number + timedelta(minutes=20), number)
        if number > 14 or number in (13, 10):
            _gamma(history, now - EVERY * number + timedelta(minutes=5), number)
    plan = held_plan()
    since = now - EVERY * 5
    history.keep_held(Held("beta", plan.changes_digest, plan.model_dump_json(by_alias=True), since), "beta")
    history.set_quarantine(
        Quarantine("gamma", now - EVERY * 13, "credentials", "the application refuses the token (401)", 2,
                   now + timedelta(hours=11, minutes=20))
    )  # fmt: skip
    history.set_backoffs(
        "beta",
        [Backoff("beta", "user:linus.byrne", 3, now - timedelta(hours=5), now + timedelta(hours=1), True,
                 "503: the application is being maintained")],
    )  # fmt: skip
    history.notice(Notice("gamma", now - EVERY * 13, "quarantined", "credentials", "webhook", ""))
    history.notice(
        Notice(
            "gamma", now - EVERY * 10, "reasonChanged", "credentials", "email", "smtp.example.com: connection refused"
        )
    )


def _alpha(history: History, began: datetime, number: int) -> None:
    done = 240 if number == 30 else (number * 7) % 11
    one = cycle("alpha", began, 20 + (number * 13) % 31, counts={"done": done, "planned": done})
    history.begin(one)
    changed = (Modified("title", "Engineer", "Engineer, first class"), Modified("nickName", None, {"redacted": True}))
    history.write([entry(one, "user:ada.lovelace", "Ada Lovelace", id="1001", modified=changed)])


def _beta(history: History, began: datetime, number: int) -> None:
    waits = number <= 5
    one = cycle(
        "beta", began, 65 + (number * 29) % 47, status="inPart" if waits else "success", exit_code=3 if waits else 0,
        counts={"done": (number * 5) % 9, "held": 32 if waits else 0, "drift": 1 if waits else 0},
    )  # fmt: skip
    history.begin(one)
    refused = Trouble("unavailable", "503: the application is being maintained", "nothing: it is tried again")
    history.write(
        [
            entry(one, "user:grace.hopper", "Grace Hopper"),
            entry(one, "group:social-media", "Social Media", "addMembers"),
            *(
                [
                    entry(one, "user:linus.byrne", "Linus Byrne", "deactivateUser", status="failure", trouble=refused,
                          steps=steps("503", "failure"), verified=False),
                    entry(one, "user:leaver01", "Leaver 1", "deactivateUser", status="skipped", verified=False,
                          steps=steps("held by guardrail:deprovisionUsers", "skipped")),
                ]
                if waits
                else []
            ),
        ]
    )  # fmt: skip


def _gamma(history: History, began: datetime, number: int) -> None:
    one = cycle("gamma", began, 30 + number % 9)
    if number <= 16:
        status: Any = "failure"
        refused = Trouble("unauthorized", "the application refuses the token (401)", "put a new token in GAMMA_TOKEN")
        one = replace(
            one, status=status, exit_code=1, trouble=refused, counts={}, ended_at=began + timedelta(seconds=2)
        )
    history.begin(one)


@contextmanager
def history_at(file: Path) -> Iterator[History]:
    history = History.open(f"sqlite:///{file}")
    try:
        yield history
    finally:
        history.close()


@contextmanager
def three_at(file: Path) -> Iterator[History]:
    """The history of three apps, in this file."""
    file.write_bytes(_filled())
    with history_at(file) as history:
        yield history


@cache
def _filled() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "three.db"
        with history_at(file) as history:
            fill(history)
        return file.read_bytes()
