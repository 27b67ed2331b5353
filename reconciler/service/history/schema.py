"""Which version of the tables a database has, and the way from it to ours: alembic's migrations, beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from reconciler.errors import HistoryError

HEAD: Final = "0001"
"""The newest of `migrations/versions`; a test compares."""
_TABLE: Final = "history_version"
_LOCK: Final = 0x7265636F
"""Of PostgreSQL: only one process migrates at a time."""


def migrate(connection: Connection, where: str) -> None:
    """Raises HistoryError for a database that a newer version of this program has written."""
    version = _version(connection)
    if version == HEAD:
        return
    from alembic.config import Config  # late: a database that is up to date needs none of it
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    known = {each.revision for each in script.walk_revisions()}
    if version is not None and version not in known:
        raise HistoryError(
            f"the history in {where} is of a newer version ({version}; this one knows up to {HEAD})",
            hint="update reconciler here, or name another history",
        )
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        if _version(connection) == HEAD:
            return  # somebody else was quicker
    from alembic.runtime.environment import EnvironmentContext

    with EnvironmentContext(
        config, script, fn=lambda revision, _context: script._upgrade_revs("head", revision)
    ) as context:
        context.configure(connection=connection, version_table=_TABLE, transactional_ddl=False)
        context.run_migrations()


def _version(connection: Connection) -> str | None:
    from sqlalchemy import inspect

    if not inspect(connection).has_table(_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()  # noqa: S608  a constant
    return None if found is None else str(found)
