"""Promise 4: the planner can't write. Its types do not let it, and no request of it is anything but a reading."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.session import Settings

if TYPE_CHECKING:
    from tests.conftest import Called, SandboxStory

ROOT = Path(__file__).resolve().parents[2]
PLANNER = """\
from datetime import UTC, datetime
from reconciler.live import Reader, Writer
from reconciler.model.app import App
from reconciler.model.desired import Desired
from reconciler.model.profile import Profile
from reconciler.model.snapshot import Snapshot
from reconciler.model.state import State
from reconciler.plan import propose

def planned(
    app: App, profile: Profile, desired: Desired, live: {given}, state: State, reader: Reader, writer: Writer
) -> None:
    propose(app, profile, desired, live, state, as_of=datetime.now(UTC))
    {more}
"""


def checked(tmp_path: Path, given: str, more: str = "pass") -> str:
    text = PLANNER.format(given=given, more=more)
    # a name for each text: mypy knows a file again by its time and size, and these are alike
    file = tmp_path / f"planner_{zlib.crc32(text.encode())}.py"
    file.write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml"), str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300).stdout


def test_a_planner_given_a_writer_does_not_type_check(tmp_path: Path) -> None:
    """And given a snapshot it does, so that it is the writer that is refused."""
    assert "Success" in checked(tmp_path, "Snapshot")
    for given in ("Writer", "Reader"):
        said = checked(tmp_path, given)
        assert f'has incompatible type "{given}"; expected "Snapshot"' in said, said


def test_a_reader_has_nothing_that_writes(tmp_path: Path) -> None:
    for method in ("create_user", "update_user", "delete_user"):
        said = checked(tmp_path, "Snapshot", f"reader.{method}")
        assert f'"Reader" has no attribute "{method}"' in said, said
    assert 'has no attribute "update_user"' not in checked(tmp_path, "Snapshot", "writer.update_user")


class OnlyReading(httpx.AsyncBaseTransport):
    """Refuses whatever is neither a GET nor a POST to .search (RFC 7644 section 3.4.3)."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.count = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reads = request.method == "GET" or (request.method == "POST" and request.url.path.endswith("/.search"))
        assert reads, f"{request.method} {request.url}"
        self.count += 1
        return await self.inner.handle_async_request(request)


COMMANDS = [
    ("plan", 0), ("plan --verbose", 0), ("plan --detailed-exitcode", 2), ("drift", 2), ("check", 0),
    ("explain user:ada.lovelace", 0),
]  # fmt: skip


@pytest.mark.parametrize(("command", "code"), COMMANDS)
def test_commands_that_only_read(
    story: SandboxStory, reconciler: Callable[..., Called], monkeypatch: pytest.MonkeyPatch, command: str, code: int
) -> None:
    """With everything that there is to do: a rename, a leaver, a newcomer, a group too many."""
    story.converge()
    story.company.edit_person("grace.hopper", userPrincipalName="rear@contoso.com")
    story.company.remove_person("alan.turing")
    story.company.person("emmy.noether", "Emmy", "Noether")
    story.company.remove_group("research")
    before, writes = story.company.state_file.read_bytes(), len(story.writes())
    transport = OnlyReading(story.transport)
    with_transport = Settings.__init__

    def settings(self: Settings, *arguments: object, **options: object) -> None:
        with_transport(self, *arguments, **{**options, "transport": transport})  # type: ignore[arg-type]

    monkeypatch.setattr(Settings, "__init__", settings)
    name, *rest = command.split()
    called = reconciler(name, *(rest if name == "explain" else [story.company.root, *rest]),
                        *([story.company.root] if name == "explain" else []))  # fmt: skip
    assert called.code == code, called.err
    assert transport.count
    assert len(story.writes()) == writes
    assert story.company.state_file.read_bytes() == before
