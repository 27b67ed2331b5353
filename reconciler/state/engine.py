"""A database by its URL: how it is connected to, and what goes wrong in words without its password.

SQLAlchemy is an extra: nothing else of the package imports this module before a URL is given.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from reconciler.errors import UsageError

PATIENCE: Final = 20
"""Seconds for which another writer, and a server that does not answer, is waited for."""
WRITES: Final = "reconciler_writes"
"""The execution option of a transaction that writes."""
_LONGEST: Final = 300
_HOW: Final = "sqlite:///PATH or postgresql://USER@HOST/DATABASE"
_SECRET: Final = frozenset({"password", "sslpassword"})
_LIMITS: Final[dict[str, Any]] = {
    "connect_timeout": PATIENCE,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "application_name": "reconciler",
}
"""A server that has vanished is noticed within about a minute."""


def parsed(text: str) -> URL:
    """Raises UsageError for what is no URL of a database that this can use; what was given is not repeated."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("sqlite", "postgresql", "postgres"):
        raise UsageError("not the URL of a database", hint=f"such as {_HOW}")
    if rest.partition("?")[0].count("@") > 1:  # what follows the first would be taken for the host, and told
        raise UsageError("the URL of the database has more than one @", hint="write %40 for those in user and password")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise UsageError("the URL of the database can't be read", hint=f"such as {_HOW}") from None
    if scheme == "sqlite":
        if not url.database or url.database == ":memory:" or url.host or url.query:
            raise UsageError("sqlite: a URL without a file", hint="sqlite:///PATH, or sqlite:////PATH from the root on")
        return url
    return url.set(drivername="postgresql+psycopg")


def password_of(url: URL) -> str | None:
    """The first password in it, wherever it stands."""
    if url.password is not None:
        return url.password
    return next((str(value) for key, value in url.query.items() if key in _SECRET), None)


def shown(url: URL) -> str:
    """For people to read: without password and options."""
    bare = url.set(drivername=url.get_backend_name(), query={})
    if bare.password is not None:
        bare = URL.create(bare.drivername, bare.username, None, bare.host, bare.port, bare.database)
    text = bare.render_as_string(hide_password=True)
    service = url.query.get("service")
    return f"{text}?service={service}" if isinstance(service, str) else text


def file_of(url: URL) -> Path | None:
    """The file of SQLite; None: a server."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def engine_of(url: URL) -> Engine:
    """Connects when it is asked to, and keeps no connection between two transactions.

    Raises UsageError where the driver is not installed.
    """
    file = file_of(url)
    options: dict[str, Any] = {"timeout": PATIENCE} if file is not None else _limits(url)
    try:
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=options)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise UsageError(
            "a database of PostgreSQL needs psycopg, which is not installed",
            hint="pip install 'reconciler[service,postgresql]'",
        ) from None
    if file is not None:
        event.listen(engine, "connect", _settle)
        event.listen(engine, "begin", _begin)
    return engine


def make_private(file: Path) -> None:
    """The file, which its owner alone may read, where it is not there yet. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))


def reason(error: DBAPIError, url: URL) -> str:
    """What the database says, in one line, cut, and without the password."""
    text = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", str(error.orig)).split())
    secret = password_of(url)
    if secret:
        for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
            text = text.replace(form, "***")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def is_busy(error: DBAPIError) -> bool:
    """Whether somebody else was writing for longer than we wait."""
    return getattr(error.orig, "sqlstate", None) == "55P03" or "database is locked" in str(error.orig)


def _limits(url: URL) -> dict[str, Any]:
    return {key: value for key, value in _LIMITS.items() if key not in url.query}


def _settle(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, see _begin
    set_: Callable[[str], object] = connection.execute
    set_("PRAGMA journal_mode=WAL")
    set_("PRAGMA synchronous=FULL")


def _begin(connection: Connection) -> None:
    """Who is going to write waits for its turn at the beginning: in between it would be refused."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
