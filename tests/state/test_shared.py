"""The memory at a place that several machines share: one memory and one lock, and no write is lost in a race."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconciler.errors import Locked, StateError
from reconciler.model.state import Binding, Revocation, State
from reconciler.state import GitStates, Repository
from reconciler.state import shared as shared_module
from reconciler.state.database import DatabaseStates
from reconciler.state.lease import LEASE, SKEW
from reconciler.state.process import this_process
from reconciler.state.shared import Head, SharedStates
from tests.state.conftest import HERE

THERE = "https://scim.example.org/v2"
REVOCATION = Revocation(reason="a lost laptop", at="2026-11-23T17:00:00Z", by="ada", until=None)
Make = Callable[..., SharedStates]
HOLDER = """
import sys
from pathlib import Path
from reconciler.state import GitStates, Repository
kind, where, folder, tenant = sys.argv[1:]
if kind == "git":
    states = GitStates(Repository(Path(where)), Path(folder))
else:
    from reconciler.state.database import DatabaseStates
    states = DatabaseStates(where, Path(folder))
with states.hold("chat", tenant):
    print("held", flush=True)
    sys.stdin.read()
"""


class Place:
    """place("a"): the memories as one machine sees them; each has a folder of its own for journals."""

    def __init__(self, kind: str, where: Callable[[str], str], tmp_path: Path) -> None:
        self.kind = kind
        self.where = where
        self.tmp_path = tmp_path

    def __call__(self, name: str, **keys: Any) -> SharedStates:
        folder = self.tmp_path / f"journals-{name}"
        if self.kind == "git":
            return GitStates(Repository(Path(self.where(name))), folder, **keys)
        return DatabaseStates(self.where(name), folder, **keys)

    def place(self, name: str) -> list[str]:
        return [self.kind, self.where(name), str(self.tmp_path / f"journals-{name}")]


@pytest.fixture(params=["git", "sqlite", "postgresql"])
def states_of(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "git":
        clone = request.getfixturevalue("clone")
        return Place("git", lambda name: str(clone(name)), tmp_path)
    if request.param == "sqlite":
        return Place("database", lambda _: f"sqlite:///{tmp_path}/shared/memory.db", tmp_path)
    url = request.getfixturevalue("postgres")
    return Place("database", lambda _: url, tmp_path)


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
    def test_where_there_is_none_it_is_fresh_and_nothing_is_written(self, states_of: Make) -> None:
        states = states_of("a")
        assert states.load("chat", HERE).fresh
        assert states.foreign("chat", HERE) is None
        assert states.kept("chat") is None
        assert states_of("b")._look("chat") == Head()

    def test_what_one_machine_saves_another_reads(self, states_of: Make) -> None:
        states_of("a").save(state())
        found = states_of("b").load("chat", HERE)
        assert found == state()
        assert not found.fresh

    def test_one_app_is_not_another(self, states_of: Make) -> None:
        states = states_of("a")
        states.save(state())
        wiki = State(app="wiki", tenant_url=THERE, commit="of the wiki", applied_at="2026-11-23T17:00:00Z")
        states.save(wiki)
        again = states_of("b")
        assert again.load("wiki", THERE) == wiki
        assert again.load("chat", HERE) == state()
        with states.hold("chat", HERE):
            assert not again.busy("wiki", THERE)

    def test_another_tenant_is_kept_aside_and_found_again(self, states_of: Make) -> None:
        states = states_of("a")
        states.save(state())
        assert states.foreign("chat", THERE) == HERE
        assert states.foreign("chat", HERE) is None
        states.save(state("other", THERE))
        again = states_of("b")
        assert again.load("chat", HERE) == state()
        assert again.load("chat", THERE).commit == "other"

    def test_to_and_fro(self, states_of: Make) -> None:
        states = states_of("a")
        for number in range(3):
            for url in (HERE, THERE):
                found = states.load("chat", url)
                found.commit = f"{url} {number}"
                states.save(found)
        again = states_of("b")
        assert again.load("chat", HERE).commit == f"{HERE} 2"
        assert again.load("chat", THERE).commit == f"{THERE} 2"

    def test_what_was_read_is_kept_beside_it(self, states_of: Make) -> None:
        one, two = states_of("a"), states_of("b")
        one.load("chat", HERE)
        assert one.keep("chat", HERE, b"what was read")
        assert two.kept("chat") == b"what was read"
        assert two.load("chat", HERE).fresh
        with two.hold("chat", HERE):
            assert not one.keep("chat", HERE, b"while an apply runs")
            two.save(state())
            assert two.keep("chat", HERE, b"by the apply", ours=True)
        assert states_of("c").kept("chat") == b"by the apply"
        assert not one.keep("chat", HERE, b"before the memory moved")
        one.load("chat", HERE)
        assert one.keep("chat", HERE, None)
        assert states_of("d").kept("chat") is None
        assert two.load("chat", HERE) == state()


class TestRaces:
    def test_without_the_lock_whoever_read_before_another_saved_overwrites_nothing(self, states_of: Make) -> None:
        one, two = states_of("a"), states_of("b")
        slow = one.load("chat", HERE)
        two.load("chat", HERE)
        two.save(state("of two"))
        with pytest.raises(Locked, match="was written by somebody else") as caught:
            one.save(slow)
        assert "run again" in caught.value.hint
        assert two.load("chat", HERE).commit == "of two"

    def test_a_second_apply_is_refused_by_name_and_goes_on_afterwards(self, states_of: Make) -> None:
        one, two = states_of("a"), states_of("b")
        with one.hold("chat", HERE):
            assert two.busy("chat", HERE)
            with pytest.raises(Locked, match="another apply is running: ") as caught, two.hold("chat", HERE):
                pytest.fail("two at a time")
            assert "ends by itself at" in caught.value.hint
            one.save(state())
        assert not two.busy("chat", HERE)
        with two.hold("chat", HERE):
            assert two.load("chat", HERE).commit == "4f2c1e7"

    def test_a_lock_without_a_memory_leaves_nothing_behind(self, states_of: Make) -> None:
        one, two = states_of("a"), states_of("b")
        with one.hold("chat", HERE):
            assert two._look("chat").files.keys() == {"lock.json"}
        assert two._look("chat") == Head()

    def test_of_many_at_once_one_gets_the_lock(self, states_of: Make) -> None:
        runners = [states_of(name) for name in "abcd"]
        got: list[str] = []
        ready = threading.Barrier(len(runners))

        def apply(states: SharedStates) -> None:
            ready.wait()
            try:
                with states.hold("chat", HERE):
                    got.append("held")
                    time.sleep(1)
            except Locked:
                got.append("refused")

        threads = [threading.Thread(target=apply, args=(states,)) for states in runners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == ["held", "refused", "refused", "refused"]

    def test_an_expired_lease_is_taken_over_and_who_lost_it_overwrites_nothing(self, states_of: Make) -> None:
        clock = Clock()
        dead, next_one = states_of("a", clock=clock), states_of("b", clock=clock)
        with dead.hold("chat", HERE):
            mine = dead.load("chat", HERE)
            clock.now += LEASE
            with pytest.raises(Locked), next_one.hold("chat", HERE):
                pytest.fail("the clocks of two machines may differ")
            clock.now += SKEW + timedelta(seconds=1)
            with next_one.hold("chat", HERE):
                next_one.save(state("of the next one"))
                mine.commit = "of the dead one"
                with pytest.raises(Locked, match="not ours any more") as caught:
                    dead.save(mine)
                assert "journal" in caught.value.hint
            assert not dead.renew("chat")
        assert states_of("c").load("chat", HERE).commit == "of the next one"

    @pytest.mark.skipif(this_process() is None, reason="this system does not tell which process it is")
    def test_the_lease_of_a_process_that_was_killed_is_taken_over_at_once(self, states_of: Make) -> None:
        next_one = states_of("b")
        command = [sys.executable, "-c", HOLDER, *states_of.place("killed"), HERE]  # type: ignore[attr-defined]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as killed:
            assert killed.stdout is not None
            assert killed.stdout.readline() == b"held\n"
            assert next_one.busy("chat", HERE)
            with pytest.raises(Locked), next_one.hold("chat", HERE):
                pytest.fail("it runs")
            killed.kill()
        assert not next_one.busy("chat", HERE)
        with next_one.hold("chat", HERE):
            next_one.save(state())

    def test_saves_and_renewals_extend_the_lease(self, states_of: Make) -> None:
        clock = Clock()
        one, two = states_of("a", clock=clock), states_of("b", clock=clock)
        with one.hold("chat", HERE):
            for step in (lambda: one.save(state()), lambda: one.renew("chat")):
                clock.now += LEASE
                step()
            clock.now += LEASE
            assert two.busy("chat", HERE)

    def test_the_lease_is_renewed_by_itself(self, states_of: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shared_module, "RENEW", timedelta(seconds=0.05))
        states, other = states_of("a"), states_of("b")

        def lease() -> dict[str, Any]:
            head = other._look("chat")
            return dict(orjson.loads(other._blob("chat", head.files["lock.json"])))

        with states.hold("chat", HERE):
            first = lease()["until"]
            deadline = time.monotonic() + 20
            while lease()["until"] == first and time.monotonic() < deadline:
                time.sleep(0.2)
            assert lease()["until"] > first
            assert lease().keys() == {"format", "who", "host", "since", "until", "token", "process"}

    @pytest.mark.parametrize("trouble", [StateError("away for a moment"), Locked("written by many at once")])
    def test_a_renewal_that_fails_is_tried_again(
        self, states_of: Make, monkeypatch: pytest.MonkeyPatch, trouble: Exception
    ) -> None:
        monkeypatch.setattr(shared_module, "RENEW", timedelta(seconds=0.01))
        states = states_of("a")
        renew, calls, again = states.renew, 0, threading.Event()

        def fails_once(app: str) -> bool:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise trouble
            again.set()
            return renew(app)

        monkeypatch.setattr(states, "renew", fails_once)
        with states.hold("chat", HERE):
            assert again.wait(20)

    def test_a_revocation_meanwhile_is_not_lost(self, states_of: Make) -> None:
        apply, revoke = states_of("a"), states_of("b")
        apply.save(state())
        with apply.hold("chat", HERE):
            mine = apply.load("chat", HERE)

            def add(there: State) -> None:
                there.revocations["user:ada"] = Revocation(**REVOCATION, accounts=["1"])

            revoke.revise("chat", HERE, add)
            mine.commit = "applied"
            apply.save(mine)
            apply.renew("chat")
        found = states_of("c").load("chat", HERE)
        assert found.commit == "applied"
        assert found.revocations.keys() == {"user:ada"}
        assert found.bindings["user:ada"]["active"] is False  # what was revoked was left so by us

    def test_a_release_meanwhile_is_not_undone(self, states_of: Make) -> None:
        apply, release = states_of("a"), states_of("b")
        before = state()
        before.revocations = {"user:ada": REVOCATION}
        apply.save(before)
        with apply.hold("chat", HERE):
            mine = apply.load("chat", HERE)
            release.revise("chat", HERE, lambda there: there.revocations.clear())
            apply.save(mine)
        assert states_of("c").load("chat", HERE).revocations == {}
