"""The memory in a database, from the command line: several work trees, one memory and one lock."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.sandbox import Sandbox, running
from reconciler.state.database import DatabaseStates
from tests.conftest import Called, Company, build_company
from tests.state.conftest import git

Call = Callable[..., Called]


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Company]:
    with running(Sandbox("scim", rate=0)) as url:
        yield build_company(tmp_path / "state", gallery="scim", tenant=url)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/memory.db"
    found = request.getfixturevalue("postgres")
    assert isinstance(found, str)
    return found


def test_another_work_tree_has_the_same_memory(files: Company, url: str, reconciler: Call, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    shutil.copytree(files.root, other)
    applied = reconciler("apply", files.root, "--yes", "--state", url)
    assert applied.code == 0, applied.err
    assert not files.state_file.exists()
    assert (files.root / ".reconciler" / "journals").is_dir()  # those are of the machine
    planned = reconciler("plan", other, "--state", url, "--format", "json")
    assert planned.code == 0, planned.err
    assert planned.document["changes"] == []
    assert reconciler("plan", other, "--format", "json").document["notes"]  # without it, everybody is found anew


def test_what_is_revoked_on_one_machine_is_revoked_on_all(
    files: Company, url: str, reconciler: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_STATE", url)
    other = tmp_path / "elsewhere"
    shutil.copytree(files.root, other)
    assert reconciler("apply", files.root, "--yes").code == 0
    assert reconciler("revoke", "user:ada.lovelace", other, "--reason", "a lost laptop").code == 0
    assert not files.state_file.exists()
    shown = reconciler("state", "show", files.root).out
    assert "a lost laptop" in shown
    assert url in shown
    changes = reconciler("plan", files.root, "--format", "json").document["changes"]
    assert {change["action"] for change in changes} == {"removeMembers"}  # and nobody gives the access back


def test_a_second_apply_is_refused(files: Company, url: str, reconciler: Call, tmp_path: Path) -> None:
    tenant = files.read("apps/app/app.yaml")["tenantUrl"]
    with DatabaseStates(url, tmp_path / "journals").hold("app", tenant):
        called = reconciler("apply", files.root, "--yes", "--state", url)
    assert called.code == 1
    assert "another apply" in called.err


def test_a_second_apply_from_another_machine_is_refused_by_name(
    files: Company, url: str, reconciler: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = files.read("apps/app/app.yaml")["tenantUrl"]
    with DatabaseStates(url, tmp_path / "journals").hold("app", tenant):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another-machine"))  # where the locks of a machine are
        called = reconciler("apply", files.root, "--yes", "--state", url)
    assert called.code == 1
    assert "another apply is running: " in called.err
    assert "ends by itself at" in called.err
    assert reconciler("apply", files.root, "--yes", "--state", url).code == 0


def test_what_git_remembers_is_not_remembered_in_a_database_too(files: Company, url: str, reconciler: Call) -> None:
    git(files.root, "init", "-q", "-b", "main")
    git(files.root, "add", "-A")
    git(files.root, "commit", "-qm", "the company")
    assert reconciler("apply", files.root, "--yes", "--state", "git:refs/reconciler/APP").code == 0
    called = reconciler("plan", files.root, "--state", url)
    assert called.code == 1
    assert "this would be a second one" in called.err


@pytest.mark.parametrize(
    "written",
    ["postgresql://ada:hunter2@127.0.0.1:9/reconciler", "postgresql://ada@127.0.0.1:9/reconciler?password=hunter2",
     "mysql://ada:hunter2@127.0.0.1/reconciler"],
)  # fmt: skip
def test_a_password_is_no_argument(files: Company, reconciler: Call, written: str) -> None:
    called = reconciler("plan", files.root, "--state", written)
    assert called.code == 64
    assert "a password is no argument" in called.err
    assert "RECONCILER_STATE" in called.err
    assert "hunter2" not in called.err + called.out


@pytest.mark.parametrize(
    ("written", "code", "message"),
    [
        ("postgresql://ada:hunter2@127.0.0.1:9/reconciler", 1, "postgresql://ada@127.0.0.1:9/reconciler can't be used"),
        ("mysql://ada:hunter2@127.0.0.1/reconciler", 64, "neither file:DIR, git:REF nor the URL of a database"),
        ("postgresql://ada:hun@ter2@127.0.0.1/reconciler", 64, "more than one @"),
        ("sqlite://", 64, "without a file"),
        ("nowhere", 64, "neither file:DIR, git:REF nor the URL of a database"),
    ],
)
def test_the_environment_may_have_one_and_it_is_not_told(
    files: Company, reconciler: Call, monkeypatch: pytest.MonkeyPatch, written: str, code: int, message: str
) -> None:
    monkeypatch.setenv("RECONCILER_STATE", written)
    for command in (["plan", files.root], ["state", "show", files.root], ["apply", files.root, "--yes"]):
        called = reconciler(*command)
        assert called.code == code, called.err
        assert message in called.err
        assert "hun" not in called.err + called.out


@pytest.mark.parametrize(
    ("missing", "url"), [("sqlalchemy", "sqlite:///x.db"), ("psycopg", "postgresql://127.0.0.1/x")]
)
def test_without_the_extra_it_says_what_to_install(
    files: Company, reconciler: Call, monkeypatch: pytest.MonkeyPatch, missing: str, url: str
) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == missing or n.startswith("reconciler.state.")]:
        if name.split(".")[0] == missing or name.endswith((".engine", ".database")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    called = reconciler("plan", files.root, "--state", url)
    assert called.code == 64
    assert f"needs {missing}, which is not installed" in called.err
    assert "pip install 'reconciler[service,postgresql]'" in called.err
