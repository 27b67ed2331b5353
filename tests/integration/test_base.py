"""`plan --base` over a real repository and a real server: a pull request is judged on what it does itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


class Merged:
    """The company in git, applied once, and the server that it is applied to."""

    def __init__(self, files: Company, sandbox: Sandbox, reconciler: Reconciler) -> None:
        self.files, self.sandbox, self.call = files, sandbox, reconciler
        self.git("init", "-q", "-b", "main")
        files.write(".gitignore", ".reconciler/\n")
        self.commit()

    def git(self, *arguments: str) -> str:
        who = {f"GIT_{role}_{what}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", "-C", str(self.files.root), *arguments], check=True, capture_output=True, text=True,
            env={**os.environ, **who, "GIT_CONFIG_NOSYSTEM": "1"},
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def plan(self, *options: object, base: str = "main") -> dict[str, Any]:
        called = self.call("plan", self.files.root, "--base", base, "--format", "json", *options)
        assert called.code == 0, called.err
        document: dict[str, Any] = called.document
        return document

    def text(self, *options: object) -> str:
        called = self.call("plan", self.files.root, "--base", "main", *options)
        assert called.code == 0, called.err
        return called.out


@pytest.fixture
def merged(company: Callable[..., Company], reconciler: Reconciler) -> Iterator[Merged]:
    box = Sandbox("hootsuite", rate=0)
    with running(box) as url:
        yield Merged(company(gallery="hootsuite", tenant=url), box, reconciler)


def came_from(document: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (change["action"], member.get("key", change["key"]), change["origin"])
        for change in document["changes"]
        for member in change.get("members") or [{}]
    }


def test_a_pull_request_beside_what_was_merged_and_what_somebody_did_in_the_app(merged: Merged) -> None:
    files, box = merged.files, merged.sandbox
    assert merged.call("apply", files.root, "--yes").code == 0
    box.edit_user(box.user_id("grace@contoso.com"), displayName="Meddled")
    box.edit_user(box.user_id("linus@contoso.com"), active=False)
    files.person("emmy.noether", "Emmy", "Noether")
    base = merged.commit()
    merged.git("switch", "-q", "-c", "topic")
    files.person("rosa.klein", "Rosa", "Klein")
    files.remove_person("charles.babbage")
    merged.commit()
    document = merged.plan()
    assert document["desired"]["base"] == base
    assert document["desired"]["commit"] == merged.git("rev-parse", "topic")
    assert came_from(document) == {
        ("createUser", "user:emmy.noether", "pending"),
        ("createUser", "user:rosa.klein", "thisChange"),
        ("deactivateUser", "user:charles.babbage", "thisChange"),
        ("removeMembers", "user:charles.babbage", "thisChange"),
        ("updateUser", "user:grace.hopper", "drift"),
        ("reactivateUser", "user:linus.byrne", "drift"),
    }
    text = merged.text()
    assert "rosa.klein" in text
    assert "charles.babbage" in text
    assert "emmy.noether" not in text
    assert "grace.hopper" not in text
    assert (
        "NOT OF THIS CHANGE: 1 merged before and not applied yet, 2 changed in the application (1 held)"
        " (--verbose lists them)" in text
    )
    assert "1 person gains access, 1 person loses access" in text
    verbose = merged.text("--verbose")
    assert verbose.index("rosa.klein") < verbose.index("NOT OF THIS CHANGE") < verbose.index("emmy.noether")
    assert "Perhaps an administrator." in verbose


def test_work_that_is_not_committed_is_of_this_change(merged: Merged) -> None:
    merged.files.person("rosa.klein", "Rosa", "Klein")
    found = came_from(merged.plan(base="HEAD"))
    assert ("createUser", "user:rosa.klein", "thisChange") in found
    assert ("createUser", "user:ada.lovelace", "pending") in found


def test_a_kept_plan_is_shown_with_its_base(merged: Merged, tmp_path: Path) -> None:
    merged.files.person("rosa.klein", "Rosa", "Klein")
    shown = merged.text("--out", tmp_path / "p.json")
    assert merged.call("show", tmp_path / "p.json").out.split("An apply needs")[0] == shown.split("An apply needs")[0]


def test_a_broken_base_stops_no_pull_request(merged: Merged) -> None:
    files = merged.files
    files.write("users/broken.yaml", "a: [")
    merged.commit()
    (files.root / "users" / "broken.yaml").unlink()
    document = merged.plan()
    assert {origin for _, _, origin in came_from(document)} == {"thisChange"}
    (note,) = [n["text"] for n in document["notes"] if n["code"] == "noBase"]
    assert "can't be used: 1 error in the desired state, the first: users/broken.yaml" in note
    assert note.endswith("everything counts as this change")
    assert "everything counts as this change" in merged.text()


def test_a_mapping_that_failed_then_stops_nothing(merged: Merged) -> None:
    merged.files.write("apps/app/mappings.yaml", "users: [{target: title, expression: 'Bogus('}]")
    merged.commit()
    (merged.files.root / "apps" / "app" / "mappings.yaml").unlink()
    assert "can't be used" in str([n for n in merged.plan()["notes"] if n["code"] == "noBase"])


@pytest.mark.parametrize("change", [{"tenantUrl": "https://elsewhere.example/v2"}, None])
def test_an_app_that_was_elsewhere_or_nowhere(merged: Merged, change: dict[str, Any] | None) -> None:
    files = merged.files
    kept = files.read("apps/app/app.yaml")
    if change is None:
        files.app_file.rename(files.root / "app.yaml.kept")
        files.app_file.parent.rmdir()
    else:
        files.edit_app(**change)
    merged.commit()
    files.write("apps/app/app.yaml", kept)
    document = merged.plan()
    assert {origin for _, _, origin in came_from(document)} == {"thisChange"}
    (note,) = [n["text"] for n in document["notes"] if n["code"] == "noBase"]
    assert ("there was no app app" if change is None else "the app was for https://elsewhere.example/v2") in note


def test_another_profile_at_the_base_is_discovered_as_today_s_is(merged: Merged) -> None:
    """The time zone has a default now; nothing is new of the groups."""
    merged.files.edit_app(gallery="scim")
    merged.commit()
    merged.files.edit_app(gallery="hootsuite")
    document = merged.plan()
    found = came_from(document)
    assert {origin for action, _, origin in found if action == "createUser"} == {"thisChange"}
    assert {origin for action, _, origin in found if action != "createUser"} == {"pending"}
    assert not [n for n in document["notes"] if n["code"] == "noBase"]


def test_a_mapping_that_goes_away_was_read_for_the_base_all_the_same(merged: Merged) -> None:
    files = merged.files
    files.write("apps/app/mappings.yaml", {"users": [{"target": "title", "source": "department"}]})
    merged.commit()
    assert merged.call("apply", files.root, "--yes").code == 0
    files.write("apps/app/mappings.yaml", {"users": [{"target": "nickName", "source": "givenName"}]})
    document = merged.plan()
    assert {c["origin"] for c in document["changes"]} == {"thisChange"}
    assert {tuple(c["set"]) for c in document["changes"]} == {("nickName",)}


def test_departures_that_only_the_base_knows(merged: Merged) -> None:
    files, box = merged.files, merged.sandbox
    assert merged.call("apply", files.root, "--yes").code == 0
    merged.commit()
    files.state_file.unlink()
    files.remove_person("charles.babbage")
    (leaves,) = [c for c in merged.plan()["changes"] if c["action"] == "deactivateUser"]
    assert leaves["key"] == "user:charles.babbage"
    assert leaves["held"] == [{"by": "stateMissing", "release": "deprovisionUsers=1"}]
    released = merged.plan("--allow", "deprovisionUsers=1")
    assert [c["held"] for c in released["changes"] if c["action"] == "deactivateUser"] == [[]]
    without = merged.call("plan", files.root, "--format", "json").document
    assert not [c for c in without["changes"] if c["action"] == "deactivateUser"]
    assert box.users[box.user_id("charles@contoso.com")]["active"]


@pytest.mark.parametrize("revision", ["nowhere", "--all", ""])
def test_a_revision_that_git_does_not_know(merged: Merged, revision: str) -> None:
    refused = merged.call("plan", merged.files.root, f"--base={revision}")
    assert refused.code == 64
    assert "revision" in refused.err


def test_outside_of_git(company: Callable[..., Company], reconciler: Reconciler) -> None:
    refused = reconciler("plan", company(gallery="hootsuite").root, "--base", "main")
    assert refused.code == 64
    assert "is in no git repository" in refused.err


def test_whoever_was_disabled_and_applied_and_is_enabled_again_is_wanted_anew(merged: Merged) -> None:
    """A pull request that answers: what somebody suspended is merged as disabled, and then as enabled."""
    files, box = merged.files, merged.sandbox
    assert merged.call("apply", files.root, "--yes").code == 0
    box.edit_user(box.user_id("ada@contoso.com"), active=False)
    files.edit_person("ada.lovelace", accountEnabled=False)
    assert merged.call("apply", files.root, "--yes").code == 0
    files.edit_person("ada.lovelace", accountEnabled=True)
    assert merged.call("apply", files.root, "--yes").code == 0
    assert box.users[box.user_id("ada@contoso.com")]["active"]


def test_a_membership_that_was_taken_out_of_git_and_comes_back_is_wanted_anew(merged: Merged) -> None:
    files, box = merged.files, merged.sandbox
    assert merged.call("apply", files.root, "--yes").code == 0
    group = box.group_id("Research")
    box.remove_member(group, box.user_id("ada@contoso.com"))
    members = files.members("research")
    files.edit_group("research", members=[m for m in members if m != "ada.lovelace"])
    assert merged.call("apply", files.root, "--yes").code == 0
    files.edit_group("research", members=members)
    assert merged.call("apply", files.root, "--yes").code == 0
    assert box.user_id("ada@contoso.com") in box.members(group)


def test_who_is_only_known_from_the_base_leaves_by_the_approved_plan(merged: Merged) -> None:
    """The memory was lost between: without the base nobody would know that they were ours."""
    files, box = merged.files, merged.sandbox
    assert merged.call("apply", files.root, "--yes").code == 0
    files.remove_person("charles.babbage")
    merged.commit()
    files.state_file.unlink()
    file = files.root.parent / "approved.json"
    assert merged.call("plan", files.root, "--base", "HEAD~1", "--out", file).code == 0
    held = merged.call("apply", files.root, "--plan", file, "--yes")
    assert held.code == 3, held.out + held.err
    assert box.users[box.user_id("charles@contoso.com")]["active"]
    files.state_file.unlink()
    called = merged.call("apply", files.root, "--plan", file, "--yes", "--allow", "deprovisionUsers=1")
    assert called.code == 0, called.out + called.err
    assert not box.users[box.user_id("charles@contoso.com")]["active"]
    assert merged.call("plan", files.root, "--detailed-exitcode").code == 0
