"""Against the sandbox, as Hootsuite and as plain SCIM, with its faults and over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from reconciler.errors import Forbidden, IncompleteRead, NotScim, ReconcilerError, ScimError, Unauthorized
from reconciler.gallery import load_profile
from reconciler.http import Client
from reconciler.live import Reader, Writer, carries
from reconciler.model.values import RemoteId
from reconciler.sandbox import ACTS_AS, Sandbox, running

WORK = 'emails[type eq "work"].value'
PATHS = (
    "userName",
    "displayName",
    "active",
    WORK,
    "preferredLanguage",
    "timezone",
    "name.givenName",
    "name.familyName",
)
Work = Callable[[Reader, Writer], Awaitable[Any]]


def against(sandbox: Sandbox, work: Work, **over: Any) -> Any:
    profile = load_profile(sandbox.habits.name).corrected(over)

    async def main(url: str) -> Any:
        async with Client(url, bearer=lambda: "t", content_type=profile.content_type, attempts=3) as client:
            reader = Reader(client, profile)
            return await work(reader, Writer(client, profile, reader))

    with running(sandbox) as url:
        return asyncio.run(main(url))


def person(number: int) -> dict[str, Any]:
    return {
        "userName": f"new{number}@contoso.com",
        "displayName": f"New {number}",
        "active": True,
        WORK: f"new{number}@contoso.com",
        "preferredLanguage": "en",
        "timezone": "Europe/London",
        "name.givenName": "New",
        "name.familyName": str(number),
    }


def written(sandbox: Sandbox) -> list[str]:
    return [call.method for call in sandbox.requests if call.method != "GET"]


@pytest.mark.parametrize("name", ["hootsuite", "scim"])
def test_a_life_in_the_application(name: str) -> None:
    async def work(reader: Reader, writer: Writer) -> None:
        before = await reader.read(PATHS, ("displayName",))
        assert len(before.accounts) == 131
        ids = [(await writer.create_user(person(n))).id for n in range(3)]
        assert (await reader.find_user("userName", "NEW1@contoso.com"))[0]["id"] == ids[1]
        changes = {"displayName": "Renamed", WORK: "renamed@contoso.com", "active": False}
        await writer.update_user(ids[0], changes)
        seen = await reader.user(ids[0])
        assert seen
        assert carries(seen, {**person(0), **changes}, load_profile(name))
        group = (await writer.create_group({"displayName": "Crew"}, ids[:1])).id
        await writer.add_members(group, ids)
        await writer.remove_members(group, ids[:1])
        await writer.update_group(group, {"displayName": "Staff"})
        after = await reader.read(PATHS, ("displayName",))
        (staff,) = [g for g in after.groups if g.values == ("Staff",)]
        assert staff.members == {after.numbers[key] for key in ids[1:]}
        assert {a.values for a in after.accounts} >= {tuple(person(n)[path] for path in PATHS) for n in (1, 2)}
        assert await reader.user("9999999") is None

    against(Sandbox(name, users=130, rate=0), work)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("lyingTotal", IncompleteRead), ("cutList", IncompleteRead), ("html", NotScim), ("unauthorized", Unauthorized)],
)
@pytest.mark.parametrize("users", [20, 99, 230])
def test_a_read_that_can_not_be_believed_is_an_error(fault: str, kind: type[ReconcilerError], users: int) -> None:
    sandbox = Sandbox("hootsuite", users=users, rate=0, faults=[fault])
    with pytest.raises(kind) as told:
        against(sandbox, lambda reader, _: reader.read(PATHS, ()))
    assert "/scim/v2/Users" in str(told.value)
    assert told.value.hint


def test_a_list_that_repeats_its_first_page_is_an_error() -> None:
    sandbox = Sandbox("hootsuite", users=230, rate=0, faults=["repeatPages"])
    with pytest.raises(IncompleteRead, match="100 resources came, and the server said there are 231"):
        against(sandbox, lambda reader, _: reader.read(PATHS, ()))
    sandbox = Sandbox("hootsuite", users=98, rate=0, faults=["repeatPages"])
    assert len(against(sandbox, lambda reader, _: reader.read(PATHS, ())).accounts) == 99


def test_active_in_any_form_is_understood() -> None:
    for fault, active in (("textActive", True), ("dropActive", True), ("allInactive", False)):
        sandbox = Sandbox("scim", users=5, faults=[fault])
        snapshot = against(sandbox, lambda reader, _: reader.read((), ()))
        assert any(a.active for a in snapshot.accounts) is active


@pytest.mark.parametrize("name", ["hootsuite", "scim"])
@pytest.mark.parametrize("fault", ["loseAnswer", "loseRequest"])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_wherever_an_answer_is_lost_the_end_is_the_same(name: str, fault: str, at: int) -> None:
    async def work(reader: Reader, writer: Writer) -> Any:
        user = (await writer.create_user(person(1))).id
        await writer.update_user(user, {"displayName": "Renamed", WORK: "renamed@contoso.com"})
        group = (await writer.create_group({"displayName": "Crew"})).id
        await writer.add_members(group, [user])
        await writer.remove_members(group, [user])
        return await reader.read(PATHS, ("displayName",))

    sandbox = Sandbox(name, rate=0, faults=[f"{fault}={at}"])
    snapshot = against(sandbox, work)
    expected = {**person(1), "displayName": "Renamed", WORK: "renamed@contoso.com"}
    assert [a.values for a in snapshot.accounts if a.values[0] == "new1@contoso.com"] == [tuple(expected.values())]
    assert [(g.values, g.members) for g in snapshot.groups] == [(("Crew",), set())]
    assert len(written(sandbox)) == (6 if fault == "loseRequest" else 5)


def test_a_creation_answered_with_the_oldest_account_is_found_by_its_name() -> None:
    sandbox = Sandbox("hootsuite", users=3, rate=0, faults=["wrongCreate"])
    stored = against(sandbox, lambda _, writer: writer.create_user(person(1)))
    assert stored.resource["userName"] == "new1@contoso.com"


def test_what_hootsuite_can_not_do_is_told() -> None:
    async def work(reader: Reader, writer: Writer) -> None:
        user = (await writer.create_user(person(1))).id
        with pytest.raises(ScimError) as told:
            await writer.delete_user(user)
        assert told.value.status == 405

    against(Sandbox("hootsuite", rate=0), work)


def test_a_token_that_may_not_write_is_told_at_once() -> None:
    sandbox = Sandbox("hootsuite", users=3, rate=0, faults=["readOnly"])
    user = RemoteId(sandbox.user_id(ACTS_AS))
    with pytest.raises(Forbidden, match="doesn't have permission"):
        against(sandbox, lambda _, writer: writer.update_user(user, {"displayName": "x"}))
    assert written(sandbox) == ["PATCH"]
