"""`plan`, `show`, `drift` and `validate` in the forms of readers and forges."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


@pytest.fixture
def two(company: Callable[..., Company]) -> Iterator[Company]:
    """Two apps, with everybody still to be created."""
    with running(Sandbox("hootsuite", rate=0)) as url, running(Sandbox("hootsuite", rate=0)) as other:
        files = company(gallery="hootsuite", tenant=url)
        files.write("apps/wiki/app.yaml", {**files.read("apps/app/app.yaml"), "tenantUrl": other})
        yield files


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_markdown_of_several_apps_is_one_after_the_other(two: Company, reconciler: Reconciler, command: str) -> None:
    shown = reconciler(command, two.root, "--format", "markdown").out
    assert shown.count("### Access to `Hootsuite`") == 2
    assert "new account" in shown
    assert "@contoso.com" not in shown


def test_kept_plans_of_several_files_are_shown_together(two: Company, reconciler: Reconciler, tmp_path: Path) -> None:
    reconciler("plan", two.root, "--out", tmp_path / "plans")
    kept = (tmp_path / "plans" / "app.json", tmp_path / "plans" / "wiki.json")
    page = reconciler("show", *kept, "--format", "html").out
    assert page.count("<article>") == 2
    assert "ada@contoso.com" in page
    brief, whole = (reconciler("show", *kept, "--format", "markdown", *more).out for more in ((), ("--values",)))
    assert "`ada@contoso.com`" not in brief
    assert "`ada@contoso.com`" in whole
    counts = orjson.loads(reconciler("show", *kept, "--format", "widget").out)
    assert counts["create"] > 0
    assert counts["delete"] == 0
    told = reconciler("show", *kept, "--format", "annotations", "--prefix", "company").out
    assert "::notice file=company/users/" in told
    assert all(line.startswith("::") for line in told.splitlines())
    for form in ("codequality", "sarif"):
        assert orjson.loads(reconciler("show", *kept, "--format", form, "--prefix", "company").out)


def test_a_plan_tells_its_lines_from_the_top_of_the_repository(two: Company, reconciler: Reconciler) -> None:
    above = two.root.parent
    subprocess.run(["git", "init", "-q", str(above)], check=True)
    told = reconciler("plan", two.root, "--format", "annotations").out
    assert f"file={two.root.name}/users/" in told


@pytest.mark.parametrize("form", ["annotations", "codequality", "sarif"])
def test_what_is_wrong_with_the_files_is_told_at_its_line(two: Company, reconciler: Reconciler, form: str) -> None:
    (two.root / "users" / "bad.yaml").write_text("displayName: X\nnonsense: 1\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(two.root)], check=True)
    shown = reconciler("validate", two.root, "--format", form)
    assert shown.code == 1
    assert "users/bad.yaml" in shown.out
    if form == "annotations":
        assert shown.out.startswith("::error file=users/bad.yaml,line=")
    else:
        assert orjson.loads(shown.out)
