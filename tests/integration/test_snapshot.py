"""Plans without the application: on what was read of it earlier, or on the files of another revision alone."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from reconciler.sandbox import Sandbox, running
from tests.conftest import TOKEN

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


def git(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True,
        env={**os.environ, **who, "GIT_CONFIG_NOSYSTEM": "1"},
    )  # fmt: skip
    return done.stdout.strip()


class Repository:
    """The company in git, applied once; and the way to plan it where there is neither network nor secret."""

    def __init__(self, files: Company, sandbox: Sandbox, reconciler: Reconciler, patch: pytest.MonkeyPatch) -> None:
        self.files, self.sandbox, self.call, self.patch = files, sandbox, reconciler, patch
        git(files.root, "init", "-q", "-b", "main")
        files.write(".gitignore", ".reconciler/\n")
        self.commit()

    def commit(self) -> str:
        git(self.files.root, "add", "-A")
        git(self.files.root, "commit", "-q", "--allow-empty", "-m", "x")
        return git(self.files.root, "rev-parse", "HEAD")

    def branch(self) -> None:
        git(self.files.root, "switch", "-q", "-c", "topic")

    def blind(self, *arguments: object, root: Path | None = None) -> Called:
        """Where nothing can be asked: no request goes out, and the secret is not there."""
        command, *rest = arguments
        with self.patch.context() as patch:
            patch.delenv(TOKEN, raising=False)
            patch.setattr("reconciler.http.Client.send", _must_not)
            patch.setattr("reconciler.cli.identity.identity_of", _must_not)
            return self.call(command, root or self.files.root, *rest)

    def plan(self, *options: object, root: Path | None = None) -> dict[str, Any]:
        called = self.blind("plan", "--format", "json", *options, root=root)
        assert called.code == 0, called.err
        document: dict[str, Any] = called.document
        return document

    def live(self, *options: object) -> dict[str, Any]:
        called = self.call("plan", self.files.root, "--format", "json", *options)
        assert called.code == 0, called.err
        document: dict[str, Any] = called.document
        return document

    @property
    def kept(self) -> Path:
        return self.files.root / ".reconciler" / "app.snapshot.json.gz"


def _must_not(*_arguments: object, **_more: object) -> object:
    message = "nothing may be asked here"
    raise AssertionError(message)


@pytest.fixture(params=["hootsuite", "scim"])
def gallery(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def merged(
    company: Callable[..., Company], reconciler: Reconciler, gallery: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Repository]:
    box = Sandbox(gallery, rate=0)
    with running(box) as url:
        yield Repository(company(gallery=gallery, tenant=url), box, reconciler, monkeypatch)


def codes(document: dict[str, Any]) -> set[str]:
    return {note["code"] for note in document["notes"]}


def rows(document: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (change["action"], member.get("key", change["key"]), change["origin"])
        for change in document["changes"]
        for member in change.get("members") or [{}]
    }


def a_change(repository: Repository) -> None:
    """Somebody joins, somebody leaves, somebody is called otherwise, somebody changes groups."""
    files = repository.files
    files.person("rosa.klein", "Rosa", "Klein")
    files.edit_group("research", members=[*files.members("research"), "rosa.klein"])
    files.remove_person("charles.babbage")
    files.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    files.edit_group("social-media", members=["grace.hopper", {"group": "agencies"}])
    repository.commit()


def test_what_was_read_gives_the_same_plan_without_a_request_and_without_the_secret(merged: Repository) -> None:
    assert merged.call("apply", merged.files.root, "--yes").code == 0
    assert merged.call("snapshot", merged.files.root).code == 0
    merged.branch()
    a_change(merged)
    live, kept = merged.live("--base", "main"), merged.plan("--base", "main", "--snapshot", "state")
    assert kept["changesDigest"] == live["changesDigest"]
    assert rows(kept) == rows(live)
    assert {origin for _, _, origin in rows(kept)} == {"thisChange"}
    assert kept["live"]["source"] == "snapshot"
    assert "source" not in live["live"]
    assert kept["live"]["digest"] == live["live"]["digest"]
    assert codes(kept) - codes(live) == {"snapshotAge"}


def test_files_alone_give_what_this_change_would_do(merged: Repository) -> None:
    assert merged.call("apply", merged.files.root, "--yes").code == 0
    merged.branch()
    a_change(merged)
    live, files = merged.live("--base", "main"), merged.plan("--base", "main", "--offline")
    assert rows(files) == rows(live)
    assert files["live"]["source"] == "files"
    assert codes(files) == {"offline"}
    assert {c["name"] for c in files["changes"]} == {c["name"] for c in live["changes"]}


def document_of(content: bytes) -> dict[str, Any]:
    found = orjson.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    assert isinstance(found, dict)
    return found


def test_what_an_apply_leaves_is_what_a_reading_finds(merged: Repository, tmp_path: Path) -> None:
    assert merged.call("apply", merged.files.root, "--yes").code == 0
    a_change(merged)
    merged.files.group("crew", "Crew", ["ada.lovelace", "rosa.klein"])
    merged.files.remove_group("agencies")
    assert merged.call("apply", merged.files.root, "--yes").code in (0, 3)
    left = document_of(merged.kept.read_bytes())
    assert merged.call("snapshot", merged.files.root, "--out", tmp_path / "s.json").code == 0
    found = document_of((tmp_path / "s.json").read_bytes())
    for each in (left, found):
        del each["readAt"], each["digest"]
    assert left == found
