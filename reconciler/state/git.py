"""Git as a place for small documents: plumbing alone, in bounded time, and never a question.

The work tree, the index and FETCH_HEAD are not touched. What git says goes into messages without the credentials that
an address may hold.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from reconciler.errors import StateError

SECONDS: Final = 20.0
"""For what happens on this machine."""
NETWORK_SECONDS: Final = 60.0
_LONGEST: Final = 300
_UPSTREAM: Final = "upstream"
_OWN: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY",
               "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE")  # fmt: skip
"""Set inside a hook: they would lead elsewhere than the folder that is named."""
_WHO: Final = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
               for what, value in (("NAME", "reconciler"), ("EMAIL", "reconciler@localhost"))}  # fmt: skip
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]+@")
_OFFLINE_HINT: Final = (
    "nothing was written to the application. Is the network there, and may this machine use the remote?"
)


class GitFailed(Exception):
    """A call that git ended with an error, cut and without credentials. Never leaves the package."""


class Unreachable(StateError):
    """The remote did not answer, or did not let us in."""


class Repository:
    """The repository around a folder, and the one remote that several clones share. `of_the_fork` false: where there is
    a remote `upstream`, as clones of forks have it, that one.
    """

    def __init__(self, folder: Path, *, of_the_fork: bool = True) -> None:
        self.folder = folder
        try:
            self.git("rev-parse", "--git-dir")
        except GitFailed as error:
            raise StateError(
                f"{folder} is in no git repository that can be used: {error}",
                hint="`state: git` keeps the memory beside the files, in a ref; without git use `state: file`",
            ) from error
        self.remote = self._remote(of_the_fork=of_the_fork)

    def _remote(self, *, of_the_fork: bool) -> str | None:
        names = self.git("remote").decode().split()
        if not names:
            return None
        if not of_the_fork and _UPSTREAM in names:
            return _UPSTREAM
        if "origin" in names or len(names) == 1:
            return "origin" if "origin" in names else names[0]
        raise StateError(
            f"none of the remotes {', '.join(names)} is called origin",
            hint="the memory lives in one of them, for everybody: `git remote rename NAME origin`",
        )

    def git(self, *arguments: str, given: bytes = b"", seconds: float = SECONDS) -> bytes:
        """The output of one call. Raises GitFailed."""
        return run(["git", "-C", str(self.folder), *arguments], given=given, seconds=seconds)

    # -- what is there

    def has(self, commit: str) -> bool:
        return self._succeeds("cat-file", "-e", f"{commit}^{{commit}}")

    @property
    def shallow(self) -> bool:
        """Whether older commits were left out when it was cloned."""
        return self.git("rev-parse", "--is-shallow-repository").strip() == b"true"

    def refs(self, pattern: str) -> dict[str, str]:
        """Ref → object, in the remote; here, where there is none. Raises Unreachable."""
        if self.remote is None:
            listed = self.git("for-each-ref", "--format=%(objectname)%09%(refname)", pattern.rstrip("*"))
        else:
            listed = self._remotely("ls-remote", "--quiet", self.remote, pattern)
        rows = (line.split("\t") for line in listed.decode(errors="replace").splitlines())
        return {row[1]: row[0] for row in rows if len(row) == 2}

    def fetch(self, ref: str) -> None:
        """Its objects, without a ref of ours. Raises Unreachable."""
        if self.remote is not None:
            self._remotely("-c", "gc.auto=0", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
                           "--no-recurse-submodules", "--refmap=", self.remote, ref)  # fmt: skip

    def tree(self, object_: str) -> Mapping[str, str] | None:
        """Name → blob, of the files directly in a commit; None if it is no commit with files."""
        try:
            listed = self.git("ls-tree", "--full-tree", "-z", f"{object_}^{{commit}}")
        except GitFailed:
            return None
        rows = [row.split("\t", 1) for row in listed.decode(errors="replace").split("\0") if row]
        return {name: facts.split()[2] for facts, name in rows if facts.split()[1] == "blob"}

    def blob(self, object_: str) -> bytes:
        return self.git("cat-file", "blob", object_)

    # -- what is written

    def store(self, content: bytes) -> str:
        """A blob with this content."""
        return self.git("hash-object", "-w", "--stdin", given=content).decode().strip()

    def commit(self, files: Mapping[str, str], message: str) -> str:
        """A commit of these blobs, without a parent."""
        listed = "".join(f"100644 blob {blob}\t{name}\0" for name, blob in sorted(files.items()))
        tree = self.git("mktree", "-z", given=listed.encode()).decode().strip()
        return self.git("commit-tree", tree, "-m", message).decode().strip()

    def swap(self, ref: str, old: str | None, new: str | None) -> bool:
        """Moves a ref from one object to another, if it is still there; None: no ref. False: it has moved meanwhile.

        Raises StateError where the remote refuses, and Unreachable.
        """
        if self.remote is None:
            return self._swap_here(ref, old, new)
        try:
            self._push(ref, old, new)
        except GitFailed as error:
            there = self.refs(ref).get(ref)
            if there == new:
                return True  # the answer was lost on its way
            if there != old:
                return False
            raise StateError(
                f"the remote {self.remote} does not take {ref}: {error}",
                hint="whoever runs this needs permission to push that ref, and nothing but that",
            ) from error
        return True

    def _push(self, ref: str, old: str | None, new: str | None) -> None:
        assert self.remote is not None
        self.git("push", "--quiet", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no",
                 f"--force-with-lease={ref}:{old or ''}", self.remote, f"{new or ''}:{ref}",
                 seconds=NETWORK_SECONDS)  # fmt: skip

    def _swap_here(self, ref: str, old: str | None, new: str | None) -> bool:
        none = "0" * len(old or new or "")
        try:
            self.git("update-ref", ref, new or none, old or none)
        except GitFailed as error:
            if self.refs(ref).get(ref) != old:
                return False
            raise StateError(f"{ref} can't be written: {error}") from error
        return True

    def _succeeds(self, *arguments: str) -> bool:
        try:
            self.git(*arguments)
        except GitFailed:
            return False
        return True

    def _remotely(self, *arguments: str) -> bytes:
        try:
            return self.git(*arguments, seconds=NETWORK_SECONDS)
        except GitFailed as error:
            raise Unreachable(f"the remote {self.remote} can't be read: {error}", hint=_OFFLINE_HINT) from error


def run(command: Sequence[str], *, given: bytes, seconds: float) -> bytes:
    """One call of git, away from the terminal. Raises GitFailed."""
    environ = {key: value for key, value in os.environ.items() if key not in _OWN}
    environ |= {"GIT_TERMINAL_PROMPT": "0", "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C", **_WHO}
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=environ, start_new_session=True)  # fmt: skip
    except OSError as error:
        raise GitFailed(f"git can't be run: {error.strerror or error}") from error
    with process:
        try:
            out, told = process.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            raise GitFailed(f"git {_verb(command)} did not end within {seconds:g} seconds") from None
        except BaseException:
            _end(process)
            raise
    if process.returncode != 0:
        raise GitFailed(_plain(told) or f"git {_verb(command)} ended with {process.returncode}")
    return out


def _end(process: subprocess.Popen[bytes]) -> None:
    """With everything that git itself has started: it would hold our pipes open."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.communicate()


def _verb(command: Sequence[str]) -> str:
    return next((word for word in command[3:] if not word.startswith("-") and "=" not in word), "")


def _plain(told: bytes) -> str:
    """The lines that matter, in one."""
    text = "".join(c if c.isprintable() else " " for c in told.decode(errors="replace").replace("\n", "; "))
    text = _PASSWORD.sub("", text).strip("; ")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
