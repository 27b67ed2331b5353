"""The gallery as people read it."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.gallery import load_profile, names
from reconciler.model.profile import Profile
from reconciler.model.rate import Rate
from reconciler.render import Style
from reconciler.render.gallery import application, cannot, deactivation, limits, overview

PROFILES = [load_profile(name) for name in names()]


def test_golden(golden: Any) -> None:
    golden("gallery-miro-80.txt", application(load_profile("miro"), Style(columns=80)))


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_lines_fit_the_screen_but_for_what_can_not_be_broken(profile: Profile, columns: int) -> None:
    for line in application(profile, Style(columns=columns)).splitlines():
        assert len(line) <= columns or len(line.split()) <= 2, line


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_everything_that_is_known_is_shown(profile: Profile) -> None:
    text = " ".join(application(profile, Style()).split())
    quirks = [f"{quirk.says} [{quirk.source}]" for quirk in profile.quirks]
    targets = [f"{m.target} ←" for m in profile.mappings.users]
    for wanted in (profile.description, *quirks, *profile.cannot.values(), *profile.sources.values(), *targets):
        assert " ".join(wanted.split()) in text
    assert f"reconciler sandbox --gallery {profile.name}" in text


def test_one_line_for_each_application_where_the_screen_is_wide() -> None:
    lines = overview(PROFILES, Style()).splitlines()
    assert [line.split()[0] for line in lines[1 : len(PROFILES) + 1]] == list(names())
    assert all(line.endswith("never") for line in lines[1 : len(PROFILES) + 1])


def test_a_narrow_screen_wraps_what_is_impossible() -> None:
    text = overview(PROFILES, Style(columns=80))
    assert max(map(len, text.splitlines())) <= 80
    assert "delete users, create or" in text


def test_colour_only_where_it_is_asked_for() -> None:
    assert "\x1b[1mMiro\x1b[0m" in application(load_profile("miro"), Style(colour=True))
    assert "\x1b" not in application(load_profile("miro"), Style()) + overview(PROFILES, Style())


def test_what_can_not_be_done_in_a_few_words() -> None:
    assert cannot(load_profile("salesforce")) == "delete users, create or delete groups"
    assert cannot(load_profile("launchdarkly")) == "manage groups"
    assert cannot(load_profile("scim")) == ""


def test_what_a_deactivation_means() -> None:
    assert deactivation(load_profile("pagerduty")) == "the account is deleted, for good"
    assert deactivation(load_profile("slack")) == "the account stays, without access"
    never = load_profile("scim").corrected({"users": {"deactivate": False}})
    assert deactivation(never) == "impossible"


def test_limits_from_the_widest_to_single_requests() -> None:
    rate = Rate.model_validate(
        {
            "perSecond": 2.5, "perDay": 100_000, "reads": {"perMinute": 1000}, "writes": {"perSecond": 2},
            "buckets": [
                {"methods": ["POST", "PUT", "PATCH"], "path": "/Users", "count": 1000, "seconds": 3600},
                {"count": 5, "seconds": 120, "largerThan": 500},
            ],
        }
    )  # fmt: skip
    assert list(limits(Profile(name="x", title="X", rate=rate, max_bytes=800_000))) == [
        "2.5 requests a second",
        "100,000 requests a day",
        "1,000 reads a minute",
        "2 writes a second",
        "1,000 in 1 hour of POST, PUT or PATCH /Users",
        "5 in 2 minutes of any request of more than 500 bytes",
        "800,000 bytes a request",
    ]
