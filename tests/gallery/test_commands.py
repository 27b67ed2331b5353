"""`reconciler gallery` and `reconciler schema` on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.desired.schemas import SCHEMAS
from reconciler.gallery import load_profile, names
from reconciler.model.profile import Profile
from reconciler.render import Style, text


def test_the_list_names_every_application(reconciler: Callable[..., Any]) -> None:
    called = reconciler("gallery")
    assert called.code == 0
    assert all(f"\n{name} " in called.out for name in names())
    assert not called.err


def test_the_list_as_json(reconciler: Callable[..., Any]) -> None:
    listed = {each["name"]: each for each in reconciler("gallery", "--format", "json").document}
    assert list(listed) == list(names())
    assert listed["miro"]["cannot"].keys() == {"createGroup", "deleteGroup"}
    assert listed["miro"]["verified"] == "never"
    assert listed["miro"]["tenantUrl"] == load_profile("miro").tenant_url


def test_one_application_as_text(reconciler: Callable[..., Any]) -> None:
    called = reconciler("gallery", "slack")
    assert called.code == 0
    assert called.out.startswith("Slack  slack   verified: never\n")


@pytest.mark.parametrize("name", names())
def test_one_application_as_json_is_its_profile(name: str, reconciler: Callable[..., Any]) -> None:
    document = reconciler("gallery", name, "--format", "json").document
    assert Profile.model_validate(document) == load_profile(name)


def test_an_unknown_application_is_an_error_with_a_suggestion(reconciler: Callable[..., Any]) -> None:
    called = reconciler("gallery", "slak")
    assert called.code == 1
    assert not called.out
    assert "did you mean slack?" in called.err


def test_every_plan_says_that_the_profile_was_never_verified(story_of: Callable[..., Any]) -> None:
    plan = story_of("hootsuite").plan()
    for each in (plan, plan.model_copy(update={"changes": ()})):
        assert "profile hootsuite, verified: never" in text(each, Style()).splitlines()[0]
    seen = plan.model_copy(update={"profile": plan.profile.model_copy(update={"verified": "2026-11-25"})})
    assert "never" not in text(seen, Style()).splitlines()[0]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_printed_under_its_name(name: str, reconciler: Callable[..., Any]) -> None:
    document = reconciler("schema", name).document
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == f"urn:reconciler:schema:{name}"


def test_a_schema_that_does_not_exist_is_a_wrong_command_line(reconciler: Callable[..., Any]) -> None:
    called = reconciler("schema", "people")
    assert called.code == 64
    assert "'user', 'group', 'app'" in called.err
