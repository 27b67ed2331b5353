"""`reconciler explain`: one person, step by step, against a server; nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


def test_the_four_steps_and_no_write(company: Callable[..., Company], reconciler: Reconciler) -> None:
    sandbox = Sandbox("scim", rate=0)
    with running(sandbox) as url:
        files = company(gallery="scim", tenant=url)
        files.edit_app(
            scope={
                "assigned": {"groups": [{"group": "social-media", "roles": ["Editor"]}]},
                "filters": [[{"not": {"attribute": "department", "operator": "EQUALS", "value": "Sales"}}],
                            [{"operator": "IS MEMBER OF", "value": "agencies"}]],
            }
        )  # fmt: skip
        expression = "AssertiveAppRoleAssignmentsComplex([appRoleAssignments])"
        files.write("apps/app/mappings.yaml", {"users": [{"target": "roles", "expression": expression}]})
        text = reconciler("explain", "user:linus.byrne", files.root)
        document = reconciler("explain", "user:linus.byrne", files.root, "--format", "json").document
    assert [each.method for each in sandbox.requests if each.method != "GET"] == []
    assert (text.code, text.err) == (0, "")
    for part in (
        "IMPORT  users/linus.byrne.yaml:1",
        "SCOPE  in scope",
        "through social-media → agencies, roles Editor",
        '✗ not department EQUALS "Sales"',
        'IS MEMBER OF "agencies"',
        "MATCH  no account fits",
        'userName  "linus@contoso.com" finds nobody',
        f"roles ← {expression}   apps/app/mappings.yaml:2",
        "createUser",
        "addMembers  Social Media through agencies",
    ):
        assert part in text.out, text.out
    assert document["format"] == "reconciler.explanation/1"
    assert document["scope"]["filters"][1]["clauses"][0]["value"].startswith("in it, groups/agencies.yaml:")
    assert document["match"]["by"] == "none"
    changes = {(each["action"], each["key"]) for each in document["action"]["changes"]}
    assert changes == {("createUser", "user:linus.byrne"), ("addMembers", "group:social-media")}
    (roles,) = [each for each in document["action"]["mappings"] if each["target"] == "roles"]
    assert [each["value"] for each in roles["value"]] == ["Editor"]


def test_after_an_apply_there_is_an_account_and_nothing_to_do(
    company: Callable[..., Company], reconciler: Reconciler
) -> None:
    with running(Sandbox("hootsuite", rate=0)) as url:
        files = company(gallery="hootsuite", tenant=url)
        assert reconciler("apply", files.root, "--yes").code == 0
        called = reconciler("explain", "user:ada.lovelace", files.root)
        files.remove_person("grace.hopper")
        gone = reconciler("explain", "user:grace.hopper", files.root)
    assert gone.code == 64
    assert "the file is gone, and the account " in gone.err
    assert ", by binding: it has been this person's since an earlier apply" in called.out
    assert "ACTION  nothing to do" in called.out


@pytest.mark.parametrize(
    ("key", "message", "hint"),
    [
        ("user:ada.lovelac", "there is nobody with the id ada.lovelac", "did you mean user:ada.lovelace?"),
        ("ada.lovelace", "ada.lovelace: not a key", "write user:ada.lovelace"),
        ("group:research", "group:research: only people are explained", "user:ada.lovelace"),
        ("user:", "user:: only people are explained", "user:ada.lovelace"),
    ],
)
def test_whom_it_can_t_explain(
    company: Callable[..., Company], reconciler: Reconciler, key: str, message: str, hint: str
) -> None:
    called = reconciler("explain", key, company(gallery="scim").root)
    assert called.code == 64
    assert message in called.err
    assert hint in called.err


def test_without_a_token_it_is_the_usual_error(
    company: Callable[..., Company], reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCIM_TEST_TOKEN")
    called = reconciler("explain", "user:ada.lovelace", company(gallery="scim").root)
    assert called.code == 1
    assert "SCIM_TEST_TOKEN is not set" in called.err


@pytest.mark.parametrize("form", ["text", "json"])
def test_files_with_errors_are_explained_as_far_as_they_go(
    company: Callable[..., Company], reconciler: Reconciler, form: str
) -> None:
    files = company(gallery="scim")
    mapping = {"target": "title", "expression": 'Error("no title")'}
    files.write("apps/app/mappings.yaml", {"users": [mapping]})
    called = reconciler("explain", "user:ada.lovelace", files.root, "--format", form)
    assert called.code == 1
    assert "title of ada.lovelace: " in called.err
    if form == "json":
        assert called.document["action"]["planned"] is False
        return
    assert "MATCH  the files have errors, so the application was not read" in called.out
    assert "fails: " in called.out
    assert "ACTION  not planned" in called.out


def test_files_that_cannot_be_read_are_only_an_error(company: Callable[..., Company], reconciler: Reconciler) -> None:
    files = company(gallery="scim")
    files.write("users/ada.lovelace.yaml", "displayName: [")
    called = reconciler("explain", "user:ada.lovelace", files.root)
    assert (called.code, called.out) == (1, "")
    assert "users/ada.lovelace.yaml:" in called.err
