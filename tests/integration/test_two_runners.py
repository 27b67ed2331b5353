"""Two clones, one memory in git, and processes that begin at the same moment: one applies, nobody is there twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox import Sandbox, running
from tests.conftest import build_company
from tests.state.conftest import git

if TYPE_CHECKING:
    from tests.conftest import Called, Company

ADA = "user:ada.lovelace"
PEOPLE = 60


@pytest.fixture
def box() -> Sandbox:
    return Sandbox("scim", rate=0)


@pytest.fixture
def clones(box: Sandbox, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    with running(box) as url:
        company: Company = build_company(tmp_path / "first", gallery="scim", tenant=url)
        for number in range(PEOPLE):
            company.person(f"p{number}", "Given", f"Surname{number}")
        company.write("reconciler.yaml", {"state": "git"})
        remote = tmp_path / "remote.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote)], check=True)
        git(company.root, "init", "-q", "-b", "main")
        git(company.root, "remote", "add", "origin", remote.as_uri())
        git(company.root, "add", "-A")
        git(company.root, "commit", "-qm", "the company")
        git(company.root, "push", "-q", "origin", "main")
        subprocess.run(["git", "clone", "-q", remote.as_uri(), str(tmp_path / "second")], check=True)
        yield company.root, tmp_path / "second"


def begin(clone: Path, *arguments: str) -> subprocess.Popen[str]:
    """As on a machine of its own: it shares neither locks nor files with another."""
    home = clone.parent / f"{clone.name}-home"
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(home))
    return subprocess.Popen(
        [sys.executable, "-m", "reconciler", *arguments], cwd=clone, env={**os.environ, **places}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_of_two_at_the_same_time_one_applies_and_the_other_is_told(
    clones: tuple[Path, Path], box: Sandbox, reconciler: Callable[..., Called]
) -> None:
    running_now = [begin(clone, "apply", ".", "--yes") for clone in clones]
    told = [process.communicate()[0] for process in running_now]
    codes = [process.returncode for process in running_now]
    assert 0 in codes, told
    for code, text in zip(codes, told, strict=True):
        assert code == 0 or (code == 1 and ("another apply" in text or "by somebody else" in text)), text
    names = [user["userName"] for user in box.users.values()]
    assert len(names) == len(set(names))
    creations = [r for r in box.requests if r.method == "POST" and r.path == "/Users"]
    assert len(creations) == PEOPLE + 6
    for clone in clones:
        assert reconciler("plan", clone, "--detailed-exitcode").code == 0


def test_a_revocation_by_another_process_while_an_apply_runs(
    clones: tuple[Path, Path], box: Sandbox, reconciler: Callable[..., Called]
) -> None:
    """Whenever it comes: the account is inactive in the end, and every later plan respects it."""
    first, second = clones
    assert reconciler("apply", first, "--yes").code == 0
    for number in range(15):
        file = first / "users" / f"p{number}.yaml"
        file.write_text(file.read_text().replace("displayName: Given", "displayName: Other"))
    git(first, "commit", "-qam", "others")
    applying, revoking = begin(first, "apply", ".", "--yes"), begin(second, "revoke", ADA, ".", "--reason", "lost")
    told = [process.communicate()[0] for process in (applying, revoking)]
    assert revoking.returncode == 0, told[1]
    assert applying.returncode == 0 or "somebody was revoked" in told[0] or "by somebody else" in told[0], told[0]
    assert box.users[box.user_id("ada@contoso.com")]["active"] is False
    assert reconciler("apply", first, "--yes").code == 0
    assert box.users[box.user_id("ada@contoso.com")]["active"] is False
    git(first, "push", "-q", "origin", "main")
    git(second, "pull", "-q", "origin", "main")
    assert reconciler("plan", second, "--detailed-exitcode").code == 0
    shown = reconciler("state", "show", second, "--format", "json").document
    assert shown["revocations"].keys() == {ADA}
