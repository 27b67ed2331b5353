"""`import live` against every application of the gallery: what it writes is what the application has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.gallery import load_profile, names
from reconciler.sandbox import Sandbox, running
from tests.conftest import Called

ODD: tuple[dict[str, Any], ...] = (
    {"userName": "no.mail@example.com", "displayName": "No Mail", "emails": None},
    {"userName": "inactive@example.com", "displayName": "In Active", "active": False},
    {"userName": "nameless@example.com", "displayName": None, "name": None},
    {"userName": "zoë.łukasiewicz@example.com", "displayName": "Zoë Łukasiewicz", "preferredLanguage": "pl"},
    {"userName": "../../etc/passwd@example.com", "displayName": "../../root"},
    {"userName": "CON@example.com", "displayName": "true"},
    {"userName": "con@example.org", "displayName": "0123"},
    {"userName": "日本@example.com", "displayName": "日本 語"},
    {"userName": '\'quoted: "one"@example.com', "displayName": "# no comment\n- at: all"},
    {"userName": "bare", "displayName": " spaced ", "timezone": "Europe/London"},
    {"userName": "language@example.com", "displayName": "Odd Language", "preferredLanguage": "tlh"},
    {"userName": "\x1b[31mred@example.com", "displayName": "\x1b]0;title\x07\u202egnp"},
    {"userName": "x" * 300 + "@example.com", "displayName": "Long " * 15},
)


def seeded(gallery: str) -> Sandbox:
    """Invented accounts, odd ones, and groups with some of each; nothing was ever provisioned here."""
    sandbox = Sandbox(gallery, users=5, rate=0, acts_as=None)
    for number, odd in enumerate(ODD):
        mail = f"odd{number}@example.com"
        whole = {
            "name": {"givenName": "Odd", "familyName": str(number), "formatted": f"Odd {number}"},
            "emails": [{"value": mail, "type": "work", "primary": True}],
            "externalId": f"external-{number}",
            "active": True,
            **odd,
        }
        sandbox.store.create("User", {key: value for key, value in whole.items() if value is not None})
    ids = list(sandbox.users)
    if load_profile(gallery).groups.supported:
        sandbox.add_group("Social Media", ids[:8])
        sandbox.add_group("social-media", ids[4:6])
        sandbox.add_group("../../.ssh/authorized_keys", ids[5:])
        sandbox.add_group("Empty", [])
    return sandbox


def files_of(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".reconciler" not in path.parts
    }


@pytest.fixture
def imported(
    tmp_path: Path, reconciler: Callable[..., Called], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[Path, Called]]]:
    """imported(sandbox, gallery): a folder with what `import live` made of it, and what it said."""
    servers: list[Any] = []

    def make(sandbox: Sandbox, gallery: str, *more: str) -> tuple[Path, Called]:
        server = running(sandbox)
        servers.append(server)
        url = server.__enter__()
        monkeypatch.setenv(f"{gallery.upper().replace('-', '_')}_SCIM_TOKEN", "secret-of-the-tests")
        root = tmp_path / "state"
        return root, reconciler("import", "live", root, "--gallery", gallery, "--tenant-url", url, "--yes", *more)

    yield make
    for server in servers:
        server.__exit__(None, None, None)


@pytest.mark.parametrize("gallery", names())
def test_of_every_application_the_first_plan_is_empty(
    gallery: str, imported: Callable[..., tuple[Path, Called]], reconciler: Callable[..., Called]
) -> None:
    root, said = imported(seeded(gallery), gallery)
    assert said.code == 0, said.err
    assert reconciler("validate", root, "--strict").code == 0
    plan = reconciler("plan", root, "--format", "json")
    assert plan.code == 0
    assert plan.document["changes"] == [], reconciler("plan", root, "--verbose").out
    before = files_of(root)
    again = reconciler("import", "live", root, "--app", gallery, "--yes", "--update", "--prune")
    assert again.code == 0, again.err
    assert files_of(root) == before, again.out
    assert reconciler("fmt", root).code == 0
    assert files_of(root) == before
    assert all(path.resolve().is_relative_to(root.parent) for path in root.parent.rglob("*"))
    assert {path.name for path in root.parent.iterdir()} <= {"state"}
