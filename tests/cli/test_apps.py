"""`reconciler apps`: the matrix of CI holds whatever a change can touch, and nothing that it can't."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]

PEOPLE = """\
gallery: scim
tenantUrl: https://people.example/scim/v2
auth: {bearer: {env: TOKEN}}
scope: {assigned: {users: [zoe.other]}}
unmanaged: {users: report}
"""


class Repository:
    """Two apps in git: `app`, and `people`, in which there is nobody but zoe.other."""

    def __init__(self, files: Company, reconciler: Reconciler) -> None:
        self.files, self.call = files, reconciler
        files.person("zoe.other", "Zoe", "Other")
        files.write("apps/people/app.yaml", PEOPLE)
        self.git("init", "-q", "-b", "main")
        self.commit()
        self.git("checkout", "-q", "-b", "change")

    def git(self, *arguments: str) -> None:
        who = {f"GIT_{role}_{what}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(
            ["git", "-C", str(self.files.root), *arguments], check=True, capture_output=True, env={**os.environ, **who}
        )

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")

    def touched(self) -> list[str]:
        self.commit()
        called = self.call("apps", self.files.root, "--base", "main", "--format", "json")
        assert called.code == 0, called.err
        assert called.out.count("\n") == 1
        return [each["app"] for each in json.loads(called.out)["include"]]


@pytest.fixture
def repository(company: Callable[..., Company], reconciler: Reconciler) -> Repository:
    return Repository(company(gallery="scim", tenant="https://one.example/scim/v2"), reconciler)


def test_all_apps_are_a_matrix_in_one_line(repository: Repository) -> None:
    called = repository.call("apps", repository.files.root, "--format", "json")
    rest = '"gallery":"scim","provisioning":true}'
    assert called.out == f'{{"include":[{{"app":"app",{rest},{{"app":"people",{rest}]}}\n'


def test_as_text_each_app_has_a_line(repository: Repository) -> None:
    called = repository.call("apps", repository.files.root)
    assert called.out.splitlines() == [
        "app     https://one.example/scim/v2",
        "people  https://people.example/scim/v2",
    ]


def test_what_makes_no_difference_touches_no_app(repository: Repository) -> None:
    text = (repository.files.root / "users/zoe.other.yaml").read_text(encoding="utf-8")
    repository.files.write("users/zoe.other.yaml", f"# moved down a line\n{text}")
    assert repository.touched() == []
    said = repository.call("apps", repository.files.root, "--base", "main").out
    assert said == "no app is touched by what changed since main\n"


def test_a_person_touches_the_apps_that_they_are_in(repository: Repository) -> None:
    repository.files.edit_person("zoe.other", surname="Another")
    assert "people" in repository.touched()


def test_a_person_elsewhere_does_not_touch_an_app(repository: Repository) -> None:
    first = min((repository.files.root / "users").glob("*.yaml")).stem
    assert first != "zoe.other"
    repository.files.edit_person(first, surname="Another")
    assert repository.touched() == ["app"]


def test_access_that_begins_another_day_counts_for_every_app(repository: Repository) -> None:
    repository.files.edit_person("zoe.other", **{"from": "2099-01-01"})
    assert repository.touched() == ["app", "people"]


def test_another_time_zone_moves_every_end(repository: Repository) -> None:
    repository.files.write("reconciler.yaml", "timeZone: Asia/Tokyo\n")
    assert repository.touched() == ["app", "people"]


def test_an_app_is_touched_by_its_own_files(repository: Repository) -> None:
    repository.files.write("apps/people/app.yaml", f"{PEOPLE}guardrails: {{deprovisionUsers: {{count: 3}}}}\n")
    assert repository.touched() == ["people"]


def test_a_new_app_is_touched_and_one_that_is_gone_is_told(repository: Repository) -> None:
    repository.files.write("apps/second/app.yaml", PEOPLE.replace("people.example", "second.example"))
    (repository.files.root / "apps/people/app.yaml").unlink()
    (repository.files.root / "apps/people").rmdir()
    assert repository.touched() == ["second"]
    said = repository.call("apps", repository.files.root, "--base", "main").err
    assert "the app people is gone from the files" in said


def test_a_base_that_can_not_be_read_counts_as_a_change_of_everything(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.files.write("users/broken.yaml", "id: [")
    repository.commit()
    repository.git("checkout", "-q", "-b", "mended")
    (repository.files.root / "users/broken.yaml").unlink()
    assert repository.touched() == ["app", "people"]


def test_an_unknown_base_is_an_error_with_a_remedy(repository: Repository) -> None:
    called = repository.call("apps", repository.files.root, "--base", "nowhere")
    assert called.code == 64
    assert "git fetch" in called.err
