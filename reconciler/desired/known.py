"""Whether an id was ever anybody's, as far as the files and git's history can tell: what a mistyped one never was."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

from reconciler.desired.git import is_in_git, prefix_of, run
from reconciler.desired.root import FOLDERS

SECONDS: Final = 10.0
"""For git: somebody is waiting, and perhaps in a hurry."""
_WORD: Final = "A-Za-z0-9_.@-"
"""What ids are made of: one is not part of another."""
_SPECIAL: Final = re.compile(r"[].\[*+?(){}|^$\\]")
"""To be escaped in an extended regular expression (POSIX.1-2017, base definitions 9.4)."""


def is_known(root: Path, identity: str) -> bool:
    """Whether a file of today or of any commit in this clone names the id; True also where git can't tell in time."""
    return _in_files(root, identity) or (is_in_git(root) and _in_history(root, identity))


def file_stems(root: Path) -> list[str]:
    """The names of the files in users/, which are ids where a file is about one person."""
    return sorted({file.stem for file in (root / "users").rglob("*.yaml")})


def _in_files(root: Path, identity: str) -> bool:
    written = re.compile(f"(?<![{_WORD}]){re.escape(identity)}(?![{_WORD}])".encode())
    for folder in FOLDERS:
        for file in (root / folder).rglob("*.yaml"):
            try:
                if (folder == "users" and file.stem == identity) or written.search(file.read_bytes()):
                    return True
            except OSError:
                return True  # it may be the one
    return False


def _in_history(root: Path, identity: str) -> bool:
    plain = _SPECIAL.sub(r"\\\g<0>", identity)
    written = f"(^|[^{_WORD}]){plain}($|[^{_WORD}])"
    named = _literal(identity)
    for chosen in (
        ("--", f":(top,glob){_literal(prefix_of(root))}users/**/{named}.yaml"),
        ("-G", written, "--", *FOLDERS),
    ):
        try:
            found = run(root, "log", "--all", "-1", "--format=%h", *chosen, seconds=SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            return True
        if found.returncode != 0 or found.stdout.strip():
            return True
    return False


def _literal(path: str) -> str:
    return re.sub(r"[*?\[\\]", r"\\\g<0>", path)
