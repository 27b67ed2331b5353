"""What real servers do to a client, one switch after the other: each does what its line of help says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest

from reconciler.errors import UsageError
from reconciler.sandbox import Faults, Sandbox, create_app

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORK = 'emails[type eq "work"].value'


@pytest.fixture
def broken(client_of: Any) -> Any:
    """A plain SCIM server with ten users and these faults."""

    def make(*faults: str) -> Any:
        return client_of(Sandbox("scim", users=10, acts_as=None, faults=faults))

    return make


def page(client: Any, query: str = "startIndex=1&count=4") -> Any:
    return client.get(f"/Users?{query}").json


def ids(client: Any, query: str) -> list[str]:
    return [row["id"] for row in page(client, query)["Resources"]]


def some(client: Any, count: int = 3) -> list[str]:
    return list(client.sandbox.users)[:count]


def team(client: Any, *members: str) -> str:
    """The path of a group with these."""
    return f"/Groups/{client.sandbox.add_group('Team', members)}"


def held(client: Any, path: str) -> list[str]:
    return [m["value"] for m in client.get(path).json.get("members", [])]


# Paging


def test_cap(broken: Any) -> None:
    got = page(broken("cap=3"), "startIndex=1&count=100")
    assert (len(got["Resources"]), got["totalResults"], got["itemsPerPage"]) == (3, 10, 3)


@pytest.mark.parametrize(("fault", "status"), [("count400=5", 400), ("count422=5", 422)])
def test_large_counts_are_refused(broken: Any, fault: str, status: int) -> None:
    client = broken(fault)
    assert [client.get(f"/Users?count={count}").status for count in (5, 6)] == [200, status]


def test_first_again(broken: Any) -> None:
    client = broken("firstAgain")
    first, second, after = (ids(client, f"startIndex={start}&count=5") for start in (1, 6, 11))
    assert first != second
    assert after == first


def test_every_row(broken: Any) -> None:
    assert [len(ids(broken("everyRow"), query)) for query in ("startIndex=9&count=2", "count=1", "")] == [10, 10, 10]


def test_need_both(broken: Any) -> None:
    client = broken("needBoth")
    assert [page(client, query)["totalResults"] for query in ("startIndex=1", "count=5", "")] == [0, 0, 0]
    assert page(client)["totalResults"] == 10


@pytest.mark.parametrize(("how", "total"), [("missing", None), ("text", "10"), ("page", 4)])
def test_total(broken: Any, how: str, total: Any) -> None:
    got = page(broken(f"total={how}"))
    assert got.get("totalResults") == total
    assert len(got["Resources"]) == 4


def test_refuse_zero(broken: Any) -> None:
    client = broken("refuseZero")
    assert [client.get(f"/Users?startIndex={start}").status for start in (0, 1)] == [400, 200]
    assert client.get("/Users?startIndex=x").status == 400


# Filters


@pytest.mark.parametrize(("how", "status"), [("400", 400), ("404", 404), ("500", 500), ("crash", 0)])
def test_refuse_filter(broken: Any, how: str, status: int) -> None:
    client = broken(f"refuseFilter={how}")
    text = quote('userName eq "amara.abello@example.com"')
    assert client.get(f"/Users?filter={text}").status == status
    assert client.sandbox.requests[-1].status == status
    assert client.get("/Users").status == 200


def test_exact_filter(broken: Any) -> None:
    client = broken("exactFilter")
    assert client.found("Users", 'userName eq "AMARA.abello@example.com"') == []
    assert client.found("Users", 'userName eq "amara.abello@example.com"') == ["amara.abello@example.com"]
    assert client.found("Users", 'emails.value sw "AMARA"') == []
    assert len(client.found("Users", "active eq true")) == 10


def test_first_clause(broken: Any) -> None:
    text = 'userName eq "amara.abello@example.com" and title eq "nobody has this"'
    assert broken("firstClause").found("Users", text) == ["amara.abello@example.com"]
    assert broken().found("Users", text) == []


def test_exact_names(broken: Any) -> None:
    client = broken("exactNames")
    for name, status in (("username", 400), ("userName", 200)):
        text = quote(f'{name} pr and not (title eq "x")')
        assert client.get(f"/Users?filter={text}").status == status
    assert client.found("Users", 'userName sw "amara" or emails[type eq "x"]') == ["amara.abello@example.com"]


def test_broken_quotes(broken: Any) -> None:
    client = broken("brokenQuotes")
    filters = [quote(f'userName eq "{name}"') for name in ("o'b", 'o\\"b', "ob")]
    statuses = [client.get(f"/Users?filter={text}").status for text in filters]
    assert statuses == [500, 500, 200]


# Writes that do nothing


@pytest.mark.parametrize(
    ("which", "operation"),
    [
        ("unknown", {"path": "shoeSize", "value": "9"}),
        ("unknown", {"value": {"shoeSize": "9"}}),
        ("valuePath", {"path": WORK, "value": "x@example.com"}),
        ("enterprise", {"path": f"{ENTERPRISE}:department", "value": "R"}),
        ("enterprise", {"value": {ENTERPRISE: {"department": "R"}}}),
    ],
)
def test_ignore_patch_of(broken: Any, which: str, operation: dict[str, Any]) -> None:
    client = broken(f"ignorePatchOf={which}")
    user = f"/Users/{some(client)[0]}"
    before = client.get(user).json
    title = {"op": "replace", "path": "title", "value": "Dr"}
    reply = client.patch(user, {"op": "add", **operation}, title)
    assert reply.status == 200
    assert {**reply.json, "meta": 0} == {**before, "title": "Dr", "meta": 0}


@pytest.mark.parametrize("operation", [{"path": "members", "value": []}, {"value": {"members": []}}])
def test_ignore_patch_of_members(broken: Any, operation: dict[str, Any]) -> None:
    client = broken("ignorePatchOf=members")
    one, *_ = some(client)
    group = team(client, one)
    assert client.patch(group, {"op": "replace", **operation}).status == 200
    assert held(client, group) == [one]


def test_literal_path(broken: Any) -> None:
    client = broken("literalPath")
    user = f"/Users/{some(client)[0]}"
    reply = client.patch(user, {"op": "replace", "path": "name.givenName", "value": "Zoe"})
    assert (reply.status, reply.json["name.givenName"], reply.json["name"]["givenName"]) == (200, "Zoe", "Amara")


def test_replace_merges(broken: Any) -> None:
    client = broken("replaceMerges")
    one, two, three = some(client)
    group = team(client, one)
    client.patch(group, {"op": "replace", "path": "members", "value": [{"value": two}]})
    client.patch(group, {"op": "replace", "value": {"members": [{"value": three}]}})
    assert held(client, group) == [one, two, three]
    reply = client.patch(
        f"/Users/{one}", {"op": "replace", "path": "emails", "value": [{"value": "x", "type": "home"}]}
    )
    assert len(reply.json["emails"]) == 2


def test_add_replaces(broken: Any) -> None:
    client = broken("addReplaces=members")
    one, two, _ = some(client)
    group = team(client, one)
    client.patch(group, {"op": "add", "path": "members", "value": [{"value": two}]})
    assert held(client, group) == [two]
    client = broken("addReplaces=values")
    reply = client.patch(f"/Users/{one}", {"op": "add", "path": "emails", "value": [{"value": "x", "type": "home"}]})
    assert [e["value"] for e in reply.json["emails"]] == ["x"]


def test_add_duplicates(broken: Any) -> None:
    client = broken("addDuplicates")
    one, two, _ = some(client)
    group = team(client, one)
    client.patch(group, {"op": "add", "path": "members", "value": [{"value": one}, {"value": two}]})
    assert held(client, group) == [one, two, one]
    client.patch(group, {"op": "remove", "path": f'members[value eq "{one}"]'})
    assert held(client, group) == [two]


@pytest.mark.parametrize(("fault", "status"), [("failDone=2", 500), ("refuseDone=2", 400)])
def test_errors_of_what_is_done(broken: Any, fault: str, status: int) -> None:
    client = broken(fault)
    assert [client.user(name).status for name in ("one", "two", "three")] == [201, status, 201]
    assert client.sandbox.user_id("two")


# Forms of PATCH


def test_no_content(broken: Any) -> None:
    client = broken("noContent")
    user = client.user().json
    reply = client.patch(f"/Users/{user['id']}", {"op": "replace", "path": "title", "value": "Dr"})
    assert (reply.status, reply.json) == (204, None)
    assert client.get(f"/Users/{user['id']}").json["title"] == "Dr"
    assert client.ask("PUT", f"/Users/{user['id']}", user).status == 204


def test_refuse_no_target(broken: Any) -> None:
    add = {"op": "add", "path": 'emails[type eq "home"].value', "value": "x"}
    for client, status in ((broken("refuseNoTarget"), 400), (broken(), 200)):
        reply = client.patch(f"/Users/{some(client)[0]}", add)
        assert reply.status == status
    assert broken("refuseNoTarget").patch(f"/Users/{some(broken())[0]}", add).json["scimType"] == "noTarget"


def test_create_target(broken: Any) -> None:
    client = broken("createTarget")
    reply = client.patch(
        f"/Users/{some(client)[0]}", {"op": "replace", "path": 'emails[type eq "home"].value', "value": "x"}
    )
    assert reply.json["emails"][1] == {"type": "home", "value": "x"}


@pytest.mark.parametrize(("fault", "status"), [("onlyRemoves", 400), ("quietlyRemoves", 200)])
@pytest.mark.parametrize("form", ["valuePath", "valueArray", "put"])
def test_forms_in_which_members_are_removed(broken: Any, fault: str, status: int, form: str) -> None:
    client = broken(f"{fault}={form}")
    one, two, three = some(client)
    group = team(client, one, two, three)
    replies = {
        "valuePath": client.patch(group, {"op": "remove", "path": f'members[value eq "{one}"]'}),
        "valueArray": client.patch(group, {"op": "remove", "path": "members", "value": [{"value": two}]}),
    }
    assert {name: reply.status for name, reply in replies.items()} == {
        name: 200 if name == form else status for name in replies
    }
    assert held(client, group) == [
        m for m, name in ((one, "valuePath"), (two, "valueArray"), (three, "")) if name != form
    ]
    client.ask("PUT", group, {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Team"})
    assert held(client, group) == []


def test_array_clears(broken: Any) -> None:
    client = broken("arrayClears")
    group = team(client, *some(client))
    client.patch(group, {"op": "remove", "path": f'members[value eq "{some(client)[1]}"]'})
    assert len(held(client, group)) == 2
    client.patch(group, {"op": "remove", "path": "members", "value": [{"value": some(client)[0]}]})
    assert held(client, group) == []


# Answers


def test_answers_to_a_creation(broken: Any) -> None:
    assert broken("okCreate").user().status == 200
    reply = broken("noId").user()
    assert (reply.status, "id" in reply.json) == (201, False)
    reply = broken("noLocation").user()
    assert "Location" not in reply.headers
    assert "location" not in reply.json["meta"]


def test_error_in_200(broken: Any) -> None:
    reply = broken("errorIn200").get("/Users/nobody")
    assert (reply.status, reply.json["status"]) == (200, "404")


@pytest.mark.parametrize(
    ("how", "content_type", "part"),
    [
        ("html", "text/html", b"<h1>"),
        ("message", "application/json", b'{"message":"'),
        ("problem", "application/problem+json", b'"status":404'),
    ],
)
def test_errors(broken: Any, how: str, content_type: str, part: bytes) -> None:
    from reconciler.sandbox import Call

    answer = broken(f"errors={how}").sandbox.answer(Call("GET", "/Users/nobody", headers={"authorization": "Bearer x"}))
    assert (answer.status, answer.headers["Content-Type"]) == (404, content_type)
    assert part in answer.body


def test_statuses_and_types_in_errors(broken: Any) -> None:
    assert broken("numericStatus").get("/Users/nobody").json["status"] == 404
    taken = [
        broken(*fault).user("amara.abello@example.com").json for fault in (["scimType=missing"], ["scimType=wrong"])
    ]
    assert [document.get("scimType") for document in taken] == [None, "tooMany"]


def test_odd_ids(broken: Any) -> None:
    client = broken("oddIds")
    identifier = client.user().json["id"]
    assert all(mark in identifier for mark in "@+/ ")
    path = f"/Users/{quote(identifier, safe='')}"
    assert client.get(path).json["meta"]["location"].endswith(path)
    assert client.ask("DELETE", path).status == 204

    async def over_http() -> int:
        transport = httpx.ASGITransport(create_app(client.sandbox))
        async with httpx.AsyncClient(transport=transport, headers={"Authorization": "Bearer x"}) as http:
            other = quote(some(client)[0], safe="")
            return (await http.get(f"http://127.0.0.1/scim/v2/Users/{other}")).status_code

    assert asyncio.run(over_http()) == 200


def test_moving_ids(broken: Any) -> None:
    client = broken("movingIds")
    user, other = client.user().json["id"], client.user("bob").json["id"]
    group = client.group(members=[{"value": user}, {"value": other}]).json["id"]
    after = client.patch(f"/Users/{user}", {"op": "replace", "path": "userName", "value": "lovelace"}).json
    assert after["id"] != user
    assert client.get(f"/Users/{user}").status == 404
    assert set(held(client, f"/Groups/{group}")) == {after["id"], other}
    renamed = client.patch(f"/Groups/{group}", {"op": "replace", "path": "displayName", "value": "Crew"}).json["id"]
    assert renamed != group
    assert client.get(f"/Users/{after['id']}").json["groups"][0]["value"] == renamed
    assert (
        client.patch(f"/Users/{after['id']}", {"op": "replace", "path": "title", "value": "Dr"}).json["id"]
        == after["id"]
    )


@pytest.mark.parametrize(
    ("how", "begins"), [("relative", "/Users/"), ("wrong", "https://scim.example/scim/v2/Users/somebody")]
)
def test_location(broken: Any, how: str, begins: str) -> None:
    reply = broken(f"location={how}").user()
    assert reply.headers["Location"] == reply.json["meta"]["location"]
    assert reply.json["meta"]["location"].startswith(begins)


@pytest.mark.parametrize("status", [204, 500])
def test_delete_twice(broken: Any, status: int) -> None:
    client = broken(f"deleteTwice={status}")
    path = f"/Users/{some(client)[0]}"
    assert [client.ask("DELETE", path).status for _ in range(2)] == [204, status]


# Values


def test_lazy_active(broken: Any) -> None:
    assert "active" not in broken("lazyActive").user(active=None).json
    assert broken().user(active=None).json["active"] is True


def test_lower_domains(broken: Any) -> None:
    user = broken("lowerDomains").user("Ada@Example.COM", emails=[{"value": "Ada@Example.COM"}]).json
    assert (user["userName"], user["emails"][0]["value"]) == ("Ada@example.com", "Ada@example.com")
    assert broken("lowerDomains").user("ADA").json["userName"] == "ADA"


def test_computes(broken: Any) -> None:
    name = {"givenName": "Ada", "familyName": "Lovelace"}
    assert broken("computes=displayName").user(name=name).json["displayName"] == "Ada Lovelace"
    assert broken("computes=formatted").user(name=name).json["name"]["formatted"] == "Ada Lovelace"
    assert broken("computes=displayName").user().json["displayName"] == "Ada"


@pytest.mark.parametrize("part", ["type", "primary"])
def test_drops(broken: Any, part: str) -> None:
    email = {"value": "x", "type": "work", "primary": True}
    assert broken(f"drops={part}").user(emails=[email]).json["emails"] == [
        {k: v for k, v in email.items() if k != part}
    ]


def test_unknown_attributes(broken: Any) -> None:
    client = broken("unknown=title")
    assert "title" not in client.user(title="Dr").json
    reply = client.patch(f"/Users/{some(client)[0]}", {"op": "replace", "path": "title", "value": "Dr"})
    assert (reply.status, reply.json["scimType"]) == (400, "invalidPath")
    client = broken("keepUnknown")
    user = client.user(shoeSize=9).json
    assert user["shoeSize"] == 9
    user = client.patch(f"/Users/{user['id']}", {"op": "replace", "path": "shoeSize", "value": 8}).json
    assert user["shoeSize"] == 8
    assert "shoeSize" not in broken().user(shoeSize=9).json
    client = broken("refuseUnknown", "unknown=title")
    assert [client.user(**{name: "x"}).status for name in ("shoeSize", "title", "nickName")] == [400, 400, 201]


def test_drop_enterprise(broken: Any) -> None:
    client = broken("dropEnterprise")
    user = client.user(**{ENTERPRISE: {"department": "R"}}).json
    assert ENTERPRISE not in user
    reply = client.patch(f"/Users/{user['id']}", {"op": "add", "path": f"{ENTERPRISE}:department", "value": "R"})
    assert (reply.status, ENTERPRISE in reply.json) == (200, False)


@pytest.mark.parametrize(("how", "shown"), [("null", None), ("empty", "")])
def test_unassigned(broken: Any, how: str, shown: Any) -> None:
    client = broken(f"unassigned={how}")
    user = client.user().json
    assert (user["title"], user["displayName"]) == (shown, "Ada")
    assert page(client)["Resources"][0]["nickName"] == shown


# Uniqueness and references


@pytest.mark.parametrize(
    ("how", "same", "other_case"),
    [("400", 400, 400), ("500", 500, 500), ("accepted", 201, 201), ("otherCase", 409, 201)],
)
def test_duplicate(broken: Any, how: str, same: int, other_case: int) -> None:
    client = broken(f"duplicate={how}")
    assert client.user("Ada").status == 201
    assert [client.user("Ada").status, client.user("ADA").status] == [same, other_case]


def test_twin_groups(client_of: Callable[[Sandbox], Any]) -> None:
    for faults, status in (([], 400), (["twinGroups"], 200)):
        client = client_of(Sandbox("hootsuite", rate=0, faults=faults))
        assert [client.group("Team").status, client.group("Team").status] == [200, status]


def test_dangling_members(broken: Any) -> None:
    client = broken("danglingMembers")
    one, two, _ = some(client)
    group = team(client, one, two)
    assert client.ask("DELETE", f"/Users/{one}").status == 204
    assert held(client, group) == [one, two]
    assert client.get(f"/Users/{one}").status == 404
    client.patch(group, {"op": "remove", "path": f'members[value eq "{one}"]'})
    assert held(client, group) == [two]


def test_no_members_in_post(broken: Any) -> None:
    client = broken("noMembersInPost")
    assert "members" not in client.group(members=[{"value": some(client)[0]}]).json


def test_no_groups(broken: Any) -> None:
    client = broken("noGroups")
    one = some(client)[0]
    team(client, one)
    assert "groups" not in client.get(f"/Users/{one}").json
    assert "groups" in client.sandbox.users[one]


# Versions


def versions(client: Any) -> tuple[str, str, str, str]:
    """At first, again, after a write that changed nothing, after one that did."""
    path = f"/Users/{some(client)[0]}"

    def now() -> str:
        return str(client.get(path).json["meta"]["version"])

    first, again = now(), now()
    client.patch(path, {"op": "replace", "path": "displayName", "value": client.get(path).json["displayName"]})
    same = now()
    client.patch(path, {"op": "replace", "path": "displayName", "value": "Somebody else"})
    return first, again, same, now()


def test_version(broken: Any) -> None:
    assert [len(set(versions(broken(f"version={how}")))) for how in ("constant", "random", "hash", "bumps")] == [
        1,
        4,
        2,
        3,
    ]
    assert len(set(versions(broken()))) == 2


def test_a_hash_is_a_version_to_write_by(broken: Any) -> None:
    client = broken("version=hash")
    user = client.user()
    path, change = f"/Users/{user.json['id']}", {"op": "replace", "path": "title", "value": "Dr"}
    assert client.patch(path, change, if_match=user.headers["ETag"]).status == 200
    assert client.patch(path, change, if_match=user.headers["ETag"]).status == 412


def test_ignore_if_match(broken: Any) -> None:
    client = broken("ignoreIfMatch")
    change = {"op": "replace", "path": "title", "value": "Dr"}
    assert client.patch(f"/Users/{some(client)[0]}", change, if_match='W/"old"').status == 200


# Limits


def test_throttle(broken: Any) -> None:
    client = broken("throttle=2")
    replies = [client.get("/Users") for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 429, 200, 429]
    assert "Retry-After" not in replies[1].headers


def over_http(sandbox: Sandbox, *calls: tuple[str, str, Any]) -> list[int]:
    """All at the same time."""

    async def main() -> list[int]:
        transport = httpx.ASGITransport(create_app(sandbox))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1/scim/v2", headers={"Authorization": "Bearer x"}
        ) as http:
            replies = await asyncio.gather(*(http.request(m, p, content=orjson.dumps(body)) for m, p, body in calls))
            return [reply.status_code for reply in replies]

    return asyncio.run(main())


def test_slow_create(broken: Any) -> None:
    client = broken("slowCreate=5000")
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada"}
    before = time.monotonic()
    assert over_http(client.sandbox, ("POST", "/Users", body)) == [201]
    assert time.monotonic() - before >= 0.05


@pytest.mark.parametrize(("how", "status"), [("lost", 200), ("500", 500)])
def test_member_race(broken: Any, how: str, status: int) -> None:
    client = broken(f"memberRace={how}")
    one, two, three = some(client)
    group = team(client)

    def add(member: str) -> tuple[str, str, Any]:
        operation = {"op": "add", "path": "members", "value": [{"value": member}]}
        return "PATCH", group, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}

    assert over_http(client.sandbox, add(one), add(two)) == [200, status]
    assert held(client, group) == [one]
    assert over_http(client.sandbox, add(three)) == [200]
    assert held(client, group) == [one, three]


@pytest.mark.parametrize(
    ("fault", "message", "hint"),
    [
        ("total", "total is one of missing, text, page", "--fault total=missing"),
        ("version=new", "version is one of constant, random, hash, bumps", "--fault version=constant"),
    ],
)
def test_words_that_a_fault_does_not_take(fault: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        Faults([fault])
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_two_words_of_one_fault_hold_together(broken: Any) -> None:
    client = broken("drops=type", "drops=primary")
    assert client.user(emails=[{"value": "x", "type": "work", "primary": True}]).json["emails"] == [{"value": "x"}]
