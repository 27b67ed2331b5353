from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reconciler.desired import Loaded, load
from reconciler.errors import DesiredStateError, Problem

APP = """\
gallery: hootsuite
tenantUrl: https://scim.example.com/v2
auth:
  bearer: {env: HOOTSUITE_SCIM_TOKEN}
scope:
  assigned:
    groups: [editors]
    users: [ada]
unmanaged:
  users: report
"""
FILES = {
    "users/ada.yaml": "userPrincipalName: ada@contoso.com\ndisplayName: Ada Lovelace\nmanager: grace\n",
    "users/grace.yaml": "userPrincipalName: grace@contoso.com\n",
    "groups/editors.yaml": "displayName: Editors\nmembers:\n  - ada\n",
    "apps/hootsuite/app.yaml": APP,
}
Files = Mapping[str, str | bytes | None]


@pytest.fixture
def app_yaml() -> str:
    return APP


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Files], Path]:
    """A small valid desired state with some files replaced, added, or (None) left out."""

    def written(changed: Files) -> Path:
        root = tmp_path / "desired-state"
        for name, content in {**FILES, **changed}.items():
            if content is None:
                continue
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return written


@pytest.fixture
def loaded(write: Callable[[Files], Path]) -> Callable[[Files], Loaded]:
    return lambda changed: load(write(changed))


@pytest.fixture
def problems(write: Callable[[Files], Path]) -> Callable[[Files], tuple[Problem, ...]]:
    """Everything that is wrong; there must be an error."""

    def found(changed: Files) -> tuple[Problem, ...]:
        with pytest.raises(DesiredStateError) as caught:
            load(write(changed))
        return caught.value.problems

    return found


@pytest.fixture
def only_problem(problems: Callable[[Files], tuple[Problem, ...]]) -> Callable[[Files], Problem]:
    """The one thing that is wrong."""

    def found(changed: Files) -> Problem:
        (problem,) = problems(changed)
        return problem

    return found
