"""Who could give an access by merging something, and the warning when a change lets more people do it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import build_company

if TYPE_CHECKING:
    from tests.conftest import Called

    Reconciler = Callable[..., Called]

OWNERS = """\
* @identity
/access/groups/ @leads
/access/groups/agencies.yaml @agency
/access/users/ @hr
/access/users/contractors/ @agency
"""


class Repository:
    """A company in a folder of a repository, with owners."""

    def __init__(self, top: Path, call: Reconciler) -> None:
        self.top, self.call = top, call
        self.files = build_company(top / "access", gallery="scim")
        self.git("init", "-q", "-b", "main")
        self.files.write(
            "groups/board.yaml",
            {"displayName": "Board", "sensitive": True, "members": ["grace.hopper", "ada.lovelace"]},
        )
        self.owners(OWNERS)
        self.commit()

    def git(self, *arguments: str) -> str:
        who = {f"GIT_{role}_{what}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", "-C", str(self.top), *arguments], check=True, capture_output=True, text=True,
            env={**os.environ, **who, "GIT_CONFIG_NOSYSTEM": "1"},
        )  # fmt: skip
        return done.stdout.strip()

    def owners(self, text: str, file: str = ".github/CODEOWNERS") -> None:
        (self.top / file).parent.mkdir(exist_ok=True, parents=True)
        (self.top / file).write_text(text, encoding="utf-8")

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")

    def grants(self, key: str, *options: str) -> dict[str, Any]:
        called = self.call("who-can-grant", key, self.files.root, "--format", "json", *options)
        assert called.code == 0, called.err
        document: dict[str, Any] = called.document
        return document

    def ways(self, key: str, *options: str) -> set[tuple[str, str, str]]:
        """(what, first file, owners), of what is not the same for every group."""
        return {
            (
                way["what"],
                way["files"][0].removeprefix("access/"),
                " ".join(o for a in way["approvals"] for o in a["owners"]),
            )
            for way in self.grants(key, *options)["ways"]
            if way["what"] not in ("app", "pipeline", "owners")
        }

    def told(self) -> list[str]:
        """The warnings of the change that lies here, which is what a plan shows above all."""
        called = self.call("plan", self.files.root, "--offline", "--base", "main", "--format", "json")
        assert called.code == 0, called.err
        return [note["text"] for note in called.document["notes"] if note["code"] == "grantsWiden"]


@pytest.fixture
def repository(tmp_path: Path, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    return Repository(tmp_path / "top", reconciler)


def test_a_group_with_another_inside(repository: Repository) -> None:
    assert repository.ways("group:social-media") == {
        ("member", "groups/social-media.yaml", "@leads"),
        ("nested", "groups/agencies.yaml", "@agency"),
        ("person", "users/ada.lovelace.yaml", "@hr"),
    }
    document = repository.grants("group:social-media")
    assert document["format"] == "reconciler.grants/1"
    assert document["apps"] == ["app"]
    assert document["owners"] == ["@agency", "@hr", "@identity", "@leads"]
    assert not document["anybody"]
    nested = next(way for way in document["ways"] if way["what"] == "nested")
    assert nested["through"] == ["social-media", "agencies"]
    assert nested["approvals"] == [{"owners": ["@agency"], "count": 1, "line": 3}]
    assert {way["files"][0] for way in document["ways"] if way["what"] == "app"} == {"access/apps/app/app.yaml"}
    assert ".github/CODEOWNERS" in {way["files"][0] for way in document["ways"] if way["what"] == "owners"}


def test_a_rule_is_in_the_hands_of_whoever_edits_what_it_reads(repository: Repository) -> None:
    clause = {"attribute": "department", "operator": "EQUALS", "value": "Research"}
    other = {"not": {"attribute": "employeeType", "operator": "EQUALS", "value": "Intern"}}
    repository.files.edit_group("research", rules=[{"all": [clause, other]}])
    rules = [way for way in repository.grants("group:research")["ways"] if way["what"] == "rule"]
    assert {way["does"] for way in rules} == {
        "gives somebody another department or employeeType, or describes somebody"
    }
    assert {way["approvals"][0]["owners"][0] for way in rules} == {"@hr", "@agency"}


def test_whoever_describes_a_member_who_has_no_file_gives_them_the_membership(repository: Repository) -> None:
    repository.files.edit_group("research", members=["nobody.yet"])
    assert {
        ("nobodyYet", "users/new.yaml", "@hr"), ("nobodyYet", "users/contractors/new.yaml", "@agency"),
    } <= repository.ways("group:research")  # fmt: skip


def test_an_app(repository: Repository) -> None:
    assert ("everyone", "users/contractors/new.yaml", "@agency") in repository.ways("app:app")
    repository.files.edit_app(scope={"assigned": {"groups": ["research"], "users": ["linus.byrne"]}})
    assert repository.ways("app:app") == {
        ("member", "groups/research.yaml", "@leads"),
        ("person", "users/ada.lovelace.yaml", "@hr"),
    }
    assert repository.grants("group:agencies")["apps"] == []


def test_a_link_is_in_the_hands_of_whoever_owns_what_it_leads_to(repository: Repository) -> None:
    group = repository.files.root / "groups" / "research.yaml"
    group.rename(repository.files.root / "users" / "contractors.note")
    group.symlink_to("../users/contractors.note")
    assert {
        ("member", "groups/research.yaml", "@leads"),
        ("member", "users/contractors.note", "@hr"),
    } <= repository.ways("group:research")


def test_without_owners_it_is_anybody(repository: Repository) -> None:
    (repository.top / ".github" / "CODEOWNERS").unlink()
    assert repository.grants("group:board")["anybody"]
    text = repository.call("who-can-grant", "group:board", repository.files.root).out
    assert "There is no CODEOWNERS" in text
    assert "anybody who may merge\n  adds a member" in text


def test_as_text_by_owner(repository: Repository) -> None:
    text = repository.call("who-can-grant", "group:social-media", repository.files.root).out
    assert "Owners by .github/CODEOWNERS" in text
    assert "@agency\n  adds a member (social-media > agencies)  access/groups/agencies.yaml:3\n" in text


def test_gitlab_asks_for_all_sections(repository: Repository) -> None:
    repository.owners("* @identity\n[Board][2]\n/access/groups/board.yaml @a @b @c\n", "CODEOWNERS")
    assert ("member", "groups/board.yaml", "@identity @a @b @c") in repository.ways("group:board", "--forge", "gitlab")
    text = repository.call("who-can-grant", "group:board", repository.files.root, "--forge", "gitlab").out
    assert "@identity and (2 of @a, @b, @c)" in text


@pytest.mark.parametrize(
    ("key", "hint"),
    [("group:bord", "did you mean board?"), ("board", "group:social-media"), ("app:ap", "did you mean app?")],
)
def test_what_there_is_not(repository: Repository, key: str, hint: str) -> None:
    called = repository.call("who-can-grant", key, repository.files.root)
    assert called.code == 64
    assert hint in called.err


# -- the warning


def test_who_joins_widens_nothing(repository: Repository) -> None:
    files = repository.files
    files.write("users/contractors/zed.yaml", {"id": "zed", "userPrincipalName": "zed@contoso.com", "surname": "Zed",
                                               "displayName": "Zed", "givenName": "Zed"})  # fmt: skip
    files.edit_group("research", members=[*files.members("research"), "zed"])
    files.remove_person("charles.babbage")
    assert repository.told() == []


def test_nesting_widens_at_any_depth(repository: Repository) -> None:
    repository.files.edit_group("research", members=["alan.turing", {"group": "social-media"}])
    assert repository.told() == ["@agency can give Research from now on: adds a member in access/groups/agencies.yaml"]


def test_a_rule_widens(repository: Repository) -> None:
    clause = {"attribute": "department", "operator": "EQUALS", "value": "Research"}
    repository.files.edit_group("research", rules=[{"all": [clause]}])
    told = repository.told()
    assert len(told) == 2
    assert told[0].startswith("@agency can give Research from now on: gives somebody another department")
    assert told[1].startswith("@hr can give Research from now on")


def test_other_owners_widen_what_they_own(repository: Repository) -> None:
    repository.owners(OWNERS.replace("/access/groups/ @leads", "/access/groups/ @leads @interns"))
    assert repository.told() == [
        (
            "@interns can give Board, Research, Social Media from now on: "
            "adds a member in access/groups/board.yaml and 2 more"
        )
    ]


def test_a_crowd_of_owners_hides_nothing_else(repository: Repository) -> None:
    """What is sensitive is always among them."""
    lines = "".join(f"/access/groups/g{n:02}.yaml @o{n}\n" for n in range(40))
    for n in range(40):
        repository.files.group(f"g{n:02}", f"G {n}", ["ada.lovelace"])
    repository.commit()
    repository.owners(OWNERS + lines + "/access/groups/board.yaml @mallory\n")
    told = repository.told()
    assert len(told) == 21
    assert any(text.startswith("@mallory can give Board from now on") for text in told)
    assert told[0] == "21 more owners or ways are new: `reconciler who-can-grant`"


@pytest.mark.parametrize("how", ["gone", "moved", "empty line", "a link", "a folder", "too large"])
def test_no_owner_is_anybody(repository: Repository, how: str) -> None:
    if how == "gone":
        (repository.top / ".github" / "CODEOWNERS").unlink()
    elif how == "moved":
        repository.git("mv", ".github/CODEOWNERS", "docs.CODEOWNERS")
    elif how == "too large":
        repository.owners(OWNERS + "#" * 3_000_000)
    elif how in ("a link", "a folder"):
        (repository.top / ".github" / "CODEOWNERS").rename(repository.top / "owners")
        if how == "a link":
            (repository.top / ".github" / "CODEOWNERS").symlink_to("../owners")
        else:
            (repository.top / ".github" / "CODEOWNERS").mkdir()
    else:
        repository.owners(OWNERS + "/access/groups/board.yaml\n")
    told = repository.told()
    assert any(text.startswith("anybody who may merge can give Board") for text in told), told


def test_another_file_that_counts_first(repository: Repository) -> None:
    repository.git("mv", ".github/CODEOWNERS", "CODEOWNERS")
    repository.commit()
    assert repository.told() == []
    repository.owners("* @mallory\n")
    assert any(text.startswith("@mallory can give Board") for text in repository.told())


def test_a_file_that_moves_to_other_owners(repository: Repository) -> None:
    files = repository.files
    (files.root / "users" / "contractors").mkdir()
    (files.root / "users" / "grace.hopper.yaml").rename(files.root / "users" / "contractors" / "grace.hopper.yaml")
    told = repository.told()
    assert any("@agency can give Board" in text and "changes whose account a member is" in text for text in told)


def test_sensitive_no_more(repository: Repository) -> None:
    repository.files.edit_group("board", sensitive=None)
    assert repository.told() == ["Board is sensitive no more: groups and rules may bring people in"]
    kept = repository.files.read("groups/board.yaml")
    (repository.files.root / "groups" / "board.yaml").unlink()
    repository.files.write("groups/council.yaml", {**kept, "formerly": [{"id": "board"}]})
    assert "Board is sensitive no more: groups and rules may bring people in" in repository.told()


def test_an_assignment_widens(repository: Repository) -> None:
    repository.files.edit_app(scope={"assigned": {"groups": ["research"]}})
    repository.commit()
    repository.files.edit_app(scope={"assigned": {"groups": ["research", "agencies"]}})
    assert any(
        "can give accounts of app from now on" in text and text.startswith("@agency") for text in repository.told()
    )


@pytest.mark.parametrize("scope", [{"everyone": True}, {"assigned": {"groups": ["board"]}}])
def test_a_group_that_a_filter_asks_for_lets_people_in(repository: Repository, scope: dict[str, Any]) -> None:
    clause = {"operator": "IS MEMBER OF", "value": "agencies"}
    repository.files.edit_app(scope={**scope, "filters": [[clause]]}, groups="none")
    assert ("member", "groups/agencies.yaml", "@agency") in repository.ways("app:app")
    assert repository.grants("group:agencies")["apps"] == ["app"]
    repository.commit()
    repository.owners(OWNERS.replace("agencies.yaml @agency", "agencies.yaml @mallory"))
    assert any(text.startswith("@mallory can give accounts of app from now on") for text in repository.told())


def test_a_filter_that_asks_for_another_group_widens(repository: Repository) -> None:
    def asking(group: str) -> None:
        clause = {"operator": "IS MEMBER OF", "value": group}
        scope = {"assigned": {"groups": ["board"]}, "filters": [[clause]]}
        repository.files.edit_app(scope=scope, groups="none")

    asking("board")
    repository.commit()
    assert repository.told() == []
    asking("social-media")
    assert any("@agency can give accounts of app from now on" in text for text in repository.told())


@pytest.mark.parametrize("line", ["/.github/workflows/docs.yml @docs", "/.github/workflows/docs.yml"])
def test_whoever_owns_one_workflow_owns_what_runs_with_the_token(repository: Repository, line: str) -> None:
    repository.owners(f"{OWNERS}{line}\n")
    document = repository.grants("group:board")
    assert document["anybody"] is ("@docs" not in line)
    assert ("@docs" in document["owners"]) is ("@docs" in line)
    who = "@docs" if "@docs" in line else "anybody who may merge"
    assert any(text.startswith(f"{who} can give") and "runs with the token" in text for text in repository.told())


def test_sensitive_no_more_by_another_name(repository: Repository) -> None:
    (repository.files.root / "groups/board.yaml").unlink()
    repository.files.write(
        "groups/directors.yaml",
        {"displayName": "Directors", "formerly": [{"displayName": "Board"}], "members": ["ada.lovelace"]},
    )
    assert "Directors is sensitive no more: groups and rules may bring people in" in repository.told()


def test_it_stands_at_the_top_of_each_report(repository: Repository) -> None:
    repository.owners(OWNERS.replace("@leads", "@leads @everyone"))
    for form, top in (("text", "UNUSUAL"), ("markdown", "Unusual"), ("html", "Unusual")):
        called = repository.call("plan", repository.files.root, "--offline", "--base", "main", "--format", form)
        assert called.code == 0, called.err
        assert top in called.out
        assert "@everyone" in called.out
    markdown = repository.call("plan", repository.files.root, "--offline", "--base", "main", "--format", "markdown").out
    assert "`@everyone`" in markdown


def test_long_chains_are_chains_like_any_other(repository: Repository) -> None:
    files = repository.files
    for n in range(400):
        files.group(f"g{n:03}", f"G {n}", [{"group": f"g{n + 1:03}"}] if n < 399 else ["ada.lovelace"])
    repository.owners(OWNERS + "/access/groups/g399.yaml @deep\n")
    document = repository.grants("group:g000")
    assert "@deep" in document["owners"]
    assert max(len(way["through"]) for way in document["ways"]) == 10
