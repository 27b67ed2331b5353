"""The files that cycles work with: of the newest revision that may be used, read once for all apps.

What is there but can't be used (an invalid file, a signature that is not trusted) does not end the cycles: they go on
with what was good before, which is kept in memory, or read from git once more after a start.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from reconciler import desired as files
from reconciler.desired.git import run as run_git
from reconciler.desired.root import PARTS
from reconciler.errors import CheckoutError, NotReviewed, ReconcilerError
from reconciler.model.app import App
from reconciler.service.apart import apart
from reconciler.service.clock import Clock
from reconciler.service.pull import Untrusted, check_repository, check_signed, pull
from reconciler.session import Settings, root_of

_TOGETHER: Final = 10.0
"""Seconds in which one pull is enough for all apps."""
_TRIES: Final = 3
"""How often files are read again that were written meanwhile."""
_GOOD: Final = 5
"""Earlier commits that are tried after a start."""


@dataclass(frozen=True, slots=True)
class Files:
    """A desired state that may be used."""

    loaded: files.Loaded
    commit: str | None
    stamp: str
    not_reviewed: NotReviewed | None = None
    """Something of it is not committed: nothing of it may be applied, but to this machine."""
    refused: ReconcilerError | None = None
    """Why newer files are not used."""
    refused_commit: str | None = None
    not_pulled: ReconcilerError | None = None
    """Why nothing newer could be had."""

    @property
    def digest(self) -> str:
        return self.loaded.directory.digest


class Checkout:
    """The work tree around a desired state. For one event loop.

    `pulls`: what is new is pulled before it is read. `signed`: only commits whose signature is trusted are used, and
    files are read from those, whatever lies in the work tree. `earlier` gives commits that were used before, newest
    first. Raises UsageError where there is no git for that.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        pulls: bool = False,
        signed: bool = False,
        earlier: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self.root = root_of(settings)
        self._settings = settings
        self._clock = clock
        self._pulls = pulls
        self._signed = signed
        self._earlier = earlier
        self._good: Files | None = None
        self._bad: tuple[str, ReconcilerError, str | None] | None = None
        """Stamp of files that can't be used, and why."""
        self._pulled: float | None = None
        self._not_pulled: ReconcilerError | None = None
        self._lock = asyncio.Lock()
        if pulls or signed:
            check_repository(self.root)

    async def current(self) -> Files:
        """Raises ReconcilerError where nothing can be used, and nothing ever could."""
        async with self._lock:
            if self._pulls and (self._pulled is None or self._clock.monotonic() - self._pulled >= _TOGETHER):
                await self._pull()
            found, failed = await self._usable(), self._not_pulled
            if isinstance(failed, Untrusted) and found.refused is None:
                found = replace(found, refused=failed, refused_commit=failed.commit)
            return replace(found, not_pulled=failed)

    @property
    def apps(self) -> list[App]:
        """Those that were used last."""
        return [] if self._good is None else list(self._good.loaded.apps.values())

    async def _pull(self) -> None:
        try:
            await pull(self.root, signed=self._signed)
            self._not_pulled = None
        except ReconcilerError as error:
            self._not_pulled = error
        self._pulled = self._clock.monotonic()

    async def _usable(self) -> Files:
        stamp = await apart(stamp_of, self.root)
        if self._good is not None and self._good.stamp == stamp:
            return self._good
        if self._bad is None or self._bad[0] != stamp:
            try:
                self._good = await self._read(stamp)
            except ReconcilerError as error:
                self._bad = stamp, error, await apart(files.commit_of, self.root)
            else:
                self._bad = None
                return self._good
        _, why, commit = self._bad
        good = self._good or await self._read_earlier(why)
        self._good = good
        return replace(good, refused=why, refused_commit=commit)

    async def _read(self, stamp: str) -> Files:
        """What lies there, all of one moment."""
        for _ in range(_TRIES):
            commit = await apart(files.commit_of, self.root)
            if self._signed and commit is not None:
                await check_signed(self.root, commit)
            found = await apart(self._load, commit, stamp)
            after = await apart(stamp_of, self.root)
            if after == stamp:
                return found
            stamp = after
        raise CheckoutError(f"the files in {self.root} are being written again and again", hint="wait for it to end")

    def _load(self, commit: str | None, stamp: str) -> Files:
        apps = self._settings.apps or None
        if self._signed and commit is not None:
            loaded = files.load_at(self.root, commit, apps)
        else:
            loaded = files.load(self.root, commit=commit, apps=apps, cache=files.cache_of(self.root))
        not_reviewed = None
        try:
            files.check_reviewed(self.root)
        except NotReviewed as error:
            not_reviewed = error
        return Files(loaded, commit, stamp, not_reviewed)

    async def _read_earlier(self, why: ReconcilerError) -> Files:
        """Raises `why` if there is nothing."""
        for commit in list(dict.fromkeys(self._earlier()))[:_GOOD]:
            with suppress(ReconcilerError):
                if self._signed:
                    await check_signed(self.root, commit)
                loaded = await apart(files.load_at, self.root, commit, self._settings.apps or None)
                return Files(loaded, commit, f"commit {commit}")
        raise why


def check_beside(used: Files, app: App) -> None:
    """Certificates are read from the work tree when they are needed. Where an earlier revision is used, raises
    CheckoutError if they are no longer those of that revision.
    """
    if used.refused is None or used.commit is None:
        return
    root = used.loaded.root
    tls = app.auth.mutual_tls if app.auth is not None else None
    for file in filter(None, (app.ca_file, tls.certificate if tls is not None else None)):
        path = Path(os.path.normpath(root.resolve() / file))
        if path.is_relative_to(root.resolve()):
            answer = run_git(root, "diff", "--quiet", used.commit, "--", str(path))
            if answer.returncode:
                hint = "make the newest revision usable"
                raise CheckoutError(f"{file} is not what it was at {used.commit[:12]}, which is used", hint=hint)


def stamp_of(root: Path) -> str:
    """Another one whenever a file of the desired state, or the commit, is another: names, sizes, times."""
    hashed = hashlib.sha256((files.commit_of(root) or "").encode())
    for part in PARTS:
        for path, facts in _facts(str(root / part)):
            row = (path, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
            hashed.update(repr(row).encode("utf-8", "surrogateescape"))
    return hashed.hexdigest()


def _facts(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Of a file, or of all files in a folder, links followed."""
    try:
        facts = Path(path).stat()
    except OSError:
        return
    if not stat.S_ISDIR(facts.st_mode):
        yield path, facts
        return
    with suppress(OSError), os.scandir(path) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            yield from _facts(entry.path)
