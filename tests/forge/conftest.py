"""A fake GitHub, plans to report, and the commands against both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from reconciler.model.plan import (
    Budget,
    CreateUser,
    DeactivateUser,
    DesiredFacts,
    Difference,
    LiveFacts,
    Origin,
    Plan,
    ProfileFacts,
    Reason,
)
from reconciler.plan import signed, to_json
from tests.forge.fakes.github import GitHub
from tests.forge.fakes.gitlab import GitLab

FORGES = ("GITHUB_", "GITLAB_", "CI_")
AFake = TypeVar("AFake", bound=GitHub | GitLab)


def joins(*names: str) -> list[CreateUser]:
    return [
        CreateUser(key=f"user:{name}", name=name, origin=Origin.THIS_CHANGE, reasons=(Reason.NEW_IN_SCOPE,),
                   set={"userName": Difference(after=f"{name}@contoso.com")})
        for name in names
    ]  # fmt: skip


def leaves(*names: str) -> list[DeactivateUser]:
    return [
        DeactivateUser(key=f"user:{name}", id=name, name=name, origin=Origin.THIS_CHANGE,
                       reasons=(Reason.LEFT_SCOPE,), set={"active": Difference(before=True, after=False)})
        for name in names
    ]  # fmt: skip


def plan(*changes: Any, app: str = "hootsuite", **more: Any) -> Plan:
    """Of a pull request, whole and with its digests."""
    given: dict[str, Any] = {
        "tool_version": "1.0.0",
        "app": app,
        "tenant_url": f"https://{app}.example.com/scim/v2",
        "as_of": "2026-11-23T17:00:00Z",
        "desired": DesiredFacts(commit="4f2c1e7aa0", base="0123456789ab", digest="sha256:0", users=412, groups=9),
        "live": LiveFacts(digest="sha256:0", users=415, groups=9, read_at="2026-11-23T17:00:00Z"),
        "profile": ProfileFacts(name="hootsuite", verified="2026-10-01"),
        "budget": Budget(requests=1),
        "changes": changes,
        **more,
    }
    return signed(Plan(**given))


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may themselves run in a forge's job."""
    import os

    for name in [name for name in os.environ if name.startswith(FORGES)]:
        monkeypatch.delenv(name)


@contextmanager
def around(fake: AFake, monkeypatch: pytest.MonkeyPatch) -> Iterator[AFake]:
    """Running, and in the environment."""
    with fake.running():
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    with around(GitHub(), monkeypatch) as fake:
        yield fake


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Path]:
    """kept(plan, name=…): the plan in a file, as `plan --out` writes it."""

    def keep(made: Plan, name: str = "") -> Path:
        file = tmp_path / f"{name or made.app}.json"
        file.write_bytes(to_json(made))
        return file

    return keep
