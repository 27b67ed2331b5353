"""Real repositories: a bare remote, and clones that share it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.state import GitStates, Repository

HERE = "https://scim.example.com/v2"


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=ada", "-c", "user.email=ada@contoso.com", "-c", "commit.gpgSign=false"]
    return subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """Bare, with three commits on main."""
    bare, seed = tmp_path / "remote.git", tmp_path / "seed"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(seed)], check=True)
    for number in range(3):
        (seed / "file.txt").write_text(str(number), encoding="utf-8")
        git(seed, "add", "file.txt")
        git(seed, "commit", "-qm", f"number {number}")
    git(seed, "push", "-q", str(bare), "main")
    return bare


@pytest.fixture
def clone(remote: Path, tmp_path: Path) -> Callable[..., Path]:
    """clone("name", "--depth=1"): a work tree of its own."""

    def make(name: str, *options: str) -> Path:
        folder = tmp_path / name
        subprocess.run(["git", "clone", "-q", *options, remote.as_uri(), str(folder)], check=True)
        return folder

    return make


@pytest.fixture
def states_of(clone: Callable[..., Path]) -> Callable[..., GitStates]:
    """states_of("runner"): the memories as one clone sees them."""

    def make(name: str, *options: str, **keys: object) -> GitStates:
        folder = clone(name, *options)
        return GitStates(Repository(folder), folder / ".reconciler", **keys)  # type: ignore[arg-type]

    return make
