"""An older history is brought up to date, as a whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from reconciler.errors import HistoryError
from reconciler.service.history import History
from reconciler.service.history.schema import HEAD, migrate
from reconciler.state.engine import WRITES, engine_of, parsed


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'history.db'}"
    found = request.getfixturevalue("postgres")
    assert isinstance(found, str)
    return found


def test_an_older_one_is_brought_up_to_date(url: str) -> None:
    """As the first version would have left it: its tables are there, the version table is at nothing."""
    engine = engine_of(parsed(url))
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        connection.execute(text("CREATE TABLE history_version (version_num VARCHAR(32) NOT NULL)"))
    history = History.open(url)
    assert history.cycles() == []
    with history._engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM history_version")).scalar() == HEAD
    history.close()


def test_one_that_breaks_leaves_nothing_behind(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of(parsed(url))
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        connection.execute(text("CREATE TABLE notices (other INTEGER)"))  # the last one that the migration makes
    with pytest.raises(HistoryError, match="notices"):
        History.open(url)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["notices"]


def test_two_that_open_at_once_migrate_once(url: str) -> None:
    program = "import sys; from reconciler.service.history import History; History.open(sys.argv[1]).close()"
    both = [subprocess.Popen([sys.executable, "-c", program, url], stderr=subprocess.PIPE) for _ in range(3)]
    said = [each.communicate()[1] for each in both]
    assert [each.returncode for each in both] == [0, 0, 0], said


def test_what_is_up_to_date_is_left_alone(url: str) -> None:
    History.open(url).close()
    engine = engine_of(parsed(url))
    with engine.connect() as connection:
        migrate(connection, "here")
