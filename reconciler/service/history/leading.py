"""Of several processes one does the work: an advisory lock of PostgreSQL, or of a file beside SQLite's."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.errors import HistoryError
from reconciler.state.engine import file_of, reason, shown

LOOK_SECONDS: Final = 5.0
"""Between two looks at whether the connection that has the lock is still there."""
_SESSION: Final = (
    "SET tcp_keepalives_idle = 15", "SET tcp_keepalives_interval = 5", "SET tcp_keepalives_count = 3",
    "SET statement_timeout = 15000",
)  # fmt: skip
"""So that the server gives the lock of a machine without power to somebody else within half a minute."""


@contextmanager
def leader(engine: Engine, url: URL, name: str, lost: Callable[[], None] | None = None) -> Iterator[bool]:
    """As History.leader. Raises HistoryError where the database, or the file, can't be asked."""
    file = file_of(url)
    with _by_file(file, name) if file is not None else _by_server(engine, url, name, lost) as ours:
        yield ours


@contextmanager
def _by_file(file: Path, name: str) -> Iterator[bool]:
    mark = hashlib.sha256(name.encode()).hexdigest()[:16]
    lock = FileLock(file.with_name(f"{file.name}.{mark}.lock"), timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    except OSError as error:
        raise HistoryError(
            f"the lock beside {file} can't be taken: {error.strerror}", hint="is the folder writable?"
        ) from error
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def _by_server(engine: Engine, url: URL, name: str, lost: Callable[[], None] | None) -> Iterator[bool]:
    number = int.from_bytes(hashlib.sha256(f"reconciler:{name}".encode()).digest()[:8], "big", signed=True)
    connection = None
    try:
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        for statement in _SESSION:
            connection.execute(text(statement))
        ours = bool(connection.execute(text("SELECT pg_try_advisory_lock(:number)"), {"number": number}).scalar())
    except DBAPIError as error:
        if connection is not None:
            _close(connection)
        raise HistoryError(
            f"the lock in {shown(url)} can't be taken: {reason(error, url)}",
            hint="see that the database is there and lets us in",
        ) from None
    if not ours:
        _close(connection)
        yield False
        return
    try:
        with _watched(connection, lost):
            yield True
    finally:
        with suppress(SQLAlchemyError):  # the server notices a closed connection some time later
            connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})
        _close(connection)


@contextmanager
def _watched(connection: Connection, lost: Callable[[], None] | None) -> Iterator[None]:
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK_SECONDS):
            try:
                connection.execute(text("SELECT 1"))
            except SQLAlchemyError:
                if lost is not None and not ended.is_set():
                    lost()
                return

    watcher = threading.Thread(target=watch, name="leader", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()  # two threads must not have the connection at once


def _close(connection: Connection) -> None:
    """The session ends, and the lock with it."""
    with suppress(SQLAlchemyError):
        connection.invalidate()  # also where the server does not answer any more
        connection.close()
