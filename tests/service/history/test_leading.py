"""Of two runners one works; the second takes over when the first is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from reconciler.errors import HistoryError
from reconciler.service.history import History, leading

HOLD = """
import sys, time
from reconciler.service.history import History
with History.open(sys.argv[1]).leader("run:app") as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'history.db'}"
    found = request.getfixturevalue("postgres")
    assert isinstance(found, str)
    return found


@pytest.fixture
def two(url: str) -> Iterator[tuple[History, History]]:
    both = History.open(url), History.open(url)
    yield both
    for each in both:
        each.close()


def test_one_of_two_works(two: tuple[History, History]) -> None:
    first, second = two
    with first.leader("run:app") as one, second.leader("run:app") as other, second.leader("run:b") as elsewhere:
        assert (one, other, elsewhere) == (True, False, True)
    with second.leader("run:app") as other:
        assert other


def test_it_may_be_given_back_in_another_thread(two: tuple[History, History]) -> None:
    first, second = two
    lock = first.leader("run:app")
    assert lock.__enter__()
    thread = threading.Thread(target=lock.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    with second.leader("run:app") as ours:
        assert ours


def test_who_is_killed_dies_without_it(url: str) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout
    assert other.stdin
    assert other.stdout.readline() == "True\n"
    history = History.open(url)
    with history.leader("run:app") as ours:
        assert not ours
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    other.stdout.close()
    other.stdin.close()
    for _ in range(200):  # the server notices the end of the connection by itself
        with history.leader("run:app") as ours:
            if ours:
                break
        threading.Event().wait(0.05)
    assert ours
    history.close()


def test_a_lost_connection_is_noticed(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "LOOK_SECONDS", 0.05)
    first, second = History.open(postgres), History.open(postgres)
    lost = threading.Event()
    with first.leader("run:app", lost.set) as ours:
        assert ours
        assert not lost.wait(0.3)
        with second._engine.begin() as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
            )
        assert lost.wait(30)
        with second.leader("run:app") as taken:
            assert taken
    first.close()
    second.close()


def test_a_server_that_is_gone_is_an_error(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History.open(postgres)
    gone = history._url.set(port=1)
    monkeypatch.setattr(history, "_engine", leading_engine(gone))
    with pytest.raises(HistoryError, match="can't be taken"), history.leader("run:app"):
        pass
    history.close()


def leading_engine(url: object) -> object:
    from reconciler.state.engine import engine_of

    return engine_of(url)  # type: ignore[arg-type]
