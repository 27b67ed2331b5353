"""The pages about profiles say what the profiles say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.gallery import load_profile, names
from reconciler.model.profile import Bulk, Profile, flat
from reconciler.render.gallery import cannot, limits

DOCS = Path(__file__).parents[2] / "docs"
CODE = re.compile(r"`([^`]+)`")
IN_SHORT = 3
"""Limits that fit into a cell."""


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def row(profile: Profile) -> str:
    means = f"{profile.users.effect}{'' if profile.users.reversible else ' for good'}"
    told = list(limits(profile))
    limit = "; ".join(told) if len(told) <= IN_SHORT else f"{len(told)}, see `reconciler gallery {profile.name}`"
    cells = (profile.title, f"`{profile.name}`", cannot(profile) or "-", means, limit or "-")
    return f"| {' | '.join(cells)} |"


def test_the_table_of_applications_is_that_of_the_profiles() -> None:
    rows = [line for line in page("gallery").splitlines() if re.match(r"\| .+ \| `[a-z-]+` \|", line)]
    assert rows == [row(load_profile(name)) for name in names()]


def documented() -> dict[str, str]:
    """Dotted key → what stands in the column of the default, of the section about profiles."""
    section = page("desired-state").partition("\n### profile\n")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for line in section.partition("`schema` tells")[0].splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and "default" not in cells[1] and cells[0].startswith("`"):
            found |= dict.fromkeys(CODE.findall(cells[0]), cells[1])
    return found


def defaults() -> dict[str, Any]:
    standard = Profile(name="", title="").model_dump(mode="json", by_alias=True)
    standard["compare"] = {f"compare.{key}": value for key, value in standard["compare"].items()}
    told = {**flat({k: v for k, v in standard.items() if k != "compare"}), **standard["compare"]}
    for whole in ("mappings", "rate.reads", "rate.writes"):
        told = {key: value for key, value in told.items() if not key.startswith(f"{whole}.")} | {whole: None}
    return told


FORMS = {"valuePath", "valueArray", "pathless", "nested", "replace", "put"}


def test_every_key_of_a_profile_has_its_row_under_its_dotted_name() -> None:
    assert set(documented()) - FORMS == set(defaults())


@pytest.mark.parametrize("key", sorted(set(defaults()) - {"mappings", "name", "title", "description"}))
def test_the_default_in_the_page_is_the_models(key: str) -> None:
    stated, default = documented()[key], defaults()[key]
    if default is None:
        assert stated == "none"
    else:
        assert yaml.safe_load(CODE.findall(stated)[0]) == default


def test_what_bulk_is_without_figures_is_documented() -> None:
    assert yaml.safe_load(CODE.findall(page("desired-state").partition("| `bulk` | none | ")[2])[1]) == (
        Bulk().model_dump(by_alias=True)
    )


def test_hootsuites_page_says_what_its_profile_says() -> None:
    text = page("hootsuite")
    profile = load_profile("hootsuite")
    assert profile.tenant_url is not None
    assert profile.tenant_url in text
    assert f"{profile.rate.per_second:g} requests a second and {profile.rate.per_day:,} a day" in text
    assert all(f"`{language}`" in text for language in profile.languages)
