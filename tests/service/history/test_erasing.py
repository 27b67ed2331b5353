"""What leads to a person is taken out, in SQLite and in PostgreSQL; that something happened stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from reconciler.model.history import (
    Backoff,
    Cycle,
    Entry,
    Held,
    LogFilter,
    LogStep,
    Modified,
    Notice,
    StepName,
    Trouble,
)
from reconciler.service.history import History
from reconciler.service.history.tables import METADATA

NOW = datetime(2026, 11, 26, 17, tzinfo=UTC)
ADA = "user:ada.lovelace"
LEAD = ("ada.lovelace", "ada lovelace", "ada@contoso.com", "a1b2c3d4")


@pytest.fixture(params=["sqlite", "postgresql"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    url = f"sqlite:///{tmp_path / 'h.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres")
    found = History.open(url)
    yield found
    found.close()


def entry(key: str, name: str, at: int = 0, **more: object) -> Entry:
    return Entry("c1", NOW + timedelta(seconds=at), "app", key, name, "updateUser", "failure", **more)  # type: ignore[arg-type]


def fill(history: History) -> None:
    history.write(
        [
            entry(
                ADA,
                "Ada Lovelace",
                1,
                id="a1b2c3d4",
                modified=(
                    Modified("userName", "ada@contoso.com", "countess@contoso.com"),
                    Modified("department", "Research"),
                ),
                steps=(
                    LogStep(StepName.IMPORT, "success", "users/ada.lovelace.yaml:1"),
                    LogStep(StepName.ACTION, "failure", "ada@contoso.com is taken"),
                ),
                trouble=Trouble("conflict", "ada@contoso.com is taken", "rename ada.lovelace"),
            ),
            entry(
                ADA, "Ada Lovelace", 2, group="group:research", modified=(Modified("members", None, "group:research"),)
            ),
            entry("account:a1b2c3d4", "Ada Lovelace", 3),
            entry(
                "user:ada.byron",
                "Ada Byron",
                4,
                id="77",
                modified=(
                    Modified("manager", {"key": ADA, "id": "a1b2c3d4"}, None),
                    Modified("department", "Research", "Sales"),
                ),
                steps=(LogStep(StepName.ACTION, "failure", "in doubt with ADA@contoso.com"),),
            ),
        ]
    )
    cycle = Cycle(
        "c1", "app", "https://app.example", "run", "initial", NOW, trouble=Trouble("conflict", "see ada.lovelace")
    )
    history.begin(cycle)
    history.keep_held(Held("app", "sha256:aa", '{"changes": [{"key": "user:ada.lovelace"}]}', NOW), "app")
    history.keep_held(Held("other", "sha256:bb", '{"changes": [{"key": "user:ada.lovelace-smith2"}]}', NOW), "other")
    history.set_backoffs(
        "app",
        [
            Backoff("app", ADA, 1, NOW, NOW, removal=True, message="ada@contoso.com"),
            Backoff("app", "user:ada.byron", 1, NOW, NOW, removal=True, message="Ada Lovelace has it"),
        ],
    )
    history.notice(Notice("app", NOW, "removalFailed", ADA, "email", "no mailbox ada@contoso.com"))


def everything(history: History) -> str:
    with history._engine.connect() as connection:
        return "\n".join(
            str(row)
            for table in METADATA.sorted_tables
            for row in connection.execute(text(f"SELECT * FROM {table.name}"))
        ).casefold()


def test_nothing_leads_to_the_person_any_more(history: History) -> None:
    fill(history)
    assert history.erase(ADA) == 4
    left = everything(history).replace("ada.lovelace-smith2", "")
    assert not [each for each in LEAD if each in left]
    assert "countess" not in left
    assert history.held("app") is None
    assert history.held("other") is not None, "somebody else whose id begins alike"
    assert history.backoffs("app").keys() == {"user:ada.byron"}
    assert history.people("lovelace") == []


def test_the_events_stay_under_one_name(history: History) -> None:
    fill(history)
    history.erase(ADA)
    rows = list(history.log(LogFilter(newest_first=False)))
    assert len(rows) == 4
    assert re.fullmatch(r"user:erased-[0-9a-f]{8}", rows[0].key)
    assert {each.key for each in rows[:3]} == {rows[0].key}
    assert {each.name for each in rows[:3]} == {"erased"}
    assert [each.path for each in rows[0].modified] == ["userName", "department"]
    assert {(each.before, each.after) for each in rows[0].modified} == {(None, None)}
    assert [(step.name, step.status, step.text) for step in rows[0].steps] == [
        (StepName.IMPORT, "success", ""),
        (StepName.ACTION, "failure", ""),
    ]
    assert rows[0].trouble == Trouble("conflict", "")
    assert (rows[1].group, rows[1].at, rows[1].status) == ("group:research", NOW + timedelta(seconds=2), "failure")


def test_others_keep_their_own(history: History) -> None:
    fill(history)
    history.erase(ADA)
    (byron,) = history.log(LogFilter(key="user:ada.byron"))
    assert (byron.name, byron.id) == ("Ada Byron", "77")
    assert byron.modified[1] == Modified("department", "Research", "Sales")
    assert byron.modified[0].before == {"key": next(iter(history.log(LogFilter(newest_first=False)))).key, "id": None}
    assert byron.steps[0].text == "in doubt with erased"


def test_whom_nobody_knows_changes_nothing(history: History) -> None:
    fill(history)
    before = everything(history)
    assert history.erase("user:nobody.here") == 0
    assert everything(history) == before


def test_it_is_done_again_for_what_came_later(history: History) -> None:
    fill(history)
    history.erase(ADA, "user:erased-00000001")
    history.write([entry(ADA, "Ada Lovelace", 9)])
    assert history.erase(ADA) == 1
    assert "lovelace" not in everything(history).replace("ada.lovelace-smith2", "")


def test_more_than_one_lot(history: History) -> None:
    history.write(entry(ADA, "Ada Lovelace", n) for n in range(2300))
    assert history.erase(ADA) == 2300
    assert len({each.key for each in history.log(LogFilter())}) == 1
