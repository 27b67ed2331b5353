"""What is kept comes back as it was, from SQLite and from PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from reconciler.errors import HistoryError, UsageError
from reconciler.model.history import (
    Backoff,
    Cycle,
    Entry,
    Held,
    LogFilter,
    LogStep,
    Modified,
    Notice,
    Quarantine,
    StepName,
    Trouble,
)
from reconciler.service.history import History, new_cycle_id
from reconciler.service.history.schema import HEAD

NOW = datetime(2026, 11, 26, 17, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'history.db'}"
    found = request.getfixturevalue("postgres")
    assert isinstance(found, str)
    return found


@pytest.fixture
def history(url: str) -> Iterator[History]:
    found = History.open(url)
    yield found
    found.close()


def cycle(app: str = "app", at: datetime = NOW, **more: object) -> Cycle:
    made = Cycle(new_cycle_id(at), app, "https://app.example/scim/v2", "run", "initial", at)
    return replace(made, **more)  # type: ignore[arg-type]


def entry(number: int = 1, **more: object) -> Entry:
    made = Entry("c1", NOW + timedelta(seconds=number), "app", f"user:p{number}", f"Person {number}", "updateUser",
                 "success")  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_cycle_comes_back_as_it_was(history: History) -> None:
    one = cycle(commit="4f2c", counts={"done": 3}, trouble=Trouble("throttled", "too many", "wait"), held_digest="d")
    history.begin(one)
    assert history.last("app") == one
    done = replace(one, ended_at=NOW + timedelta(seconds=5), status="success", exit_code=0, requests=7)
    history.update(done)
    assert history.cycles() == [done]
    assert history.last("other") is None


def test_cycles_are_newest_first_and_filtered(history: History) -> None:
    made = [cycle(at=NOW + timedelta(hours=n), app=app) for n, app in enumerate(("a", "b", "a"))]
    for each in made:
        history.begin(each)
    assert history.cycles() == made[::-1]
    assert history.cycles("a") == [made[2], made[0]]
    assert history.cycles(limit=1) == [made[2]]
    assert history.cycles(since=NOW + timedelta(hours=1), before=NOW + timedelta(hours=2)) == [made[1]]


def test_who_left_a_cycle_running_is_gone(history: History) -> None:
    left, other = cycle(), cycle("other")
    history.begin(left)
    history.begin(other)
    later = NOW + timedelta(hours=1)
    assert history.abandon("app", later) == [replace(left, status="abandoned", ended_at=later)]
    assert history.last("other") == other


def test_an_entry_comes_back_as_it_was(history: History) -> None:
    one = entry(
        id="17", group="group:g", origin="drift", commit="4f2c", verified=True, status="failure",
        modified=(Modified("displayName", "a", None), Modified("emails", [{"value": "x"}], False)),
        steps=(LogStep(StepName.IMPORT, "success", "read"), LogStep(StepName.ACTION, "failure", "refused")),
        trouble=Trouble("conflict", "taken", "rename"),
    )  # fmt: skip
    history.write([one])
    assert list(history.log(LogFilter())) == [one]


def test_the_log_is_filtered(history: History) -> None:
    rows = [entry(n, status="failure" if n % 2 else "success") for n in range(1, 6)]
    history.write(rows)
    member = entry(9, group="group:g", action="addMembers", app="other", cycle="c2")
    history.write([member])

    def log(**wanted: Any) -> list[Entry]:
        return list(history.log(LogFilter(**wanted)))

    assert log() == [member, *rows[::-1]]
    assert log(newest_first=False, limit=2) == rows[:2]
    assert log(key="user:p3") == [rows[2]]
    assert log(key="group:g") == log(app="other") == log(action="addMembers") == log(cycle="c2") == [member]
    assert log(status="success") == [member, rows[3], rows[1]]
    assert log(since=rows[2].at, before=rows[4].at) == [rows[3], rows[2]]


def test_a_long_log_is_read_in_lots(history: History) -> None:
    history.write(entry(n) for n in range(2500))
    assert [each.key for each in history.log(LogFilter(limit=2100))] == [f"user:p{n}" for n in range(2499, 399, -1)]
    assert sum(1 for _ in history.log(LogFilter(newest_first=False))) == 2500


def test_entries_are_kept_all_or_none(history: History) -> None:
    def broken() -> Iterator[Entry]:
        yield from (entry(n) for n in range(1500))
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        history.write(broken())
    assert not list(history.log(LogFilter()))


def test_people_are_found_by_a_part_of_their_name(history: History) -> None:
    history.write([entry(1, name="Ada Lovelace"), entry(2, name="100% Ädel"), entry(3, name="Ada Byron", app="b")])
    assert history.people("ada") == [("user:p1", "Ada Lovelace"), ("user:p3", "Ada Byron")]
    assert history.people("ADA", app="b") == [("user:p3", "Ada Byron")]
    assert history.people("0%") == [("user:p2", "100% Ädel")]
    assert history.people("äDEL") == [("user:p2", "100% Ädel")]
    assert history.people("p_") == []


def test_quarantine_and_backoff(history: History) -> None:
    q = Quarantine("app", NOW, "credentials", "401", 1, NOW + timedelta(hours=6), "sha256:d")
    history.set_quarantine(q)
    history.set_quarantine(replace(q, attempts=2, next_attempt=None))
    assert history.quarantine("app") == replace(q, attempts=2, next_attempt=None)
    b = Backoff("app", "user:a", 1, NOW, NOW + timedelta(hours=6), removal=False, message="refused", content="x")
    history.set_backoffs("app", [b, replace(b, key="user:b")])
    history.set_backoffs("app", [replace(b, failures=2)], cleared=["user:b"])
    assert history.backoffs("app") == {"user:a": replace(b, failures=2)}
    history.restart("app")
    assert history.quarantine("app") is None
    assert history.backoffs("app") == {}
    history.set_quarantine(q)
    history.clear_quarantine("app")
    assert history.quarantine("app") is None


DIGEST = "sha256:" + "ab" * 32


def test_what_is_held_is_approved_once(history: History) -> None:
    held = Held("app", DIGEST, '{"plan": 1}', NOW)
    history.keep_held(held, "app")
    approved = history.approve(DIGEST[7:22].upper(), "ada", NOW)
    assert approved == replace(held, approved_by="ada", approved_at=NOW) == history.held("app")
    history.keep_held(replace(held, since=NOW + timedelta(hours=1)), "app")
    assert history.held("app") == approved, "the same keeps its time and its approval"
    history.used("app", DIGEST)
    assert history.held("app") == held
    history.approve(DIGEST, "ada", NOW)
    other = replace(held, digest="sha256:" + "cd" * 32)
    history.keep_held(other, "app")
    assert history.held("app") == other, "another one was not approved"
    history.keep_held(None, "app")
    assert history.held("app") is None


@pytest.mark.parametrize(
    ("digest", "says"),
    [("sha256:abab", "12 will do"), ("zz" * 20, "12 will do"), ("cd" * 32, "nothing with the digest")],
)
def test_approving_something_else_is_refused(history: History, digest: str, says: str) -> None:
    history.keep_held(Held("app", DIGEST, "{}", NOW), "app")
    with pytest.raises(HistoryError, match=says) as error:
        history.approve(digest, "ada", NOW)
    assert f"app holds {DIGEST}" in error.value.hint
    assert history.held("app") == Held("app", DIGEST, "{}", NOW)


def test_approving_where_two_apps_hold_the_same_or_nothing_is_held(history: History) -> None:
    with pytest.raises(HistoryError, match="nothing is held"):
        history.approve(DIGEST, "ada", NOW)
    for app in ("a", "b"):
        history.keep_held(Held(app, DIGEST[:-1] + app, "{}", NOW), app)
    with pytest.raises(HistoryError, match="in several apps: a, b"):
        history.approve(DIGEST[:40], "ada", NOW)


def test_a_notice_counts_when_it_was_delivered(history: History) -> None:
    failed = Notice("app", NOW, "held", DIGEST, "email", "connection refused")
    history.notice(failed)
    assert not history.noticed("app", "held", DIGEST)
    history.notice(replace(failed, channel="webhook", error=""))
    assert history.noticed("app", "held", DIGEST)
    assert not history.noticed("app", "recovered", DIGEST)
    assert history.notices() == history.notices("app") == [replace(failed, channel="webhook", error=""), failed]


def test_what_is_old_is_forgotten(history: History) -> None:
    old, running, new = cycle(), cycle(), cycle(at=NOW + timedelta(days=2))
    for each in (replace(old, status="success"), running, new):
        history.begin(each)
    history.write([entry(1), entry(2, at=NOW + timedelta(days=2))])
    assert history.prune(NOW + timedelta(days=1)) == 1
    assert {each.id for each in history.cycles()} == {running.id, new.id}
    assert [each.key for each in history.log(LogFilter())] == ["user:p2"]
    assert history.people("person") == [("user:p2", "Person 2")]


def test_what_was_kept_is_there_after_opening_again(history: History, url: str) -> None:
    one = cycle()
    history.begin(one)
    again = History.open(url)
    assert again.last("app") == one
    again.close()


def test_a_newer_history_is_refused(history: History, url: str) -> None:
    with history._engine.begin() as connection:
        connection.execute(text("UPDATE history_version SET version_num = '9999'"))
    with pytest.raises(HistoryError, match="newer version \\(9999"):
        History.open(url)


def test_the_migrations_make_the_tables(history: History) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from reconciler.service.history.tables import METADATA

    with history._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "history_version"})
        assert compare_metadata(context, METADATA) == []
        assert connection.execute(text("SELECT version_num FROM history_version")).scalar() == HEAD


def test_what_is_no_history_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(HistoryError, match="can't be"):
        History.open(f"sqlite:///{tmp_path / 'no.db'}")
    with pytest.raises(UsageError, match="--history: not the URL"):
        History.open("mysql://somewhere")


@pytest.mark.parametrize("newest", [True, False])
def test_a_long_log_of_some_days_is_read_in_lots(history: History, newest: bool) -> None:
    history.write(entry(n, at=NOW + timedelta(seconds=n // 3)) for n in range(2600))
    wanted = LogFilter(since=NOW + timedelta(seconds=1), newest_first=newest)
    keys = [f"user:p{n}" for n in range(3, 2600)]
    assert [each.key for each in history.log(wanted)] == (keys[::-1] if newest else keys)


def test_half_of_a_character_and_nul_are_kept_as_what_every_database_keeps(history: History) -> None:
    """JSON of servers may hold both, and what is kept is still found by the name that the server gives."""
    hostile = "a\ud800b\0c"
    step = LogStep(StepName.ACTION, "failure", hostile)
    made = entry(1, key=f"account:{hostile}", name=hostile, group=hostile, modified=(Modified("x", hostile, None),),
                 steps=(step,), trouble=Trouble("conflict", hostile, hostile))  # fmt: skip
    history.write([made])
    (found,) = history.log(LogFilter(key=f"account:{hostile}"))
    assert found.name == "a\ufffdb\ufffdc"
    assert found.modified[0].before is not None
    assert "\ud800" not in str(found)
    assert history.people(hostile) == [("account:a\ufffdb\ufffdc", "a\ufffdb\ufffdc")]
    history.update(cycle())
    history.write([made])
    assert len(list(history.log(LogFilter()))) == 2
