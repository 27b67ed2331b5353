"""States in a database: a row an app with its version, and a row a file.

PostgreSQL is for several machines, SQLite for one. No connection is kept between two steps: a server that was started
anew, or a network that went away and came back, is noticed by nobody.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Column, Connection, LargeBinary, MetaData, Table, Text, delete, insert, inspect, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from reconciler.errors import Locked, ReconcilerError, StateError
from reconciler.state.engine import (
    PATIENCE,
    WRITES,
    engine_of,
    file_of,
    is_busy,
    make_private,
    parsed,
    reason,
    shown,
)
from reconciler.state.shared import SNAPSHOT, TRIES, Head, SharedStates

TABLES: Final = MetaData()
MEMORY: Final = Table(
    "reconciler_memory",
    TABLES,
    Column("app", Text, primary_key=True),
    Column("version", Text, nullable=False),
)
FILES: Final = Table(
    "reconciler_memory_files",
    TABLES,
    Column("app", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
_MAKING: Final = 7_262_636_873
"""The advisory lock under which the tables are made: two at once would meet."""


class DatabaseStates(SharedStates):
    """`url`: sqlite:///PATH or postgresql://…, `folder`: where journals go.

    Raises UsageError for a URL that can't be used, or where the library for it is not installed.
    """

    def __init__(self, url: str, folder: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__(folder, clock)
        self._url = parsed(url)
        self._engine = engine_of(self._url)
        self._has_tables = False
        self._contents: dict[str, bytes] = {}
        """Digest → what was read or is about to be written, of the heads that are known."""

    def where(self, app: str) -> str:
        return f"{app} in {shown(self._url)}"

    def kept(self, app: str) -> bytes | None:
        wanted = select(FILES.c.content).where(FILES.c.app == app, FILES.c.name == SNAPSHOT)
        with self._mutex, self._told(), self._reading() as connection:
            found = None if connection is None else connection.scalar(wanted)
        return None if found is None else bytes(found)

    def _look(self, app: str) -> Head:
        for _ in range(TRIES):
            with self._reading() as connection:
                head = Head() if connection is None else _head(connection, app)
                if connection is None or self._read_all(connection, app, head):
                    return head
        raise self._contended(app)

    def _read_all(self, connection: Connection, app: str, head: Head) -> bool:
        """What the head names, but for what was read of the application. False: it has moved in between."""
        known = {*head.files.values(), *(self._heads.get(app, head).files.values())}
        others = {digest for other, each in self._heads.items() if other != app for digest in each.files.values()}
        self._contents = {d: content for d, content in self._contents.items() if d in known | others}
        missing = {d for name, d in head.files.items() if name != SNAPSHOT} - self._contents.keys()
        rows = select(FILES.c.digest, FILES.c.content).where(FILES.c.app == app, FILES.c.digest.in_(missing))
        for digest, content in connection.execute(rows) if missing else ():
            self._contents[digest] = bytes(content)
        return missing <= self._contents.keys()

    def _blob(self, app: str, name: str) -> bytes:  # noqa: ARG002
        return self._contents[name]

    def _store(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self._contents[digest] = content
        return digest

    def _swap(self, app: str, head: Head, files: Mapping[str, str], message: str) -> Head | None:  # noqa: ARG002
        new = Head(secrets.token_hex(16), dict(files)) if files else Head()
        try:
            with self._writing() as connection:
                return new if self._replace(connection, app, head, new) else None
        except IntegrityError:  # two at once were the first
            return None
        except DBAPIError:
            with contextlib.suppress(SQLAlchemyError, ReconcilerError):  # the answer may be lost, and the work done
                if self._look(app).object == new.object:
                    return new
            raise

    def _replace(self, connection: Connection, app: str, head: Head, new: Head) -> bool:
        there = connection.scalar(select(MEMORY.c.version).where(MEMORY.c.app == app).with_for_update())
        if there != head.object:
            return False
        if new.object is None:
            connection.execute(delete(MEMORY).where(MEMORY.c.app == app))
        elif there is None:
            connection.execute(insert(MEMORY).values(app=app, version=new.object))
        else:
            connection.execute(update(MEMORY).where(MEMORY.c.app == app).values(version=new.object))
        rows = connection.execute(select(FILES.c.name, FILES.c.digest).where(FILES.c.app == app))
        have = {row.name: row.digest for row in rows}
        moved = {name: digest for name, digest in new.files.items() if have.get(name) != digest}
        contents = [{"app": app, "name": n, "digest": d, "content": self._contents[d]} for n, d in moved.items()]
        gone = (have.keys() - new.files.keys()) | (have.keys() & moved.keys())
        if gone:
            connection.execute(delete(FILES).where(FILES.c.app == app, FILES.c.name.in_(gone)))
        if contents:
            connection.execute(insert(FILES), contents)
        return True

    @contextmanager
    def _reading(self) -> Iterator[Connection | None]:
        """A transaction; None: there is nothing to be read yet, and nothing is made for that."""
        file = file_of(self._url)
        if file is not None and not file.exists():
            yield None
            return
        with self._engine.connect() as connection:
            self._has_tables = self._has_tables or inspect(connection).has_table(FILES.name)
            yield connection if self._has_tables else None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction, and the tables are there."""
        file = file_of(self._url)
        if file is not None:
            make_private(file)
        with self._engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
            if file is None:
                for name in ("lock_timeout", "idle_in_transaction_session_timeout"):
                    connection.exec_driver_sql(f"SET LOCAL {name} = '{PATIENCE}s'")
            if not self._has_tables:
                if file is None:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MAKING})")
                TABLES.create_all(connection)
            yield connection
        self._has_tables = True

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StateError(f"the folder for journals, or of the database, can't be made: {error}") from error
        except DBAPIError as error:
            place = shown(self._url)
            if is_busy(error):
                raise Locked(f"{place} is being written by somebody else", hint="try again") from None
            raise StateError(
                f"the database {place} can't be used: {reason(error, self._url)}",
                hint="nothing more was written to the application. Is the database up, and may this user use it? "
                "A password comes from PGPASSWORD, ~/.pgpass or a service file",
            ) from None
        except SQLAlchemyError as error:
            raise StateError(
                f"the database {shown(self._url)} can't be used: {type(error).__name__}", hint="is its URL right?"
            ) from None

    def _removal(self, app: str) -> str:
        statement = f"DELETE FROM {MEMORY.name} WHERE app = '{app}'"  # noqa: S608 - for a person to read
        return f"look at it in {FILES.name}, or remove it with `{statement}`"


def _head(connection: Connection, app: str) -> Head:
    """In one statement, so that all of it is of one moment."""
    joined = MEMORY.outerjoin(FILES, FILES.c.app == MEMORY.c.app)
    wanted = select(MEMORY.c.version, FILES.c.name, FILES.c.digest).select_from(joined).where(MEMORY.c.app == app)
    rows = connection.execute(wanted).all()
    return Head(rows[0].version, {row.name: row.digest for row in rows if row.name is not None}) if rows else Head()
