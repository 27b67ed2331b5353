"""The first few of each kind go ahead, and are verified before the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

if TYPE_CHECKING:
    from tests.conftest import Applied, SandboxStory


class Bent(httpx.AsyncBaseTransport):
    """Before each write, `how(method, path, body)` may answer instead."""

    def __init__(self, inner: httpx.AsyncBaseTransport, how: Callable[[str, str, Any], httpx.Response | None]) -> None:
        self.inner = inner
        self.how = how

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            body = orjson.loads(await request.aread() or b"null")
            if (answer := self.how(request.method, request.url.path, body)) is not None:
                return answer
        return await self.inner.handle_async_request(request)


def refusal(status: int, detail: str = "no") -> httpx.Response:
    schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"]
    return httpx.Response(status, json={"schemas": schemas, "status": str(status), "detail": detail})


def bend(story: SandboxStory, how: Callable[[str, str, Any], httpx.Response | None]) -> None:
    story.transport = Bent(story.transport, how)


@pytest.fixture
def staffed(story_of: Callable[..., SandboxStory]) -> SandboxStory:
    """Twenty more people."""
    story = story_of("scim")
    for number in range(20):
        story.company.person(f"p{number:02}", "Given", f"Surname{number}")
    return story


def by_status(applied: Applied, action: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for (what, _), status in applied.statuses().items():
        if what == action:
            found[status] = found.get(status, 0) + 1
    return found


def causes(applied: Applied) -> set[str]:
    return {s.message for s in applied.outcome.steps if s.status == "skipped" and "canary" in s.message}


def test_three_are_made_and_read_before_the_others(staffed: SandboxStory) -> None:
    staffed.converge()
    asked = [r.method for r in staffed.sandbox.requests if "/Users" in r.path]
    posts = [at for at, method in enumerate(asked) if method == "POST"]
    assert len(posts) == 26
    assert posts[2] - posts[0] == 2
    assert posts[3] - posts[2] > 1, "in between it is looked whether they are there"
    assert posts[-1] - posts[3] == 22


def test_what_went_ahead_is_not_read_twice(staffed: SandboxStory) -> None:
    with_canary = staffed.apply().outcome.requests
    assert with_canary <= 26 + 3 + 3 + 3 + 1 + 3, "creations, groups, members; three looks, and the last one by lists"
    assert {s.verified for s in staffed.apply().outcome.steps} <= {True}


@pytest.mark.parametrize("size", [0, 1, 5, 26, 40])
def test_any_size(staffed: SandboxStory, size: int) -> None:
    staffed.company.edit_app(canary=size)
    staffed.converge()
    assert len(staffed.sandbox.users) == 27


def test_a_kind_with_few_changes_costs_nothing_more(story_of: Callable[..., SandboxStory]) -> None:
    costs = []
    for size in (0, 6):
        story = story_of("scim", again=True)
        story.company.edit_app(canary=size)
        costs.append(story.converge().outcome.requests)
    assert costs[0] == costs[1]


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_kind_that_fails_is_stopped_and_the_others_go_on(staffed: SandboxStory, status: int) -> None:
    bend(staffed, lambda method, path, _b: refusal(status) if (method, path[-6:]) == ("POST", "/Users") else None)
    applied = staffed.apply()
    assert applied.code == 4
    assert by_status(applied, "createUser") == {"failed": 3, "skipped": 23}
    (cause,) = causes(applied)
    assert cause.startswith("the canary failed: createUser user:")
    assert by_status(applied, "createGroup") == {"done": 3}
    assert applied.outcome.ended == ""


def test_one_person_whose_creation_fails_does_not_hold_the_others_up(staffed: SandboxStory) -> None:
    """Somebody else goes ahead in their place: else one bad value would keep everybody out for ever."""

    def how(method: str, _path: str, body: Any) -> httpx.Response | None:
        return refusal(400) if method == "POST" and "alan" in str(body) else None

    bend(staffed, how)
    applied = staffed.apply()
    assert applied.code == 4
    assert by_status(applied, "createUser") == {"failed": 1, "done": 25}


def test_deactivations_that_do_nothing_are_stopped(staffed: SandboxStory) -> None:
    staffed.company.edit_app(guardrails={"deprovisionUsers": {"count": 100, "percent": 100}})
    staffed.converge()
    for number in range(10):
        staffed.company.edit_person(f"p{number:02}", accountEnabled=False)

    def how(method: str, path: str, _body: Any) -> httpx.Response | None:
        return httpx.Response(204) if method in {"PATCH", "PUT"} and "/Users/" in path else None

    bend(staffed, how)
    applied = staffed.apply()
    assert applied.code == 4
    assert by_status(applied, "deactivateUser") == {"notStored": 3, "skipped": 7}
    (cause,) = causes(applied)
    assert "does not hold: active" in cause


def test_one_attribute_that_is_not_kept_stops_nobody(staffed: SandboxStory) -> None:
    """It is told, once, and not planned again."""
    staffed.company.write("apps/app/mappings.yaml", {"users": [{"target": "title", "source": "department"}]})
    for number in range(20):
        staffed.company.edit_person(f"p{number:02}", department="Sales")
    create = staffed.sandbox.store.create

    def forgetful(kind: Any, data: dict[str, Any], *rest: Any) -> Any:
        data.pop("title", None)
        return create(kind, data, *rest)

    staffed.sandbox.store.create = forgetful  # type: ignore[method-assign, assignment]
    change = staffed.sandbox.store.change

    def changed(resource: Any, data: dict[str, Any], *rest: Any) -> Any:
        return change(resource, {k: v for k, v in data.items() if k != "title"}, *rest)

    staffed.sandbox.store.change = changed  # type: ignore[method-assign, assignment]
    applied = staffed.apply()
    assert applied.code == 4
    assert "skipped" not in by_status(applied, "createUser")
    staffed.settled()


def test_a_canary_that_cannot_be_read_again_stops_its_kind(staffed: SandboxStory) -> None:
    class Blind(httpx.AsyncBaseTransport):
        def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
            self.inner = inner
            self.blind = False

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.blind = self.blind or (request.method == "POST" and request.url.path.endswith("/Users"))
            if self.blind and request.method == "GET":
                return refusal(403, "reading is over")
            return await self.inner.handle_async_request(request)

    staffed.transport = Blind(staffed.transport)
    applied = staffed.apply()
    assert applied.code == 4
    assert by_status(applied, "createUser") == {"done": 3, "skipped": 23}
    assert all("could not be read again" in cause for cause in causes(applied))
    assert applied.outcome.unverified


def test_it_goes_together_with_bulk(staffed: SandboxStory) -> None:
    staffed.company.edit_app(profile={"bulk": {"operations": 100}})
    staffed.converge()
    sizes = [len(body["Operations"]) for _, path, body in staffed.writes() if path == "/Bulk"]
    assert sizes[0] == 3
    assert len(sizes) == 2


def test_bulk_is_stopped_too(staffed: SandboxStory) -> None:
    staffed.company.edit_app(profile={"bulk": {"operations": 100}})

    def how(method: str, path: str, body: Any) -> httpx.Response | None:
        if path.endswith("/Bulk") and all(o["path"] == "/Users" for o in body["Operations"]):
            answers = [
                {"method": "POST", "bulkId": o["bulkId"], "status": "409", "response": {"status": "409"}}
                for o in body["Operations"]
            ]
            return httpx.Response(200, json={"Operations": answers})
        return refusal(409) if method == "POST" and path.endswith("/Users") else None

    bend(staffed, how)
    applied = staffed.apply()
    assert by_status(applied, "createUser") == {"failed": 3, "skipped": 23}
    assert len(staffed.sandbox.users) == 1


def test_leavers_last_or_first_a_canary_goes_ahead_of_its_own_kind(staffed: SandboxStory) -> None:
    staffed.company.edit_app(
        guardrails={"deprovisionUsers": {"count": 100, "percent": 100}}, order="leaversLast", canary=2
    )
    staffed.converge()
    for number in range(6):
        staffed.company.edit_person(f"p{number:02}", accountEnabled=False)
        staffed.company.person(f"q{number:02}", "New", f"Surname{number}")
    staffed.converge()
