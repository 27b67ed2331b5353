"""The hooks for pre-commit, and the examples of docs/ci.md."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.workflows.gitlab import interpolated
from tests.workflows.own import REPOSITORY
from tests.workflows.runner import read_yaml

if TYPE_CHECKING:
    from tests.conftest import Called

HOOKS: list[dict[str, Any]] = read_yaml((REPOSITORY / ".pre-commit-hooks.yaml").read_text("utf-8"))
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", (REPOSITORY / "docs/ci.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_runs_in_a_repository_that_is_in_order(
    hook: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reconciler: Callable[..., Called]
) -> None:
    program, command, *rest = shlex.split(hook["entry"])
    assert program == "reconciler"
    shutil.copytree(
        REPOSITORY / "desired-state", tmp_path / "desired-state", ignore=shutil.ignore_patterns(".reconciler")
    )
    monkeypatch.chdir(tmp_path)
    called = reconciler(command, *rest)
    assert called.code == 0, called.err


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_is_for_the_files_of_a_desired_state(hook: dict[str, Any]) -> None:
    wanted = re.compile(hook["files"])
    ours = [
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "desired-state").rglob("*.yaml")
        if ".reconciler" not in path.parts
    ]
    assert ours
    assert all(wanted.search(path) for path in ours)
    assert not wanted.search("docs/ci.md")
    assert hook["pass_filenames"] is False, "a desired state is checked as a whole"


def test_the_examples_of_the_page_are_right() -> None:
    hooks, component = map(read_yaml, EXAMPLES)
    assert [hook["id"] for hook in hooks["repos"][0]["hooks"]] == [hook["id"] for hook in HOOKS]
    (include,) = component["include"]
    jobs = interpolated((REPOSITORY / include["local"]).read_text("utf-8"), include["inputs"])
    assert "apply:hootsuite" in jobs
