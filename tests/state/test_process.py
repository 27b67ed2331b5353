"""Whether a process has ended: said only where it is certain."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import Place
from reconciler.state.lease import Lease, read_lease
from reconciler.state.process import has_ended, this_process

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
HERE = this_process()
pytestmark = pytest.mark.skipif(HERE is None, reason="this system does not tell which process it is")
TELLS = "from reconciler.state.process import this_process; print(this_process(), flush=True)"


def ended() -> str:
    """A process of this machine that is gone."""
    done = subprocess.run([sys.executable, "-c", TELLS], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def parts() -> tuple[str, str, str]:
    machine, number, began = str(HERE).split(" ")
    return machine, number, began


def test_one_that_runs_has_not_ended() -> None:
    assert not has_ended(str(HERE))


def test_one_that_is_gone_has() -> None:
    assert has_ended(ended())


def test_one_whose_number_another_has_now_has() -> None:
    machine, number, began = parts()
    assert has_ended(f"{machine} {number} {int(began) + 1}")


def test_another_boot_or_container_is_not_judged() -> None:
    machine, number, began = ended().split(" ")
    boot, _, space = machine.partition("/")
    assert not has_ended(f"{boot[:-1]}x/{space} {number} {began}")
    assert not has_ended(f"{boot}/pid:[1] {number} {began}")


@pytest.mark.parametrize("rest", ["", " ", " x y", " 0 1", " -1 1", " 99999999999999 1", " \u0663 1"])
def test_what_is_no_process_is_not_judged(rest: str) -> None:
    assert not has_ended(parts()[0] + rest)


def test_one_that_is_somebody_elses_runs() -> None:
    machine, _, _ = parts()
    assert not has_ended(f"{machine} 1 unreadable")


def test_a_lease_is_over_where_its_process_ended_and_nowhere_else() -> None:
    lease = Lease("ada", Lease.new(NOW).host, "", "2026-11-23T17:05:00Z", "token", ended())
    assert lease.over(NOW)
    elsewhere = Lease("ada", "another-machine", "", "2026-11-23T17:05:00Z", "token", lease.process)
    assert not elsewhere.over(NOW)
    assert elsewhere.over(NOW + timedelta(minutes=7))


@pytest.mark.parametrize("process", ["", b',"process":7', b',"process":null'])
def test_a_lease_of_an_earlier_version_ends_by_its_hour(process: object) -> None:
    more = process if isinstance(process, bytes) else b""
    text = b'{"format":"reconciler.lock/1","who":"a","host":"b","since":"","until":"2026-11-23T17:05:00Z","token":"t"'
    lease = read_lease(text + more + b"}", Place("x"), "remove it")
    assert lease.process is None
    assert not lease.over(NOW)
