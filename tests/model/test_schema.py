from __future__ import annotations

import pytest

from reconciler.model.path import parse_path
from reconciler.model.schema import Attribute, describe, is_manager, refusal

_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.mark.parametrize(
    ("path", "attribute"),
    [
        ("USERNAME", Attribute("string")),
        ("active", Attribute("boolean")),
        ('emails[type eq "work"].value', Attribute("string")),
        ('emails[type eq "work"].primary', Attribute("boolean")),
        ('addresses[type eq "work"].streetAddress', Attribute("string")),
        ("name", Attribute("complex")),
        ("roles", Attribute("complex", multi_valued=True)),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", Attribute("string")),
        (f"{_ENTERPRISE}:costCenter", Attribute("string")),
        (f"{_ENTERPRISE}:unheardOf", None),
        ("urn:example:chat:2.0:User:seat", None),
        ("somethingElse", None),
    ],
)
def test_what_a_target_is(path: str, attribute: Attribute | None) -> None:
    assert describe(parse_path(path)) == attribute


def test_groups_have_attributes_of_their_own() -> None:
    assert describe(parse_path("members"), group=True) == Attribute("complex", multi_valued=True)
    assert describe(parse_path("userName"), group=True) is None


@pytest.mark.parametrize("path", ["id", "meta.created", "groups", "schemas", "members", "password"])
def test_users_have_targets_that_nobody_writes(path: str) -> None:
    assert refusal(parse_path(path))


def test_members_of_groups_are_written() -> None:
    assert not refusal(parse_path("members"), group=True)
    assert refusal(parse_path("id"), group=True)


def test_an_extension_may_call_its_attributes_what_it_likes() -> None:
    assert not refusal(parse_path("urn:example:chat:2.0:User:groups"))


def test_the_manager_is_known_by_its_urn() -> None:
    assert is_manager(parse_path(f"{_ENTERPRISE}:manager"))
    assert is_manager(parse_path(f"{_ENTERPRISE}:manager.value"))
    assert not is_manager(parse_path("manager"))
