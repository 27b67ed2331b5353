"""Whether what is about to be applied is what was reviewed: everything committed, on the right branch."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from reconciler.desired.git import git
from reconciler.errors import NotReviewed

_SHOWN: Final = 5
"""Files that are named."""
_COMMIT: Final = "commit and merge them first, or say --break-glass REASON"


def check_reviewed(root: Path, branch: str | None = None) -> None:
    """Raises NotReviewed for uncommitted changes under `root`, and for a branch other than `branch`.

    Untracked files count, ignored ones don't. A detached HEAD, as CI systems leave it, is on a branch if the branch of
    that name, here or as a remote has it, contains its commit. Outside of a git work tree there is nothing to check,
    unless a branch is named.
    """
    if (git(root, "rev-parse", "--is-inside-work-tree") or "").strip() != "true":
        if branch is not None:
            raise NotReviewed(
                f"--branch {branch}: {root} is in no git work tree", hint="check the repository out, or leave it out"
            )
        return
    status = git(root, "status", "--porcelain", "-z", "--untracked-files=all", "--", ".")
    if status is None:
        raise NotReviewed(f"git can't say whether everything in {root} is committed", hint=_COMMIT)
    if files := _files(status):
        more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
        raise NotReviewed(f"uncommitted changes: {', '.join(files[:_SHOWN])}{more}", hint=_COMMIT)
    if branch is not None:
        _check_branch(root, branch)


def _files(status: str) -> list[str]:
    """Names out of `git status --porcelain -z`; of what was renamed, the name before follows as an entry of its own."""
    entries = iter(status.split("\0"))
    files = []
    for entry in entries:
        if entry:
            files.append(entry[3:])
            if "R" in entry[:2] or "C" in entry[:2]:
                next(entries, None)
    return files


def _check_branch(root: Path, branch: str) -> None:
    current = git(root, "symbolic-ref", "--quiet", "HEAD")
    if current is not None:
        name = current.strip().removeprefix("refs/heads/")
        if name != branch:
            raise NotReviewed(
                f"the work tree is on the branch {name}, and --branch says {branch}",
                hint=f"check out {branch}, or say --break-glass REASON",
            )
        return
    containing = git(root, "for-each-ref", "--contains", "HEAD", "--format=%(refname)", "refs/heads", "refs/remotes")
    names = {_branch_of(ref) for ref in (containing or "").split()}
    if branch not in names:
        raise NotReviewed(
            f"HEAD is detached, and no branch {branch} that is known here contains its commit",
            hint=f"fetch {branch}, or say --break-glass REASON",
        )


def _branch_of(ref: str) -> str:
    """refs/heads/NAME, refs/remotes/REMOTE/NAME → NAME."""
    _, kind, rest = ref.split("/", 2)
    return rest if kind == "heads" else rest.partition("/")[2]
