"""The memory in a database: what only a database can do, and what can go wrong with one."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from reconciler.errors import Locked, StateError, UsageError
from reconciler.model.state import Binding, Revocation, State
from reconciler.state import engine as engine_module
from reconciler.state.database import FILES, MEMORY, DatabaseStates
from reconciler.state.engine import engine_of, parsed, reason, shown
from reconciler.state.shared import Head
from tests.postgres import PASSWORD, SECURED, Server
from tests.state.conftest import HERE

SECRET = "hunter2/@:%"
WRITTEN = "hunter2%2F%40%3A%25"


def state(commit: str = "4f2c1e7") -> State:
    binding = Binding(id="1", since="2026-11-23T17:00:00Z", commit=commit, active=True)
    return State(app="chat", tenant_url=HERE, commit=commit, applied_at="2026-11-23T17:00:00Z",
                 bindings={"user:ada": binding})  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/memory.db"
    found = request.getfixturevalue("postgres")
    assert isinstance(found, str)
    return found


@pytest.fixture
def states(url: str, tmp_path: Path) -> DatabaseStates:
    return DatabaseStates(url, tmp_path / "journals")


def sql(url: str, statement: str, **values: Any) -> None:
    with engine_of(parsed(url)).begin() as connection:
        connection.execute(text(statement), values)


class TestStorage:
    def test_reading_makes_nothing(self, states: DatabaseStates, url: str, tmp_path: Path) -> None:
        assert states.load("chat", HERE).fresh
        assert not states.busy("chat", HERE)
        assert list(tmp_path.iterdir()) == []
        if url.startswith("postgresql"):
            with engine_of(parsed(url)).connect() as connection:
                assert connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) == 0

    def test_what_is_stored_is_the_documented_form(self, states: DatabaseStates, url: str) -> None:
        states.save(state())
        with engine_of(parsed(url)).connect() as connection:
            content = connection.scalar(text("SELECT content FROM reconciler_memory_files WHERE name = 'state.json'"))
        assert orjson.loads(bytes(content))["format"] == "reconciler.state/1"

    def test_it_does_not_grow_with_each_save(self, states: DatabaseStates, url: str) -> None:
        for number in range(5):
            states.save(state(str(number)))
        with states.hold("chat", HERE):
            states.save(state("locked"))
        with engine_of(parsed(url)).connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM reconciler_memory_files")) == 1
            assert connection.scalar(text("SELECT count(*) FROM reconciler_memory")) == 1

    def test_what_the_process_keeps_does_not_grow_either(self, states: DatabaseStates) -> None:
        for number in range(5):
            states.load("chat", HERE)
            states.save(state(str(number)))
        states.load("chat", HERE)
        assert len(states._contents) == 1

    def test_the_address_names_neither_password_nor_options(self, states: DatabaseStates, url: str) -> None:
        assert states.where("chat") == f"chat in {url}"

    def test_many_saves_at_once_and_each_is_whole(self, url: str, tmp_path: Path) -> None:
        """The first ones also make the tables, all at the same moment."""
        ready, outcomes = threading.Barrier(6), []

        def revoke(number: int) -> None:
            one = DatabaseStates(url, tmp_path / "journals")
            revoked = Revocation(reason="r", at="2026-11-23T17:00:00Z", by="ada", until=None)
            ready.wait()
            one.revise("chat", HERE, lambda there: there.revocations.update({f"user:{number}": revoked}))
            outcomes.append(number)

        threads = [threading.Thread(target=revoke, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == list(range(6))
        assert len(DatabaseStates(url, tmp_path).load("chat", HERE).revocations) == 6

    @pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
    def test_only_the_owner_reads_the_file(self, tmp_path: Path) -> None:
        DatabaseStates(f"sqlite:///{tmp_path}/below/memory.db", tmp_path / "journals").save(state())
        for file in (tmp_path / "below").iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file

    def test_a_reader_that_may_not_write(self, postgres: str, postgres_server: Server, tmp_path: Path) -> None:
        DatabaseStates(postgres, tmp_path).save(state())
        database = postgres.rpartition("/")[2]
        sql(postgres, "DROP ROLE IF EXISTS only_reads")
        sql(postgres, "CREATE ROLE only_reads LOGIN")
        try:
            sql(postgres, "GRANT SELECT ON reconciler_memory, reconciler_memory_files TO only_reads")
            reader = DatabaseStates(postgres_server.url(database, "only_reads"), tmp_path)
            assert reader.load("chat", HERE) == state()
            with pytest.raises(StateError, match="permission denied") as caught:
                reader.save(state("next"))
            assert "may this user" in caught.value.hint
        finally:
            sql(postgres, "DROP OWNED BY only_reads")
            sql(postgres, "DROP ROLE only_reads")


class TestTrouble:
    @pytest.mark.parametrize(
        ("content", "message"),
        [(b"{", "can't be read"), (b'{"format": "reconciler.state/2"}', "reconciler.state/2"),
         (b'{"format": "reconciler.state/1"}', "damaged at app"),
         (orjson.dumps(state().model_dump(mode="json", by_alias=True) | {"app": "wiki"}), "of app wiki")],
    )  # fmt: skip
    def test_a_damaged_memory(self, states: DatabaseStates, url: str, content: bytes, message: str) -> None:
        states.save(state())
        sql(url, "UPDATE reconciler_memory_files SET content = :c, digest = 'x'", c=content)
        with pytest.raises(StateError, match=message) as caught:
            states.load("chat", HERE)
        assert "chat in " in str(caught.value)
        remedy = "DELETE FROM reconciler_memory WHERE app = 'chat'"
        assert (remedy in caught.value.hint) == ("state/2" not in message)  # a newer one is not to be given up
        sql(url, remedy)  # what it says helps
        assert states.load("chat", HERE).fresh
        states.save(state("anew"))
        assert states.load("chat", HERE).commit == "anew"

    def test_somebody_removes_it_while_an_apply_runs(self, states: DatabaseStates, url: str) -> None:
        with states.hold("chat", HERE):
            states.save(state())
            sql(url, "DELETE FROM reconciler_memory")
            with pytest.raises(Locked, match="not ours any more"):
                states.save(state("next"))
        assert states.load("chat", HERE).fresh

    def test_an_answer_that_was_lost_is_looked_up(
        self, states: DatabaseStates, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        replace = states._replace

        def breaks(*arguments: Any) -> bool:
            done = replace(*arguments)
            arguments[0].commit()
            assert done
            raise OperationalError("COMMIT", {}, Exception("the connection broke"))

        monkeypatch.setattr(states, "_replace", breaks)
        states.save(state())
        monkeypatch.undo()
        assert states.load("chat", HERE).commit == "4f2c1e7"
        states.save(state("next"))

    def test_a_write_that_broke_before_it_was_done_is_told(
        self, states: DatabaseStates, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        states.save(state())

        def breaks(*_: Any) -> bool:
            raise OperationalError("UPDATE", {}, Exception("the connection broke"))

        with monkeypatch.context() as patch:
            patch.setattr(states, "_replace", breaks)
            with pytest.raises(StateError, match="the connection broke"):
                states.save(state("next"))
        assert states.load("chat", HERE) == state()

    def test_a_server_that_is_not_there(self, tmp_path: Path) -> None:
        states = DatabaseStates("postgresql://ada@127.0.0.1:9/reconciler", tmp_path / "journals")
        for act in (lambda: states.load("chat", HERE), lambda: states.busy("chat", HERE)):
            with pytest.raises(StateError, match=r"postgresql://ada@127\.0\.0\.1:9/reconciler can't be used") as caught:
                act()
            assert "Is the database up" in caught.value.hint
        with pytest.raises(StateError), states.hold("chat", HERE):
            pytest.fail("without the database there is no lock")

    def test_a_server_that_restarts_is_not_noticed(self, postgres: str, tmp_path: Path) -> None:
        states = DatabaseStates(postgres, tmp_path / "journals")
        with states.hold("chat", HERE):
            states.save(state())
            sql(postgres, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                          "AND datname = current_database()")  # fmt: skip
            states.save(state("next"))
        assert states.load("chat", HERE).commit == "next"

    @pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4080])
    def test_a_file_that_is_no_database(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "memory.db").write_bytes(content)
        states = DatabaseStates(f"sqlite:///{tmp_path}/memory.db", tmp_path / "journals")
        with pytest.raises(StateError, match=r"can't be used: .*(not a database|malformed|disk I/O)"):
            states.load("chat", HERE)

    def test_a_folder_that_can_not_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("", encoding="utf-8")
        states = DatabaseStates(f"sqlite:///{tmp_path}/file/memory.db", tmp_path / "journals")
        with pytest.raises(StateError, match="can't be made"):
            states.save(state())

    def test_another_writer_that_does_not_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine_module, "PATIENCE", 0)
        states = DatabaseStates(f"sqlite:///{tmp_path}/memory.db", tmp_path / "journals")
        states.save(state())
        other = sqlite3.connect(tmp_path / "memory.db", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Locked, match="is being written by somebody else"):
                states.save(state("next"))
            assert DatabaseStates(f"sqlite:///{tmp_path}/memory.db", tmp_path).load("chat", HERE) == state()
        finally:
            other.close()

    def test_another_transaction_that_does_not_end(
        self, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("reconciler.state.database.PATIENCE", 0.05)
        states = DatabaseStates(postgres, tmp_path / "journals")
        states.save(state())
        with engine_of(parsed(postgres)).begin() as other:
            other.execute(text("UPDATE reconciler_memory SET version = 'x'"))
            with pytest.raises(Locked, match="is being written by somebody else"):
                states.save(state("next"))
            other.rollback()
        assert states.load("chat", HERE) == state()


class TestUrls:
    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("mysql://host/database", "not the URL of a database"),
            ("sqlite:", "not the URL of a database"),
            ("postgresql:database", "not the URL of a database"),
            ("sqlite://", "without a file"),
            ("sqlite:///:memory:", "without a file"),
            ("sqlite://folder/memory.db", "without a file"),
            ("sqlite:///memory.db?mode=ro", "without a file"),
            ("postgresql://host:port/database", "can't be read"),
            (f"postgresql://ada:{SECRET}@host/database", "more than one @"),
        ],
    )
    def test_what_can_not_be_used(self, url: str, message: str, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=message) as caught:
            DatabaseStates(url, tmp_path)
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize(
        "url",
        [
            f"postgresql://ada:{WRITTEN}@db.example.com:5433/reconciler?sslmode=verify-full",
            f"postgres://ada@db.example.com:5433/reconciler?password={WRITTEN}",
            f"postgresql://ada@db.example.com:5433/reconciler?sslpassword={WRITTEN}",
        ],
    )
    def test_the_password_is_nowhere(self, url: str) -> None:
        found = parsed(url)
        assert shown(found) == "postgresql://ada@db.example.com:5433/reconciler"
        for form in (SECRET, WRITTEN):
            error = OperationalError("CONNECT", {}, Exception(f"no {form}\nhere \x1b[31m" + "x" * 400))
            told = reason(error, found)
            assert form not in told
            assert "no *** here" in told
            assert "\x1b" not in told
            assert len(told) < 310

    def test_a_service_is_named(self) -> None:
        assert shown(parsed("postgresql:///?service=team")).endswith("?service=team")

    def test_limits_that_somebody_sets_stay(self) -> None:
        seen = parsed("postgresql://host/database?connect_timeout=3")
        assert "connect_timeout" not in engine_module._limits(seen)
        assert engine_module._limits(seen)["tcp_user_timeout"] == 60_000


class TestPasswords:
    """As libpq has it: in the environment, or in a file of one's own."""

    @pytest.fixture
    def secured(self, postgres: str, postgres_server: Server) -> Callable[..., str]:
        database = postgres.rpartition("/")[2]
        return lambda password="": postgres_server.url(database, f"{SECURED}{password and ':'}{password}")

    def test_without_one(self, secured: Callable[..., str], tmp_path: Path) -> None:
        with pytest.raises(StateError, match="no password supplied") as caught:
            DatabaseStates(secured(), tmp_path).load("chat", HERE)
        assert "PGPASSWORD" in caught.value.hint

    def test_in_the_environment(
        self, secured: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        DatabaseStates(secured(), tmp_path).save(state())

    def test_in_a_file(self, secured: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = tmp_path / "pgpass"
        file.write_text(f"127.0.0.1:*:*:{SECURED}:{PASSWORD}\n", encoding="utf-8")
        file.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(file))
        DatabaseStates(secured(), tmp_path).save(state())

    def test_of_a_service(
        self, secured: Callable[..., str], postgres_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "services"
        database = secured().rpartition("/")[2]
        file.write_text(f"[team]\nhost=127.0.0.1\nport={postgres_server.port}\ndbname={database}\nuser={SECURED}\n"
                        f"password={PASSWORD}\n", encoding="utf-8")  # fmt: skip
        monkeypatch.setenv("PGSERVICEFILE", str(file))
        states = DatabaseStates("postgresql:///?service=team", tmp_path)
        states.save(state())
        assert "service=team" in states.where("chat")

    def test_in_the_url_it_works_and_is_never_told(self, secured: Callable[..., str], tmp_path: Path) -> None:
        right = DatabaseStates(secured(PASSWORD), tmp_path)
        right.save(state())
        assert PASSWORD not in right.where("chat")
        wrong = DatabaseStates(secured("hunter2"), tmp_path)
        with pytest.raises(StateError, match="password authentication failed") as caught:
            wrong.load("chat", HERE)
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def test_the_tables_are_the_documented_ones() -> None:
    assert (MEMORY.name, FILES.name) == ("reconciler_memory", "reconciler_memory_files")
    assert Head() == Head(None, {})
