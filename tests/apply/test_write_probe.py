"""What a server does with a throw-away user and group; afterwards nothing is there but what was there before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest
import yaml
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage
from scim2_server.utils import load_default_provider

from reconciler.apply.probe import Names, is_leftover, write_probe
from reconciler.errors import ReconcilerError, Unauthorized, UsageError
from reconciler.gallery import load_profile
from reconciler.http import Client
from reconciler.live.probe import Report
from reconciler.model.profile import Profile
from reconciler.sandbox import Sandbox, create_app
from tests.integration.quirks.outsider import Outsider

URL = "http://127.0.0.1:9/scim/v2"
SCIM = load_profile("scim").corrected({"versions": True, "bulk": {"operations": 1000}})
"""As the sandbox is."""
NO_PATCH = {"users": {"update": "put"}, "groups": {"members": "put", "update": "put"}}


async def _at_once(_: float) -> None:
    await asyncio.sleep(0)


async def probing(inner: httpx.AsyncBaseTransport, report: Report, url: str = URL, **options: Any) -> None:
    profile = report.profile
    targets = [each.target for each in profile.mappings.users]
    async with Client(
        url, bearer=lambda: "t0ken", content_type=profile.content_type, transport=inner, sleep=_at_once
    ) as client:
        await write_probe(client, report, targets=targets, **options)


def probed(inner: httpx.AsyncBaseTransport, profile: Profile = SCIM, url: str = URL, **options: Any) -> Report:
    report = Report(profile)
    asyncio.run(probing(inner, report, url, **options))
    return report


def what(report: Report, ok: bool | None) -> str:
    return "\n".join(each.what for each in report.findings if each.ok is ok)


class Tenant:
    """A sandbox with people, and how they were."""

    def __init__(self, *faults: str, gallery: str = "scim") -> None:
        self.sandbox = Sandbox(gallery, users=6, rate=0)
        members = [{"value": key} for key in list(self.sandbox.users)[:2]]
        self.sandbox.store.create("Group", {"displayName": "Team", "members": members})
        self.before = self.resources()
        self.sandbox.faults.set(*faults)

    @property
    def transport(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(app=create_app(self.sandbox))

    def resources(self) -> dict[str, Any]:
        found = json.loads(json.dumps({**self.sandbox.users, **self.sandbox.groups}))
        return {key: {name: each for name, each in row.items() if name != "meta"} for key, row in found.items()}

    def left(self) -> dict[str, Any]:
        """What is there that was not; those who were there are as they were."""
        now = self.resources()
        assert {key: now.get(key) for key in self.before} == self.before
        return {key: row for key, row in now.items() if key not in self.before}


SANDBOX: dict[str, dict[str, Any]] = {
    "": {},
    "noPatch": NO_PATCH,
    "ignorePatch": NO_PATCH,
    "ignorePatchOf=valuePath": {"users": {"multiValued": "whole"}},
    "ignorePatchOf=members": {"groups": {"members": "put"}},
    "literalPath": {"users": {"update": "patchPathless"}},
    "refusePath": {"users": {"update": "patchPathless"}, "groups": {"members": "put", "update": "patchPathless"}},
    "addReplaces=members": {"groups": {"members": "replace"}},
    "onlyRemoves=valueArray": {"groups": {"members": "valueArray"}},
    "quietlyRemoves=valueArray": {"groups": {"members": "valueArray"}},
    "onlyRemoves=put": {"groups": {"members": "replace"}},
    "arrayClears": {},
    "notKept=timezone": {"compare": {"ignore": ["timezone"]}},
    "unknown=timezone": {"compare": {"ignore": ["timezone"]}},
    "drops=type": {"users": {"multiValued": "whole"}},
    "lowerCase": {},
    "noMembersInPost": {"groups": {"membersOnCreate": False}, "bulk": None},
    "wrongCreate": {"bulk": None},
    "okCreate": {},
    "noLocation": {},
    "errorIn200": {},
    "errors=html": {},
    "oddIds": {},
    "movingIds": {},
    "deleteTwice=500": {},
    "dropActive": {},
    "allInactive": {},
    "lazyActive": {},
    "textActive": {},
    "duplicate=accepted": {},
    "duplicate=500": {},
    "duplicate=otherCase": {},
    "version=constant": {"versions": False},
    "version=random": {"versions": False},
    "version=bumps": {"versions": False},
    "ignoreIfMatch": {"versions": False},
    "blindFilter": {},
    "ignoreFilter": {},
    "cap=3": {},
    "everyRow": {},
    "busy=7": {},
    "throttle=7": {},
    "failDone=7": {},
    "refuseDone=2": {},
    "loseAnswer=1": {},
    "loseAnswer=7": {},
    "loseRequest=3": {},
    "readOnly": {},
}


@pytest.mark.parametrize("fault", SANDBOX)
def test_what_is_proposed_for_a_sandbox_with_a_fault(fault: str) -> None:
    tenant = Tenant(*fault.split())
    report = probed(tenant.transport)
    assert report.block() == SANDBOX[fault], what(report, False)
    assert tenant.left() == {}
    assert yaml.safe_load(report.text() or "{}") == report.block()
    again = probed(tenant.transport, SCIM.corrected(report.block()))
    assert again.block() == {}
    assert tenant.left() == {}


def test_what_differs_from_the_standard_in_a_sandbox_like_hootsuite_and_what_stays_behind() -> None:
    tenant = Tenant(gallery="hootsuite")
    report = probed(tenant.transport, load_profile("scim"))
    assert report.block() == {
        "contentType": "application/json",
        "users": {"required": ["userName", "displayName", "active"], "delete": False},
        "groups": {"members": "pathless", "update": "patchPathless", "delete": False, "membersOnCreate": False},
        "answers": {"notFound": [404, 403]},
        "compare": {"defaults": {"timezone": "America/Vancouver"}},
        "emailPrimary": True,
    }
    left = tenant.left().values()
    assert [row["active"] for row in left if "userName" in row] == [False, False]
    assert [row.get("members", []) for row in left if "userName" not in row] == [[]]
    assert all(is_leftover(row.get("userName") or row["displayName"]) for row in left)
    assert what(report, None).count("stays behind") == 3
    assert probed(tenant.transport, load_profile("scim").corrected(report.block())).block() == {}


OUTSIDERS: dict[str, dict[str, Any]] = {
    "": {},
    "create-without-id": {},
    "create-empty filter-ignored": {},
    "create-answers-somebody-else": {},
    "ids-odd": {},
    "ids-numbers": {},
    "ids-follow-name": {},
    "capital-ops": {"patch": {"ops": "capitalized"}},
    "path-refused": {
        "users": {"update": "patchPathless"},
        "groups": {"members": "put", "update": "patchPathless"},
    },
    "value-paths-refused": {"users": {"multiValued": "whole"}},
    "members-only-put": {"groups": {"members": "put"}},
    "members-unlisted": {"groups": {"readMembers": "never"}},
    "post-members-ignored": {"groups": {"membersOnCreate": False}},
    "put-is-partial no-patch-405": NO_PATCH,
    "unknown-is-403": {"answers": {"notFound": [404, 403]}},
    "unknown-dropped": {"compare": {"ignore": ["preferredLanguage", "timezone"]}},
    "unknown-refused": {},
    "inactive-unlisted": {"users": {"listsInactive": False}},
    "inactive-deletes": {"users": {"effect": "deleted", "reversible": False}},
    "no-group-rename": {"cannot": {"renameGroup": "the application does not rename groups over SCIM"}},
    "members-do-nothing no-put": {
        "cannot": {
            "addMembers": "the application does not change the members of a group over SCIM",
            "removeMembers": "the application does not change the members of a group over SCIM",
        }
    },
    "applied-then-silence": {},
    "applied-then-400": {},
    "duplicates-accepted duplicate-groups-accepted": {},
    "429-every-7th": {},
}


@pytest.mark.parametrize("habits", OUTSIDERS)
def test_what_is_proposed_for_a_server_of_somebody_else(habits: str) -> None:
    with closing(Outsider(habits.split())) as server:
        for number in range(4):
            server.add_user(f"guest{number:03}@elsewhere.example", displayName=f"Guest {number}")
        server.add_group("Strangers", *list(server.users)[:2])
        before = json.dumps([server.users, server.groups])
        profile = load_profile("scim")
        report = probed(httpx.AsyncHTTPTransport(), profile, server.url)
        assert report.block() == OUTSIDERS[habits], what(report, False)
        assert json.dumps([server.users, server.groups]) == before
        again = probed(httpx.AsyncHTTPTransport(), profile.corrected(report.block()), server.url)
        assert again.block() == {}
        assert json.dumps([server.users, server.groups]) == before


@pytest.mark.parametrize("habit", ["no-delete", "delete-deactivates"])
def test_where_nothing_can_be_deleted_it_is_said_what_stays_behind(habit: str) -> None:
    with closing(Outsider([habit])) as server:
        report = probed(httpx.AsyncHTTPTransport(), load_profile("scim"), server.url)
        assert {str(row["active"]) for row in server.users.values()} == {"False"}
        assert all(row["members"] == [] for row in server.groups.values())
        for row in server.users.values():
            assert f"{row['userName']} stays behind, deactivated" in what(report, None)


def test_scim2_server_is_as_the_standard_says() -> None:
    app: Any = ASGIApplication(AsyncInMemoryStorage(), load_default_provider())
    url = "https://scim.example/v2"
    report = probed(httpx.ASGITransport(app=app), load_profile("scim"), url)
    assert set(report.block()) <= {"bulk", "versions"}, report.text()
    again = probed(httpx.ASGITransport(app=app), load_profile("scim").corrected(report.block()), url)
    assert again.block() == {}

    async def lists() -> list[Any]:
        async with Client(url, bearer=lambda: "t0ken", transport=httpx.ASGITransport(app=app)) as client:
            return [(await client.send("GET", path)).json()["totalResults"] for path in ("/Users", "/Groups")]

    assert asyncio.run(lists()) == [0, 0]


# -- nothing stays behind, and nobody else is touched


class Cut(httpx.AsyncBaseTransport):
    """Calls `then` at the nth request: before it is done, or after."""

    def __init__(self, inner: httpx.AsyncBaseTransport, nth: int, then: Callable[[], object], *, after: bool) -> None:
        self.inner = inner
        self.left = nth
        self.then = then
        self.after = after

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.left -= 1
        answer = await self.inner.handle_async_request(request) if self.after else None
        if self.left == 0:
            self.then()
            await asyncio.sleep(0)
        return answer or await self.inner.handle_async_request(request)


@pytest.mark.parametrize("after", [False, True], ids=["before it was done", "after it was done"])
@pytest.mark.parametrize("nth", range(1, 80, 6))
def test_after_an_interruption_nothing_is_left(nth: int, after: bool) -> None:
    tenant, report = Tenant(), Report(SCIM)

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        await probing(Cut(tenant.transport, nth, task.cancel, after=after), report)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert tenant.left() == {}


def test_when_the_server_goes_away_it_is_said_and_the_next_probe_removes_what_is_left() -> None:
    tenant, report = Tenant(), Report(SCIM)
    cut = Cut(tenant.transport, 20, lambda: tenant.sandbox.faults.set("unauthorized"), after=False)
    with pytest.raises(Unauthorized):
        asyncio.run(probing(cut, report))
    assert "may be left behind" in what(report, False)
    left = tenant.left()
    assert left
    tenant.sandbox.faults.clear()
    again = probed(tenant.transport)
    assert tenant.left() == {}
    for row in left.values():
        name = row.get("userName") or row["displayName"]
        assert f"{name}, left by an earlier probe, was deleted" in what(again, None)


def test_what_can_no_longer_be_read_is_not_called_deleted() -> None:
    tenant, report = Tenant(), Report(SCIM)

    def fail() -> None:
        cut.inner = httpx.MockTransport(lambda _: httpx.Response(500))

    cut = Cut(tenant.transport, 40, fail, after=False)
    asyncio.run(probing(cut, report))
    assert tenant.left()
    for row in tenant.left().values():
        assert f"{row.get('userName') or 'reconciler probe'}" in what(report, False)
    assert what(report, False).count("was left behind") == len(tenant.left())


NEARLY = ["reconciler-probe-0123456789ab@example.com", "x-reconciler-probe-0123456789ab-a@example.com",
          "reconciler-probe-jane-a@example.com", "reconciler-probe-0123456789ab-a", "Reconciler Probe"]  # fmt: skip


def test_an_account_whose_name_only_resembles_ours_is_nobodys_leftover() -> None:
    tenant = Tenant()
    for name in NEARLY:
        tenant.sandbox.store.create("User", {"userName": name, "displayName": Names("a.example").group()})
        tenant.sandbox.store.create("Group", {"displayName": name})
    tenant.before = tenant.resources()
    probed(tenant.transport)
    assert tenant.left() == {}


def test_names_are_recognised_and_no_two_runs_share_one() -> None:
    one, other = Names("example.invalid"), Names("example.invalid")
    for names in (one, other):
        given = [names.user("a"), names.user("b").upper(), names.group(), names.group(2), names.group(too=True)]
        assert all(is_leftover(name) and names.are_ours(name) for name in given)
    assert not one.are_ours(other.user("a"))
    assert not any(is_leftover(name) for name in (*NEARLY, None, 7, ""))


def test_addresses_are_in_the_domain_that_was_asked_for() -> None:
    tenant = Tenant()
    probed(tenant.transport, domain="probe.contoso.com")
    names = {r.json["userName"] for r in tenant.sandbox.requests if r.method == "POST" and "userName" in (r.json or {})}
    assert names
    assert {name.rpartition("@")[2] for name in names} == {"probe.contoso.com"}


@pytest.mark.parametrize("domain", ["contoso", "a b.com", "x@y.com", ""])
def test_what_is_no_domain_is_refused_before_anything_is_sent(domain: str) -> None:
    tenant = Tenant()
    with pytest.raises(UsageError, match="not a domain"):
        probed(tenant.transport, domain=domain)
    assert not tenant.sandbox.requests


def test_a_token_that_is_refused_is_an_error() -> None:
    with pytest.raises(ReconcilerError):
        probed(Tenant("unauthorized").transport)


def test_a_token_that_may_not_write_proposes_nothing_and_says_so() -> None:
    report = probed(Tenant("readOnly").transport)
    assert report.block() == {}
    assert "no account can be created (403" in what(report, False)


class Choosy(httpx.AsyncBaseTransport):
    """Refuses accounts whose address ends in none of these."""

    def __init__(self, inner: httpx.AsyncBaseTransport, *ends: str) -> None:
        self.inner = inner
        self.ends = ends

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content or b"{}")
        if request.method == "POST" and any(not e["value"].endswith(self.ends) for e in body.get("emails", ())):
            return httpx.Response(400, json={"status": "400", "detail": "not an e-mail address"})
        return await self.inner.handle_async_request(request)


def test_where_a_special_domain_is_refused_another_harmless_one_is_tried() -> None:
    tenant = Tenant()
    report = probed(Choosy(tenant.transport, "@example.com"))
    assert report.block() == {}
    assert "example.com is taken instead" in what(report, None)
    assert "none: true" not in str(report.findings)
    assert tenant.left() == {}


@pytest.mark.parametrize(("domain", "helps"), [("example.invalid", True), ("probe.contoso.com", False)])
def test_where_no_harmless_domain_is_taken_it_is_said_what_helps(domain: str, helps: bool) -> None:
    tenant = Tenant()
    report = probed(Choosy(tenant.transport, "@verified.contoso.com"), domain=domain)
    refused = [each for each in report.findings if "emails" in each.what and "is refused" in each.what]
    assert refused
    assert ("--domain" in refused[0].hint) is helps
    assert tenant.left() == {}
