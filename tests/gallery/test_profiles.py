"""Every profile says what it differs in and how that is known, and its default mappings work."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reconciler.gallery import load_profile, names
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile, flat
from reconciler.model.schema import describe, refusal

NO_DIFFERENCE = frozenset({"name", "title", "description", "sources", "quirks", "mappings", "verified", "tenantUrl"})
"""Keys that every profile has values of its own for."""
PROFILES = [load_profile(name) for name in names()]
every_profile = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)


def keys(profile: Profile) -> dict[str, Any]:
    return flat(profile.model_dump(by_alias=True))


def differences(profile: Profile) -> set[str]:
    standard = keys(Profile(name="", title=""))
    return {
        key
        for key, value in keys(profile).items()
        if key.split(".")[0] not in NO_DIFFERENCE and (key not in standard or standard[key] != value)
    }


def holds(about: str, key: str) -> bool:
    return key == about or key.startswith(f"{about}.")


@every_profile
def test_every_difference_is_told_in_a_quirk(profile: Profile) -> None:
    told = {about for quirk in profile.quirks for about in quirk.about}
    assert {key for key in differences(profile) if not any(holds(about, key) for about in told)} == set()


@every_profile
def test_every_quirk_is_about_keys_that_exist(profile: Profile) -> None:
    known = keys(profile)
    told = {about for quirk in profile.quirks for about in quirk.about}
    assert {about for about in told if not any(holds(about, key) for key in known)} == set()


@every_profile
def test_every_source_is_used_and_names_a_page_anybody_can_find(profile: Profile) -> None:
    assert set(profile.sources) == {quirk.source for quirk in profile.quirks}
    assert all(len(where) >= len("RFC 7643") for where in profile.sources.values())


@every_profile
def test_sentences_are_one_sentence_without_an_end(profile: Profile) -> None:
    for quirk in profile.quirks:
        assert not quirk.says.endswith("."), quirk.says
        assert "\n" not in quirk.says
    assert profile.description.endswith(".")


@every_profile
def test_nobody_has_seen_any_of_it_on_a_real_tenant(profile: Profile) -> None:
    assert profile.verified == "never"


@every_profile
def test_what_the_keys_rule_out_has_its_sentence_for_plans(profile: Profile) -> None:
    wanted = {
        "deleteUser": not profile.users.delete,
        "deactivateUser": not profile.users.deactivate,
        "reactivateUser": not profile.users.reversible,
        "deleteGroup": profile.groups.supported and not profile.groups.delete,
        "readMembers": profile.groups.read_members == "never",
    }
    assert {key for key, ruled_out in wanted.items() if ruled_out} <= set(profile.cannot)
    assert all(profile.title.split()[0] in sentence or "can't" in sentence for sentence in profile.cannot.values())


@every_profile
def test_default_mappings_are_of_attributes_that_may_be_written(profile: Profile) -> None:
    for kind, mappings in (("users", profile.mappings.users), ("groups", profile.mappings.groups)):
        targets = [parse_path(m.target) for m in mappings]
        assert len({path.canonical for path in targets}) == len(targets)
        for path in targets:
            assert describe(path, group=kind == "groups", schema=profile.schema_of_users) is not None, path.text
            assert not refusal(path, group=kind == "groups", schema=profile.schema_of_users), path.text


@every_profile
def test_default_mappings_find_accounts_and_give_what_is_required(profile: Profile) -> None:
    users = {parse_path(m.target).canonical: m for m in profile.mappings.users}
    assert [m.matching for m in users.values() if m.matching] == [1]
    assert {"username", "active"} <= set(users)
    assert {parse_path(path).canonical for path in profile.users.required} <= set(users)
    groups = {m.target: m for m in profile.mappings.groups}
    assert groups["displayName"].matching == 1, "plans name groups by it, also where none can be made"
    assert ("members" in groups) is profile.groups.supported


@every_profile
def test_the_tenant_url_shows_which_part_is_the_tenants_own(profile: Profile) -> None:
    if profile.name == "scim":
        assert profile.tenant_url is None
        return
    assert profile.tenant_url is not None
    assert re.fullmatch(r"https://[a-z0-9.{}-]+(/[A-Za-z0-9_.{}-]+)+", profile.tenant_url)


def test_aws_never_shows_members_and_is_walked_by_cursor() -> None:
    profile = load_profile("aws-identity-center")
    assert profile.groups.read_members == "byFilter"
    assert profile.paging.style == "cursor"
    assert not profile.excluded_attributes


@pytest.mark.parametrize("name", ["github-enterprise", "salesforce", "hootsuite"])
def test_where_a_deletion_is_impossible_or_for_ever_nobody_is_deleted(name: str) -> None:
    assert not load_profile(name).users.delete


@pytest.mark.parametrize(
    ("name", "effect"),
    [("pagerduty", "deleted"), ("notion", "removed"), ("figma", "removed"), ("gitlab-com", "removed"),
     ("gitlab", "deactivated"), ("slack", "deactivated")],
)  # fmt: skip
def test_plans_say_what_a_deactivation_really_does(name: str, effect: str) -> None:
    assert load_profile(name).users.effect == effect
