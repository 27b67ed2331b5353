"""Releases that commits carry: the trailer `Reconciler-Allow: deprovisionUsers=37`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from reconciler.desired.git import git
from reconciler.model.trailer import Trailer

KEY: Final = "Reconciler-Allow"
_FORMAT: Final = f"--format=%H%x00%at%x00%(trailers:key={KEY},valueonly,unfold,separator=%x00)%x1e"
_COMMIT: Final = re.compile(r"[0-9a-f]{40,64}\Z")


def trailers_since(root: Path, applied: str | None, head: str = "HEAD") -> list[Trailer]:
    """The trailers of all commits after `applied` up to `head`, merges and what they brought in among them, oldest
    first.

    Where `applied` is None, unknown here, or no ancestor of `head` (a rewritten history, a shallow clone), those of
    `head` and of what it merged. None outside of a repository.
    """
    answer = git(
        root,
        "log",
        "--no-show-signature",
        "--encoding=UTF-8",
        "--reverse",
        "--topo-order",
        _FORMAT,
        *_range(root, applied, head),
        "--",
    )
    found = []
    for entry in (answer or "").split("\x1e"):
        commit, *values = entry.strip().split("\x00")
        authored, *releases = values or [""]
        written = int(authored) if authored.isdecimal() else None
        found += [Trailer(value.strip(), commit, written) for value in releases if value.strip()]
    return found


def _range(root: Path, applied: str | None, head: str) -> list[str]:
    known = applied is not None and _COMMIT.match(applied)
    if applied and known and git(root, "merge-base", "--is-ancestor", applied, head) is not None:
        return [head, f"^{applied}"]
    if git(root, "rev-parse", "--verify", "--quiet", f"{head}^1^{{commit}}") is not None:
        return [head, f"^{head}^1"]
    return ["-1", head]
