"""Everything committed, on the branch that was said; and the trailers of what was merged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.desired import check_reviewed, trailers_since
from reconciler.errors import NotReviewed


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self("init", "--quiet", "--initial-branch=main")

    def __call__(self, *arguments: str) -> str:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@contoso.com", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(self.root), *who, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def commit(self, message: str, file: str = "desired/users/ada.yaml") -> str:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {message}\n")
        self("add", "--all")
        self("commit", "--quiet", "--message", message)
        return self("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path / "repository")
    found.commit("begin")
    return found


@pytest.fixture
def root(repository: Repository) -> Path:
    return repository.root / "desired"


def test_everything_is_committed(root: Path) -> None:
    check_reviewed(root)
    check_reviewed(root, "main")


@pytest.mark.parametrize("way", ["changed", "staged", "untracked", "removed", "renamed"])
def test_what_is_not_committed_is_refused(repository: Repository, root: Path, way: str) -> None:
    file = root / "users" / "ada.yaml"
    match way:
        case "changed":
            file.write_text("# other\n")
        case "staged":
            file.write_text("# other\n")
            repository("add", "--all")
        case "untracked":
            (root / "users" / "eve.yaml").write_text("id: eve\n")
        case "removed":
            file.unlink()
        case "renamed":
            repository("mv", "desired/users/ada.yaml", "desired/users/eve.yaml")
    with pytest.raises(NotReviewed, match=r"uncommitted changes: .*(ada|eve)\.yaml") as caught:
        check_reviewed(root)
    assert "--break-glass" in caught.value.hint


def test_many_files_are_counted(root: Path) -> None:
    for number in range(8):
        (root / "users" / f"p{number}.yaml").write_text("")
    with pytest.raises(NotReviewed, match="and 3 more"):
        check_reviewed(root)


def test_what_is_ignored_or_elsewhere_does_not_count(repository: Repository, root: Path) -> None:
    repository.commit("ignore", "desired/.gitignore")
    (root / ".gitignore").write_text("*.tmp\n")
    repository("commit", "--quiet", "--all", "--message", "ignore")
    (root / "users" / "x.tmp").write_text("")
    (root / ".reconciler").mkdir()
    (root / ".reconciler" / ".gitignore").write_text("*\n")
    (root / ".reconciler" / "app.json").write_text("{}")
    (repository.root / "README").write_text("elsewhere")
    check_reviewed(root, "main")


def test_another_branch_is_refused(repository: Repository, root: Path) -> None:
    repository("switch", "--quiet", "--create", "feature/x")
    check_reviewed(root)
    check_reviewed(root, "feature/x")
    with pytest.raises(NotReviewed, match="on the branch feature/x, and --branch says main"):
        check_reviewed(root, "main")


def test_a_detached_head_is_where_its_commit_is(repository: Repository, root: Path) -> None:
    first = repository("rev-parse", "HEAD")
    repository.commit("second")
    repository("switch", "--quiet", "--detach", first)
    check_reviewed(root, "main")
    repository("switch", "--quiet", "--create", "side")
    repository.commit("of the side alone")
    repository("switch", "--quiet", "--detach")
    with pytest.raises(NotReviewed, match="no branch main that is known here contains"):
        check_reviewed(root, "main")
    check_reviewed(root, "side")


def test_a_detached_head_on_a_branch_of_the_remote(repository: Repository, tmp_path: Path) -> None:
    """As CI systems check out."""
    clone = Repository(tmp_path / "clone")
    clone("remote", "add", "origin", str(repository.root))
    clone("fetch", "--quiet", "origin")
    clone("checkout", "--quiet", "--detach", "origin/main")
    check_reviewed(clone.root / "desired", "main")
    with pytest.raises(NotReviewed, match="origin/main"):
        check_reviewed(clone.root / "desired", "origin/main")


def test_outside_of_git_there_is_nothing_to_check(tmp_path: Path) -> None:
    check_reviewed(tmp_path)
    with pytest.raises(NotReviewed, match="in no git work tree"):
        check_reviewed(tmp_path, "main")


# trailers


def releases(root: Path, applied: str | None) -> list[str]:
    return [each.release for each in trailers_since(root, applied)]


def test_trailers_of_all_commits_since_the_last_apply(repository: Repository, root: Path) -> None:
    repository.commit("old\n\nReconciler-Allow: deprovisionUsers=1")
    applied = repository("rev-parse", "HEAD")
    second = repository.commit(
        "two\n\nSigned-off-by: Ada\nReconciler-Allow: deprovisionUsers=2\nReconciler-allow: emptyApp"
    )
    repository.commit("in the text:\nReconciler-Allow: deprovisionUsers=3\n\nand no trailer")
    repository("switch", "--quiet", "--create", "side", applied)
    repository.commit("side\n\nReconciler-Allow: removeMembers:x=4", "elsewhere.txt")
    repository("switch", "--quiet", "main")
    merged = "merge\n\nReconciler-Allow: takenAwayInApp:user:ada"
    repository("merge", "--quiet", "--no-ff", "side", "--message", merged)
    found = trailers_since(root, applied)
    assert [each.release for each in found] == [
        "deprovisionUsers=2", "emptyApp", "removeMembers:x=4", "takenAwayInApp:user:ada",
    ]  # fmt: skip
    assert found[0].commit == second
    assert releases(root, repository("rev-parse", "HEAD")) == []


@pytest.mark.parametrize("applied", [None, "0" * 40, "--output=x", "HEAD"])
def test_without_a_last_apply_only_the_last_commit_counts(
    repository: Repository, root: Path, applied: str | None
) -> None:
    repository.commit("one\n\nReconciler-Allow: deprovisionUsers=1")
    repository.commit("two\n\nReconciler-Allow: deprovisionUsers=2")
    assert releases(root, applied) == ["deprovisionUsers=2"]
    repository("switch", "--quiet", "--create", "side", "HEAD^")
    repository.commit("side\n\nReconciler-Allow: deprovisionUsers=3", "side.txt")
    repository("switch", "--quiet", "main")
    repository("merge", "--quiet", "--no-ff", "side", "--message", "merge")
    assert releases(root, applied) == ["deprovisionUsers=3"], "what it merged, and not what was there"


def test_a_history_that_was_rewritten(repository: Repository, root: Path) -> None:
    repository.commit("one\n\nReconciler-Allow: deprovisionUsers=1")
    applied = repository.commit("two\n\nReconciler-Allow: deprovisionUsers=2")
    repository("reset", "--quiet", "--hard", "HEAD^^")
    repository.commit("other\n\nReconciler-Allow: deprovisionUsers=5")
    assert releases(root, applied) == ["deprovisionUsers=5"]


def test_a_commit_that_is_rewritten_still_says_when_it_was_written(repository: Repository, root: Path) -> None:
    repository.commit("one\n\nReconciler-Allow: deprovisionUsers=1")
    (before,) = trailers_since(root, None)
    (root / "users" / "ada.yaml").write_text("# more\n")
    repository("-c", "user.name=Eve", "commit", "--quiet", "--all", "--amend", "--no-edit")
    (after,) = trailers_since(root, None)
    assert before.commit != after.commit
    assert before.authored == after.authored is not None


@pytest.mark.parametrize(
    "message",
    [
        "Reconciler-Allow: deprovisionUsers=1",
        "subject\nReconciler-Allow: deprovisionUsers=1",
        "subject\n\nReconciler-Allow: deprovisionUsers=1\n\nmore text",
        "subject\n\n> Reconciler-Allow: deprovisionUsers=1",
        "subject\n\nAda wrote:\nReconciler-Allow: deprovisionUsers=1",
        "subject\n\nSigned-off-by: Ada\n    Reconciler-Allow: deprovisionUsers=1",
        "subject\n\nReconciler-Allow-Not: deprovisionUsers=1",
        "subject\n\nReconciler: Allow: deprovisionUsers=1",
    ],
)
def test_what_is_no_trailer_of_the_commit_is_none(repository: Repository, root: Path, message: str) -> None:
    repository.commit(message)
    assert releases(root, None) == []


def test_an_octopus_brings_the_trailers_of_all_its_arms(repository: Repository, root: Path) -> None:
    begin = repository("rev-parse", "HEAD")
    for arm in ("x", "y", "z"):
        repository("switch", "--quiet", "--create", arm, begin)
        repository.commit(f"{arm}\n\nReconciler-Allow: removeMembers:{arm}=3", f"{arm}.txt")
    repository("switch", "--quiet", "main")
    repository("merge", "--quiet", "--no-ff", "x", "y", "z", "--message", "all")
    for applied in (begin, None):
        assert sorted(releases(root, applied)) == ["removeMembers:x=3", "removeMembers:y=3", "removeMembers:z=3"]


def test_a_branch_that_was_not_merged_releases_nothing(repository: Repository, root: Path) -> None:
    begin = repository("rev-parse", "HEAD")
    repository("switch", "--quiet", "--create", "side")
    repository.commit("side\n\nReconciler-Allow: deprovisionUsers=3")
    repository("switch", "--quiet", "main")
    assert releases(root, begin) == releases(root, None) == []


def test_how_git_is_set_up_to_show_things_changes_nothing(repository: Repository, root: Path) -> None:
    repository.commit("one\n\nReconciler-Allow: deprovisionUsers=1")
    for key, value in {"log.showSignature": "true", "i18n.logOutputEncoding": "UTF-16", "color.ui": "always"}.items():
        repository("config", key, value)
    assert releases(root, None) == ["deprovisionUsers=1"]


def test_a_shallow_clone(repository: Repository, tmp_path: Path) -> None:
    applied = repository("rev-parse", "HEAD")
    repository.commit("one\n\nReconciler-Allow: deprovisionUsers=1")
    repository.commit("two\n\nReconciler-Allow: deprovisionUsers=2")
    clone = Repository(tmp_path / "clone")
    clone("fetch", "--quiet", "--depth=1", f"file://{repository.root}", "main")
    clone("checkout", "--quiet", "FETCH_HEAD")
    assert releases(clone.root / "desired", applied) == ["deprovisionUsers=2"]


def test_outside_of_git_there_are_none(tmp_path: Path) -> None:
    assert trailers_since(tmp_path, None) == []
