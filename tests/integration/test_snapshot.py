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
            patch.setattr("reconciler.session.identity.identity_of", _must_not)
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


FEW: dict[str, Any] = {"rate": {"perSecond": None}, "paging": {"count": 1}}
"""Small pages, so that looking for somebody costs less than listing all."""


def test_what_an_apply_of_few_people_leaves_moves_on_what_was_kept(merged: Repository, tmp_path: Path) -> None:
    """Only they were read; of all others what was read before still counts."""
    merged.files.edit_app(profile=FEW)
    assert merged.call("apply", merged.files.root, "--yes").code == 0
    a_change(merged)
    assert merged.call("apply", merged.files.root, "--yes", "--only", "user:rosa.klein").code == 0
    left = document_of(merged.kept.read_bytes())
    assert merged.plan("--snapshot", "state")["changesDigest"] == merged.live()["changesDigest"]
    assert merged.live()["changes"] != []
    assert merged.call("snapshot", merged.files.root, "--out", tmp_path / "s.json").code == 0
    found = document_of((tmp_path / "s.json").read_bytes())
    for each in (left, found):
        del each["readAt"], each["digest"]
    assert left == found


def test_an_apply_of_few_people_keeps_nothing_where_nothing_was_kept(merged: Repository) -> None:
    merged.files.edit_app(profile=FEW)
    assert merged.call("apply", merged.files.root, "--yes").code == 0
    merged.kept.unlink()
    a_change(merged)
    assert merged.call("apply", merged.files.root, "--yes", "--only", "user:rosa.klein").code == 0
    assert not merged.kept.exists()


def test_a_clone_of_a_fork_that_is_shallow_plans_with_git_alone(merged: Repository, tmp_path: Path) -> None:
    files = merged.files
    files.write("reconciler.yaml", {"state": "git"})
    merged.commit()
    bare = tmp_path / "base.git"
    git(tmp_path, "clone", "-q", "--bare", str(files.root), str(bare))
    git(files.root, "remote", "add", "origin", str(bare))
    assert merged.call("apply", files.root, "--yes").code == 0
    fork, clone = tmp_path / "fork.git", tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--bare", str(bare), str(fork))
    subprocess.run(["git", "--git-dir", str(fork), "update-ref", "-d", "refs/reconciler/app"], check=True)
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{fork}", str(clone))
    git(clone, "remote", "add", "upstream", f"file://{bare}")
    plan = merged.plan("--snapshot", "state", root=clone)
    assert plan["changes"] == []
    assert plan["live"]["source"] == "snapshot"


def test_drift_and_rehearse_and_explain_need_no_application(merged: Repository) -> None:
    assert merged.call("apply", merged.files.root, "--yes").code == 0
    assert merged.blind("drift", "--snapshot", "state").code == 0
    merged.files.person("rosa.klein", "Rosa", "Klein")
    assert merged.blind("drift", "--snapshot", "state").code == 2
    explained = merged.call("explain", "user:rosa.klein", merged.files.root, "--snapshot", "state")
    assert (explained.code, "createUser" in explained.out or "new account" in explained.out) == (0, True)
    rehearsed = merged.call("rehearse", merged.files.root, "--snapshot", "state")
    assert (rehearsed.code, rehearsed.err) == (0, "")


def test_without_a_snapshot_files_are_compared_and_without_a_base_nothing_is(merged: Repository) -> None:
    merged.branch()
    a_change(merged)
    refused = merged.blind("plan", "--snapshot", "state")
    assert refused.code == 1
    assert "nothing was read yet" in refused.err
    assert "reconciler snapshot" in refused.err
    plan = merged.plan("--snapshot", "state", "--base", "main")
    assert plan["live"]["source"] == "files"
    assert "nothing was read yet" in next(n["text"] for n in plan["notes"] if n["code"] == "offline")


def test_a_plan_of_files_alone_can_not_be_applied_and_one_of_a_snapshot_can(merged: Repository, tmp_path: Path) -> None:
    assert merged.call("apply", merged.files.root, "--yes").code == 0
    merged.branch()
    a_change(merged)
    saved = tmp_path / "p.json"
    merged.plan("--offline", "--base", "main", "--out", saved)
    refused = merged.call("apply", merged.files.root, "--yes", "--plan", saved)
    assert refused.code == 1
    assert "files alone" in refused.err
    merged.plan("--snapshot", "state", "--base", "main", "--out", saved)
    assert merged.call("apply", merged.files.root, "--yes", "--plan", saved).code in (0, 3)
    assert merged.plan("--snapshot", "state")["changes"] == merged.live()["changes"]


def test_another_tenant_has_no_snapshot_and_the_plan_says_so(merged: Repository) -> None:
    assert merged.call("apply", merged.files.root, "--yes").code == 0
    merged.branch()
    merged.files.edit_app(tenantUrl="http://127.0.0.1:9/scim/v2")
    merged.commit()
    plan = merged.plan("--snapshot", "state", "--base", "main")
    assert plan["live"]["source"] == "files"
    assert {"tenantChanged", "offline", "noBase"} <= codes(plan)


def test_what_was_not_read_is_told_and_removes_nobody(merged: Repository) -> None:
    files = merged.files
    assert merged.call("apply", files.root, "--yes").code == 0
    files.remove_person("charles.babbage")
    merged.call("state", "forget", files.root, "--yes")
    files.edit_app(unmanaged={"users": "deprovision"}, guardrails={"actsAs": "ada@contoso.com"})
    merged.commit()
    assert merged.call("drift", files.root).code == 3
    assert any(c["action"] == "deactivateUser" for c in merged.plan("--snapshot", "state")["changes"])
    files.edit_app(ignore={"users": [{"attribute": "title", "operator": "EQUALS", "value": "Robot"}]})
    plan = merged.plan("--snapshot", "state")
    assert any("title" in note["text"] for note in plan["notes"] if note["code"] == "snapshotLacks")
    assert not [c for c in plan["changes"] if c["action"] in ("deactivateUser", "deleteUser", "removeMembers")]


def test_a_mapping_of_what_was_not_read_is_told_and_not_planned(merged: Repository) -> None:
    assert merged.call("apply", merged.files.root, "--yes").code == 0
    merged.files.write("apps/app/mappings.yaml", {"users": [{"source": "department", "target": "title"}]})
    plan = merged.plan("--snapshot", "state")
    assert plan["changes"] == []
    assert "snapshotLacks" in codes(plan)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda c: c[:100], "damaged"),
        (lambda c: b"{", "can't be read"),
        (lambda c: gzip.compress(gzip.decompress(c).replace(b"Hopper", b"Popper")), "altered"),
        (lambda c: gzip.compress(gzip.decompress(c).replace(b"snapshot/1", b"snapshot/2", 1)), "use that one"),
        (lambda c: gzip.compress(gzip.decompress(c).replace(b"userPaths", b"userPlaces", 1)), "damaged at"),
        (lambda c: b"[]", "no snapshot"),
    ],
)
def test_what_can_not_be_believed_is_refused(
    merged: Repository, wrong: Callable[[bytes], bytes], message: str, tmp_path: Path
) -> None:
    assert merged.call("apply", merged.files.root, "--yes").code == 0
    (tmp_path / "s").write_bytes(wrong(merged.kept.read_bytes()))
    refused = merged.blind("plan", "--snapshot", tmp_path / "s")
    assert refused.code == 1
    assert message in refused.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--offline",), "--base REV"),
        (("--offline", "--base", "main", "--snapshot", "state"), "leave one of them out"),
    ],
)
def test_options_that_say_nothing_together(merged: Repository, options: tuple[str, ...], message: str) -> None:
    refused = merged.blind("plan", *options)
    assert refused.code == 64
    assert message in refused.err


def test_the_same_reading_gives_the_same_bytes_and_no_redacted_value(merged: Repository, tmp_path: Path) -> None:
    redact = {"expression": "Redact([displayName])", "target": "displayName"}
    merged.files.write("apps/app/mappings.yaml", {"users": [redact]})
    assert merged.call("apply", merged.files.root, "--yes").code == 0
    assert b"Grace Hopper" not in gzip.decompress(merged.kept.read_bytes())
    plan = merged.plan("--snapshot", "state")
    assert plan["changes"] == []
    assert "snapshotLacks" in codes(plan)


def test_what_this_change_loosens_is_told(merged: Repository) -> None:
    files = merged.files
    files.edit_app(guardrails={"deprovisionUsers": {"count": 1}, "protected": {"users": ["ada.lovelace"]}})
    merged.commit()
    merged.branch()
    files.edit_app(guardrails={"deprovisionUsers": {"count": 9}}, deprovision={"users": "keep"})
    merged.commit()
    plan = merged.plan("--offline", "--base", "main")
    told = {note["text"].partition(".")[0:3][2] for note in plan["notes"] if note["code"] == "guardrailLoosened"}
    assert told == {
        (
            "deprovisionUsers: count 1 and 10 %, ignoreBelow 5 → count 9 and 10 %, ignoreBelow 5. "
            "Until this is applied, the stricter one holds"
        ),
        "protected.users: ada.lovelace → nothing. Until this is applied, the stricter one holds",
        "users: deactivate → keep",
    }
