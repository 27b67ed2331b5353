from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.desired import Loaded
from reconciler.errors import Problem
from reconciler.model.directory import Group, Member
from reconciler.model.values import GroupId, UserId


def test_a_group_and_its_members(loaded: Callable[..., Loaded]) -> None:
    text = """\
displayName: Social Media
description: Who may publish
formerly:
  - displayName: Social
members:
  - ada
  - user: grace
    reason: cover
  - group: editors
accounts: {hootsuite: "814984"}
"""
    state = loaded({"groups/social-media.yaml": text})
    group = state.directory.groups[GroupId("social-media")]
    assert group.attributes == {"displayName": "Social Media", "description": "Who may publish"}
    assert group.members == (
        Member(6, user=UserId("ada")),
        Member(7, user=UserId("grace"), reason="cover"),
        Member(9, group=GroupId("editors")),
    )
    assert group.formerly == ({"displayName": "Social"},)
    assert group.accounts == {"hootsuite": "814984"}
    assert (group.file, group.line, group.lines["members"]) == ("groups/social-media.yaml", 1, 5)
    assert not state.warnings


def test_a_group_without_members(loaded: Callable[..., Loaded]) -> None:
    groups: dict[Any, Group] = loaded(
        {"groups/a.yaml": "members:\n", "groups/b.yaml": "sensitive: true\n"}
    ).directory.groups
    assert groups["a"].members == groups["b"].members == ()
    assert groups["b"].sensitive


@pytest.mark.parametrize(
    ("text", "place", "says", "hint"),
    [
        ("displayName: 12\n", "groups/x.yaml:1:14", "`displayName` must be text", 'quote it: "12"'),
        ("name: X\n", "groups/x.yaml:1:1", "unknown key `name` in a group", "displayName"),
        ("memebers: []\n", "groups/x.yaml:1:1", "unknown key `memebers`", "did you mean `members`?"),
        ("sensitive: yes\n", "groups/x.yaml:1:12", "`sensitive` must be true or false", "write `true`"),
        ("members: ada\n", "groups/x.yaml:1:10", "`members` must be a list", "[ada]"),
        ("members:\n  - 12\n", "groups/x.yaml:2:5", "a member must be text", 'quote it: "12"'),
        ("members:\n  - [ada]\n", "groups/x.yaml:2:5", "an id or a mapping", ""),
        ("members:\n  - {}\n", "groups/x.yaml:2:5", "exactly one of `user` and `group`", ""),
        ("members:\n  - {user: ada, group: editors}\n", "groups/x.yaml:2:5", "exactly one of", ""),
        ("members:\n  - {user: ada, resaon: x}\n", "groups/x.yaml:2:17", "unknown key `resaon`", "`reason`"),
        ("members:\n  - group: edtors\n", "groups/x.yaml:2:12", "the group `edtors` does not exist", "`editors`"),
        ("members:\n  - group: x\n", "groups/x.yaml:2:12", "groups in a circle: x → x", "remove one"),
        ("sensitive: true\nmembers:\n  - group: editors\n", "groups/x.yaml:3:12", "no nested groups", "one by one"),
        (
            "id: editors\n",
            "groups/x.yaml:1:5",
            "two groups have the id `editors`: here and groups/editors.yaml:1",
            "another",
        ),
        ("- displayName: x\n", "groups/x.yaml:1:3", "a group in a list needs an `id`", ""),
        ("formerly:\n  - mail: x\n", "groups/x.yaml:2:5", "unknown key `mail` in `formerly`", "displayName"),
    ],
)
def test_what_a_group_can_get_wrong(
    only_problem: Callable[..., Problem], text: str, place: str, says: str, hint: str
) -> None:
    problem = only_problem({"groups/x.yaml": text})
    assert str(problem.place) == place
    assert says in problem.message
    assert hint in problem.hint
    assert problem.severity == "error"


@pytest.mark.parametrize(
    ("member", "place", "says", "hint"),
    [
        ("adda", "groups/x.yaml:3:5", "the member `adda` does not exist", "did you mean `ada`?"),
        ("{user: gone}", "groups/x.yaml:3:12", "the member `gone` does not exist", "remove the entry"),
        ("editors", "groups/x.yaml:3:5", "the member `editors` does not exist", "write `- group: editors`"),
        ("ada", "groups/x.yaml:3:5", "`ada` is listed twice, first in line 2", "remove one"),
    ],
)
def test_members_that_are_only_a_warning(
    loaded: Callable[..., Loaded], member: str, place: str, says: str, hint: str
) -> None:
    (warning,) = loaded({"groups/x.yaml": f"members:\n  - ada\n  - {member}\n"}).warnings
    assert str(warning.place) == place
    assert says in warning.message
    assert hint in warning.hint


def test_each_circle_is_told_once(problems: Callable[..., tuple[Problem, ...]]) -> None:
    def nested(*groups: str) -> str:
        return "members:\n" + "".join(f"  - group: {group}\n" for group in groups)

    found = problems({
        "groups/a.yaml": nested("b"), "groups/b.yaml": nested("c", "d"), "groups/c.yaml": nested("a"),
        "groups/d.yaml": nested("editors"), "groups/top.yaml": nested("a", "b"), "groups/y.yaml": nested("z"),
        "groups/z.yaml": nested("y"),
    })  # fmt: skip
    assert [(str(each.place), each.message) for each in found] == [
        ("groups/a.yaml:2:12", "groups in a circle: a → b → c → a"),
        ("groups/y.yaml:2:12", "groups in a circle: y → z → y"),
    ]


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        (9, "g000 → g001 → g002 → g003 → g004 → g005 → g006 → g007 → g008 → g000"),
        (10, "g000 → g001 → g002 → g003 → g004 → g005 → g006 → g007 → 2 more → g000"),
    ],
)
def test_a_long_circle_is_told_by_its_first_groups(only_problem: Callable[..., Problem], size: int, drawn: str) -> None:
    groups = "".join(f"- {{id: g{n:03}, members: [{{group: g{(n + 1) % size:03}}}]}}\n" for n in range(size))
    assert only_problem({"groups/round.yaml": groups}).message == f"groups in a circle: {drawn}"


def test_nesting_of_any_depth(loaded: Callable[..., Loaded]) -> None:
    nested = "".join(f"- {{id: g{n}, members: [{{group: g{n + 1}}}]}}\n" for n in range(2000))
    state = loaded({"groups/deep.yaml": f"{nested}- {{id: g2000, members: [ada]}}\n"})
    assert len(state.directory.groups) == 2002
