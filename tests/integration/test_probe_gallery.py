"""A probe of every application of the gallery: the right profile stands, the standard one is corrected and works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.apply.probe import write_probe
from reconciler.gallery import names
from reconciler.live.probe import Report, probe
from reconciler.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.conftest import SandboxStory

NOTHING_LIMITED: dict[str, Any] = {"perSecond": None, "perMinute": None, "perDay": None, "buckets": []}
QUICK: dict[str, Any] = {
    "rate": {**NOTHING_LIMITED, "reads": {"perMinute": None}, "writes": {"perMinute": None}},
    "settleSeconds": 0,
}
OPTIONAL = {"scim": {"bulk": {"operations": 1000, "bytes": 1_048_576}, "versions": True}}
"""What the standard leaves to the server, so that no profile can know it."""
FOUND: dict[str, dict[str, Any]] = {
    "atlassian": {"users.deleteEffect": "deactivated", "filters.groups": ["displayName"]},
    "aws-identity-center": {"paging.style": "cursor", "groups.readMembers": "byFilter", "emailPrimary": True},
    "figma": {"contentType": "application/json", "users.effect": "deleted"},
    "github-enterprise": {"users.delete": False, "emailPrimary": True},
    "gitlab": {"users.deleteEffect": "deactivated", "filters.users": ["userName"]},
    "hootsuite": {"groups.members": "pathless", "groups.update": "patchPathless", "users.delete": False},
    "keycloak": {"groups.readMembers": "byFilter", "groups.membersOnCreate": False},
    "launchdarkly": {"groups.supported": False, "users.deleteEffect": "deactivated"},
    "miro": {"cannot.createGroup": "the application does not let this token create groups"},
    "new-relic": {"patch.ops": "capitalized", "groups.members": "valueArray"},
    "pagerduty": {"groups.supported": False, "users.effect": "deleted"},
    "salesforce": {"users.delete": False},
    "snowflake": {"paging.trusted": False},
    "slack": {"discovery.schemas": None, "users.deleteEffect": "deactivated"},
}


def probed(story: SandboxStory) -> Report:
    """Both probes, as `check --probe --write-probe` runs them."""
    opened = story.open()
    report = Report(opened.profile)
    mappings = opened.app.mappings.over(opened.profile.mappings)

    async def main() -> None:
        async with story.client(opened) as client:
            await probe(
                client,
                report,
                users_by=[each.target for each in mappings.users if each.matching],
                groups_by=[each.target for each in mappings.groups if each.matching],
            )
            await write_probe(client, report, targets=[each.target for each in mappings.users])

    asyncio.run(main())
    return report


def merged(below: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """As a person puts a block under what is there."""
    return {**below, **{k: merged(below[k], v) if isinstance(below.get(k), dict) and isinstance(v, dict) else v
                        for k, v in over.items()}}  # fmt: skip


def at(document: Any, dotted: str) -> Any:
    for step in dotted.split("."):
        document = document[step]
    return document


def told(story: SandboxStory, report: Report) -> None:
    """The block goes into app.yaml, and what the hints say into mappings.yaml."""
    app = story.company.read("apps/app/app.yaml")
    story.company.edit_app(profile=merged(app["profile"], yaml.safe_load(report.text() or "{}")))
    required = report.block().get("users", {}).get("required", ())
    sources = {"externalId": "id", "name.formatted": "displayName"}
    missing = [{"target": text, "source": sources[text]} for text in required if text in sources]
    hints = "\n".join(each.hint for each in report.findings)
    assert all(f"target: '{each['target']}', source: {each['source']}" in hints for each in missing)
    if missing:
        story.company.write("apps/app/mappings.yaml", {"users": missing})


@pytest.mark.parametrize("name", names())
def test_nothing_is_proposed_where_the_profile_is_the_right_one(
    name: str, story_of: Callable[..., SandboxStory]
) -> None:
    story = story_of(name)
    story.company.edit_app(profile=QUICK)
    assert probed(story).block() == OPTIONAL.get(name, {})


@pytest.mark.parametrize("name", names())
def test_what_differs_from_the_standard_is_found_and_with_it_everything_converges(
    name: str, story_of: Callable[..., SandboxStory]
) -> None:
    story = story_of("scim", Sandbox(name, rate=0))
    story.company.edit_app(profile=QUICK)
    report = probed(story)
    for dotted, value in FOUND.get(name, {}).items():
        assert at(report.block(), dotted) == value, report.text()
    told(story, report)
    assert probed(story).block() == {}
    before = len(story.sandbox.users)
    applied = story.apply()
    assert applied.code == 0, [(s.change.action, s.change.key, s.message) for s in applied.outcome.steps]
    assert len(story.sandbox.users) == before + 6
    again = story.plan()
    assert not again.changes, [(each.action, each.key) for each in again.changes]
