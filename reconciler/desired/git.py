"""Questions to the git repository around a desired state. Nothing here writes to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from reconciler.desired.root import GIT_SECONDS


def git(root: Path, *arguments: str) -> str | None:
    """What git answers in `root`; None outside of a repository, without git, or where git says no."""
    command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=GIT_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.returncode == 0 else None
