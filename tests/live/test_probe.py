"""What a server does is found by reading alone, and what the profile should say of it is right."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest
import yaml
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage
from scim2_server.utils import load_default_provider

from reconciler.errors import NotScim, Unauthorized
from reconciler.gallery import load_profile
from reconciler.http import Client
from reconciler.live.probe import MOST, Report, probe
from reconciler.model.profile import Profile
from reconciler.sandbox import Sandbox, create_app
from tests.integration.quirks.outsider import Outsider

URL = "http://127.0.0.1:9/scim/v2"
SCIM2 = "https://scim.example/v2"
SCIM = load_profile("scim")
NOT_DESCRIBED: dict[str, Any] = {"discovery": {"serviceProviderConfig": None, "resourceTypes": None, "schemas": None}}


class ReadsOnly(httpx.AsyncBaseTransport):
    """Lets nothing through that could write."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.sent = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        allowed = request.method == "GET" or (request.method == "POST" and request.url.path.endswith("/.search"))
        assert allowed, f"{request.method} {request.url}"
        self.sent += 1
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


async def _at_once(_: float) -> None:
    await asyncio.sleep(0)


def probed(inner: httpx.AsyncBaseTransport, profile: Profile = SCIM, url: str = URL) -> tuple[Report, int]:
    async def main() -> tuple[Report, int]:
        transport, report = ReadsOnly(inner), Report(profile)
        async with Client(url, bearer=lambda: "t0ken", transport=transport, sleep=_at_once) as client:
            await probe(client, report, users_by=("userName",), groups_by=("displayName",))
        return report, transport.sent

    return asyncio.run(main())


def sandbox(gallery: str, *faults: str, users: int = 6, group: bool = True) -> httpx.AsyncBaseTransport:
    it = Sandbox(gallery, users=users, rate=0, faults=())
    if group:
        it.store.create("Group", {"displayName": "Team", "members": [{"value": key} for key in list(it.users)[:2]]})
    it.faults.set(*faults)
    return httpx.ASGITransport(app=create_app(it))


@contextmanager
def outsider(habits: str) -> Iterator[str]:
    with closing(Outsider(habits.split())) as server:
        for number in range(12):
            server.add_user(f"guest{number:03}@elsewhere.example", displayName=f"Guest {number}")
        server.add_group("Strangers", *list(server.users)[:2])
        yield server.url


def says_the_same_again(inner: httpx.AsyncBaseTransport, report: Report, url: str = URL) -> None:
    """The block is one that app.yaml can have, and with it there is nothing to correct."""
    corrected = report.profile.corrected(report.block())
    assert yaml.safe_load(report.text() or "{}") == report.block()
    again, _ = probed(inner, corrected, url)
    assert again.block() == {}
    assert again.text() == ""


SANDBOX: dict[str, dict[str, Any]] = {
    "": {},
    "ignoreFilter": {"filters": {"users": [], "groups": []}},
    "blindFilter": {"filters": {"users": [], "groups": []}},
    "refuseFilter=400": {"filters": {"users": [], "groups": []}},
    "refuseFilter=500": {"filters": {"users": [], "groups": []}},
    "exactFilter": {},
    "brokenQuotes": {},
    "firstClause": {},
    "repeatPages": {"paging": {"style": "none"}},
    "everyRow": {"paging": {"style": "none"}},
    "cap=3": {"paging": {"count": 3}},
    "count400=60": {"paging": {"count": 50}},
    "count422=20": {"paging": {"count": 10}},
    "firstAgain": {},
    "needBoth": {},
    "total=missing": {},
    "total=text": {},
    "lyingTotal": {},
    "refuseZero": {},
    "textActive": {},
    "dropActive": {},
    "oddIds": {},
    "throttle=7": {},
}


@pytest.mark.parametrize("fault", SANDBOX)
def test_what_is_proposed_for_a_sandbox_with_a_fault(fault: str) -> None:
    inner = sandbox("scim", *fault.split())
    report, sent = probed(inner)
    assert report.block() == SANDBOX[fault]
    assert sent <= MOST + 10  # those that were asked again
    says_the_same_again(inner, report)


def test_what_differs_from_the_standard_in_a_sandbox_like_hootsuite() -> None:
    inner = sandbox("hootsuite")
    report, sent = probed(inner)
    assert report.block() == {
        "discovery": {"serviceProviderConfig": None},
        "filters": {"users": ["userName"], "groups": ["displayName"]},
        "excludedAttributes": False,
    }
    assert sent <= 40
    says_the_same_again(inner, report)


def test_the_profile_of_hootsuite_says_what_its_sandbox_does() -> None:
    report, _ = probed(sandbox("hootsuite"), load_profile("hootsuite"))
    assert report.block() == {}


OUTSIDERS: dict[str, dict[str, Any]] = {
    "": {},
    "cap-1": {"paging": {"count": 1}},
    "cap-7": {"paging": {"count": 7}},
    "big-count-400": {"paging": {"count": 50}},
    "big-count-422": {"paging": {"count": 50}},
    "past-end-first-page": {},
    "ignores-paging": {"paging": {"style": "none"}},
    "ignores-paging total-missing": {"paging": {"style": "none"}},
    "same-page-forever": {"paging": {"style": "none"}},
    "same-page-forever cap-7": {},
    "needs-both": {},
    "total-missing": {},
    "total-text": {},
    "total-is-page": {},
    "total-one-too-many": {},
    "reorders": {},
    "filter-ignored": {"filters": {"users": [], "groups": []}},
    "filter-finds-nothing": {"filters": {"users": [], "groups": []}},
    "filter-404": {"filters": {"users": [], "groups": []}},
    "filter-case": {},
    "filter-quotes-break": {},
    "html-errors": {},
    "error-in-200": {},
    "ids-numbers": {},
    "ids-odd": {},
    "members-unlisted": {},
    "nulls": {},
}


@pytest.mark.parametrize("habits", OUTSIDERS)
def test_what_is_proposed_for_a_server_of_somebody_else(habits: str) -> None:
    with outsider(habits) as url:
        inner = httpx.AsyncHTTPTransport()
        report, sent = probed(inner, url=url)
        assert report.block() == NOT_DESCRIBED | OUTSIDERS[habits]
        assert sent <= MOST
        says_the_same_again(httpx.AsyncHTTPTransport(), report, url)


SENTENCES = {
    "total-is-page": (False, "totalResults is the size of the page: a list can't be proven complete"),
    "total-one-too-many": (False, "totalResults says 13, and no more than 12 rows come"),
    "reorders": (False, "the order changes from one request to the next: pages may leave people out"),
    "same-page-forever cap-7": (False, "no way to read the whole list was found"),
    "filter-case": (None, "a filter by userName minds upper and lower case"),
    "past-end-first-page": (None, "a page past the end is the first page again"),
    "total-text": (None, "totalResults is text instead of a number"),
    "needs-both": (None, "a list without startIndex and count is empty: both are always sent"),
}


@pytest.mark.parametrize("habits", SENTENCES)
def test_what_no_key_of_a_profile_says_is_said_as_a_sentence(habits: str) -> None:
    with outsider(habits) as url:
        report, _ = probed(httpx.AsyncHTTPTransport(), url=url)
    assert SENTENCES[habits] in [(each.ok, each.what) for each in report.findings]


def test_with_nobody_there_most_is_unknown_and_nothing_is_guessed() -> None:
    it = Sandbox("scim", users=0, acts_as=None, rate=0)
    report, _ = probed(httpx.ASGITransport(app=create_app(it)))
    assert report.block() == {}
    unknown = [each.what for each in report.findings if each.ok is None]
    assert "how lists are paged is unknown: there are no accounts" in unknown
    assert any(what.startswith("whether users can be filtered by userName is unknown") for what in unknown)


def test_scim2_server_is_as_the_standard_says() -> None:
    async def fill(inner: httpx.AsyncBaseTransport) -> None:
        async with Client(SCIM2, bearer=lambda: "t0ken", transport=inner) as client:
            for number in range(5):
                await client.send("POST", "/Users", body={
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"person{number}@a.example",
                })  # fmt: skip

    app: Any = ASGIApplication(AsyncInMemoryStorage(), load_default_provider())
    inner = httpx.ASGITransport(app=app)
    asyncio.run(fill(inner))
    report, _ = probed(inner, url=SCIM2)
    assert report.block() == {}
    assert any(each.what == "users can be filtered by userName" for each in report.findings if each.ok)


def test_a_cursor_is_found_where_startindex_is_refused() -> None:
    users = [{"id": str(n), "userName": f"p{n}@a.example"} for n in range(5)]

    def answer(request: httpx.Request) -> httpx.Response:
        params = dict(request.url.params)
        if not request.url.path.endswith("/Users"):
            return httpx.Response(404)
        if "startIndex" in params:
            return httpx.Response(400, json={"detail": "no startIndex"})
        if "filter" in params:
            wanted = params["filter"].partition(' eq "')[2].strip('"').lower()
            rows = [u for u in users if u["userName"] == wanted]
            return httpx.Response(200, json={"totalResults": len(rows), "Resources": rows})
        start = int(params.get("cursor") or 0)
        page: dict[str, Any] = {"Resources": users[start : start + int(params.get("count", 2))]}
        end = start + len(page["Resources"])
        return httpx.Response(200, json=page | ({"nextCursor": str(end)} if end < len(users) else {}))

    inner = httpx.MockTransport(answer)
    report, _ = probed(inner)
    assert report.block()["paging"] == {"style": "cursor"}
    says_the_same_again(inner, report)


@pytest.mark.parametrize(("fault", "error"), [("unauthorized", Unauthorized), ("html", NotScim)])
def test_without_a_token_or_a_list_there_is_nothing_to_be_found(fault: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        probed(sandbox("scim", fault))


def test_a_hostile_answer_stays_on_its_line() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        rows = [{"id": "1", "userName": "a@b.example"}, {"id": "2", "userName": "c@d.example"}]
        if "filter" in request.url.params:
            return httpx.Response(400, json={"detail": "no\n  users: {delete: true}  # \x1b[31m"})
        return httpx.Response(200, json={"totalResults": 2, "Resources": rows})

    report, _ = probed(httpx.MockTransport(answer))
    assert yaml.safe_load(report.text()) == report.block()
    assert "\x1b" not in report.text()
