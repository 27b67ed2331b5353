"""Two applies to one tenant at the same time: the second is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.errors import Locked
from reconciler.state import tenant_lock

HERE = "https://scim.example.com/v2"
HOLDER = """
import sys
from pathlib import Path
from reconciler.state import tenant_lock
with tenant_lock(sys.argv[1], Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, HERE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def close(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=20)


def test_another_process_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    process = holder(tmp_path)
    try:
        with pytest.raises(Locked, match=f"another apply to {HERE} is running") as caught, tenant_lock(HERE, tmp_path):
            pytest.fail("two at a time")
        assert "wait" in caught.value.hint
        with tenant_lock("https://scim.example.org/v2", tmp_path):
            pass  # another tenant is another lock
    finally:
        close(process)
    with tenant_lock(HERE, tmp_path):
        pass


def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    process = holder(tmp_path)
    process.kill()
    close(process)
    with tenant_lock(HERE, tmp_path):
        pass


def test_an_error_inside_releases_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), tenant_lock(HERE, tmp_path):
        raise ValueError("inside")
    with tenant_lock(HERE, tmp_path):
        pass
