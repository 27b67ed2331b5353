"""`reconciler init`: what it writes works at once, and nothing that was there is touched."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml

from reconciler.desired import load, pipeline
from reconciler.desired.codeowners import Forge
from reconciler.desired.scaffold import create
from reconciler.desired.schemas import published
from reconciler.errors import ReconcilerError
from reconciler.gallery import load_profile, names

if TYPE_CHECKING:
    from tests.conftest import Called

    Reconciler = Callable[..., Called]

PACKAGE = f"https://files.example.com/reconciler-0.1.0-py3-none-any.whl#sha256={'a' * 64}"
URL = "https://chat.example/scim/v2"


class Terminal(io.StringIO):
    """Somebody who types these lines."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("gallery", names())
def test_every_application_gives_a_state_that_works_at_once(gallery: str, here: Path, reconciler: Reconciler) -> None:
    assert reconciler("init", "state", "--gallery", gallery, "--tenant-url", URL).code == 0
    validated = reconciler("validate", "state", "--strict")
    assert (validated.code, validated.err) == (0, "")
    tested = reconciler("test", "state")
    assert tested.code == 0
    assert "0 failed" in tested.out
    assert reconciler("fmt", "state", "--check").code == 0
    loaded = load(here / "state")
    assert [*loaded.directory.users, *loaded.directory.groups] == ["ada.example", "example-team"]
    app = loaded.apps[gallery]
    assert (app.tenant_url, app.provisioning, app.unmanaged.users) == (URL, False, "report")
    assert (app.groups == "none") is not load_profile(gallery).groups.supported
    assert {case.user or case.expression for case in loaded.cases[gallery]} >= {"ada.example"}
    written = [text for file, text in tree(here / "state").items() if file.endswith(".yaml")]
    assert max(len(line) for text in written for line in text.splitlines()) <= 120


def test_what_it_says(here: Path, reconciler: Reconciler) -> None:
    called = reconciler("init", "my access", "--gallery", "hootsuite")
    assert called.code == 0
    assert called.out.splitlines()[:2] == ["  my access/reconciler.yaml", "  my access/.gitignore"]
    assert called.out.splitlines()[-3:] == [
        "  reconciler validate 'my access' --strict",
        "  reconciler test 'my access'",
        "  reconciler plan 'my access'    # with the token in HOOTSUITE_SCIM_TOKEN",
    ]
    assert tree(here / "my access")[".gitignore"].splitlines()[-1] == ".reconciler/"


def test_the_address_is_the_gallerys_where_there_is_one_for_all(here: Path, reconciler: Reconciler) -> None:
    assert reconciler("init", "state", "--gallery", "hootsuite").code == 0
    assert load(here / "state").apps["hootsuite"].tenant_url == "https://platform.hootsuite.com/scim/v2"


@pytest.mark.parametrize("gallery", names())
def test_editors_find_their_schemas(gallery: str, here: Path, reconciler: Reconciler) -> None:
    reconciler("init", "state", "--gallery", gallery, "--tenant-url", URL)
    found = 0
    for path in (here / "state").rglob("*.yaml"):
        first, _, rest = path.read_text().partition("\n")
        if not first.startswith("# yaml-language-server: $schema="):
            continue
        found += 1
        schema = json.loads((path.parent / first.partition("=")[2]).read_text())
        jsonschema.validate(yaml.safe_load(rest), schema)
    assert found == 6
    assert json.loads((here / "state/.schemas/app.json").read_text()) == published("app")


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_workflows_stand_at_the_top_of_the_repository(forge: Forge, here: Path, reconciler: Reconciler) -> None:
    (here / ".git").mkdir()
    (here / "deep").mkdir()
    options = ("--forge", forge, "--owner", "@acme/identity", "--branch", "trunk", "--package", PACKAGE)
    called = reconciler("init", "deep/state", "--gallery", "slack", *options)
    assert called.code == 0
    (app,) = load(here / "deep/state").apps.values()
    meant = pipeline.files(
        forge, apps=[app], branch="trunk", owner="@acme/identity", folder="deep/state", package=PACKAGE
    )
    files = tree(here)
    assert {name: files[name] for name in meant} == meant
    assert {name for name in files if not name.startswith("deep/state/")} == set(meant)
    assert any(name.endswith("CODEOWNERS") for name in meant)
    assert load(here / "deep/state").settings.state == "git"
    assert all(f"  {name}" in called.out.splitlines() for name in meant)


def test_without_a_repository_the_folder_one_is_in_becomes_its_top(here: Path, reconciler: Reconciler) -> None:
    called = reconciler("init", "state", "--gallery", "slack", "--forge", "github", "--package", PACKAGE)
    assert called.code == 0
    assert called.out.endswith(
        "  reconciler check state --forge    # what the workflows need, with a token in GITHUB_TOKEN\n"
    )
    assert (here / ".github/workflows/plan.yml").exists()
    assert not (here / ".github/CODEOWNERS").exists()
    assert "anybody who may merge decides about apps" in called.err


def test_it_asks_for_what_is_missing_at_a_terminal(
    here: Path, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f"figm\nfigma\n{URL}/\n{PACKAGE}\n@acme/identity\n"))
    called = reconciler("init", "state", "--forge", "github")
    assert called.code == 0
    assert "Tenant URL, such as https://www.figma.com/scim/v2/{tenant}" in called.out + called.err
    assert load(here / "state").apps["figma"].tenant_url == URL
    assert "@acme/identity" in (here / ".github/CODEOWNERS").read_text()


def test_an_address_that_is_none_is_asked_for_again(
    here: Path, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f"http://chat.example\nhttps://u:p@chat.example\n{URL}\n"))
    called = reconciler("init", "state", "--gallery", "scim")
    assert called.code == 0, called.err
    assert "is plain http" in called.out + called.err
    assert load(here / "state").apps["scim"].tenant_url == URL


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--gallery is missing"),
        (("--gallery", "figma"), "--tenant-url is missing"),
        (("--gallery", "scim"), "--tenant-url is missing"),
        (("--gallery", "hootsute"), "did you mean hootsuite"),
        (("--gallery", "../../x"), "the gallery has no '../../x'"),
        (("--gallery", "slack", "--tenant-url", "http://chat.example"), "is plain http"),
        (("--gallery", "slack", "--tenant-url", "https://u:p@chat.example"), "has a user name or a password in it"),
        (("--gallery", "figma", "--tenant-url", "https://figma.com/{tenant}"), "has braces in it"),
        (("--gallery", "slack", "--owner", "@acme/x"), "--branch, --package and --owner are about workflows"),
        (("--gallery", "slack", "--package", PACKAGE), "--branch, --package and --owner are about workflows"),
        (("--gallery", "slack", "--forge", "github"), "--package is missing"),
        (("--gallery", "slack", "--forge", "gitlab", "--package", "reconciler"), "can't get reconciler from"),
        (("--gallery", "slack", "--branch", "x"), "--branch, --package and --owner are about workflows"),
        (("--gallery", "slack", "--forge", "github", "--package", PACKAGE, "--owner", "acme: x"), "owns nothing"),
        (("--gallery", "slack", "--forge", "github", "--branch", "a b"), "can't stand in a workflow"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    options: tuple[str, ...], message: str, here: Path, reconciler: Reconciler
) -> None:
    called = reconciler("init", "state", *options)
    assert called.code == 64
    assert message in called.err
    assert list(here.iterdir()) == []


def test_the_top_of_a_repository_is_no_place_where_workflows_are_wanted(here: Path, reconciler: Reconciler) -> None:
    called = reconciler("init", ".", "--gallery", "slack", "--forge", "github")
    assert (called.code, list(here.iterdir())) == (64, [])
    assert "name a folder there, such as desired-state" in called.err


def test_all_that_exists_is_named_at_once_and_nothing_is_written(here: Path, reconciler: Reconciler) -> None:
    taken = ("state/reconciler.yaml", "state/apps/slack/app.yaml", ".github/workflows/plan.yml")
    for name in taken:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text("mine")
    (here / "state/apps/slack/tests.yaml").symlink_to("nowhere")
    called = reconciler("init", "state", "--gallery", "slack", "--forge", "github", "--package", PACKAGE)
    assert called.code == 64
    assert all(name in called.err for name in (*taken, "state/apps/slack/tests.yaml"))
    assert tree(here) == dict.fromkeys(taken, "mine")


def test_a_second_run_changes_nothing(here: Path, reconciler: Reconciler) -> None:
    reconciler("init", "state", "--gallery", "slack")
    before = tree(here)
    assert reconciler("init", "state", "--gallery", "slack").code == 64
    assert tree(here) == before


def test_nothing_is_written_through_a_link_out_of_the_folder(here: Path, reconciler: Reconciler) -> None:
    for name in ("state", "elsewhere"):
        (here / name).mkdir()
    (here / "state/apps").symlink_to(here / "elsewhere")
    called = reconciler("init", "state", "--gallery", "slack")
    assert called.code == 64
    assert "there is a link on the way" in called.err
    assert tree(here) == {}


def test_what_can_not_be_written_leaves_nothing_behind(here: Path) -> None:
    (here / "old").write_text("mine")
    files = {here / "new/a/one": "1", here / "new/two": "2", here / "old/three": "3"}
    with pytest.raises(ReconcilerError, match="can't be written"):
        create(files, here)
    assert sorted(path.name for path in here.rglob("*")) == ["old"]
