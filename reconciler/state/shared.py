"""States at a place that several machines share: one memory and one lock for all of them, wherever that is.

What an app has there is a few small files, of one version: state.json, lock.json while an apply runs,
snapshot.json.gz with what was last read, and what belongs to another tenantUrl under its hash. Every write is
compare-and-swap on the version, so whoever lost the lock fails at the next one, instead of overwriting.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Final

from reconciler.errors import Locked, Place, StateError
from reconciler.model.state import State
from reconciler.state.document import Source, read_state, tenant_of, written
from reconciler.state.file import make_ignored
from reconciler.state.lease import RENEW, Lease, read_lease
from reconciler.state.lock import is_locked, tenant_lock
from reconciler.state.states import LOST, mark_revoked

STATE: Final = "state.json"
LOCK: Final = "lock.json"
SNAPSHOT: Final = "snapshot.json.gz"
TRIES: Final = 8
"""How often a lost race is run again; each is won by somebody."""


@dataclass(frozen=True, slots=True)
class Head:
    """What an app has there at one moment."""

    object: str | None = None
    """The version's name; None: there is nothing."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Name → the name of its content, which says what is in it: the same for the same."""


class SharedStates(ABC):
    """All but the place itself. `folder`: where journals go."""

    def __init__(self, folder: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self._clock = clock
        self._mutex = threading.RLock()
        self._heads: dict[str, Head] = {}
        """App → what was last seen: what the next write expects to be there."""
        self._known: dict[tuple[str, str], str] = {}
        """App and tenantUrl → the content whose revocations the caller's state has."""
        self._leases: dict[str, Lease] = {}
        """App → the lock that we hold."""

    # -- the place

    @abstractmethod
    def where(self, app: str) -> str:
        """The place of one memory, for people to read."""

    @abstractmethod
    def _look(self, app: str) -> Head:
        """What is there now. Raises StateError where that can't be told."""

    @abstractmethod
    def _swap(self, app: str, head: Head, files: Mapping[str, str], message: str) -> Head | None:
        """Puts these files in the place of what `head` says, whole, and to stay; without any, nothing is left.

        None, and nothing is written, where something else is there by now.
        """

    @abstractmethod
    def _blob(self, app: str, name: str) -> bytes:
        """The content that was seen under this name."""

    @abstractmethod
    def _store(self, content: bytes) -> str:
        """The name of a content, for `_swap`."""

    @abstractmethod
    def _told(self) -> AbstractContextManager[None]:
        """What the place can't do becomes a StateError, in words."""

    @abstractmethod
    def _removal(self, app: str) -> str:
        """How a person gives up what is there."""

    # -- the memory

    def load(self, app: str, tenant_url: str) -> State:
        with self._mutex, self._told():
            head = self._heads[app] = self._look(app)
            return self._read(app, tenant_url, head)

    def foreign(self, app: str, tenant_url: str) -> str | None:
        with self._mutex, self._told():
            head = self._heads.get(app) or self._look(app)
            other = self._tenant(app, head)
        return other if other != tenant_url else None

    def save(self, state: State) -> None:
        app = state.app
        with self._mutex, self._told():
            head = self._heads.get(app) or self._look(app)
            for attempt in range(TRIES):
                self._keep_revocations(state, head)
                mark_revoked(state, self._clock())
                files = self._files(state, head)
                if self._move(app, head, files, f"{app}: {state.commit or 'nothing applied'}"):
                    self._known[app, state.tenant_url] = files[STATE]
                    return
                head = self._again(app, attempt)
                self._must_be_ours(app, head)
        raise self._contended(app)

    def revise(self, app: str, tenant_url: str, change: Callable[[State], object]) -> State:
        with self._mutex, self._told():
            make_ignored(self.folder)
            for attempt in range(TRIES):
                head = self._again(app, attempt)
                state = self._read(app, tenant_url, head)
                change(state)
                if self._move(app, head, self._files(state, head), f"{app}: revocations"):
                    self._known.pop((app, tenant_url), None)  # what others in this process hold does not know of it
                    return state
        raise self._contended(app)

    def kept(self, app: str) -> bytes | None:
        with self._mutex, self._told():
            head = self._heads.get(app) or self._look(app)
            return self._blob(app, head.files[SNAPSHOT]) if SNAPSHOT in head.files else None

    def keep(self, app: str, tenant_url: str, content: bytes | None, *, ours: bool = False) -> bool:
        with self._mutex, self._told():
            make_ignored(self.folder)
            head = self._heads.get(app) or self._look(app)
            for attempt in range(TRIES):
                if not ours and not self._stays(app, tenant_url, head):
                    return False
                files = {name: blob for name, blob in head.files.items() if name != SNAPSHOT}
                if content is not None:
                    files[SNAPSHOT] = self._store(content)
                if files == head.files or not files or self._move(app, head, files, f"{app}: what was read"):
                    return True
                head = self._again(app, attempt)
                if ours:
                    self._must_be_ours(app, head)
        raise self._contended(app)

    def _stays(self, app: str, tenant_url: str, head: Head) -> bool:
        """Whether the memory is the one that was read here, and nobody else is about to write it."""
        lease = self._lease(app, head)
        if is_locked(tenant_url) or (lease is not None and not lease.over(self._clock())):
            return False
        known = self._known.get((app, tenant_url))
        return known in head.files.values() if known is not None else not self._stored(app, tenant_url, head)

    # -- the lock

    @contextmanager
    def hold(self, app: str, tenant_url: str) -> Iterator[None]:
        with tenant_lock(tenant_url):
            with self._told():
                make_ignored(self.folder)
            self._acquire(app)
            stop = threading.Event()
            renewing = threading.Thread(target=self._keep_renewing, args=(app, stop), daemon=True)
            renewing.start()
            try:
                yield
            finally:
                stop.set()
                renewing.join()
                self._release(app)

    def busy(self, app: str, tenant_url: str) -> bool:
        if is_locked(tenant_url):
            return True
        with self._mutex, self._told():
            lease = self._lease(app, self._look(app))
        return lease is not None and not lease.over(self._clock())

    def _acquire(self, app: str) -> None:
        with self._mutex, self._told():
            for attempt in range(TRIES):
                head = self._again(app, attempt)
                other = self._lease(app, head)
                if other is not None and not other.over(self._clock()):
                    raise other.refusal()
                self._leases[app] = Lease.new(self._clock())
                if self._move(app, head, dict(head.files), f"{app}: an apply begins"):
                    return
                del self._leases[app]
        raise self._contended(app)

    def renew(self, app: str) -> bool:
        """Extends the lease. False: it is lost. Raises StateError where the place can't be reached."""
        with self._mutex, self._told():
            for attempt in range(TRIES):
                head = self._again(app, attempt)
                if not self._is_ours(app, head):
                    return False
                if self._move(app, head, dict(head.files), f"{app}: an apply goes on"):
                    return True
        return True  # others write all the time: so do revocations, and the lease is still ours

    def _keep_renewing(self, app: str, stop: threading.Event) -> None:
        """What fails is tried again in time; what is lost shows at the next save."""
        while not stop.wait(RENEW.total_seconds()):
            with contextlib.suppress(StateError, Locked):
                if not self.renew(app):
                    return

    def _release(self, app: str) -> None:
        """A lock that can't be given back ends by itself."""
        with self._mutex, contextlib.suppress(StateError, Locked), self._told():
            for attempt in range(TRIES):
                head = self._again(app, attempt)
                if not self._is_ours(app, head):
                    break
                files = {name: blob for name, blob in head.files.items() if name != LOCK}
                new = self._swap(app, head, files, f"{app}: an apply ended")
                if new is not None:
                    self._heads[app] = new
                    break
        self._leases.pop(app, None)

    def _lease(self, app: str, head: Head) -> Lease | None:
        if LOCK not in head.files:
            return None
        return read_lease(self._blob(app, head.files[LOCK]), self._place(app), self._removal(app))

    def _is_ours(self, app: str, head: Head) -> bool:
        lease, ours = self._lease(app, head), self._leases.get(app)
        return lease is not None and ours is not None and lease.token == ours.token

    def _must_be_ours(self, app: str, head: Head) -> None:
        """Raises Locked for whoever must not write any more."""
        if app not in self._leases:
            raise Locked(
                f"{self.where(app)} was written by somebody else since it was read",
                hint="run again, to go on from there",
            )
        if not self._is_ours(app, head):
            raise Locked(
                f"{self.where(app)} is not ours any more: the lock ended, or somebody has replaced what was there",
                hint="what was done is in the journal, and nothing was overwritten; run again, to go on from there",
            )

    # -- what is there

    def _again(self, app: str, attempt: int) -> Head:
        if attempt:
            time.sleep(SystemRandom().uniform(0, 0.1) * attempt)
        head = self._heads[app] = self._look(app)
        return head

    def _read(self, app: str, tenant_url: str, head: Head) -> State:
        return self._stored(app, tenant_url, head) or State(app=app, tenant_url=tenant_url, fresh=True)

    def _stored(self, app: str, tenant_url: str, head: Head) -> State | None:
        for name in (STATE, aside(tenant_url)):
            if name not in head.files:
                continue
            state = read_state(self._blob(app, head.files[name]), app, self._source(app))
            if state.tenant_url == tenant_url:
                self._known[app, tenant_url] = head.files[name]
                return state
        return None

    def _tenant(self, app: str, head: Head) -> str | None:
        if STATE not in head.files:
            return None
        return tenant_of(self._blob(app, head.files[STATE]), self._source(app))

    def _keep_revocations(self, state: State, head: Head) -> None:
        if self._known.get((state.app, state.tenant_url)) in head.files.values():
            return
        stored = self._stored(state.app, state.tenant_url, head)
        if stored is not None:
            state.revocations = stored.revocations

    def _files(self, state: State, head: Head) -> dict[str, str]:
        """With this state; what another tenantUrl has goes aside."""
        app, files = state.app, dict(head.files)
        there = files.get(STATE)
        if there is not None and there != self._known.get((state.app, state.tenant_url)):
            other = self._tenant(app, head)
            if other is not None and other != state.tenant_url:
                files[aside(other)] = there
        files.pop(aside(state.tenant_url), None)
        files[STATE] = self._store(written(state))
        return files

    def _move(self, app: str, head: Head, files: dict[str, str], message: str) -> bool:
        """To what these files are, with our lease extended. False: somebody was quicker."""
        lease = self._leases.get(app)
        if lease is not None:
            files[LOCK] = self._store(lease.renewed(self._clock()).written())
        new = self._swap(app, head, files, message)
        if new is None:
            return False
        self._heads[app] = new
        return True

    def _contended(self, app: str) -> Locked:
        return Locked(f"{self.where(app)} is being written by many at once", hint="try again")

    def _place(self, app: str) -> Place:
        return Place(self.where(app))

    def _source(self, app: str) -> Source:
        return Source(self._place(app), f"{LOST}: {self._removal(app)}, and the next apply binds by matching again")


def aside(tenant_url: str) -> str:
    return f"state-{hashlib.sha256(tenant_url.encode()).hexdigest()[:8]}.json"
