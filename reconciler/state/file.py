"""States as JSON files in one folder, `.reconciler/` by default, which git ignores."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from reconciler.errors import Locked, Place, StateError
from reconciler.model.state import State
from reconciler.state.document import Source, read_state, tenant_of, written
from reconciler.state.lock import is_locked, tenant_lock
from reconciler.state.states import LOST, mark_revoked

REMEDY = f"{LOST}: move the file away, and the next apply binds by matching again"
_PATIENCE: Final = 20.0
"""Seconds for which another writer of the same file is waited for; each takes a moment."""
_Seen = tuple[int, int, int]


class FileStates:
    """`APP.json` for the tenant in use; what belongs to another tenantUrl is kept beside it, under its hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self._seen: dict[Path, _Seen] = {}
        """Files whose revocations are those that were last read or written here."""
        self._loaded: dict[str, _Seen | None] = {}
        """App → the file as it was when its memory was last read or written here."""
        self._tenants: dict[str, tuple[_Seen | None, str]] = {}
        """App → its file as it was then, and the tenantUrl in it: reading 100,000 bindings again to see that costs."""

    def load(self, app: str, tenant_url: str) -> State:
        """The memory of this tenant; a fresh one if there is none. Raises StateError if it can't be believed."""
        self._loaded[app] = _stat(self._path(app))
        return self._stored(app, tenant_url) or State(app=app, tenant_url=tenant_url, fresh=True)

    def _stored(self, app: str, tenant_url: str) -> State | None:
        for path in (self._path(app), self._aside(app, tenant_url)):
            as_it_is = _stat(path)
            state = _read(path, app)
            if state is not None and path == self._path(app):
                self._tenants[app] = as_it_is, state.tenant_url
            if state is not None and state.tenant_url == tenant_url:
                return state
        return None

    def foreign(self, app: str, tenant_url: str) -> str | None:
        other = self._tenant(app)
        return other if other != tenant_url else None

    def _tenant(self, app: str) -> str | None:
        path = self._path(app)
        as_it_is, tenant_url = self._tenants.get(app, (None, ""))
        if as_it_is is not None and as_it_is == _stat(path):
            return tenant_url
        content = _content(path)
        return tenant_of(content, _source(path)) if content is not None else None

    def save(self, state: State) -> None:
        """Atomically, and to the disk before it returns. Raises StateError where that can't be."""
        with self._alone(state.app):
            there = _stat(self._path(state.app))
            if there is not None and there != self._seen.get(self._path(state.app)):
                stored = self._stored(state.app, state.tenant_url)
                if stored is not None:
                    state.revocations = stored.revocations
            mark_revoked(state, datetime.now(UTC))
            self._write(state)

    def revise(self, app: str, tenant_url: str, change: Callable[[State], object]) -> State:
        with self._alone(app):
            state = self.load(app, tenant_url)
            change(state)
            self._write(state)
            self._seen.pop(self._path(app), None)  # what others in this process hold does not know of it
        return state

    def hold(self, app: str, tenant_url: str) -> AbstractContextManager[None]:  # noqa: ARG002
        return tenant_lock(tenant_url)

    def busy(self, app: str, tenant_url: str) -> bool:  # noqa: ARG002
        return is_locked(tenant_url)

    def kept(self, app: str) -> bytes | None:
        return _content(self._kept_path(app))

    def keep(self, app: str, tenant_url: str, content: bytes | None, *, ours: bool = False) -> bool:
        with self._alone(app):
            unmoved = app in self._loaded and self._loaded[app] == _stat(self._path(app))
            if not ours and not (unmoved and not self.busy(app, tenant_url)):
                return False
            if content is None:
                self._kept_path(app).unlink(missing_ok=True)
            else:
                self._replace(self._kept_path(app), content)
        return True

    def where(self, app: str) -> str:
        return str(self._path(app))

    def _path(self, app: str) -> Path:
        return self.folder / f"{app}.json"

    def _kept_path(self, app: str) -> Path:
        return self.folder / f"{app}.snapshot.json.gz"

    def _aside(self, app: str, tenant_url: str) -> Path:
        return self.folder / f"{app}.{hashlib.sha256(tenant_url.encode()).hexdigest()[:8]}.json"

    @contextmanager
    def _alone(self, app: str) -> Iterator[None]:
        """Between reading what is there and replacing it, nobody else writes."""
        try:
            make_ignored(self.folder)
            lock = FileLock(self.folder / f".{app}.lock", timeout=_PATIENCE)
            lock.acquire()
        except Timeout as error:
            raise Locked(f"{self._path(app)} is being written by somebody else", hint="try again") from error
        except OSError as error:
            raise self._unwritable(app, error) from error
        try:
            yield
        except OSError as error:
            raise self._unwritable(app, error) from error
        finally:
            lock.release()

    def _unwritable(self, app: str, error: OSError) -> StateError:
        return StateError(
            f"the state can't be written: {error.strerror or error}",
            place=Place(str(self._path(app))),
            hint="what was done is in the journal; make room or get permission: the next apply binds by matching",
        )

    def _write(self, state: State) -> None:
        path = self._path(state.app)
        foreign = self.foreign(state.app, state.tenant_url)
        if foreign is not None:
            path.replace(self._aside(state.app, foreign))
        self._replace(path, written(state))
        seen = self._loaded[state.app] = _stat(path)
        self._tenants[state.app] = seen, state.tenant_url
        if seen is not None:
            self._seen[path] = seen

    def _replace(self, path: Path, content: bytes) -> None:
        """Whole or not at all, and to the disk."""
        descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
            _flush_folder(self.folder)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise


def make_ignored(folder: Path) -> None:
    """The folder, with a .gitignore of its own: nothing in it is for a commit. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def _source(path: Path) -> Source:
    return Source(Place(str(path)), REMEDY)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"the state can't be read: {error}", place=Place(str(path)), hint=REMEDY) from error


def _read(path: Path, app: str) -> State | None:
    content = _content(path)
    return None if content is None else read_state(content, app, _source(path))


def _stat(path: Path) -> _Seen | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _flush_folder(folder: Path) -> None:
    """A file that was replaced is on the disk when its folder is; Windows can't open one, and need not."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
