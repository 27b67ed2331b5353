"""The app's groups, and who should be in them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import Place
from reconciler.model.values import UNSET, GroupId
from reconciler.project.membership import Nesting


@pytest.fixture
def teams(company: Any) -> Any:
    for name in ("ada", "grace", "linus", "tom", "eve"):
        company.user(name, enabled=name != "eve")
    company.group("social", "ada", "eve", "@agencies")
    company.group("agencies", "grace", "@berlin")
    company.group("berlin", "linus", "ada")
    company.group("crisis", "tom", "nobody", "@gone")
    return company


def test_effective_members_who_are_in_scope(teams: Any, members: Any) -> None:
    teams.app_keys["groups"] = "all"
    teams.scope(assigned={"groups": ["social"]})
    assert members(teams.project()) == {
        "agencies": {"grace", "linus", "ada"},
        "berlin": {"linus", "ada"},
        "crisis": set(),
        "social": {"ada", "grace", "linus"},
    }


@pytest.mark.parametrize(
    ("scope", "groups", "expected"),
    [
        ({"assigned": {"groups": ["social"]}}, "assigned", ["social"]),
        ({"assigned": {"users": ["tom"]}}, "assigned", []),
        ({"assigned": {"groups": ["social"]}}, "all", ["agencies", "berlin", "crisis", "social"]),
        ({"assigned": {"groups": ["social"]}}, "none", []),
        ({"assigned": {"groups": ["social"]}}, ["crisis", "agencies"], ["agencies", "crisis"]),
        ({"everyone": True}, "assigned", ["agencies", "berlin", "crisis", "social"]),
    ],
)
def test_which_groups_are_groups_of_the_app(teams: Any, scope: Any, groups: Any, expected: list[str]) -> None:
    teams.app_keys |= {"scope": scope, "groups": groups}
    assert [group.group.id for group in teams.project().groups] == expected


def test_group_filters_narrow(teams: Any) -> None:
    teams.scope(everyone=True, groupFilters=[[{"attribute": "displayName", "operator": "Includes", "value": "i"}]])
    assert [group.group.id for group in teams.project().groups] == ["agencies", "berlin", "crisis", "social"]
    teams.scope(everyone=True, groupFilters=[[{"attribute": "displayName", "operator": "EQUALS", "value": "Social"}]])
    assert [group.group.id for group in teams.project().groups] == ["social"]


def test_group_filters_read_the_groups_own_attributes(teams: Any) -> None:
    teams.scope(everyone=True, groupFilters=[[{"attribute": "department", "operator": "IS NULL"}]])
    assert teams.problem().message == "no source attribute has the name department"


def test_the_way_of_a_member_is_told(teams: Any, groups: Any) -> None:
    desired = teams.project()
    social = groups(desired)["social"]
    ada, grace, linus = (desired.numbers[name] for name in ("ada", "grace", "linus"))
    assert dict(social.via) == {grace: ("agencies",), linus: ("agencies", "berlin")}
    assert social.via.get(ada) is None
    assert len(social.via) == 2
    assert dict(social.lines) == {
        ada: ("groups/social.yaml", 4),
        grace: ("groups/social.yaml", 6),
        linus: ("groups/social.yaml", 6),
    }
    assert len(social.lines) == 3
    assert groups(desired)["berlin"].via == {}


def test_the_shortest_way_then_the_alphabetically_first(company: Any, groups: Any) -> None:
    company.user("ada")
    company.group("top", "@zulu", "@alpha", "@long")
    company.group("long", "@longer")
    company.group("longer", "ada")
    company.group("zulu", "ada")
    company.group("alpha", "@beta", "@aaa")
    company.group("beta", "ada")
    company.group("aaa", "ada")
    desired = company.project()
    assert groups(desired)["top"].via[0] == ("zulu",)
    assert groups(desired)["top"].lines[0] == ("groups/top.yaml", 4)
    company.group("zulu")
    desired = company.project()
    assert groups(desired)["top"].via[0] == ("alpha", "aaa")
    assert groups(desired)["top"].lines[0] == ("groups/top.yaml", 5)


def test_who_is_no_member_has_no_way(teams: Any, groups: Any) -> None:
    desired = teams.project()
    with pytest.raises(KeyError):
        groups(desired)["social"].via[desired.numbers["tom"]]
    with pytest.raises(KeyError):
        groups(desired)["social"].lines[desired.numbers["tom"]]


def test_somebody_named_twice_counts_once(company: Any, members: Any, groups: Any) -> None:
    company.user("ada")
    company.group("social", "ada", "ada")
    desired = company.project()
    assert members(desired) == {"social": {"ada"}}
    assert groups(desired)["social"].lines[0] == ("groups/social.yaml", 4)


def test_groups_used_by_several_are_worked_out_once_and_right(company: Any, members: Any) -> None:
    for number in range(6):
        company.user(f"u{number}")
    company.group("left", "u0", "@shared")
    company.group("right", "u1", "@shared", "@mine")
    company.group("mine", "u2")
    company.group("shared", "u3", "@deep")
    company.group("deep", "u4", "@deeper")
    company.group("deeper", "u5")
    company.app_keys["groups"] = ["left", "right", "deep"]
    assert members(company.project()) == {
        "left": {"u0", "u3", "u4", "u5"},
        "right": {"u1", "u2", "u3", "u4", "u5"},
        "deep": {"u4", "u5"},
    }


def test_a_chain_of_20000_groups(company: Any, groups: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once with one app group that reaches down all the way, once with 20,000: each group is looked into once."""
    looked_into = 0
    direct = Nesting._direct

    def counting(self: Nesting, group: GroupId, numbers: Any) -> Any:
        nonlocal looked_into
        looked_into += 1
        return direct(self, group, numbers)

    monkeypatch.setattr(Nesting, "_direct", counting)
    depth = 20_000
    for number in range(depth):
        company.group(f"g{number:05}", *([f"@g{number + 1:05}"] if number + 1 < depth else ["ada", "grace"]))
    company.user("ada")
    company.user("grace")
    company.scope(assigned={"groups": ["g00000"]})
    top = groups(company.project())["g00000"]
    assert top.members == {0, 1}
    assert len(top.via[0]) == depth - 1
    assert looked_into == depth
    company.app_keys["groups"] = "all"
    desired = company.project()
    assert len(desired.groups) == depth
    assert all(group.members == {0, 1} for group in desired.groups)
    assert looked_into == 2 * depth


def test_values_of_groups(teams: Any, groups: Any) -> None:
    desired = teams.project()
    assert [column.path for column in desired.group_columns] == ["displayName", "externalId"]
    assert [column.on_create for column in desired.group_columns] == [False, True]
    social = groups(desired)["social"]
    assert social.values == ("Social", "social")
    assert social.match == ("Social",)
    assert desired.maps_members


def test_members_may_be_left_alone(teams: Any) -> None:
    teams.map(groups=({"target": "members", "none": True},))
    assert teams.project().maps_members is False


def test_former_names_of_groups(company: Any, groups: Any) -> None:
    company.group("social", formerly=({"displayName": "Social Club"}, {"id": "club"}))
    assert groups(company.project())["social"].former == (("Social Club",), (UNSET,))


def test_two_groups_with_one_name(company: Any) -> None:
    company.group("social", displayName="Social")
    company.group("zocial", displayName="SOCIAL")
    problem = company.problem()
    assert problem.place == Place("groups/zocial.yaml", 2)
    assert problem.message == (
        "two groups with one displayName: social (groups/social.yaml:2) and zocial both have 'SOCIAL'"
    )


def test_a_group_without_a_name(company: Any) -> None:
    company.group("social", displayName=None)
    problem = company.problem()
    assert problem.place == Place("groups/social.yaml", 1)
    assert "social has no displayName" in problem.message


@pytest.mark.parametrize(
    "mapping",
    [
        {"target": "members", "source": "displayName"},
        {"target": "members", "expression": 'Append([displayName], "x")'},
        {"target": "members", "constant": "x"},
        {"target": "Members", "source": "members", "matching": 1},
    ],
)  # fmt: skip
def test_members_takes_members(company: Any, mapping: dict[str, Any]) -> None:
    company.group("social")
    company.map(groups=(mapping,))
    company.places = {"mappings.groups.0": Place("apps/chat/mappings.yaml", 3, 5)}
    problem = company.problem()
    assert problem.place == Place("apps/chat/mappings.yaml", 3, 5)
    assert problem.message.startswith("the target members takes `source: members`")
