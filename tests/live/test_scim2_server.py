"""Against scim2-server, which none of us wrote: read, create, update, members, delete, in every form it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage
from scim2_server.utils import load_default_provider

from reconciler.errors import Conflict, ScimError
from reconciler.http import Client
from reconciler.live import Reader, Writer, carries
from reconciler.model.profile import Profile

WORK = 'emails[type eq "work"].value'
DEPARTMENT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"
USER_PATHS = ("userName", "displayName", "active", WORK, "name.givenName", DEPARTMENT)
FORMS = ["patchPath", "patchPathless", "put"]


def served(work: Callable[[Reader, Writer], Awaitable[Any]], **profile: Any) -> Any:
    async def main() -> Any:
        app: Any = ASGIApplication(AsyncInMemoryStorage(), load_default_provider())
        described = Profile(name="scim2-server", title="scim2-server").corrected(profile)
        transport = httpx.ASGITransport(app=app)
        async with Client("https://scim.example/v2", bearer=lambda: "t", transport=transport) as client:
            reader = Reader(client, described)
            return await work(reader, Writer(client, described, reader))

    return asyncio.run(main())


def person(number: int) -> dict[str, Any]:
    return {
        "userName": f"person{number}@contoso.com",
        "displayName": f"Person {number}",
        "active": True,
        WORK: f"person{number}@contoso.com",
        "name.givenName": "Given",
        DEPARTMENT: "R&D",
    }


def test_what_was_created_is_what_is_read() -> None:
    async def work(reader: Reader, writer: Writer) -> None:
        assert (await reader.probe()).filters
        stored = [await writer.create_user(person(n)) for n in range(250)]
        group = await writer.create_group({"displayName": "Team", "externalId": "team"}, [s.id for s in stored[:150]])
        snapshot = await reader.read(USER_PATHS, ("displayName", "externalId"))
        assert [a.id for a in snapshot.accounts] == sorted(s.id for s in stored)
        assert (
            {a.values for a in snapshot.accounts}
            == {tuple(person(n).values()) for n in range(250)}
            == {(p["userName"], p["displayName"], True, p[WORK], "Given", "R&D") for p in map(person, range(250))}
        )
        assert snapshot.groups[0].values == ("Team", "team")
        assert snapshot.groups[0].members == {snapshot.numbers[s.id] for s in stored[:150]}
        assert not snapshot.groups[0].others
        assert [u["id"] for u in await reader.find_user("userName", "PERSON7@contoso.com")] == [stored[7].id]
        assert [g["id"] for g in await reader.find_group("displayName", "Team")] == [group.id]
        assert len(await reader.find_user(WORK, "person7@contoso.com")) == 1

    served(work)


@pytest.mark.parametrize("form", FORMS)
def test_an_update_is_stored_whatever_the_form(form: str) -> None:
    values = {
        "displayName": "Countess",
        WORK: "new@contoso.com",
        'emails[type eq "home"].value': "home@contoso.com",
        'phoneNumbers[type eq "mobile"].value': "+49 301234",
        "name.familyName": "Lovelace",
        "title": "Analyst",
        "active": False,
        DEPARTMENT: None,
    }

    async def work(reader: Reader, writer: Writer) -> None:
        stored = await writer.create_user(
            {**person(1), "nickName": "A", 'emails[type eq "other"].value': "o@b.example"}
        )
        await writer.update_user(stored.id, values)
        seen = await reader.user(stored.id)
        assert seen
        profile = Profile(name="x", title="X")
        assert carries(seen, values, profile)
        kept = {"nickName": "A", 'emails[type eq "other"].value': "o@b.example", "name.givenName": "Given"}
        assert carries(seen, kept, profile)
        cleared = {WORK: None, "title": None, "name.familyName": None}
        await writer.update_user(stored.id, cleared)
        seen = await reader.user(stored.id)
        assert seen
        assert carries(seen, {**cleared, **kept, "displayName": "Countess"}, profile)

    served(work, users={"update": form})


@pytest.mark.parametrize("form", FORMS)
def test_members_come_and_go_whatever_the_form(form: str) -> None:
    async def work(reader: Reader, writer: Writer) -> None:
        ids = [(await writer.create_user(person(n))).id for n in range(12)]
        group = (await writer.create_group({"displayName": "Team"})).id
        await writer.add_members(group, ids)
        await writer.remove_members(group, ids[3:9])
        await writer.remove_members(group, ids[3:4])
        await writer.update_group(group, {"displayName": "Crew"})
        snapshot = await reader.read((), ("displayName",))
        assert snapshot.groups[0].values == ("Crew",)
        assert snapshot.groups[0].members == {snapshot.numbers[key] for key in [*ids[:3], *ids[9:]]}

    served(
        work,
        groups={
            "members": {"patchPath": "valuePath", "patchPathless": "pathless", "put": "put"}[form],
            "update": form,
            "maxMembers": 5,
        },
    )


def test_what_the_server_refuses_and_what_is_gone() -> None:
    async def work(reader: Reader, writer: Writer) -> None:
        first = await writer.create_user(person(1))
        with pytest.raises(Conflict):
            await writer.create_user(person(1))
        with pytest.raises(ScimError):
            await writer.update_user(first.id, {"nonsense": "x"})
        await writer.delete_user(first.id)
        await writer.delete_user(first.id)
        assert await reader.user(first.id) is None
        again = await writer.create_user(person(1))
        assert again.id != first.id
        group = await writer.create_group({"displayName": "Team"}, [again.id])
        await writer.delete_group(group.id)
        assert await reader.group(group.id) is None

    served(work)
