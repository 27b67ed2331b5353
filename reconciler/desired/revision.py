"""The desired state as it was at a git revision: read from git's objects, without a checkout.

Only what a loader would read is taken, as plain files: a link is followed inside of the desired state and nowhere else.
"""

from __future__ import annotations

import os
import posixpath
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO

from reconciler.desired.cache import cache_of
from reconciler.desired.document import MAX_BYTES
from reconciler.desired.git import environment, run
from reconciler.desired.load import Loaded, load
from reconciler.desired.owners import Owners, owners_at, owners_here
from reconciler.desired.parsed import Parsed
from reconciler.desired.root import FOLDERS, PARTS
from reconciler.errors import DesiredStateError, UsageError

_SECONDS = 600
"""For one call of git: a large history in a partial clone may have to be fetched."""
_READ = (".yaml", ".yml", ".json")
"""Names at which a loader looks, be it to refuse them."""
LINK, _SUBMODULE = "120000", "160000"
_FILES = ("100644", "100755", "100664")
_MOST_LINKS = 10  # in a chain
_DEEPER = "this clone is shallow: fetch more of it (`git fetch --unshallow`; in CI `fetch-depth: 0`)"
_LFS = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class Revision:
    """What `--base` names."""

    root: Path
    """Where today's files are."""
    commit: str
    loaded: Loaded | None
    """None: nothing of it can be used."""
    why: str = ""
    """Why not, in words."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Link → the file of the desired state that it led to."""

    @cached_property
    def owners(self) -> tuple[Owners, Owners]:
        """Who has to approve which files: as they lie here, and at this revision. The same for all apps."""
        here = owners_here(self.root)
        return here, owners_at(self.root, self.commit, self.links, here)


@dataclass(frozen=True, slots=True)
class Entry:
    mode: str
    sha: str
    size: int


class Unusable(Exception):
    """Why the desired state at the revision can't be had, in words."""


def load_revision(root: Path, revision: str, apps: Collection[str] | None, like: Parsed | None = None) -> Revision:
    """The desired state in `root` where `revision` (a branch, tag or commit) and HEAD last were the same: their merge
    base, or `revision` itself where they have none. Of `apps` those that were there; of None, or where one was not
    there, all.

    `like`: what was made of today's files; those that were the same are not parsed again.

    What is wrong with the files of that time is no error: `Revision.why` says it. Raises UsageError for a revision that
    git does not know, and outside of git.
    """
    commit = _commit(root, revision)
    short = commit[:7]
    try:
        entries = entries_at(root, commit)
        if not any(file.partition("/")[0] in FOLDERS for file in entries):
            return Revision(root, commit, None, f"there was no desired state here at {short}")
        there = {file.split("/")[1] for file in entries if file.startswith("apps/") and file.count("/") > 1}
        chosen = None if apps is None else sorted(there.intersection(apps))
        renamed = apps is not None and not there.issuperset(apps)  # what it was called then is among the others
        loaded, links = _load(root, commit, entries, None if renamed else chosen, like)
    except Unusable as error:
        return Revision(root, commit, None, f"the desired state at {short} can't be used: {error}")
    except DesiredStateError as error:
        first = next(problem for problem in error.problems if problem.severity == "error")
        why = f"{error.message}, the first: {first.place}: {first.message}"
        return Revision(root, commit, None, f"the desired state at {short} can't be used: {why}")
    return Revision(root, commit, loaded, links=links)


def load_at(root: Path, commit: str, apps: Collection[str] | None = None) -> Loaded:
    """The desired state in `root` exactly as it was at a commit, with all apps or only `apps`.

    Raises DesiredStateError for what was wrong with it, and UsageError where git has nothing usable there.
    """
    try:
        entries = entries_at(root, commit)
        loaded, _ = _load(root, commit, entries, apps, None)
    except Unusable as error:
        raise UsageError(f"the desired state at {commit[:7]} can't be used: {error}") from error
    return replace(loaded, root=root)


def _load(
    root: Path, commit: str, entries: dict[str, Entry], apps: Collection[str] | None, like: Parsed | None
) -> tuple[Loaded, dict[str, str]]:
    """What the entries are, and where the links among them led. `Loaded.root` is gone by then."""
    with tempfile.TemporaryDirectory(prefix="reconciler-revision-") as folder:
        links = write_files(root, Path(folder), entries)
        return load(Path(folder), commit=commit, apps=apps, like=like, cache=cache_of(root), earlier=True), links


def _commit(root: Path, revision: str) -> str:
    if not revision or revision.startswith("-") or not revision.isprintable():
        raise UsageError(f"--base {revision!r} is no revision", hint="name a branch, a tag or a commit")
    inside = _git(root, ("rev-parse", "--git-dir"))
    if b"safe.directory" in inside.stderr:
        hint = "if it is yours all the same: git config --global --add safe.directory FOLDER"
        raise UsageError(f"git does not read {root}: it belongs to somebody else", hint=hint)
    if inside.returncode:
        hint = "`--base` compares with an earlier commit: keep the desired state in git"
        raise UsageError(f"{root} is in no git repository", hint=hint)
    shallow = _ask(root, "rev-parse", "--is-shallow-repository") == "true"
    named = _ask(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if named is None:
        hint = _DEEPER if shallow else f"is it fetched? `git fetch origin`, then `git log -1 {revision}` should show it"
        raise UsageError(f"git knows no revision {revision!r}", hint=hint)
    common = _ask(root, "merge-base", named, "HEAD")
    if common is None and shallow:
        raise UsageError(f"this clone does not reach back to where {revision} and HEAD parted", hint=_DEEPER)
    return common or named


def entries_at(root: Path, commit: str) -> dict[str, Entry]:
    """What a loader looks at → its object. Files are named relative to `root`, with `/`."""
    prefix = _ask(root, "rev-parse", "--show-prefix") or ""
    listed = _run(root, "ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", *([prefix] if prefix else []))
    found: dict[str, Entry] = {}
    for line in listed.split(b"\0"):
        facts, tab, name = line.partition(b"\t")
        path = os.fsdecode(name)
        if not tab or not path.startswith(prefix):
            continue
        file = path[len(prefix) :]
        hidden = any(part.startswith(".") for part in file.split("/"))
        if file.partition("/")[0] not in PARTS or hidden:
            continue
        mode, _, sha, size = facts.decode().split()
        if mode == _SUBMODULE:
            message = f"{file} was a submodule, and what is in one can't be read at another revision"
            raise Unusable(message)
        if not file.lower().endswith(_READ):
            continue
        found[file] = Entry(mode, sha, 0 if size == "-" else int(size))
    return found


def write_files(root: Path, folder: Path, entries: dict[str, Entry]) -> dict[str, str]:
    """Returns where the links lead."""
    ends: dict[str, str] = {}
    wanted: dict[str, list[str]] = {}
    """Object → the files that have its content."""
    links = _contents(root, [entry.sha for entry in entries.values() if entry.mode == LINK])
    targets = dict(links)
    for file in entries:
        end = _followed(file, entries, targets)
        if end != file:
            ends[file] = end
        if entries[end].mode not in _FILES:
            message = f"{file} was no regular file"
            raise Unusable(message)
        if entries[end].size > MAX_BYTES:
            message = f"{file} was larger than {MAX_BYTES // 1_000_000} MB"
            raise Unusable(message)
        wanted.setdefault(entries[end].sha, []).append(file)
    for sha, content in _contents(root, wanted):
        for file in wanted[sha]:
            if content.startswith(_LFS):
                message = f"{file} was kept in Git LFS, and git has only a pointer to it"
                raise Unusable(message)
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return ends


def _followed(file: str, entries: dict[str, Entry], targets: dict[str, bytes]) -> str:
    """Where a link leads, step by step."""
    at = file
    for _ in range(_MOST_LINKS):
        if entries[at].mode != LINK:
            return at
        at = posixpath.normpath(posixpath.join(posixpath.dirname(at), os.fsdecode(targets[entries[at].sha])))
        if at not in entries or PurePosixPath(at).is_absolute():
            break
    message = f"{file} was a link that leads out of what is read, or nowhere"
    raise Unusable(message)


def _contents(root: Path, shas: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Each object once, with its content."""
    asked = list(dict.fromkeys(shas))
    if not asked:
        return
    with tempfile.TemporaryFile() as questions:
        questions.write("".join(f"{sha}\n" for sha in asked).encode())
        questions.seek(0)
        with subprocess.Popen(
            ["git", "-C", str(root), "cat-file", "--batch", "--buffer"],
            stdin=questions, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(),
        ) as git:  # fmt: skip
            assert git.stdout is not None
            for sha in asked:
                yield sha, _next(git.stdout)


def _next(stream: IO[bytes]) -> bytes:
    """One answer of `git cat-file --batch`: a line with the size, the content, a line feed."""
    head = stream.readline().split()
    if len(head) != 3 or not head[2].isdigit():
        message = "git does not have all of its objects here"
        raise Unusable(message)
    content = stream.read(int(head[2]))
    stream.read(1)
    return content


def _ask(root: Path, *arguments: str) -> str | None:
    """What git answers, without blanks around it; None if it refuses."""
    answer = _git(root, arguments)
    return os.fsdecode(answer.stdout).strip() if answer.returncode == 0 else None


def _run(root: Path, *arguments: str) -> bytes:
    answer = _git(root, arguments)
    if answer.returncode:
        message = f"git {arguments[0]} failed: {answer.stderr.decode(errors='replace').strip()[:200]}"
        raise Unusable(message)
    return answer.stdout


def _git(root: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return run(root, *arguments, seconds=_SECONDS)
    except OSError as error:
        raise UsageError("git can't be run", hint="`--base` needs git: install it") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"git {arguments[0]} took more than {_SECONDS} s", hint="try it by hand") from error
