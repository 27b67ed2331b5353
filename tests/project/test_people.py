"""What is written for those who are wanted, and for those who are not; who is who."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import Place
from reconciler.gallery import load_profile
from reconciler.model.values import UNSET

_SOFT = 'Switch([IsSoftDeleted], , "False", "True", "True", "False")'


def _person(desired: Any, identity: str) -> Any:
    return desired.people[desired.numbers[identity]]


def test_of_people_not_wanted_only_soft_columns_flow(company: Any, row: Any) -> None:
    company.user("eve", enabled=False, department="Sales")
    company.user("tom", department="Law")
    company.user("ada", department="Law")
    company.group("g", "eve", "ada")
    company.scope(assigned={"groups": ["g"]})
    company.map(
        {
            "target": "title",
            "expression": 'IIF([IsSoftDeleted] = "True", Append("former ", [department]), [department])',
        }
    )
    desired = company.project(managed=("tom",))
    off = {"active": False, "userName": UNSET, "displayName": UNSET}
    for identity, title in (("eve", "former Sales"), ("tom", "former Law")):
        values = row(desired, _person(desired, identity))
        assert {target: values[target] for target in off} == off
        assert values["title"] == title
    assert row(desired, _person(desired, "ada"))["title"] == "Law"
    assert row(desired, _person(desired, "ada"))["active"] is True


def test_who_is_unknown_is_switched_off_all_the_same(company: Any) -> None:
    company.map({"target": "title", "expression": 'IIF([IsSoftDeleted] = "True", Item(Split("a", ","), 2), "x")'})
    desired = company.project()
    off = dict(zip([column.path for column in desired.user_columns], desired.off, strict=True))
    assert off.pop("active") is False
    assert set(off.values()) == {UNSET}


@pytest.mark.parametrize(
    ("mappings", "wanted"),
    [
        ([], True),
        ([{"target": "active", "constant": True}], True),
        ([{"target": "active", "source": "accountEnabled", "apply": "onCreate"}], True),
        ([{"target": "active", "expression": _SOFT, "apply": "onCreate"}], True),
        ([{"target": "active", "constant": False}], False),
    ],
)
def test_without_a_soft_mapping_deactivation_is_plain(company: Any, row: Any, mappings: Any, wanted: bool) -> None:
    company.user("ada")
    company.user("eve", enabled=False)
    company.map({"target": "userName", "source": "userPrincipalName", "matching": 1}, *mappings, replace=True)
    desired = company.project()
    active = next(column for column in desired.user_columns if column.path == "active")
    assert (active.soft, active.on_create) == (True, False)
    assert row(desired, _person(desired, "ada")) == {"userName": "ada@contoso.com", "active": wanted}
    assert row(desired, _person(desired, "eve")) == {"userName": UNSET, "active": False}
    assert desired.off == (UNSET, False)


def test_active_is_found_under_its_full_name(company: Any) -> None:
    name = "urn:ietf:params:scim:schemas:core:2.0:User:active"
    company.user("eve", enabled=False)
    company.map({"target": "active", "none": True}, {"target": name, "constant": True})
    desired = company.project()
    assert [column.path for column in desired.user_columns if column.soft] == [name]
    assert [value for value in desired.off if value is not UNSET] == [False]


def test_an_application_without_deactivation_gets_no_active(company: Any) -> None:
    company.user("ada")
    company.app_keys["profile"] = {"users": {"deactivate": False}}
    company.map({"target": "active", "none": True})
    desired = company.project()
    assert "active" not in [column.path for column in desired.user_columns]
    assert set(desired.off) == {UNSET}


def test_another_soft_mapping_is_enough(company: Any) -> None:
    company.map(
        {"target": "userName", "source": "userPrincipalName", "matching": 1},
        {"target": "userType", "expression": 'Switch([IsSoftDeleted], "here", "True", "gone")'},
        replace=True,
    )
    desired = company.project()
    assert [column.path for column in desired.user_columns] == ["userName", "userType"]
    assert desired.off == (UNSET, "gone")


def test_matching_values_of_everybody_are_todays(company: Any) -> None:
    company.user("ada")
    company.user("eve", enabled=False)
    company.user("tom", mail="tom@contoso.com")
    company.scope(assigned={"users": ["ada", "eve"]})
    company.map(
        {"target": "externalId", "expression": 'IIF([IsSoftDeleted] = "True", "gone", [mail])', "matching": 2},
    )
    desired = company.project(managed=("tom",))
    assert _person(desired, "ada").match == ("ada@contoso.com", None)
    assert _person(desired, "eve").match == ("eve@contoso.com", None)
    assert _person(desired, "tom").match == ("tom@contoso.com", "tom@contoso.com")


def test_former_identities(company: Any) -> None:
    company.user(
        "ada",
        mail="ada@contoso.com",
        formerly=(
            {"userPrincipalName": "ada.byron@contoso.com"},
            {"mail": "byron@contoso.com", "surname": "Byron"},
            {"id": "a.byron"},
            {"userPrincipalName": None},
        ),
    )
    company.map({"target": "externalId", "expression": "Append([id], [mail])", "matching": 2})
    assert _person(company.project(), "ada").former == (
        ("ada.byron@contoso.com", UNSET),
        (UNSET, "adabyron@contoso.com"),
        (UNSET, "a.byronada@contoso.com"),
        (UNSET, UNSET),
    )  # fmt: skip


def test_a_former_identity_that_fits_no_target_says_nothing(company: Any) -> None:
    company.user("ada", formerly=({"department": "x"},))
    company.map({"target": "externalId", "expression": 'IIF([department] = "x", Left("a", "b"), [id])', "matching": 2})
    assert _person(company.project(), "ada").former == ((UNSET, UNSET),)


def test_two_people_with_one_user_name(company: Any) -> None:
    company.user("ada", userPrincipalName="ada@contoso.com")
    company.user("byron", userPrincipalName="ADA@contoso.com", enabled=False)
    problem = company.problem()
    assert problem.place == Place("users/byron.yaml", 2)
    assert problem.message == (
        "two people with one userName: ada (users/ada.yaml:2) and byron both have 'ADA@contoso.com'"
    )


def test_people_out_of_scope_may_share_a_name(company: Any) -> None:
    company.user("ada", userPrincipalName="ada@contoso.com")
    company.user("byron", userPrincipalName="ada@contoso.com")
    company.scope(assigned={"users": ["ada"]})
    assert len(company.project(managed=("byron",)).people) == 2


def test_the_second_matching_attribute_tells_people_apart_too(company: Any) -> None:
    company.user("ada", mail="team@contoso.com")
    company.user("grace", mail="team@contoso.com")
    company.map({"target": 'emails[type eq "work"].value', "source": "mail", "matching": 2})
    assert company.problem().message.startswith('two people with one emails[type eq "work"].value: ada')


def test_everybody_in_scope_needs_a_matching_value(company: Any) -> None:
    company.user("ada", userPrincipalName=None)
    company.user("eve", userPrincipalName=None, enabled=False)
    problem = company.problem()
    assert problem.place == Place("users/ada.yaml", 1)
    assert problem.message == "ada has no userName, so no account can be matched or made: userPrincipalName is empty"
    assert problem.hint == "give ada a value for userPrincipalName"


def test_one_matching_value_of_two_is_enough(company: Any) -> None:
    company.user("ada", mail=None)
    company.map({"target": "externalId", "source": "mail", "matching": 2})
    assert _person(company.project(), "ada").match == ("ada@contoso.com", None)


def test_something_must_match(company: Any) -> None:
    company.user("ada")
    company.map({"target": "userName", "source": "userPrincipalName"})
    company.places = {"mappings.users": Place("apps/chat/mappings.yaml", 2, 3)}
    problem = company.problem()
    assert problem.place == Place("apps/chat/mappings.yaml", 2, 3)
    assert problem.message == "no mapping of users has `matching`"


def test_what_the_application_requires(company: Any) -> None:
    company.profile = load_profile("hootsuite")
    company.user("ada", displayName=None)
    company.user("tom", displayName="")
    company.user("eve", displayName=None, enabled=False)
    first, second = company.problems()
    assert first.place == Place("users/ada.yaml", 1)
    assert first.message == "Hootsuite requires displayName, and ada has none: displayName is empty"
    assert second.place == Place("users/tom.yaml", 3)


def test_a_default_is_enough_for_what_is_required(company: Any) -> None:
    company.profile = load_profile("hootsuite")
    company.user("ada", displayName=None)
    company.map({"target": "displayName", "source": "displayName", "default": "Somebody"})
    assert company.values("ada")["displayName"] is UNSET


def test_a_required_target_without_a_mapping(company: Any) -> None:
    company.profile = load_profile("hootsuite")
    company.map({"target": "displayName", "none": True})
    problem = company.problem()
    assert problem.message == "Hootsuite requires displayName, and no mapping gives it"
    assert problem.hint == "add a mapping with `target: displayName`"


def test_a_broken_mapping_is_told_once_and_not_again_for_everybody(company: Any) -> None:
    company.profile = load_profile("hootsuite")
    company.user("ada")
    company.map(
        {"target": "displayName", "source": "nope"},
        {"target": "userName", "source": "nope", "matching": 1},
    )
    assert len(company.problems()) == 2
