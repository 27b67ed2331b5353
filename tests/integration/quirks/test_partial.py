"""Promises 3 and 14 on a server that nobody of the product wrote, where lists are not trusted or show no members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.integration.quirks.company import Company, live, run
from tests.integration.quirks.outsider import Outsider

UNTRUSTED = {"paging": {"trusted": False}}


def test_who_can_not_be_looked_up_stops_the_plan(outsider: Callable[..., Outsider], people: Company) -> None:
    server = outsider("filter-ignored")
    people.settings["profile"] = UNTRUSTED
    people.write(server.url)
    planned = run(server, people.root, "plan")
    assert planned.code == 1
    assert "the filter by userName is not honoured: others came" in planned.out
    assert "`filters` in the app's profile" in planned.out


@pytest.mark.parametrize("habits", ["", "cap-7", "same-page-forever cap-7", "reorders cap-7", "total-is-page cap-7"])
def test_lists_that_lie_do_no_harm_where_they_are_not_trusted(
    outsider: Callable[..., Outsider], people: Company, habits: str
) -> None:
    server = outsider(*habits.split())
    people.settings["profile"] = UNTRUSTED
    story = live(server, people)
    assert story.codes == [2, 0, 0] * 2, story.ran[-1].out
    assert not story.wrong + story.missing


def test_accounts_that_answer_404_all_at_once_are_not_made_again(
    outsider: Callable[..., Outsider], people: Company
) -> None:
    server = outsider()
    people.settings["profile"] = UNTRUSTED
    people.write(server.url)
    assert run(server, people.root, "apply", "--yes").code == 0
    server.override = lambda method, path, _: (404, None) if method == "GET" and "/Users/" in path else None
    planned = run(server, people.root, "plan")
    assert planned.code == 1
    assert "only 0 of the 8" in planned.out


@pytest.mark.parametrize("memory", [True, False])
def test_lists_without_members_are_no_reason_to_remove_or_add(
    outsider: Callable[..., Outsider], people: Company, memory: bool
) -> None:
    server = outsider()
    people.write(server.url)
    assert run(server, people.root, "apply", "--yes").code == 0
    if not memory:
        (people.root / ".reconciler" / "crm.json").unlink()

    def override(method: str, target: str, _: Any) -> Any:
        if method != "GET" or "/Groups?" not in target:
            return None
        rows = [{k: v for k, v in group.items() if k != "members"} for group in server.groups.values()]
        return 200, {"totalResults": len(rows), "Resources": rows}

    server.override = override
    planned = run(server, people.root, "plan", "--detailed-exitcode", "--format", "json")
    assert '"removeMembers"' not in planned.out
    assert '"addMembers"' not in planned.out


def test_what_discovery_decided_stands_in_the_plan_and_its_text(
    outsider: Callable[..., Outsider], people: Company
) -> None:
    server = outsider()
    core = "urn:ietf:params:scim:schemas:core:2.0:User"
    says = {
        "/ServiceProviderConfig": {"patch": {"supported": "false"}, "filter": {"maxResults": 40}},
        "/Schemas": [
            {"id": core, "attributes": [{"name": "userName"}, {"name": "DISPLAYNAME", "mutability": "readOnly"}]}
        ],
    }
    server.override = lambda _, path, __: next(((200, s) for end, s in says.items() if path.endswith(end)), None)
    people.settings["profile"] = {"paging": {"count": 70}, "users": {"update": "patchPath"}}
    people.write(server.url)
    planned = run(server, people.root, "plan", "--format", "json")
    overrides = orjson.loads(planned.out[planned.out.index("{") :])["profile"]["overrides"]
    assert {(o["key"], str(o["value"]), o["source"]) for o in overrides} == {
        ("groups.members", "put", "discovery"),
        ("groups.update", "put", "discovery"),
        ("paging.count", "40", "discovery"),
        ("users.update", "patchPath", "app"),
    }
    text = run(server, people.root, "plan", "--verbose").out
    assert "profile paging.count is 40: discovery" in text
    assert 'profile users.update is "patchPath": app' in text
    assert "displayName: the server's schemas say that it is read-only" in text
    assert "no such attribute" in text
    assert "profile paging.count" not in run(server, people.root, "plan").out
