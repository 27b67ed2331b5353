"""The life of a pull request on GitHub. What is asserted is what people see there afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.plan import read_plans, to_json
from tests.forge.conftest import joins, leaves, plan
from tests.forge.fakes.github import GitHub

A, B, C = "a" * 40, "b" * 40, "c" * 40


def test_a_pull_request_from_its_first_push_to_the_apply(
    github: GitHub, kept: Callable[..., Path], reconciler: Callable[..., Any], monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    number = github.open_pull(A)
    first, second = plan(*joins("ada"), *leaves("grace")), plan(*joins("ada"))
    monkeypatch.setenv("GITHUB_RUN_ID", str(github.run(A, {"hootsuite.json": to_json(first)})))
    assert reconciler("comment", kept(first), "--head", A).code == 0
    (report,) = github.reports(number)
    assert "1 person loses access and 1 person gains access" in report["body"]
    assert github.labelled(number) == {"access: adds", "access: removes"}
    assert github.checks[0]["head_sha"] == A
    assert first.changes_digest in github.checks[0]["external_id"]

    github.push(number, B)
    run = github.run(B, {"hootsuite.json": to_json(second)})
    monkeypatch.setenv("GITHUB_RUN_ID", str(run))
    assert reconciler("comment", kept(second), "--head", B).code == 0
    (report,) = github.reports(number)
    assert "1 person gains access" in report["body"]
    assert "loses" not in report["body"]
    assert github.labelled(number) == {"access: adds"}

    commit = github.merge(number)
    called = reconciler("approved", "--commit", commit, "--out", tmp_path / "approved")
    assert called.code == 0, called.err
    (file,) = (tmp_path / "approved").iterdir()
    assert file.name == "hootsuite.plan.json"
    assert read_plans(file.read_bytes(), "")[0].changes_digest == second.changes_digest
    assert github.leaked == []
