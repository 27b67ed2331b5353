"""`reconciler run` as a process: signals, SIGKILL in the middle of a cycle, two runners, exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from reconciler.sandbox import Sandbox
from reconciler.service.history import History

if TYPE_CHECKING:
    from tests.conftest import Called, Company

PEOPLE = 40
SECONDS = 60.0


class Process:
    """`reconciler run`, whose stderr is read line by line."""

    def __init__(self, root: Path, *arguments: str) -> None:
        self.log: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "run", str(root), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
        )  # fmt: skip

    def until(self, event: str) -> dict[str, Any]:
        """The first line of that event; everything before it is read."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(orjson.loads(line))
            if self.log[-1]["event"] == event:
                return self.log[-1]
        pytest.fail(f"it ended without {event!r}: {self.log}")

    def end(self) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=SECONDS)
        self.log += [orjson.loads(line) for line in err.splitlines()]
        return self.process.returncode, out

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.log]


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    begun: list[Process] = []

    def make(root: Path, *arguments: str) -> Process:
        begun.append(Process(root, *arguments))
        return begun[-1]

    yield make
    for each in begun:
        if each.process.poll() is None:
            each.kill()


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox("scim", rate=0, latency=0.02)


@pytest.fixture
def crowd(site: Company) -> Company:
    for number in range(PEOPLE):
        site.person(f"p{number:02}", "Given", f"Surname{number}")
    return site


def until_written(sandbox: Sandbox, number: int = 5) -> None:
    end = time.monotonic() + SECONDS
    while sum(1 for r in sandbox.requests if r.method == "POST") < number:
        assert time.monotonic() < end
        time.sleep(0.005)


def cycles(root: Path) -> list[Any]:
    history = History.open(f"sqlite:///{root / '.reconciler' / 'history.db'}")
    try:
        return history.cycles()
    finally:
        history.close()


def nobody_twice(sandbox: Sandbox) -> None:
    names = [user["userName"] for user in sandbox.users.values()]
    assert len(names) == len(set(names))
    creations = [r.json["userName"] for r in sandbox.requests if r.method == "POST" and r.path == "/Users"]
    assert len(creations) == len(set(creations))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_between_two_cycles_a_signal_ends_it_at_once(
    start: Callable[..., Process], site: Company, number: int, code: int
) -> None:
    process = start(site.root)
    process.until("cycle ended")
    process.process.send_signal(number)
    assert process.end()[0] == code
    assert [each.status for each in cycles(site.root)] == ["success"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_in_a_cycle_what_is_being_written_is_finished_and_the_next_start_goes_on(
    start: Callable[..., Process], crowd: Company, sandbox: Sandbox, number: int, code: int
) -> None:
    crowd.edit_app(canary=0)
    process = start(crowd.root)
    process.until("cycle begins")
    until_written(sandbox)
    process.process.send_signal(number)
    ended, _ = process.end()
    assert ended == code
    (cycle,) = cycles(crowd.root)
    assert cycle.status == "interrupted"
    assert 0 < cycle.counts["done"] < PEOPLE
    assert cycle.counts["skipped"] > 0
    assert crowd.journals()[-1]["event"] == "end"
    tried = {line["step"] for line in crowd.journals() if line["event"] == "try"}
    assert tried == {line["step"] for line in crowd.journals() if line["event"] == "done"}
    again = start(crowd.root)
    assert again.until("cycle ended")["status"] == "success"
    again.process.send_signal(signal.SIGTERM)
    assert again.end()[0] == 0
    nobody_twice(sandbox)


def test_a_second_signal_ends_at_once(start: Callable[..., Process], crowd: Company, sandbox: Sandbox) -> None:
    crowd.edit_app(canary=0)
    process = start(crowd.root)
    process.until("cycle begins")
    until_written(sandbox)
    sandbox.latency = 20.0
    time.sleep(0.2)
    begun = time.monotonic()
    process.process.send_signal(signal.SIGTERM)
    process.until("stopping: what is being written is finished; once more: at once")
    process.process.send_signal(signal.SIGTERM)
    assert process.end()[0] == 0
    assert time.monotonic() - begun < 15
    assert crowd.journals()[-1]["event"] in ("aborted", "end")
    sandbox.latency = 0.0
    assert [each.status for each in cycles(crowd.root)] == ["interrupted"]


def test_killed_in_the_middle_of_a_cycle_the_next_start_continues(
    start: Callable[..., Process], crowd: Company, sandbox: Sandbox
) -> None:
    crowd.edit_app(canary=0)
    for _ in range(2):
        process = start(crowd.root)
        process.until("cycle begins")
        until_written(sandbox, sum(1 for r in sandbox.requests if r.method == "POST") + 8)
        process.kill()
    again = start(crowd.root)
    told = again.until("a cycle was abandoned: whoever ran it is gone")
    assert Path(told["journal"]).exists()
    assert again.until("cycle ended")["status"] == "success"
    again.process.send_signal(signal.SIGTERM)
    assert again.end()[0] == 0
    assert [each.status for each in cycles(crowd.root)] == ["success", "abandoned", "abandoned"]
    assert len(sandbox.users) == PEOPLE + 6 + 1
    nobody_twice(sandbox)


def test_of_two_runners_one_stands_by_and_takes_over(
    start: Callable[..., Process], crowd: Company, sandbox: Sandbox
) -> None:
    first = start(crowd.root, "--interval", "2s")
    first.until("cycle ended")
    second = start(crowd.root, "--interval", "2s")
    second.until("another runner does the cycles of this app: standing by")
    first.kill()
    begun = time.monotonic()
    second.until("the other runner is gone: its app is taken over")
    assert second.until("cycle ended")["status"] == "success"
    assert time.monotonic() - begun < 45
    second.process.send_signal(signal.SIGTERM)
    assert second.end()[0] == 0
    nobody_twice(sandbox)


def test_with_a_database_for_all_the_second_takes_over_in_the_middle(
    start: Callable[..., Process], crowd: Company, sandbox: Sandbox, postgres: str
) -> None:
    """Memory, lease, history and lock in PostgreSQL; the first is killed while it writes."""
    crowd.edit_app(canary=0)
    places = ("--state", postgres, "--history", postgres)
    first = start(crowd.root, *places)
    first.until("cycle begins")
    until_written(sandbox)
    sandbox.latency = 8.0  # while the second one begins
    second = start(crowd.root, *places)
    second.until("another runner does the cycles of this app: standing by")
    first.kill()
    sandbox.latency = 0.0
    second.until("the other runner is gone: its app is taken over")
    second.until("a cycle was abandoned: whoever ran it is gone")
    ended = second.until("cycle ended")
    while ended["status"] != "success":  # the lease of the first may not be over at once
        assert "trouble" in ended
        ended = second.until("cycle ended")
    second.process.send_signal(signal.SIGTERM)
    assert second.end()[0] == 0
    assert len(sandbox.users) == PEOPLE + 6 + 1
    nobody_twice(sandbox)


def test_once_beside_a_runner_leaves(
    start: Callable[..., Process], site: Company, reconciler: Callable[..., Called]
) -> None:
    first = start(site.root)
    first.until("cycle ended")
    called = reconciler("run", site.root, "--once")
    assert called.code == 1
    assert "another runner does the cycles of this app" in called.err
    first.process.send_signal(signal.SIGTERM)
    assert first.end()[0] == 0


def looked_at(url: str) -> str:
    """What is answered, once it is ready."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            if error.code != 503 or time.monotonic() > end:
                raise
            time.sleep(0.05)


def test_the_page_is_served_beside_the_cycles(start: Callable[..., Process], site: Company) -> None:
    process = start(site.root, "--serve", "127.0.0.1:0")
    url = process.until("serving")["url"]
    process.until("cycle ended")
    for path, text in (("healthz", "ok"), ("readyz", "ready"), ("", "app"), ("metrics", "reconciler_")):
        assert text in looked_at(f"{url}{path}")
    process.process.send_signal(signal.SIGTERM)
    assert process.end()[0] == 0


def test_once_says_a_line_an_app_and_ends_as_apply_does(
    site: Company, sandbox: Sandbox, reconciler: Callable[..., Called]
) -> None:
    first = reconciler("run", site.root, "--once")
    assert first.code == 0, first.err
    assert first.out.startswith("app: done: 12 done; ")
    again = reconciler("run", site.root, "--once", "--format", "json")
    assert again.code == 0
    assert again.document["status"] == "success"
    assert again.document["kind"] == "incremental"
    sandbox.edit_user(sandbox.user_id("ada@contoso.com"), active=False)
    held = reconciler("run", site.root, "--once")
    assert held.code == 3
    assert "reconciler approve sha256:" in held.out
    released = reconciler("run", site.root, "--once", "--allow", "takenAwayInApp:user:ada.lovelace")
    assert released.code == 0
    assert sandbox.users[sandbox.user_id("ada@contoso.com")]["active"] is True
    (site.root / "users" / "ada.lovelace.yaml").write_text("id: [\n")
    assert reconciler("run", site.root, "--once").code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--allow", "emptyApp"), "--allow is an answer to one plan"),
        (("--once", "--serve", "127.0.0.1:0"), "--serve is for a runner that stays"),
        (("--once", "--interval", "1h"), "--interval is between cycles"),
        (("--interval", "never"), "not an interval"),
        (("--pull",), "in no git work tree"),
        (("--require-signed-commits",), "in no git work tree"),
        (("--serve", "everywhere"), "this is not HOST:PORT"),
        (("--serve", "0.0.0.0:8321"), "others than this machine"),
        (("--history", "file.db"), "--history"),
    ],
)
def test_what_says_nothing_is_refused(
    company: Callable[..., Company], reconciler: Callable[..., Called], arguments: tuple[str, ...], said: str
) -> None:
    called = reconciler("run", company(gallery="scim").root, *arguments)
    assert called.code == 64
    assert said in called.err
