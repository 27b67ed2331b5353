"""The server that other tests ask for is a real one, and each test has a database of its own."""

from __future__ import annotations

import psycopg
import pytest

from tests.postgres import PASSWORD, SECURED, Server


@pytest.mark.parametrize("_turn", [1, 2])
def test_each_test_has_an_empty_database(postgres: str, _turn: int) -> None:
    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE TABLE here (id int)")
        assert connection.info.server_version > 120000


def test_a_password_is_asked_for(postgres: str, postgres_server: Server) -> None:
    url = postgres_server.url(postgres.rpartition("/")[2], SECURED)
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(url)
    psycopg.connect(url, password=PASSWORD).close()
