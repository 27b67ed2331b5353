"""The history from the command line: what plan, apply and drift write, what log tells, what erase takes out."""

from __future__ import annotations

import csv
import io
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.model.history import Entry, LogFilter
from reconciler.sandbox import Sandbox, running
from reconciler.service.history import History
from tests.conftest import Called, Company, build_company

Call = Callable[..., Called]
ADA = "user:ada.lovelace"


@pytest.fixture
def box() -> Sandbox:
    return Sandbox("scim", rate=0)


@pytest.fixture
def files(tmp_path: Path, box: Sandbox) -> Iterator[Company]:
    with running(box) as url:
        yield build_company(tmp_path / "state", gallery="scim", tenant=url)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/history.db"
    found = request.getfixturevalue("postgres")
    assert isinstance(found, str)
    return found


@pytest.fixture
def lite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/history.db"


def test_plan_apply_and_drift_are_cycles(files: Company, url: str, reconciler: Call) -> None:
    assert reconciler("plan", files.root, "--history", url).code == 0
    assert reconciler("apply", files.root, "--yes", "--history", url).code == 0
    files.edit_person("ada.lovelace", displayName="Countess Lovelace")
    assert reconciler("drift", files.root, "--history", url).code == 2
    history = History.open(url)
    drift, apply, plan = history.cycles()
    assert [(c.trigger, c.kind, c.status, c.exit_code) for c in (plan, apply, drift)] == [
        ("plan", "initial", "success", 0), ("apply", "initial", "success", 0), ("drift", "incremental", "success", 0),
    ]  # fmt: skip
    assert apply.counts["done"] == plan.counts["planned"] > 0
    assert drift.counts["planned"] == 1
    assert apply.journal
    assert Path(apply.journal).exists()
    assert apply.plan_digest.startswith("sha256:")
    assert apply.requests > plan.requests > 0
    (entry,) = history.log(LogFilter(cycle=drift.id))
    assert (entry.key, entry.status, entry.modified[0].path) == (ADA, "skipped", "displayName")
    history.close()


def test_without_the_option_nothing_is_written(files: Company, reconciler: Call) -> None:
    assert reconciler("apply", files.root, "--yes").code == 0
    assert not list(files.root.rglob("history.db"))
    called = reconciler("log", files.root)
    assert called.code == 64
    assert "there is no history yet" in called.err


def test_what_fails_as_a_whole_is_a_cycle_too(files: Company, lite: str, reconciler: Call, box: Sandbox) -> None:
    files.edit_app(tenantUrl="http://127.0.0.1:1/scim/v2")
    assert reconciler("plan", files.root, "--history", lite).code == 1
    history = History.open(lite)
    (cycle,) = history.cycles()
    assert (cycle.status, cycle.exit_code) == ("failure", 1)
    assert cycle.trouble is not None
    assert cycle.trouble.category == "notSent"
    history.close()


def test_nothing_is_applied_that_can_not_be_written_down(
    files: Company, reconciler: Call, tmp_path: Path, box: Sandbox
) -> None:
    (tmp_path / "history.db").write_bytes(b"no database at all" * 500)
    called = reconciler("apply", files.root, "--yes", "--history", f"sqlite:///{tmp_path}/history.db")
    assert called.code == 1
    assert "history" in called.err
    assert not [r for r in box.requests if r.method != "GET"]


def test_what_was_done_is_told_where_it_could_not_be_written_down(
    files: Company, lite: str, reconciler: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reconciler.errors import HistoryError

    def full(*_: object) -> None:
        raise HistoryError("the disk is full")

    monkeypatch.setattr(History, "write", full)
    called = reconciler("apply", files.root, "--yes", "--history", lite, "--format", "json")
    assert called.code == 1
    assert called.document["exitCode"] == 0
    assert "what came of it is not written down: the disk is full" in called.err


@pytest.fixture
def told(files: Company, lite: str, reconciler: Call, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setenv("RECONCILER_HISTORY", lite)
    assert reconciler("apply", files.root, "--yes").code == 0
    return files


def test_the_log_of_one_person(told: Company, reconciler: Call) -> None:
    called = reconciler("log", told.root, "--who", "lovelace", "--steps")
    assert called.code == 0
    assert "IMPORT  ✓ users/ada.lovelace.yaml:1" in called.out
    assert "ACTION  ✓ done, and read again" in called.out
    assert "grace" not in called.out
    document = reconciler("log", told.root, "--who", ADA, "--format", "json").document
    assert {each["key"] for each in document["entries"]} == {ADA}
    assert {each["name"] for entry in document["entries"] for each in entry["steps"]} == {
        "import", "scope", "match", "action",
    }  # fmt: skip


def test_the_log_is_filtered(told: Company, reconciler: Call) -> None:
    def keys(*options: str) -> list[str]:
        called = reconciler("log", told.root, "--format", "csv", *options)
        assert called.code == 0, called.err
        return [row["key"] for row in csv.DictReader(io.StringIO(called.out))]

    everything = keys()
    assert len(everything) > 10
    assert keys("--oldest-first") == everything[::-1]
    assert keys("--action", "createGroup") == [k for k in everything if k.startswith("group:")]
    assert set(keys("--who", "group:research", "--action", "addMembers")) == {
        "user:alan.turing", "user:mary.somerville", ADA,
    }  # fmt: skip
    assert keys("--status", "failure") == keys("--app", "other") == keys("--before", "1h") == keys("--cycle", "x") == []
    assert keys("--since", "1h") == keys("--since", "2020-01-01") == everything
    assert keys("--limit", "3") == everything[:3]
    limited = reconciler("log", told.root, "--limit", "3")
    assert limited.out.count("\n") == 3
    assert "there are more" in limited.err
    assert "nothing of that" in reconciler("log", told.root, "--app", "other").err


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--who", "nobody at all"), 1, "nobody in the history is called"),
        (("--who", "a"), 1, "may be several"),
        (("--since", "yesterday"), 64, "neither a time nor how long ago"),
        (("--limit", "0"), 64, "0 is not in the range"),
        (("--history", "postgresql://me:secret@127.0.0.1/x"), 64, "a password is no argument"),
        (("--history", "oracle://x"), 64, "not the URL of a database"),
    ],
)
def test_bad_questions(told: Company, reconciler: Call, options: tuple[str, ...], code: int, says: str) -> None:
    called = reconciler("log", told.root, *options)
    assert called.code == code
    assert says in called.err


def text_of(folder: Path) -> str:
    return "\n".join(each.read_text("utf-8") for each in sorted(folder.rglob("*")) if each.is_file())


def test_who_is_erased_is_in_no_journal_any_more(told: Company, lite: str, reconciler: Call) -> None:
    told.edit_person("ada.lovelace", displayName="Countess Lovelace")
    assert reconciler("apply", told.root, "--yes").code == 0
    called = reconciler("erase", ADA, told.root, "--yes")
    assert called.code == 64
    assert "is in the files" in called.err
    told.remove_person("ada.lovelace")
    assert reconciler("apply", told.root, "--yes").code == 0
    journals = told.root / ".reconciler" / "journals"
    assert "Countess Lovelace" in text_of(journals)
    before = {each.name: each.read_bytes().count(b"\n") for each in journals.glob("*.jsonl")}
    called = reconciler("erase", ADA, told.root, "--yes")
    assert called.code == 0, called.err
    pseudonym = called.out.split(" name ")[1].split()[0]
    left = text_of(journals).casefold()
    assert not [word for word in ("ada.lovelace", "countess", "ada@contoso.com", "ada lovelace") if word in left]
    assert left.count(pseudonym) > 3
    assert {each.name: each.read_bytes().count(b"\n") for each in journals.glob("*.jsonl")} == before
    assert "grace@contoso.com" in left
    rows = reconciler("log", told.root, "--who", pseudonym, "--format", "json").document["entries"]
    assert {each["action"] for each in rows} > {"createUser", "updateUser", "addMembers"}
    assert "lovelace" not in reconciler("log", told.root, "--format", "json").out.casefold()
    undone = reconciler("undo", max(journals.glob("*.jsonl")), told.root)
    assert undone.code != 0, "what was altered is not undone"


@pytest.mark.parametrize("who", ["ada.lovelace", "group:research", "user:", "user:erased-00000001"])
def test_only_people_are_erased(told: Company, reconciler: Call, who: str) -> None:
    assert reconciler("erase", who, told.root, "--yes").code == 64


def test_erasing_asks_and_waits_for_nobody_who_writes(told: Company, reconciler: Call) -> None:
    from reconciler.session import Settings, load, memories

    assert "nobody is there to confirm it" in reconciler("erase", "user:x", told.root).err
    settings = Settings(directory=told.root)
    loaded = load(settings)
    with memories(settings, loaded).hold("app", loaded.apps["app"].tenant_url):
        called = reconciler("erase", "user:x", told.root, "--yes")
    assert called.code == 1
    assert "is running" in called.err


def test_what_is_old_goes_with_the_next_cycle(told: Company, lite: str, reconciler: Call) -> None:
    history = History.open(lite)
    old = datetime.now(UTC) - timedelta(days=40)
    history.write([Entry("c0", old, "app", "user:gone", "Gone", "deleteUser", "success")])
    assert reconciler("plan", told.root).code == 0
    assert history.people("gone")
    told.write("reconciler.yaml", {"history": {"keep": "30d"}})
    assert reconciler("plan", told.root).code == 0
    assert not history.people("gone")
    assert history.people("ada")
    history.close()


@pytest.mark.parametrize("keep", ["1d", "a year", "-5d"])
def test_a_span_that_can_not_be_used(told: Company, reconciler: Call, keep: str) -> None:
    told.write("reconciler.yaml", {"history": {"keep": keep}})
    called = reconciler("validate", told.root)
    assert called.code == 1
    assert "reconciler.yaml:2" in called.err + called.out


WRITER = """
import sys
from datetime import UTC, datetime
from reconciler.model.history import Entry
from reconciler.service.history import History
history = History.open(sys.argv[1])
print("begun", flush=True)
n = 0
while True:
    now = datetime.now(UTC)
    history.write(Entry(f"c{n}", now, "app", f"user:{k}", "X", "updateUser", "success") for k in range(50))
    n += 1
"""


def test_who_writes_may_be_killed(lite: str) -> None:
    for moment in (0.05, 0.11, 0.23):
        other = subprocess.Popen([sys.executable, "-c", WRITER, lite], stdout=subprocess.PIPE, text=True)
        assert other.stdout
        assert other.stdout.readline() == "begun\n"
        time.sleep(moment)
        other.send_signal(signal.SIGKILL)
        other.wait()
        other.stdout.close()
    history = History.open(lite)
    with history._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        rows = connection.exec_driver_sql("SELECT count(*) FROM entries GROUP BY cycle")
        assert all(count % 50 == 0 for (count,) in rows), "all or none of each cycle"
    history.close()
