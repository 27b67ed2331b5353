"""The desired state at an earlier commit: what was there, whatever lies in the work tree now."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.desired import Loaded, load, load_revision
from reconciler.errors import UsageError

PERSON = "userPrincipalName: {0}@contoso.com\nsurname: {0}\n"
APP = "gallery: scim\ntenantUrl: https://{0}.example.com\nscope: {{everyone: true}}\nunmanaged: {{users: report}}\n"


class Repository:
    """A desired state in a folder of a repository."""

    def __init__(self, top: Path, inside: str = "company") -> None:
        self.top = top
        self.root = top / inside if inside else top
        self.root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")
        self.write("users/ada.yaml", PERSON.format("ada"))
        self.write("apps/chat/app.yaml", APP.format("chat"))

    def git(self, *arguments: str) -> str:
        who = {f"GIT_{role}_{what}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", "-C", str(self.top), *arguments], check=True, capture_output=True, text=True,
            env={**os.environ, **who, "GIT_CONFIG_NOSYSTEM": "1"},
        )  # fmt: skip
        return done.stdout.strip()

    def write(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def at(self, revision: str, *apps: str) -> Loaded:
        found = load_revision(self.root, revision, apps or ("chat",))
        assert found.loaded is not None, found.why
        return found.loaded

    def why(self, revision: str) -> str:
        found = load_revision(self.root, revision, ("chat",))
        assert found.loaded is None
        return found.why


@pytest.fixture(params=["company", "", "deep/er/wëb 'x'"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return Repository(tmp_path / "top", request.param)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "top")


def test_what_was_committed_is_there_and_not_what_lies_around(anywhere: Repository) -> None:
    anywhere.commit()
    before = load(anywhere.root)
    anywhere.write("users/bob.yaml", PERSON.format("bob"))
    (anywhere.root / "users" / "ada.yaml").unlink()
    found = anywhere.at("HEAD")
    assert list(found.directory.users) == ["ada"]
    assert found.directory.digest == before.directory.digest
    assert found.directory.commit == anywhere.git("rev-parse", "HEAD")
    assert list(found.apps) == ["chat"]
    assert found.directory.users[next(iter(found.directory.users))].file == "users/ada.yaml"


@pytest.mark.parametrize("name", ["main", "v1", "HEAD~1", "refs/heads/main~1", "main^{commit}"])
def test_branches_tags_and_commits_name_it(repository: Repository, name: str) -> None:
    repository.commit()
    repository.git("tag", "-a", "v1", "-m", "x")
    repository.write("users/bob.yaml", PERSON.format("bob"))
    second = repository.commit()
    commit = load_revision(repository.root, name, ()).commit
    assert commit == (second if name.startswith("main") else repository.git("rev-parse", "HEAD~1"))
    assert load_revision(repository.root, commit[:9], ()).commit == commit


def test_what_only_the_other_branch_has_is_not_taken_for_a_removal(repository: Repository) -> None:
    """The base is where both parted."""
    parted = repository.commit()
    repository.git("switch", "-q", "-c", "topic")
    repository.write("users/bob.yaml", PERSON.format("bob"))
    repository.commit()
    repository.git("switch", "-q", "main")
    repository.write("users/eve.yaml", PERSON.format("eve"))
    repository.commit()
    repository.git("switch", "-q", "topic")
    found = load_revision(repository.root, "main", ("chat",))
    assert found.commit == parted
    assert found.loaded is not None
    assert list(found.loaded.directory.users) == ["ada"]


def test_without_a_common_commit_it_is_the_revision_itself(repository: Repository) -> None:
    other = repository.commit()
    repository.git("switch", "-q", "--orphan", "new")
    repository.write("users/bob.yaml", PERSON.format("bob"))
    repository.commit()
    assert load_revision(repository.root, "main", ()).commit == other


@pytest.mark.parametrize("name", ["nowhere", "0" * 40, "HEAD~7", "main:company", ""])
def test_an_unknown_revision(repository: Repository, name: str) -> None:
    repository.commit()
    with pytest.raises(UsageError, match="revision") as caught:
        load_revision(repository.root, name, ())
    assert caught.value.hint


@pytest.mark.parametrize("name", ["--output=/tmp/x", "-h", "a\nb"])
def test_what_would_be_an_option_of_git(repository: Repository, name: str) -> None:
    with pytest.raises(UsageError, match="is no revision"):
        load_revision(repository.root, name, ())


def test_outside_of_git(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is in no git repository"):
        load_revision(tmp_path, "HEAD", ())


def test_a_clone_that_is_too_shallow_says_how_to_deepen_it(repository: Repository, tmp_path: Path) -> None:
    first = repository.commit()
    repository.write("users/bob.yaml", PERSON.format("bob"))
    repository.commit()
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{repository.top}", tmp_path / "clone"], check=True)
    with pytest.raises(UsageError) as caught:
        load_revision(tmp_path / "clone" / "company", first, ())
    assert "fetch-depth: 0" in caught.value.hint


def test_a_shallow_clone_that_does_not_reach_back(repository: Repository, tmp_path: Path) -> None:
    repository.commit()
    repository.git("branch", "topic")
    repository.write("users/bob.yaml", PERSON.format("bob"))
    repository.commit()
    clone = tmp_path / "clone"
    source = f"file://{repository.top}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", "--no-single-branch", source, clone], check=True)
    with pytest.raises(UsageError, match="does not reach back") as caught:
        load_revision(clone / "company", "origin/topic", ())
    assert "fetch-depth: 0" in caught.value.hint


def test_a_folder_that_was_not_there_yet(repository: Repository) -> None:
    repository.git("commit", "-q", "--allow-empty", "-m", "x")
    repository.commit()
    assert "there was no desired state" in repository.why("HEAD~1")


def test_an_app_that_was_not_there_yet(repository: Repository) -> None:
    repository.commit()
    repository.write("apps/wiki/app.yaml", APP.format("wiki"))
    assert list(repository.at("HEAD", "chat", "wiki").apps) == ["chat"]


def test_another_app_that_is_broken_there_does_not_matter(repository: Repository) -> None:
    repository.write("apps/wiki/app.yaml", "gallery: nothing\n")
    repository.commit()
    assert list(repository.at("HEAD").apps) == ["chat"]


@pytest.mark.parametrize("text", ["a: [", "unknownKey: 1\n", "\x00", "id: bob\nmail: 7\n"])
def test_files_that_are_wrong_are_told_and_stop_nothing(repository: Repository, text: str) -> None:
    repository.write("users/bad.yaml", text)
    repository.commit()
    why = repository.why("HEAD")
    assert "can't be used: 1 error in the desired state, the first: users/bad.yaml" in why


class TestLinks:
    def link(self, repository: Repository, name: str, target: str) -> None:
        path = repository.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    def test_inside_are_followed(self, repository: Repository) -> None:
        repository.write("groups/a.yaml", "members: [ada]\n")
        self.link(repository, "users/more/bob.yaml", "../../groups/../users/bob2.yaml")
        self.link(repository, "users/bob2.yaml", "eve.yaml")
        repository.write("users/eve.yaml", "[]\n")
        repository.commit()
        assert list(repository.at("HEAD").directory.users) == ["ada"]

    @pytest.mark.parametrize("target", ["/etc/passwd", "../../secret.yaml", "nowhere.yaml", "bob.yaml", "../users"])
    def test_that_lead_elsewhere_are_refused(self, repository: Repository, target: str) -> None:
        (repository.top / "secret.yaml").write_text(PERSON.format("secret"))
        self.link(repository, "users/bob.yaml", target)
        repository.commit()
        assert "users/bob.yaml was a link that leads out" in repository.why("HEAD")

    def test_a_link_to_a_folder_brings_nothing_from_elsewhere(self, repository: Repository, tmp_path: Path) -> None:
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "eve.yaml").write_text(PERSON.format("eve"))
        self.link(repository, "users/more", str(tmp_path / "outside"))
        repository.commit()
        assert list(repository.at("HEAD").directory.users) == ["ada"]


def test_a_submodule_is_told(repository: Repository, tmp_path: Path) -> None:
    inner = Repository(tmp_path / "inner", "")
    inner.commit()
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.top), "company/users/sub")
    repository.commit()
    assert "users/sub was a submodule" in repository.why("HEAD")


def test_git_lfs_is_told(repository: Repository) -> None:
    repository.write("users/bob.yaml", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n")
    repository.write("users/photo.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n")
    repository.commit()
    assert "users/bob.yaml was kept in Git LFS" in repository.why("HEAD")


def test_a_file_that_is_too_large(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciler.desired import revision

    repository.commit()
    monkeypatch.setattr(revision, "MAX_BYTES", 10)
    assert "was larger than" in repository.why("HEAD")


def test_ten_thousand_files_block_nothing(repository: Repository) -> None:
    """Questions and answers of git are larger than any pipe."""
    for number in range(10_000):
        repository.write(f"users/p{number}.yaml", PERSON.format(f"p{number}") + f"department: {'x' * 100}\n")
    repository.commit()
    assert len(repository.at("HEAD").directory.users) == 10_001


def test_nothing_is_left_behind_and_the_work_tree_is_untouched(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    repository.commit()
    repository.write("users/ada.yaml", PERSON.format("other"))
    repository.at("HEAD")
    assert not list((tmp_path / "tmp").iterdir())
    assert repository.git("status", "--porcelain") == "M company/users/ada.yaml"


def test_variables_of_a_hook_lead_nowhere_else(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit()
    monkeypatch.setenv("GIT_DIR", ".git")
    assert list(repository.at("HEAD").directory.users) == ["ada"]


def test_a_repository_of_somebody_else(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(UsageError, match="belongs to somebody else") as caught:
        load_revision(repository.root, "HEAD", ())
    assert "safe.directory" in caught.value.hint
