"""All files together: order, digest, paths, and everything that is wrong at once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.desired import Loaded, commit_of, find, load, read_cases
from reconciler.errors import DesiredStateError, Problem, UsageError


def test_the_same_whatever_file_somebody_is_in(write: Callable[..., Path], tmp_path: Path) -> None:
    first = load(write({"users/z.yaml": "- {id: b, mail: b}\n- {id: a, mail: a}\n"})).directory
    other = tmp_path / "other"
    (other / "users" / "folder").mkdir(parents=True)
    for name in ("a", "b"):
        (other / "users" / f"{name}.yaml").write_text(f"mail: {name}\n")
    for name in ("ada", "grace"):
        text = (tmp_path / "desired-state" / "users" / f"{name}.yaml").read_text()
        (other / "users" / "folder" / f"{name}.yaml").write_text(text)
    second = load(other).directory
    assert list(first.users) == list(second.users) == ["a", "ada", "b", "grace"]
    assert [user.attributes for user in first] == [user.attributes for user in second]


def test_the_digest_is_of_names_and_contents(write: Callable[..., Path]) -> None:
    root = write({})
    before = load(root).directory.digest
    assert before.startswith("sha256:")
    assert load(root).directory.digest == before
    (root / "users" / "notes.txt").write_text("not read")
    (root / ".reconciler").mkdir()
    (root / ".reconciler" / "x.yaml").write_text("[")
    assert load(root).directory.digest == before
    (root / "users" / "ada.yaml").rename(root / "users" / "a.yaml")
    (root / "users" / "a.yaml").write_text("id: ada\n")
    assert load(root).directory.digest != before


def test_the_commit_is_kept(write: Callable[..., Path]) -> None:
    assert load(write({}), commit="4f2c1e7").directory.commit == "4f2c1e7"


def test_everything_that_is_wrong_is_told_at_once(problems: Callable[..., tuple[Problem, ...]], app_yaml: str) -> None:
    found = problems(
        {
            "reconciler.yaml": "soonDays: x\n",
            "users/a.yaml": "mail: 1\ncity: 2\n",
            "users/b.yaml": "a: [\n",
            "groups/c.yaml": "rules: x\n",
            "apps/hootsuite/app.yaml": f"{app_yaml}order: x\nfoo: 1\ngroups: [nobody]\n",
            "apps/hootsuite/mappings.yaml": "users: [{}]\n",
            "apps/hootsuite/tests.yaml": "x: 1\n",
        }
    )
    assert [str(each.place) for each in found] == [
        "apps/hootsuite/app.yaml:11:8",
        "apps/hootsuite/app.yaml:12:1",
        "apps/hootsuite/app.yaml:13:10",
        "apps/hootsuite/mappings.yaml:1:9",
        "apps/hootsuite/tests.yaml:1:1",
        "groups/c.yaml:1:8",
        "reconciler.yaml:1:11",
        "users/a.yaml:1:7",
        "users/a.yaml:2:7",
        "users/b.yaml:2:1",
    ]


def test_who_may_be_in_a_broken_file_is_not_called_missing(only_problem: Callable[..., Problem]) -> None:
    problem = only_problem({"users/ada.yaml": "mail: [\n", "groups/x.yaml": "members: [nobody]\n"})
    assert problem.place.file == "users/ada.yaml"


def test_warnings_are_told_beside_errors(problems: Callable[..., tuple[Problem, ...]]) -> None:
    found = problems({"users/a.yaml": "manager: nobody\nmial: x\n"})
    assert [each.severity for each in found] == ["warning", "error"]


@pytest.mark.parametrize(
    ("name", "says", "hint"),
    [
        ("users/x.yml", "only files that end in .yaml are read", "x.yaml"),
        ("users/x.YAML", "only files that end in .yaml are read", "x.yaml"),
        ("groups/x.json", "only files that end in .yaml are read", "x.yaml"),
        ("user/x.yaml", "nothing of this name is read", "users"),
        ("group/x.yaml", "nothing of this name is read", "groups"),
        ("reconcile.yaml", "nothing of this name is read", "reconciler.yaml"),
        ("reconciler.yml", "nothing of this name is read", "reconciler.yaml"),
        ("users/a\nb.yaml", "unprintable", "rename"),
    ],
)
def test_nobody_is_ignored_in_silence(only_problem: Callable[..., Problem], name: str, says: str, hint: str) -> None:
    problem = only_problem({name: "mail: x\n"})
    assert says in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    "name", ["users/.x.yaml", "users/.x/y.yaml", "users/README.md", "docs/x.yaml", ".github/x.yml"]
)
def test_what_is_not_ours_to_read(loaded: Callable[..., Loaded], name: str) -> None:
    assert list(loaded({name: "a: [\n"}).directory.users) == ["ada", "grace"]


def test_links_stay_inside(write: Callable[..., Path], tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("mail: x\n")
    root = write({"groups/templates/x.yaml": "members:\n"})
    (root / "users" / "out.yaml").symlink_to(outside)
    (root / "users" / "gone.yaml").symlink_to("nowhere.yaml")
    (root / "users" / "loop.yaml").symlink_to("loop.yaml")
    (root / "users" / "folder").symlink_to(tmp_path)
    (root / "apps" / "link").symlink_to(root / "apps" / "hootsuite")
    (root / "groups" / "inside.yaml").symlink_to("templates/x.yaml")
    with pytest.raises(DesiredStateError) as caught:
        load(root)
    told = {each.place.file: each.message for each in caught.value.problems}
    assert sorted(told) == ["apps/link", "users/folder", "users/gone.yaml", "users/loop.yaml", "users/out.yaml"]
    assert "leads out of the desired state" in told["users/out.yaml"]
    assert "a link to a folder" in told["users/folder"]


def test_what_is_no_file_is_not_opened(write: Callable[..., Path]) -> None:
    root = write({})
    os.mkfifo(root / "users" / "pipe.yaml")
    with pytest.raises(DesiredStateError, match=r"users/pipe\.yaml: not a regular file"):
        load(root)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(write: Callable[..., Path]) -> None:
    root = write({})
    (root / "users" / "ada.yaml").chmod(0)
    with pytest.raises(DesiredStateError, match=r"can't be read: Permission denied"):
        load(root)


def test_only_some_apps(write: Callable[..., Path], app_yaml: str) -> None:
    second = app_yaml.replace("scim.example.com", "other.example.com")
    root = write({"apps/second/app.yaml": second, "apps/broken/app.yaml": "a: ["})
    state = load(root, apps=["second"])
    assert list(state.apps) == list(state.places) == list(state.cases) == ["second"]
    with pytest.raises(UsageError) as caught:
        load(root, apps=["secnd"])
    assert caught.value.hint == "did you mean `second`?"


def test_another_app_on_the_same_tenant_is_seen_even_if_it_was_not_asked_for(
    write: Callable[..., Path], app_yaml: str
) -> None:
    root = write({"apps/second/app.yaml": app_yaml})
    with pytest.raises(DesiredStateError, match="have one tenantUrl"):
        load(root, apps=["second"])


def test_people_without_apps(write: Callable[..., Path]) -> None:
    state = load(write({"apps/hootsuite/app.yaml": None}))
    assert state.apps == {}
    assert len(state.directory.users) == 2


def test_nobody_at_all_is_an_error(write: Callable[..., Path]) -> None:
    root = write({"users/ada.yaml": None, "users/grace.yaml": None, "groups/editors.yaml": None})
    with pytest.raises(DesiredStateError, match="nobody is described"):
        load(root)


def test_a_folder_that_is_no_desired_state(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no desired state"):
        load(tmp_path)


def test_the_collector_is_as_it_was(write: Callable[..., Path]) -> None:
    import gc

    assert gc.isenabled()
    load(write({}))
    assert gc.isenabled()
    with pytest.raises(DesiredStateError):
        load(write({"users/x.yaml": "["}))
    assert gc.isenabled()


def test_find_goes_upwards(write: Callable[..., Path], tmp_path: Path) -> None:
    root = write({})
    assert find(tmp_path) == root
    assert find(root) == root
    assert find(root / "apps" / "hootsuite") == root
    assert find(root / "users") == root


def test_find_stays_in_the_repository(write: Callable[..., Path], tmp_path: Path) -> None:
    write({})
    here = tmp_path / "another" / "folder"
    here.mkdir(parents=True)
    (here.parent / ".git").mkdir()
    with pytest.raises(UsageError, match="no desired state"):
        find(here)


def test_find_says_what_it_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find(tmp_path)
    assert "no desired state" in caught.value.message
    assert "users/" in caught.value.hint
    with pytest.raises(UsageError, match="there is no folder"):
        find(tmp_path / "nowhere")


def test_the_commit_of_a_work_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    tree = tmp_path / "tree"
    tree.mkdir()
    assert commit_of(tree) is None

    def git(*words: str) -> str:
        who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *who, *words], cwd=tree, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "--quiet")
    assert commit_of(tree) is None
    git("commit", "--quiet", "--allow-empty", "--no-verify", "-m", "first")
    (tree / "below").mkdir()
    commit = git("rev-parse", "HEAD")
    assert commit_of(tree / "below") == commit
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "of-a-hook"))
    assert commit_of(tree) == commit


def test_no_git_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(tmp_path) is None


def test_cases_from_any_file(tmp_path: Path) -> None:
    file = tmp_path / "examples.yaml"
    file.write_text(
        "cases:\n- {id: a, function: Append, kind: prose, expression: x, inputs: {}, expected: ~, note: n}\n"
    )
    (case,) = read_cases(file)
    assert (case.id, case.expected) == ("a", None)
    assert str(case.place) == f"{file}:2:3"
    file.write_text("cases: [\n")
    with pytest.raises(DesiredStateError, match="not YAML"):
        read_cases(file)
    with pytest.raises(DesiredStateError, match="can't be read"):
        read_cases(tmp_path / "nowhere.yaml")


def test_reading_is_linear(tmp_path: Path) -> None:
    """Counts the calls into our code instead of the time."""
    import sys

    def calls(people: int) -> int:
        root = tmp_path / str(people)
        (root / "users").mkdir(parents=True)
        (root / "groups").mkdir()
        (root / "users" / "all.yaml").write_text("".join(f"- id: u{n}\n  manager: u0\n" for n in range(people)))
        (root / "groups" / "all.yaml").write_text("members:\n" + "".join(f"  - u{n}\n" for n in range(people)))
        counted = 0

        def count(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal counted
            counted += event == "call"

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            load(root)
        finally:
            sys.setprofile(before)
        return counted

    few, many = calls(100), calls(1000)
    assert many < 11 * few
