"""Asked for, merged, applied, verified absent; and the folder, the list and the calendar for those who look later."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import time_machine

from reconciler.model.history import Cycle, Entry
from reconciler.service.history import History
from tests.evidence.conftest import GRACE, Reconciler, Repository

NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def repository(repository: Repository) -> Repository:
    """Ada left on the tenth, Linus on the nineteenth."""
    repository.company.edit_person("ada.lovelace", accountEnabled=False)
    repository.commit("ada leaves", "2026-10-10T10:00:00Z", by=GRACE, written="2026-10-09T10:00:00Z")
    repository.company.edit_person("linus.byrne", accountEnabled=False)
    repository.commit("linus leaves", "2026-10-19T20:00:00Z")
    return repository


@pytest.fixture
def history(repository: Repository) -> Iterator[History]:
    found = History.open(f"sqlite:///{repository.root / '.reconciler' / 'history.db'}")
    yield found
    found.close()


def done(key: str, at: datetime, *, verified: bool = True, status: Any = "success") -> Entry:
    return Entry("c", at, "app", key, key, "deactivateUser", status, verified=verified)


def found(reconciler: Reconciler, repository: Repository, *more: str) -> dict[str, dict[str, Any]]:
    called = reconciler("access", "leavers", repository.root, *more, "--format", "json")
    assert called.code in (0, 2), called.err
    return {row["person"].removeprefix("user:"): row for row in called.document["rows"]}


def test_intent_alone(repository: Repository, reconciler: Reconciler) -> None:
    rows = found(reconciler, repository)
    assert list(rows) == ["ada.lovelace", "linus.byrne"]
    ada = rows["ada.lovelace"]
    assert (ada["requested"], ada["merged"]) == ("2026-10-09T10:00:00Z", "2026-10-10T10:00:00Z")
    assert (ada["applied"], ada["author"]) == (None, GRACE)
    assert list(found(reconciler, repository, "--since", "2026-10-15")) == ["linus.byrne"]
    assert list(found(reconciler, repository, "--user", "ada.lovelace")) == ["ada.lovelace"]
    refused = reconciler("access", "leavers", repository.root, "--sla", "24h")
    assert refused.code == 64
    assert "there is no history yet" in refused.err


def test_in_time(repository: Repository, history: History, reconciler: Reconciler) -> None:
    at = datetime(2026, 10, 10, 10, 30, tzinfo=UTC)
    history.write([done("user:ada.lovelace", at), done("user:linus.byrne", NOW - timedelta(hours=1))])
    rows = found(reconciler, repository, "--sla", "24h")
    assert rows["ada.lovelace"]["applied"] == rows["ada.lovelace"]["verifiedAbsent"] == "2026-10-10T10:30:00Z"
    assert {row["late"] for row in rows.values()} == {"no"}
    called = reconciler("access", "leavers", repository.root, "--sla", "24h")
    assert called.code == 0
    assert called.out.endswith("2 lost access, 0 of them late\n")


def test_late_and_still_there(repository: Repository, history: History, reconciler: Reconciler) -> None:
    history.write([
        done("user:ada.lovelace", datetime(2026, 10, 10, 11, tzinfo=UTC), status="failure"),
        done("user:ada.lovelace", datetime(2026, 10, 12, tzinfo=UTC), verified=False),
    ])  # fmt: skip
    rows = found(reconciler, repository, "--sla", "1d")
    assert (rows["ada.lovelace"]["late"], rows["ada.lovelace"]["applied"]) == ("yes", "2026-10-12T00:00:00Z")
    assert rows["linus.byrne"]["late"] == "no", "not yet"
    assert found(reconciler, repository, "--sla", "2h")["linus.byrne"]["late"] == "yes", "still there"
    called = reconciler("access", "leavers", repository.root, "--sla", "2h")
    assert called.code == 2
    assert "✗ late" in called.out


def test_an_earlier_departure_proves_nothing_about_a_later_one(
    repository: Repository, history: History, reconciler: Reconciler
) -> None:
    repository.company.edit_person("ada.lovelace", accountEnabled=True)
    repository.commit("ada is back", "2026-10-12T10:00:00Z")
    repository.company.edit_person("ada.lovelace", accountEnabled=False)
    repository.commit("ada leaves again", "2026-10-15T10:00:00Z", written="2026-10-09T10:00:00Z")
    first, back = datetime(2026, 10, 10, 11, tzinfo=UTC), datetime(2026, 10, 12, 11, tzinfo=UTC)
    history.write([
        done("user:ada.lovelace", first),
        Entry("c", back, "app", "user:ada.lovelace", "Ada", "reactivateUser", "success"),
    ])  # fmt: skip
    called = reconciler(
        "access", "leavers", repository.root, "--user", "ada.lovelace", "--sla", "1d", "--format", "json"
    )
    assert called.code == 2
    told = [(row["merged"], row["applied"], row["late"]) for row in called.document["rows"]]
    assert told == [
        ("2026-10-10T10:00:00Z", "2026-10-10T11:00:00Z", "no"),
        ("2026-10-15T10:00:00Z", None, "yes"),
    ]


def test_absence_is_proved_by_the_next_whole_reading(
    repository: Repository, history: History, reconciler: Reconciler
) -> None:
    at = datetime(2026, 10, 10, 11, tzinfo=UTC)
    history.write([done("user:ada.lovelace", at, verified=False)])
    for hours, status in ((1, "failure"), (2, "success")):
        begun = at + timedelta(hours=hours)
        history.begin(Cycle(f"c{hours}", "app", "http://127.0.0.1:9/scim/v2", "run", "incremental", begun,
                            begun + timedelta(minutes=1), status))  # type: ignore[arg-type]  # fmt: skip
    assert found(reconciler, repository)["ada.lovelace"]["verifiedAbsent"] == "2026-10-10T13:01:00Z"


def test_a_window_that_closes_is_a_departure_too(repository: Repository, reconciler: Reconciler) -> None:
    repository.company.edit_person("alan.turing", until="2026-10-19")
    repository.commit("a contract", "2026-10-12T10:00:00Z")
    row = found(reconciler, repository)["alan.turing"]
    assert (row["merged"], row["requested"], row["commit"]) == ("2026-10-20T00:00:00Z", None, None)


def test_a_wrong_sla(repository: Repository, reconciler: Reconciler) -> None:
    called = reconciler("access", "leavers", repository.root, "--sla", "soon")
    assert called.code == 64
    assert "--sla soon: not an interval" in called.err


def exported(repository: Repository, reconciler: Reconciler, out: Path, *more: object) -> dict[str, bytes]:
    called = reconciler("access", "export", repository.root, "--out", out, "--on", "2026-10-20T12:00:00Z", *more)
    assert called.code == 0, called.err
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_the_folder_of_evidence(
    repository: Repository, history: History, reconciler: Reconciler, tmp_path: Path
) -> None:
    (repository.root / ".reconciler" / "journals").mkdir(parents=True, exist_ok=True)
    (repository.root / ".reconciler" / "journals" / "app-1.jsonl").write_text("{}\n")
    files = exported(repository, reconciler, tmp_path / "one")
    assert set(files) == {
        "MANIFEST.json", "SHA256SUMS", "access.csv", "access.json", "changes.csv", "changes.json", "leavers.csv",
        "leavers.json", "review.md", "journals/app-1.jsonl",
    }  # fmt: skip
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256(files[name]).hexdigest() == digest
    manifest = orjson.loads(files["MANIFEST.json"])
    assert manifest["commit"] == repository.git("rev-parse", "HEAD")
    assert {each["name"] for each in manifest["files"]} == set(files) - {"MANIFEST.json", "SHA256SUMS"}
    assert files == exported(repository, reconciler, tmp_path / "two"), "the same bytes"
    again = reconciler("access", "export", repository.root, "--out", tmp_path / "one")
    assert again.code == 64
    assert "is there already" in again.err


def test_the_signature_is_one_that_openssl_knows(
    repository: Repository, history: History, reconciler: Reconciler, tmp_path: Path
) -> None:
    key, public, out = tmp_path / "key.pem", tmp_path / "public.pem", tmp_path / "out"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
    exported(repository, reconciler, out, "--sign", key)
    check = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", out / "SHA256SUMS",
             "-sigfile", out / "SHA256SUMS.sig"]  # fmt: skip
    assert subprocess.run([str(each) for each in check], capture_output=True, check=False).returncode == 0
    (out / "SHA256SUMS").write_bytes(b"something else")
    assert subprocess.run([str(each) for each in check], capture_output=True, check=False).returncode != 0


def test_the_review_list(repository: Repository, reconciler: Reconciler) -> None:
    repository.company.edit_person("alan.turing", manager="grace.hopper")
    repository.company.edit_person("mary.somerville", manager="grace.hopper", displayName="M`]( @all")
    repository.commit("managers", "2026-10-15T10:00:00Z")
    text = reconciler("access", "review", repository.root).out
    assert text.index("grace.hopper") < text.index("Without a manager")
    assert "- [ ] Alan Turing (`user:alan.turing`): app: Research, since 2026-10-01 10:00, without an end" in text
    assert "``M`](`` `@all`" in text, text
    called = reconciler("access", "review", repository.root, "--manager", "grace.hopper", "--format", "json")
    assert {row["person"] for row in called.document["rows"]} == {"user:alan.turing", "user:mary.somerville"}


def test_the_calendar(repository: Repository, reconciler: Reconciler) -> None:
    member = {"user": "charles.babbage", "from": "2026-11-10", "until": "2026-12-20", "reason": "cover; a, b" * 20}
    repository.company.edit_group("research", members=["alan.turing", member])
    repository.company.edit_person("mary.somerville", until="2026-10-31T15:00:00Z")
    repository.commit("windows", "2026-10-15T10:00:00Z")
    called = reconciler("access", "calendar", repository.root)
    assert called.code == 0, called.err
    lines = called.out.split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert all(len(line.encode()) <= 75 for line in lines)
    unfolded = called.out.replace("\r\n ", "").split("\r\n")
    assert "SUMMARY:Charles Babbage: Research in app starts" in unfolded
    assert "SUMMARY:Charles Babbage: Research in app ends" in unfolded
    assert {"DTSTART;VALUE=DATE:20261110", "DTSTART;VALUE=DATE:20261220", "DTEND;VALUE=DATE:20261221"} <= set(unfolded)
    assert "DTSTART:20261031T150000Z" in unfolded
    assert "DTSTAMP:20261015T100000Z" in unfolded
    assert any(line.startswith("DESCRIPTION:cover\\; a\\, b") for line in unfolded)
    uids = [line for line in unfolded if line.startswith("UID:")]
    assert len(uids) == len(set(uids)) == 3
    assert called.out == reconciler("access", "calendar", repository.root).out
    assert "Charles" not in reconciler("access", "calendar", repository.root, "--days", "5").out
