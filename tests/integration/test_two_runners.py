"""Two runners on one PostgreSQL: one works, the other takes over when it is killed, and no change is made twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy import text

from reconciler.sandbox import Sandbox, running
from reconciler.service.history import History
from reconciler.state.engine import engine_of, parsed
from tests.conftest import TOKEN, Called, Company, build_company

PEOPLE = 40
CONCURRENT = 16
"""Requests that a runner has under way at most, in this profile."""
SECONDS = 90.0
"""For what takes a few."""
RUN = """
import reconciler.service.runner as runner
from reconciler.cli import main

asked = runner.Runner._taken

async def told(*arguments):
    found = await asked(*arguments)
    print("has the lock" if found else "waits for the other", flush=True)
    return found

runner.Runner._taken = told
runner.STANDBY_SECONDS = 0.2
runner.SOON_SECONDS = 1.0
main()
"""
"""`reconciler`, as it is installed; only that it says who has the lock, and tries again sooner."""


class Machine:
    """A work tree and locks of its own, as on a machine of its own."""

    def __init__(self, folder: Path, company: Company, url: str, stack: ExitStack) -> None:
        self.root = folder / "access"
        shutil.copytree(company.root, self.root)
        self.log = folder / "log"
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "RECONCILER_STATE": url,
            "RECONCILER_HISTORY": url,
            TOKEN: "secret-of-the-tests",
            "NO_COLOR": "1",
        }
        self._stack = stack
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        log: IO[bytes] = self._stack.enter_context(self.log.open("ab"))
        command = [sys.executable, "-c", RUN, "run", str(self.root), *options]
        process = subprocess.Popen(command, cwd=self.root, env=self._environ, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, start_new_session=True)  # fmt: skip
        self._stack.callback(_end, process)
        self.process = process
        return process

    def told(self) -> str:
        return self.log.read_text(encoding="utf-8")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait(SECONDS)


@contextmanager
def _opened(url: str) -> Iterator[History]:
    history = History.open(url)
    try:
        yield history
    finally:
        history.close()


def until(what: Callable[[], object], *machines: Machine) -> None:
    end = time.monotonic() + SECONDS
    while not what():
        given_up = time.monotonic() > end or any(m.process is not None and m.process.poll() for m in machines)
        assert not given_up, "\n".join(machine.told() for machine in machines)
        time.sleep(0.02)


@pytest.fixture
def box() -> Sandbox:
    """Slow enough to be in the middle of something."""
    return Sandbox("scim", rate=0, latency=0.05)


@pytest.fixture
def company(box: Sandbox, tmp_path: Path) -> Iterator[Company]:
    with running(box) as url:
        made = build_company(tmp_path / "state", gallery="scim", tenant=url)
        for number in range(PEOPLE):
            address = f"person.{number:02}@contoso.com"
            made.person(f"person.{number:02}", "Person", f"Number {number}", userPrincipalName=address, mail=address)
        made.edit_group("research", members=[f"person.{number:02}" for number in range(PEOPLE)])
        yield made


@pytest.fixture
def machines(company: Company, postgres: str, tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    with ExitStack() as stack:
        first, second = (Machine(tmp_path / name, company, postgres, stack) for name in ("first", "second"))
        yield first, second


def created(box: Sandbox) -> list[str]:
    """The userName of every account that was asked for."""
    return [r.json["userName"] for r in list(box.requests) if (r.method, r.path.rstrip("/")[-6:]) == ("POST", "/Users")]


def nothing_was_done_twice(box: Sandbox) -> None:
    assert [name for name, number in Counter(created(box)).items() if number > 1] == []
    written = Counter((r.method, r.path, str(r.json)) for r in box.requests if r.method != "GET")
    assert [request for request, number in written.items() if number > 1] == []
    assert {r.method for r in box.requests} <= {"GET", "POST", "PUT", "PATCH"}  # and nothing was deleted


def test_one_is_killed_in_the_middle_and_the_other_goes_on(
    machines: tuple[Machine, Machine], box: Sandbox, company: Company, postgres: str,
    reconciler: Callable[..., Called], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    one, two = machines
    with _opened(postgres) as history:
        killed = one.start()
        until(lambda: len(created(box)) > PEOPLE // 4, one)
        os.kill(killed.pid, signal.SIGSTOP)  # in the middle of it, and its connections stay
        waiting = two.start()
        until(lambda: two.told().count("waits for the other") > 3, two)
        begun = len(created(box))
        assert begun < PEOPLE, "it was not stopped in the middle"
        assert [cycle.status for cycle in history.cycles("app")] == ["running"]
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait(SECONDS)
        until(lambda: [c for c in history.cycles("app") if c.status == "success"], two)
        assert "has the lock" in two.told()
        waiting.terminate()
        assert waiting.wait(SECONDS) == 0, two.told()
        cycles = history.cycles("app")

    assert [cycle.status for cycle in cycles] == ["success", "abandoned"]
    assert cycles[0].journal is not None
    assert cycles[0].journal.startswith(str(two.root))
    nothing_was_done_twice(box)
    everybody = box.members(box.group_id("Research"))
    assert len(everybody) == PEOPLE
    monkeypatch.setenv("RECONCILER_STATE", postgres)
    planned = reconciler("plan", two.root, "--format", "json")
    assert planned.document["changes"] == [], planned.err


def test_the_other_one_only_waits_and_leaves_when_it_is_told(
    machines: tuple[Machine, Machine], box: Sandbox, postgres: str
) -> None:
    one, two = machines
    with _opened(postgres) as history:
        first = one.start("--interval", "1m")
        until(lambda: [c for c in history.cycles("app") if c.status == "success"], one)
        before = len(box.requests)
        second = two.start("--interval", "1m")
        once = two.start("--once")
        assert once.wait(SECONDS) == 1, two.told()
        assert "another runner does the cycles of this app" in two.told()
        assert len(box.requests) == before
        second.terminate()
        assert second.wait(SECONDS) == 0, two.told()
        first.terminate()
        assert first.wait(SECONDS) == 0, one.told()
        assert len(history.cycles("app")) == 1


def test_when_the_database_forgets_who_runs_the_memory_does_not(
    machines: tuple[Machine, Machine], box: Sandbox, postgres: str
) -> None:
    """Its connection was cut while it was in the middle: the lock of the runner is gone, the app's lease is not."""
    one, two = machines
    with _opened(postgres) as history:
        cut_off = one.start("--interval", "1h")
        until(lambda: len(created(box)) > PEOPLE // 4, one)
        os.kill(cut_off.pid, signal.SIGSTOP)
        with engine_of(parsed(postgres)).connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"))
        begun = len(created(box))
        assert begun < PEOPLE, "it was not stopped in the middle"
        waiting = two.start("--interval", "1h")
        until(lambda: [c for c in history.cycles("app") if c.trouble and c.trouble.category == "Locked"], two)
        assert "has the lock" in two.told()
        assert "another apply is running" in two.told()
        assert len(created(box)) <= begun + CONCURRENT  # what the stopped one had sent already
        os.kill(cut_off.pid, signal.SIGCONT)
        until(lambda: "waits for the other" in one.told(), one, two)
        until(lambda: [c for c in history.cycles("app") if c.status == "success"], one, two)
        for process in (cut_off, waiting):
            process.terminate()
            assert process.wait(SECONDS) == 0, one.told() + two.told()
    nothing_was_done_twice(box)
    assert len(box.members(box.group_id("Research"))) == PEOPLE
