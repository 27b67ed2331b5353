"""Questions to the git repository around a desired state. Nothing here writes to it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SECONDS = 20
_OTHERS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})
"""What a hook is told about its own repository."""


def run(root: Path, *arguments: str, seconds: float = SECONDS) -> subprocess.CompletedProcess[bytes]:
    """Raises OSError without git, subprocess.TimeoutExpired where it takes longer."""
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, timeout=seconds, check=False, env=environment())


def git(root: Path, *arguments: str) -> str | None:
    """What git answers in `root`; None outside of a repository, without git, or where git says no."""
    if not is_in_git(root):
        return None
    try:
        answer = run(root, *arguments)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.decode(errors="replace") if answer.returncode == 0 else None


def is_in_git(root: Path) -> bool:
    """Whether there is a repository around `root`; costs no process."""
    here = root.resolve()
    return any((folder / ".git").exists() for folder in (here, *here.parents))


def prefix_of(root: Path) -> str:
    """Where the desired state lies in its repository, with / at the end; "" at its top, and where there is none."""
    return (git(root, "rev-parse", "--show-prefix") or "").rstrip("\n")


def environment() -> dict[str, str]:
    """Git asks nobody anything here, and reads the repository of `root`, also when a hook of another one runs us."""
    kept = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
