"""The memory in a git ref: several clones, one memory, one lock; nothing is overwritten by whoever lost a race."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconciler.errors import Locked, StateError, UsageError
from reconciler.model.state import Binding, Revocation, State
from reconciler.state import GitStates, Repository, remembered_in_git
from reconciler.state import shared as shared_module
from reconciler.state.git import GitFailed, Unreachable, run
from tests.state.conftest import HERE, git

THERE = "https://scim.example.org/v2"
REF = "refs/reconciler/chat"
REVOCATION = Revocation(reason="a lost laptop", at="2026-11-23T17:00:00Z", by="ada", until=None)
Make = Callable[..., GitStates]


def state(commit: str = "4f2c1e7", url: str = HERE) -> State:
    binding = Binding(id="1", since="2026-11-23T17:00:00Z", commit=commit, active=True)
    return State(app="chat", tenant_url=url, commit=commit, applied_at="2026-11-23T17:00:00Z",
                 bindings={"user:ada": binding})  # fmt: skip


@pytest.fixture(autouse=True)
def _no_machine_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clones stand for two machines: the lock of one machine is not what is tried here."""

    @contextmanager
    def free(_url: str) -> Iterator[None]:
        yield

    monkeypatch.setattr(shared_module, "tenant_lock", free)
    monkeypatch.setattr(shared_module, "is_locked", lambda _url: False)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class TestSharing:
    def test_where_there_is_none_it_is_fresh_and_nothing_is_written(self, states_of: Make, remote: Path) -> None:
        assert states_of("a").load("chat", HERE).fresh
        assert REF not in git(remote, "for-each-ref")

    def test_a_desired_state_in_a_folder_of_the_repository_reads_and_writes(self, clone: Callable[..., Path]) -> None:
        folders = [clone(name) / "access" / "desired-state" for name in ("a", "b")]
        for folder in folders:
            folder.mkdir(parents=True)
        below, other = (GitStates(Repository(folder), folder / ".reconciler") for folder in folders)
        with below.hold("chat", HERE):
            assert below.load("chat", HERE).fresh
            below.save(state())
        assert other.load("chat", HERE) == state()

    def test_a_shallow_clone_reads_and_writes(self, states_of: Make) -> None:
        states_of("a").save(state())
        shallow = states_of("b", "--depth=1")
        found = shallow.load("chat", HERE)
        found.commit = "next"
        shallow.save(found)
        assert states_of("c").load("chat", HERE).commit == "next"
        assert shallow.repository.shallow

    def test_the_memory_does_not_grow_with_each_save(self, states_of: Make, remote: Path) -> None:
        states = states_of("a")
        for number in range(3):
            states.save(state(str(number)))
        assert git(remote, "rev-list", "--count", REF) == "1"
        assert git(remote, "ls-tree", "--name-only", REF) == "state.json"

    def test_work_tree_index_and_fetch_head_are_left_alone(self, states_of: Make, clone: Callable[..., Path]) -> None:
        states_of("a").save(state())
        folder = clone("b")
        (folder / "file.txt").write_text("being edited", encoding="utf-8")
        git(folder, "add", "file.txt")
        (folder / "file.txt").write_text("and edited on", encoding="utf-8")
        before = git(folder, "status", "--porcelain"), git(folder, "for-each-ref"), git(folder, "diff", "--cached")
        states = GitStates(Repository(folder), folder / ".reconciler")
        states.save(states.load("chat", HERE))
        assert (git(folder, "status", "--porcelain"), git(folder, "for-each-ref"),
                git(folder, "diff", "--cached")) == before  # fmt: skip
        assert not (folder / ".git" / "FETCH_HEAD").exists()

    def test_hooks_of_the_clone_are_not_run(self, states_of: Make) -> None:
        states = states_of("a")
        hook = states.repository.folder / ".git" / "hooks" / "pre-push"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        hook.chmod(0o755)
        states.save(state())
        assert states_of("b").load("chat", HERE).commit == "4f2c1e7"

    def test_the_apps_that_git_remembers(self, states_of: Make) -> None:
        states = states_of("a")
        states.save(state())
        states.save(State(app="wiki", tenant_url=THERE))
        assert remembered_in_git(states_of("b").repository) == {"chat", "wiki"}

    def test_a_lock_without_a_memory_leaves_nothing_behind(self, states_of: Make, remote: Path) -> None:
        with states_of("a").hold("chat", HERE):
            assert git(remote, "ls-tree", "--name-only", REF) == "lock.json"
        assert REF not in git(remote, "for-each-ref")

    def test_a_ref_of_ones_own(self, states_of: Make, remote: Path) -> None:
        states_of("a", ref="refs/heads/memory-of-APP").save(state())
        assert "refs/heads/memory-of-chat" in git(remote, "for-each-ref")

    @pytest.mark.parametrize("ref", ["main", "refs/reconciler/a..b", "refs/x.lock"])
    def test_what_is_no_ref(self, states_of: Make, ref: str) -> None:
        with pytest.raises(UsageError, match="ref"):
            states_of("a", ref=ref).load("chat", HERE)


class TestTrouble:
    def test_a_remote_that_is_gone(self, states_of: Make, remote: Path) -> None:
        states = states_of("a")
        remote.rename(remote.with_suffix(".away"))
        for act in (lambda: states.load("chat", HERE), lambda: states.busy("chat", HERE)):
            with pytest.raises(Unreachable, match="the remote origin can't be read"):
                act()
        with pytest.raises(Unreachable), states.hold("chat", HERE):
            pytest.fail("without the remote there is no lock")

    def test_a_remote_that_goes_away_at_the_end_costs_only_the_lock(self, states_of: Make, remote: Path) -> None:
        states = states_of("a")
        with states.hold("chat", HERE):
            states.save(state())
            remote.rename(remote.with_suffix(".away"))
        remote.with_suffix(".away").rename(remote)
        assert states.load("chat", HERE).commit == "4f2c1e7"
        assert states.busy("chat", HERE)  # until its time is over

    def test_a_remote_that_takes_no_such_push(self, states_of: Make, remote: Path) -> None:
        hook = remote / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho 'only admins may' >&2\nexit 1\n", encoding="utf-8")
        hook.chmod(0o755)
        with pytest.raises(StateError, match="does not take refs/reconciler/chat") as caught:
            states_of("a").save(state())
        assert "permission" in caught.value.hint

    def test_an_answer_that_was_lost_is_looked_up(self, states_of: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        states = states_of("a")
        pushed = states.repository._push

        def breaks(*arguments: Any) -> None:
            pushed(*arguments)
            raise GitFailed("the connection broke")

        monkeypatch.setattr(states.repository, "_push", breaks)
        states.save(state())
        assert states_of("b").load("chat", HERE).commit == "4f2c1e7"

    def test_no_remote_at_all_works_alike_and_is_told(self, states_of: Make) -> None:
        folder = states_of("a").repository.folder
        git(folder, "remote", "remove", "origin")
        one, two = (GitStates(Repository(folder), folder / ".reconciler") for _ in range(2))
        assert "this clone alone" in one.notes[0]
        assert one.load("chat", HERE).fresh
        with one.hold("chat", HERE):
            one.save(state())
            with pytest.raises(Locked), two.hold("chat", HERE):
                pytest.fail("two at a time")
        assert two.load("chat", HERE) == state()
        slow = two.load("chat", HERE)
        one.save(state("next"))
        with pytest.raises(Locked):
            two.save(slow)
        assert git(folder, "rev-list", "--count", REF) == "1"

    def test_several_remotes_and_none_is_origin(self, states_of: Make) -> None:
        folder = states_of("a").repository.folder
        git(folder, "remote", "rename", "origin", "one")
        assert Repository(folder).remote == "one"
        git(folder, "remote", "add", "two", "https://git.example.com/two.git")
        with pytest.raises(StateError, match="none of the remotes one, two is called origin"):
            Repository(folder)

    def test_outside_of_git(self, tmp_path: Path) -> None:
        with pytest.raises(StateError, match="in no git repository") as caught:
            Repository(tmp_path)
        assert "state: file" in caught.value.hint

    @pytest.mark.parametrize("what", ["a branch", "a blob", "an empty tree"])
    def test_a_ref_that_points_to_something_else(self, states_of: Make, remote: Path, what: str) -> None:
        other = {
            "a branch": lambda: git(remote, "rev-parse", "main"),
            "a blob": lambda: git(remote, "rev-parse", "main:file.txt"),
            "an empty tree": lambda: git(remote, "rev-parse", "main^{tree}"),
        }[what]()
        git(remote, "update-ref", REF, other)
        with pytest.raises(StateError, match="is no memory of an app") as caught:
            states_of("a").load("chat", HERE)
        assert f"git push origin :{REF}" in caught.value.hint

    @pytest.mark.parametrize(
        ("content", "message"),
        [(b"{", "can't be read"), (b'{"format": "reconciler.state/2"}', "reconciler.state/2"),
         (b'{"format": "reconciler.state/1"}', "damaged at app"),
         (orjson.dumps(state().model_dump(mode="json", by_alias=True) | {"app": "wiki"}), "of app wiki")],
    )  # fmt: skip
    def test_a_damaged_memory(self, states_of: Make, content: bytes, message: str) -> None:
        states = states_of("a")
        repository = states.repository
        repository.swap(REF, None, repository.commit({"state.json": repository.store(content)}, "damaged"))
        with pytest.raises(StateError, match=message) as caught:
            states.load("chat", HERE)
        assert REF in str(caught.value)

    def test_a_damaged_lock_says_what_to_do(self, states_of: Make) -> None:
        states = states_of("a")
        repository = states.repository
        repository.swap(REF, None, repository.commit({"lock.json": repository.store(b"{}")}, "damaged"))
        with pytest.raises(StateError, match="the lock can't be read") as caught, states.hold("chat", HERE):
            pytest.fail("nobody knows who has it")
        assert f"git push origin :{REF}" in caught.value.hint

    def test_somebody_pushes_over_it_while_an_apply_runs(self, states_of: Make, remote: Path) -> None:
        states = states_of("a")
        with states.hold("chat", HERE):
            states.save(state())
            git(remote, "update-ref", "-d", REF)
            with pytest.raises(Locked, match="not ours any more"):
                states.save(state("next"))
        assert REF not in git(remote, "for-each-ref")

    def test_it_is_pushed_over_with_something_else(self, states_of: Make, remote: Path) -> None:
        states = states_of("a")
        states.save(state())
        git(remote, "update-ref", REF, git(remote, "rev-parse", "main"))
        with pytest.raises(StateError, match="no memory of an app"):
            states.save(state("next"))


class TestGitItself:
    def test_a_call_that_hangs_ends_with_all_that_it_started(self) -> None:
        began = time.monotonic()
        with pytest.raises(GitFailed, match=r"did not end within 0\.3 seconds"):
            run(["sh", "-c", "sleep 30 & wait", "x"], given=b"", seconds=0.3)
        assert time.monotonic() - began < 10

    def test_nobody_is_asked(self) -> None:
        told = run(["sh", "-c", 'echo "$GIT_TERMINAL_PROMPT$GIT_DIR"; tty || true'], given=b"", seconds=10).decode()
        assert told.splitlines() == ["0", "not a tty"]

    def test_a_password_in_an_address_is_not_repeated(self) -> None:
        with pytest.raises(GitFailed) as caught:
            run(["sh", "-c", "echo fatal: https://ada:hunter2@git.example.com/x >&2; exit 1"], given=b"", seconds=10)
        assert "hunter2" not in str(caught.value)
        assert "git.example.com" in str(caught.value)

    def test_without_git_it_is_said(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(StateError, match="git can't be run"):
            Repository(tmp_path)

    def test_a_hook_of_another_repository_leads_nowhere_else(
        self, states_of: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        states = states_of("a")
        monkeypatch.setenv("GIT_DIR", str(tmp_path))
        monkeypatch.setenv("GIT_INDEX_FILE", os.devnull)
        states.save(state())
        assert states.load("chat", HERE) == state()
