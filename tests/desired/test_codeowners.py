"""Which owners a file has, as GitHub and GitLab read CODEOWNERS."""

from __future__ import annotations

import time

import pytest

from reconciler.desired.codeowners import Codeowners, Forge
from reconciler.model.owned import Approval, Owned

GITHUB = r"""
# the whole of it
*                   @contoso/all
*.js                @js  # what comes behind is no owner
/build/logs/        @logs
docs/*              @docs
apps/               @apps
**/secret           @deep
/apps/open
/users/contract*.y? @contractors jane@contoso.com
/with\ blank/       @blank
/a/**/z             @between
!/docs/no.md        @nobody
/ran[gh]e/          @nobody
/odd/               nobody
"""
GITLAB = r"""
* @all
\#file @hash
!docs/left.out
[Documents][2] @d1 @d2
docs/
README.md @readme
!docs/excluded.md

^[Optional] @optional
*

[documents] @more
lib
/users/[ab]*.yaml @class
[No owners]
/free/
"""


@pytest.mark.parametrize(
    ("file", "owners"),
    [
        ("x", ["@contoso/all"]),
        ("deep/er/x.js", ["@js"]),
        ("build/logs/a/b", ["@logs"]),
        ("other/build/logs/a", ["@contoso/all"]),
        ("docs/a.md", ["@docs"]),
        ("docs/deeper/a.md", ["@contoso/all"]),
        ("docs/no.md", ["@docs"]),
        ("here/apps/x/y", ["@apps"]),
        ("a/secret/b", ["@deep"]),
        ("secret", ["@deep"]),
        ("apps/open/x", []),
        ("apps/open", []),
        ("apps/opened", ["@apps"]),
        ("users/contractor.yx", ["@contractors", "jane@contoso.com"]),
        ("users/contractor.yaml", ["@contoso/all"]),
        ("with blank/x", ["@blank"]),
        ("a/z", ["@between"]),
        ("a/b/c/z", ["@between"]),
        ("rang/e", ["@contoso/all"]),
        ("odd/x", ["@contoso/all"]),
    ],
)
def test_github_takes_the_last_line_that_matches(file: str, owners: list[str]) -> None:
    assert list(Codeowners("github", "CODEOWNERS", GITHUB).of(file).owners) == owners


@pytest.mark.parametrize(
    ("file", "approvals"),
    [
        ("x", [("", 1, ["@all"])]),
        ("#file", [("", 1, ["@hash"])]),
        ("docs/left.out", [("Documents", 1, ["@d1", "@d2"])]),
        ("docs/x/y", [("", 1, ["@all"]), ("Documents", 1, ["@d1", "@d2"])]),
        ("docs/excluded.md", [("", 1, ["@all"])]),
        ("deep/README.md", [("", 1, ["@all"]), ("Documents", 1, ["@readme"])]),
        ("lib", [("", 1, ["@all"]), ("Documents", 1, ["@more"])]),
        ("lib/x", [("", 1, ["@all"])]),
        ("users/bob.yaml", [("", 1, ["@all"]), ("Documents", 1, ["@class"])]),
        ("users/carl.yaml", [("", 1, ["@all"])]),
        ("free/x", [("", 1, ["@all"])]),
    ],
)
def test_gitlab_asks_for_every_section(file: str, approvals: list[tuple[str, int, list[str]]]) -> None:
    """Of two headings of one name the weaker counts, and what is optional asks for nothing."""
    found = Codeowners("gitlab", "CODEOWNERS", GITLAB).of(file).approvals
    assert [(each.section, each.least, list(each.owners)) for each in found] == approvals


def test_who_suffices() -> None:
    two = Owned((Approval(("@a", "@b", "@c"), 2), Approval(("@a", "@x"))))
    assert two.together() == {frozenset(each) for each in ({"@a", "@b"}, {"@a", "@c"}, {"@b", "@c", "@x"})}
    assert Owned().together() == {frozenset()}
    many = Owned((Approval(tuple(f"@{n}" for n in range(40)), 20),))
    assert len(many.together()) == 1
    assert frozenset() not in many.together()


def test_the_samples_below_a_folder_have_the_owners_that_lines_give_there() -> None:
    owners = Codeowners("github", "CODEOWNERS", "/users/contract*.yaml @c\nusers/*/board/ @b\n/apps/ @a\nvip/ @v\n")
    assert list(owners.samples("users")) == ["users/contractnew.yaml", "users/new/board/new.yaml", "users/vip/new.yaml"]


@pytest.mark.parametrize(
    ("pattern", "file"),
    [
        ("/access/*/contractors/", "access/users/contractors/new.yaml"),
        ("/access/us*/ext/", "access/users/ext/new.yaml"),
        ("/*/users/x.yaml", "access/users/x.yaml"),
        (r"/access/users/ext\ team/", "access/users/ext team/new.yaml"),
        ("/access/users/team-?/", "access/users/team-n/new.yaml"),
        ("/access/users/[ab]*.yaml", "access/users/anew.yaml"),
        ("/access/users/contract*", "access/users/contractnew.yaml"),
        ("ext/", "access/users/ext/new.yaml"),
    ],
)
def test_a_line_has_a_sample_wherever_its_signs_stand(pattern: str, file: str) -> None:
    forge: Forge = "gitlab" if "[" in pattern else "github"
    owners = Codeowners(forge, "CODEOWNERS", f"* @all\n{pattern} @agency\n")
    assert file in owners.samples("access/users")
    assert owners.of(file).owners == ("@agency",)


@pytest.mark.parametrize("forge", ["github", "gitlab"])
@pytest.mark.parametrize("pattern", ["**/a/" * 300 + "b", "*a" * 300, "**/" * 500 + "x", "?*" * 300, "/" * 400])
def test_no_pattern_takes_its_time(forge: Forge, pattern: str) -> None:
    began = time.process_time()
    for file in ("a/" * 200 + "c", "a" * 250, "x" * 250 + "/y"):
        Codeowners(forge, "CODEOWNERS", f"{pattern} @x\n").of(file)
    assert time.process_time() - began < 2
