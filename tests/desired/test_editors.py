"""What somebody sees who writes the files in an editor: the real yaml-language-server, where it is installed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.modeline import pointed, schemas_in
from tests.desired.language_server import LanguageServer

if TYPE_CHECKING:
    from tests.conftest import Called

WRONG = {
    "users/eu/p.yaml": (
        "mail: 7\naccountEnabled: yes\nkind: servce\nfrom: soon\n",
        [(2, "Incorrect type"), (3, "Incorrect type"), (4, "not accepted"), (5, "a day, or a time with an offset")],
    ),
    "groups/g.yaml": (
        "displayName: G\nmembers:\n  - user: a\n    grop: b\n  - reason: x\nsensitiv: true\n",
        [(5, "grop"), (6, "Missing property"), (7, "sensitiv")],
    ),
    "apps/scim/app.yaml": (
        """\
scope:
  assigned:
    groups: [{group: x, role: [y]}]
  everyone: true
unmanaged:
  users: rport
auth:
  bearer: {env: A, file: x}
""",
        [(4, "role"), (4, "not both"), (7, "not accepted"), (9, "exactly one of env")],
    ),
    "apps/scim/mappings.yaml": (
        "users:\n  - target: title\n    source: a\n    constant: b\n",
        [(4, "exactly one of source"), (5, "exactly one of source")],
    ),
    "reconciler.yaml": ("timezone: UTC\ndefaults:\n  canary: many\n", [(2, "timezone"), (4, "Incorrect type")]),
}
"""File → (what stands below the line for editors, the lines that are marked with a part of what is said)."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LanguageServer]:
    program = shutil.which("yaml-language-server")
    if program is None:
        pytest.skip("there is no yaml-language-server")
    with LanguageServer(program, tmp_path) as found:
        yield found


@pytest.fixture
def state(tmp_path: Path, reconciler: Callable[..., Called]) -> Path:
    root = tmp_path / "state"
    assert reconciler("init", root, "--gallery", "scim", "--tenant-url", "https://chat.example/scim/v2").code == 0
    return root


def test_nothing_is_marked_in_what_init_writes(server: LanguageServer, state: Path) -> None:
    files = sorted(state.rglob("*.yaml"))
    assert {str(file): server.remarks(file) for file in files} == {str(file): [] for file in files}


def test_what_is_wrong_is_marked_where_it_is(server: LanguageServer, state: Path) -> None:
    for file, (text, wanted) in WRONG.items():
        path = state / file
        schema = {"reconciler.yaml": "settings"}.get(file) or {"users": "user", "groups": "group"}.get(
            file.partition("/")[0], path.stem
        )
        path.parent.mkdir(exist_ok=True)
        line = f"# yaml-language-server: $schema=.schemas/{schema}.json\n"
        path.write_text(pointed(line + text, file, schemas_in(state)))
        found = server.remarks(path)
        assert [line for line, _ in found] == [line for line, _ in wanted], found
        assert all(part in said for (_, said), (_, part) in zip(found, wanted, strict=True)), found


def test_keys_and_choices_are_completed_and_explained(server: LanguageServer, state: Path) -> None:
    path = state / "groups/other.yaml"
    line = "# yaml-language-server: $schema=../.schemas/group.json\n"
    path.write_text(f"{line}displayName: G\nmembers:\n  - user: ada.example\n    \n")
    server.remarks(path)
    assert set(server.completed(path, 5, 4)) >= {"from", "until", "reason"}
    assert "Ids of people" in server.told(path, 3, 2)
    app = state / "apps/scim/app.yaml"
    app.write_text("# yaml-language-server: $schema=../../.schemas/app.json\nunmanaged:\n  users: \n")
    server.remarks(app)
    assert set(server.completed(app, 3, 9)) == {"deprovision", "report", "ignore"}
    assert "Accounts: report, ignore, or deprovision" in server.told(app, 3, 3)
