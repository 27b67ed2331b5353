"""Where a desired state is, and which commit it is at."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from reconciler.desired.git import git
from reconciler.errors import UsageError

FOLDERS = ("users", "groups", "apps")
PARTS = ("reconciler.yaml", *FOLDERS)


def find(start: Path) -> Path:
    """The desired state at or above `start`: a folder with apps/, or one called desired-state. What lies above the top
    of a repository is not of it: nobody there expects to change it.

    Raises UsageError if there is none.
    """
    here = start.resolve()
    if start.name != "" and not start.exists():
        raise UsageError(f"there is no folder {start}", hint="name the folder that holds users/, groups/ and apps/")
    for folder in (here, *here.parents):
        if (folder / "apps").is_dir():
            return folder
        if (folder / "desired-state").is_dir():
            return folder / "desired-state"
        if (folder / ".git").exists():
            break
    raise UsageError(
        f"no desired state in {start} or above it",
        hint="name the folder that holds users/, groups/ and apps/",
    )


def check_root(root: Path) -> None:
    """Raises UsageError if there is nothing of a desired state in it."""
    if not any((root / folder).is_dir() for folder in FOLDERS):
        raise UsageError(f"{root} is no desired state", hint="name the folder that holds users/, groups/ and apps/")


def commit_of(root: Path) -> str | None:
    """The commit that the work tree around `root` is at. None outside of git, or before the first commit."""
    return (git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}") or "").strip() or None


def misnamed(name: str) -> str:
    """The part of a desired state that somebody probably meant by `name`, or ""."""
    if name in PARTS:
        return ""
    near = get_close_matches(name.lower(), PARTS, n=1, cutoff=0.8)
    return near[0] if near else ""
