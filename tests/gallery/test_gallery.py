"""The gallery's documents, and what their mappings must cover."""

from __future__ import annotations

import pytest

from reconciler.errors import ReconcilerError
from reconciler.gallery import load_profile, names
from reconciler.model.profile import Profile

NAMES = (
    "hootsuite", "scim", "aws-identity-center", "github-enterprise", "slack", "atlassian", "databricks", "snowflake",
    "salesforce", "pagerduty", "new-relic", "miro", "notion", "figma", "launchdarkly", "hcp-terraform", "keycloak",
    "gitlab", "gitlab-com",
)  # fmt: skip
USER_TARGETS = [
    "userName",
    "active",
    'emails[type eq "work"].value',
    "displayName",
    "preferredLanguage",
    "timezone",
    "name.givenName",
    "name.familyName",
]
GROUP_TARGETS = ["displayName", "externalId", "members"]


def languages() -> dict[str, str | bool | int]:
    mapping = next(m for m in load_profile("hootsuite").mappings.users if m.target == "preferredLanguage")
    assert mapping.values is not None
    assert mapping.otherwise == "skip"
    return mapping.values


def test_names_are_sorted_and_all_load() -> None:
    assert names() == tuple(sorted(NAMES))
    for name in names():
        profile = load_profile(name)
        assert isinstance(profile, Profile)
        assert profile.name == name


@pytest.mark.parametrize("name", ["hootsuite", "scim"])
def test_the_eight_user_and_three_group_mappings(name: str) -> None:
    mappings = load_profile(name).mappings
    assert [m.target for m in mappings.users] == USER_TARGETS
    assert [m.target for m in mappings.groups] == GROUP_TARGETS
    assert [m.target for m in (*mappings.users, *mappings.groups) if m.matching] == ["userName", "displayName"]
    assert mappings.groups[1].apply == "onCreate"


def test_hootsuite_cannot_delete_and_says_so() -> None:
    profile = load_profile("hootsuite")
    assert not profile.users.delete
    assert not profile.groups.delete
    assert profile.cannot["deleteGroup"] == "Hootsuite has no way to delete a team over SCIM"
    assert "deleteUser" in profile.cannot
    assert profile.verified == "never"
    assert profile.sources
    assert profile.answers.not_found == (404, 403)


def test_scim_supports_everything_and_translates_nothing() -> None:
    profile = load_profile("scim")
    assert profile.users.delete
    assert profile.groups.delete
    assert profile.tenant_url is None
    assert all(m.values is None and m.default is None for m in profile.mappings.users)


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en-GB", "en"), ("en-US", "en"), ("pt-BR", "pt_BR"), ("zh-CN", "zh_CN"), ("zh-TW", "zh_TW"), ("zh-HK", "zh_HK"),
     ("zh-Hant", "zh_TW"), ("de-DE", "de"), ("es-419", "es"), ("id-ID", "id"), ("ja", "ja")],
)  # fmt: skip
def test_language_tags_become_hootsuites(tag: str, language: str) -> None:
    assert languages()[tag] == language


def test_every_translation_is_a_language_that_hootsuite_has_and_every_language_is_reached() -> None:
    assert set(languages().values()) == set(load_profile("hootsuite").languages)
    assert set(load_profile("hootsuite").languages) <= set(languages()), "a value in Hootsuite's own form stays"
    assert all(isinstance(tag, str) for tag in languages())
    assert "sv-SE" not in languages()


def test_an_unknown_name_is_told_with_a_suggestion() -> None:
    with pytest.raises(ReconcilerError) as caught:
        load_profile("hootsuit")
    assert caught.value.message == "the gallery has no 'hootsuit'"
    assert caught.value.hint == f"did you mean hootsuite? it knows: {', '.join(sorted(NAMES))}"


def test_a_name_is_no_path() -> None:
    with pytest.raises(ReconcilerError):
        load_profile("../gallery/scim")
