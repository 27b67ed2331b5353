"""Servers that nobody of the product wrote, the company on them, and a clock that doesn't wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.http import Client
from tests.integration.quirks.company import TOKEN, Company, build
from tests.integration.quirks.outsider import Outsider


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token, and waits that are a hundredth of what they are: after a 429, or before looking again."""
    monkeypatch.setenv("QUIRKS_TOKEN", TOKEN)
    defaults = Client.__init__.__kwdefaults__
    assert defaults is not None
    sleep = asyncio.sleep

    async def hardly(seconds: float) -> None:
        await sleep(seconds / 100)

    monkeypatch.setitem(defaults, "sleep", hardly)


@pytest.fixture
def outsider() -> Iterator[Callable[..., Outsider]]:
    """outsider("habit", …): a server of its own, with accounts that no file describes, and one of Ada's."""
    made: list[Outsider] = []

    def make(*habits: str, strangers: int = 12) -> Outsider:
        server = Outsider(habits)
        made.append(server)
        for number in range(strangers):
            server.add_user(f"guest{number:03}@elsewhere.example", displayName=f"Guest {number}")
        server.add_user(
            "ADA.Lovelace@contoso.com",
            displayName="A. Lovelace",
            name={"givenName": "Ada", "familyName": "Lovelace"},
        )
        server.add_group("Strangers")
        return server

    yield make
    for server in made:
        server.close()


@pytest.fixture
def people(tmp_path: Path) -> Company:
    return build(tmp_path / "state")
