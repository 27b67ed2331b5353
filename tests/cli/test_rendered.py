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


@pytest.mark.parametrize(
    ("form", "place"),
    [("annotations", "file={}/users/"), ("markdown", "· `{}/users/"), ("html", ">{}/users/"),
     ("codequality", '"path": "{}/users/'), ("sarif", '"uri": "{}/users/')],
)  # fmt: skip
def test_files_are_named_from_the_top_of_the_repository(
    two: Company, reconciler: Reconciler, tmp_path: Path, form: str, place: str
) -> None:
    """Git tells where the desired state lies; a plan that was kept is told so."""
    subprocess.run(["git", "init", "-q", str(two.root.parent)], check=True)
    told = reconciler("plan", two.root, "--format", form, "--out", tmp_path / "kept").out
    assert place.format(two.root.name) in told
    shown = reconciler("show", tmp_path / "kept", "--format", form, "--prefix", "my/company/").out
    assert place.format("my/company") in shown
    assert place.format("my/company").replace("my/company/", "") in reconciler(
        "show", tmp_path / "kept", "--format", form
    ).out  # fmt: skip


def test_a_folder_of_plans_is_shown_whole(two: Company, reconciler: Reconciler, tmp_path: Path) -> None:
    reconciler("plan", two.root, "--out", tmp_path / "kept")
    each = [reconciler("show", tmp_path / "kept" / f"{app}.json").out for app in ("app", "wiki")]
    assert reconciler("show", tmp_path / "kept").out == "\n".join(each)
    (tmp_path / "kept" / "other.json").write_text("{}", encoding="utf-8")
    refused = reconciler("show", tmp_path / "kept")
    assert (refused.code, refused.out) == (1, "")
    assert "other.json" in refused.err


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
