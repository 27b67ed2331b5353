"""A real PostgreSQL server, from the system's package, for the tests that need one: `postgres` is an empty database.

A test that asks for it is skipped where there is no such package. One server a worker, from the
first such test on.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pwd import struct_passwd

USER = "reconciler"
"""Who may do anything, without a password."""
SECURED, PASSWORD = "secured", "the-password-of-the-tests"
"""Who needs one."""
_SECONDS = 60.0
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
"""prctl(2)"""
_QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}
_RULES = f"host all {SECURED} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"


class Missing(Exception):
    """There is no server to be had on this machine, and why."""


def programs() -> Path:
    """The folder of the newest server's programs. Raises Missing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3].split(".")[0]))
    if found:
        return found[-1].parent
    other = shutil.which("postgres")
    if other is None:
        raise Missing("no PostgreSQL server is installed")
    return Path(other).resolve().parent


def _account() -> struct_passwd | None:
    """As whom the server runs, which refuses root: None is who we are. Raises Missing."""
    import pwd

    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise Missing("PostgreSQL does not run as root, and there is no user postgres or nobody")


@dataclass
class Server:
    """One server of our own in a folder of its own, on 127.0.0.1."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    def start(cls) -> Server:
        """Raises Missing where there is none."""
        bin_, account = programs(), _account()
        folder = Path(tempfile.mkdtemp(prefix="reconciler-postgres-"))
        try:
            return cls._start(bin_, account, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    @classmethod
    def _start(cls, bin_: Path, account: struct_passwd | None, folder: Path) -> Server:
        who: dict[str, object] = {}
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
            who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        data, environ = folder / "data", {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        made = subprocess.run(
            [bin_ / "initdb", "-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync"],
            cwd=folder, env=environ, capture_output=True, text=True, **who,
        )  # type: ignore[call-overload]  # fmt: skip
        assert made.returncode == 0, made.stderr
        (data / "pg_hba.conf").write_text(_RULES)
        for _ in range(5):  # somebody else may take the port in between
            port, log = _free_port(), folder / "log"
            options = [f"-c{key}={value}" for key, value in {**_QUICK, "port": str(port)}.items()]
            with log.open("wb") as errors:
                process = subprocess.Popen(
                    [bin_ / "postgres", "-D", data, *options], cwd=folder, env=environ, stdin=subprocess.DEVNULL,
                    stdout=errors, stderr=errors, start_new_session=True, preexec_fn=_end_with_us, **who,
                )  # type: ignore[call-overload]  # fmt: skip
            server = cls(port, folder, process)
            if server._answers():
                server.sql(f"CREATE ROLE {SECURED} LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
                return server
        raise AssertionError(log.read_text())

    def _answers(self) -> bool:
        import psycopg

        end = time.monotonic() + _SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        self._end()
        return False

    def url(self, database: str, user: str = USER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self) -> str:
        """An empty database, by its URL."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Whoever is still connected is thrown out."""
        self.sql(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def stop(self) -> None:
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self) -> None:
        """At once and in order, whoever is connected; by force where that takes too long."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(_SECONDS)


def _end_with_us() -> None:
    """In the server's process: where the tests are killed, it ends as by `stop` (Linux; elsewhere it stays)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert isinstance(port, int)
    return port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The server; skipped where there is none."""
    try:
        server = Server.start()
    except Missing as reason:
        pytest.skip(f"PostgreSQL: {reason}")
    yield server
    server.stop()


@pytest.fixture
def postgres(postgres_server: Server) -> Iterator[str]:
    """The URL of an empty database on a real server, which is gone after the test."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)
