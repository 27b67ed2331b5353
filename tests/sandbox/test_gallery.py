"""`--gallery NAME`: what a profile says of an application, the sandbox does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from reconciler.gallery import load_profile, names
from reconciler.model.profile import Profile
from reconciler.sandbox import Sandbox, habits_named, habits_of

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
OWN = "urn:example:params:scim:schemas:extension:chat:2.0:User"


@pytest.fixture
def like(client_of: Any) -> Any:
    """A server with four users, like(users={…}, groups={…}): what a profile with these keys describes."""

    def make(*, ticks: Any = None, **keys: Any) -> Any:
        profile = Profile.model_validate({"name": "own", "title": "Own", **keys})
        more = {"ticks": ticks} if ticks else {}
        return client_of(Sandbox(habits_of(profile), users=4, acts_as=None, **more))

    return make


def some(client: Any) -> list[str]:
    return list(client.sandbox.users)


def team(client: Any, *members: str) -> str:
    return f"/Groups/{client.sandbox.add_group('Team', members)}"


def held(client: Any, path: str) -> set[str]:
    return set(client.sandbox.members(path.rpartition("/")[2]))


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


ADD: dict[str, Callable[[str], dict[str, Any]]] = {
    "valuePath": lambda who: {"op": "add", "path": "members", "value": [{"value": who}]},
    "valueArray": lambda who: {"op": "add", "path": "members", "value": [{"value": who}]},
    "pathless": lambda who: {"op": "add", "value": {"members": [{"value": who}]}},
    "nested": lambda who: {"op": "add", "path": "members", "value": {"members": [{"value": who}]}},
    "replace": lambda who: {"op": "replace", "path": "members", "value": [{"value": who}]},
}
REMOVE: dict[str, Callable[[str], dict[str, Any]]] = {
    "valuePath": lambda who: {"op": "remove", "path": f'members[value eq "{who}"]'},
    "valueArray": lambda who: {"op": "remove", "path": "members", "value": [{"value": who}]},
    "pathless": lambda who: {"op": "remove", "value": {"members": [{"value": who}]}},
    "nested": lambda who: {"op": "remove", "path": f'members[value eq "{who}"]'},
    "replace": lambda who: {"op": "replace", "path": "members", "value": []},
}


@pytest.mark.parametrize("name", names())
def test_every_application_of_the_gallery_can_be_played(client_of: Any, name: str) -> None:
    profile = load_profile(name)
    client = client_of(Sandbox(name, users=3, rate=0))
    listed = client.get(profile.users.endpoint)
    assert listed.status == 200
    assert listed.headers["Content-Type"] == profile.content_type
    assert client.sandbox.habits is not habits_named("scim") or name == "scim"
    groups = client.get(profile.groups.endpoint)
    assert groups.status == (200 if profile.groups.supported else 404)
    user = some(client)[0]
    deleted = client.ask("DELETE", f"{profile.users.endpoint}/{user}")
    if not profile.users.delete:
        assert deleted.status == 405
    else:
        assert deleted.status in profile.answers.deleted
        gone = user not in client.sandbox.users
        assert gone is (profile.users.delete_effect == "deleted")


def test_a_cursor_walks_where_an_index_is_refused(like: Any) -> None:
    client = like(paging={"style": "cursor", "count": 3})
    assert client.get("/Users?startIndex=1&count=2").status == 400
    first = client.get("/Users?cursor=&count=100").json
    assert len(first["Resources"]) == 3
    rest = client.get(f"/Users?cursor={quote(first['nextCursor'])}").json
    assert (len(rest["Resources"]), "nextCursor" in rest) == (1, False)


def test_without_paging_everything_comes_at_once(like: Any) -> None:
    client = like(paging={"style": "none", "count": 1})
    assert len(client.get("/Users?startIndex=2&count=1").json["Resources"]) == 4


def test_pages_that_are_counted(like: Any) -> None:
    client = like(paging={"advance": "page", "count": 3})
    pages = [client.get(f"/Users?startIndex={n}&count=3").json["Resources"] for n in (1, 2)]
    assert [row["id"] for page in pages for row in page] == some(client)


def test_lists_that_leave_people_out(like: Any) -> None:
    client = like(paging={"trusted": False})
    assert client.get("/Users").json["totalResults"] == 2
    missing = client.sandbox.users[some(client)[1]]["userName"]
    assert client.found("Users", f'userName eq "{missing}"') == [missing]


def test_filters_that_may_be_used(like: Any) -> None:
    client = like(filters={"users": ["userName"], "groups": []})
    text = quote('displayName eq "x"')
    assert [client.get(f"/{kind}?filter={text}").status for kind in ("Users", "Groups")] == [400, 400]
    assert client.found("Users", 'userName eq "nobody"') == []


def test_attributes_can_not_be_left_out(like: Any) -> None:
    assert like(excludedAttributes=False).get("/Groups?excludedAttributes=members").status == 400
    assert like().get("/Groups?excludedAttributes=members").status == 200


@pytest.mark.parametrize(
    ("update", "statuses"), [("patchPath", [200, 200]), ("patchPathless", [400, 200]), ("put", [405, 405])]
)
@pytest.mark.parametrize("kind", ["users", "groups"])
def test_forms_of_updates(like: Any, kind: str, update: str, statuses: list[int]) -> None:
    more = {"members": "put"} if kind == "groups" and update == "put" else {}
    client = like(**{kind: {"update": update, **more}})
    path = f"/Users/{some(client)[0]}" if kind == "users" else team(client)
    forms = [replace("displayName", "New"), {"op": "replace", "value": {"displayName": "New"}}]
    assert [client.patch(path, operation).status for operation in forms] == statuses
    assert client.ask("PUT", path, {**client.get(path).json, "displayName": "Newer"}).status == 200


@pytest.mark.parametrize("form", ["valueArray", "pathless", "nested", "replace"])
def test_members_are_modified_in_one_form(like: Any, form: str) -> None:
    client = like(groups={"members": form})
    one, two, *_ = some(client)
    group = team(client, one)
    wrong = "valuePath" if form != "nested" else "valueArray"
    assert client.patch(group, REMOVE[wrong](one)).status == 400
    assert client.patch(group, ADD[form](two)).status == 200
    assert held(client, group) == ({two} if form == "replace" else {one, two})
    assert client.patch(group, REMOVE[form](two)).status == 200
    assert held(client, group) == (set() if form == "replace" else {one})


def test_members_by_put_alone(like: Any) -> None:
    client = like(groups={"members": "put"})
    one, *_ = some(client)
    group = team(client)
    assert client.patch(group, ADD["valuePath"](one)).status == 400
    assert client.patch(group, replace("displayName", "Crew")).status == 200
    assert client.ask("PUT", group, {**client.get(group).json, "members": [{"value": one}]}).status == 200
    assert held(client, group) == {one}


def test_how_many_members_at_once(like: Any) -> None:
    client = like(groups={"maxMembers": 2})
    everybody = [{"value": each} for each in some(client)]
    group = team(client)
    statuses = [client.patch(group, {"op": "add", "path": "members", "value": everybody[:n]}).status for n in (2, 3)]
    assert statuses == [200, 400]
    assert client.group("Crew", members=everybody[:3]).status == 400
    assert client.group("Crew", members=everybody[:2]).status == 201


def test_members_of_a_new_group_may_be_ignored(like: Any) -> None:
    client = like(groups={"membersOnCreate": False})
    group = client.group(members=[{"value": some(client)[0]}]).json
    assert client.sandbox.members(group["id"]) == set()


@pytest.mark.parametrize(
    ("where", "in_list", "by_id"),
    [("inLists", True, True), ("byId", False, True), ("byFilter", False, False), ("never", False, False)],
)
def test_where_members_are_shown(like: Any, where: str, in_list: bool, by_id: bool) -> None:
    client = like(groups={"readMembers": where})
    one = some(client)[0]
    group = team(client, one)
    assert ("members" in client.get("/Groups").json["Resources"][0]) is in_list
    assert ("members" in client.get(group).json) is by_id
    text = f'groups.value eq "{group.rpartition("/")[2]}"'
    if where == "byFilter":
        assert client.found("Users", text) == [client.sandbox.users[one]["userName"]]
    else:
        assert client.get(f"/Users?filter={quote(text)}").status == 400


def test_how_operations_and_booleans_are_written(like: Any) -> None:
    client = like(patch={"ops": "capitalized", "booleans": "text"})
    path = f"/Users/{some(client)[0]}"
    answers = [
        client.patch(path, {"op": op, "path": "active", "value": value}).status
        for op, value in (("replace", "False"), ("Replace", False), ("Replace", "False"))
    ]
    assert answers == [400, 400, 200]
    assert client.get(path).json["active"] is False
    assert client.patch(path, {"op": "Replace", "value": {"active": "True"}}).json["active"] is True


@pytest.mark.parametrize("effect", ["deactivated", "deleted", "removed"])
def test_the_effect_of_deactivation(like: Any, effect: str) -> None:
    client = like(users={"effect": effect})
    path = f"/Users/{some(client)[0]}"
    assert client.patch(path, replace("active", False)).json["active"] is False
    assert client.get(path).status == (200 if effect == "deactivated" else 404)


def test_deactivation_that_can_not_be_undone_and_one_that_is_not_done(like: Any) -> None:
    client = like(users={"reversible": False})
    path = f"/Users/{some(client)[0]}"
    assert [client.patch(path, replace("active", value)).status for value in (False, True)] == [200, 400]
    client = like(users={"deactivate": False})
    assert client.patch(path, replace("active", False)).json["active"] is True


def test_lists_without_the_deactivated(like: Any) -> None:
    client = like(users={"listsInactive": False})
    client.sandbox.edit_user(some(client)[0], active=False)
    assert client.get("/Users").json["totalResults"] == 3
    assert client.get(f"/Users/{some(client)[0]}").status == 200


def test_deleting(like: Any) -> None:
    client = like(users={"delete": False}, groups={"delete": False})
    assert [client.ask("DELETE", path).status for path in (f"/Users/{some(client)[0]}", team(client))] == [405, 405]
    client = like(users={"deleteEffect": "deactivated"})
    path = f"/Users/{some(client)[0]}"
    assert client.ask("DELETE", path).status == 204
    assert client.get(path).json["active"] is False


def test_statuses(like: Any) -> None:
    client = like(answers={"created": [202], "deleted": [200], "notFound": [403]})
    assert client.user().status == 202
    assert client.ask("DELETE", f"/Users/{some(client)[0]}").status == 200
    assert client.get("/Users/nobody").status == 403


def test_endpoints_and_discovery(like: Any) -> None:
    client = like(
        users={"endpoint": "/Members"},
        groups={"endpoint": "/Teams"},
        discovery={"serviceProviderConfig": "/ServiceProviderConfigs", "resourceTypes": None},
    )
    assert [client.get(f"/{place}").status for place in ("Members", "Teams", "Users")] == [200, 200, 404]
    places = ("ServiceProviderConfigs", "ServiceProviderConfig", "ResourceTypes", "Schemas")
    assert [client.get(f"/{place}").status for place in places] == [200, 404, 404, 200]
    location = client.ask("POST", "/Members", {"schemas": [client.sandbox.store.kinds["User"].urn], "userName": "a"})
    assert "/Members/" in location.headers["Location"]
    types = like(groups={"supported": False}).get("/ResourceTypes").json["Resources"]
    assert [each["endpoint"] for each in types] == ["/Users"]


def test_what_is_required_and_how_long_it_may_be(like: Any) -> None:
    client = like(
        users={"required": ["userName", 'emails[type eq "work"].value']}, lengths={"users.displayName": [2, 5]},
        emailPrimary=True, languages=["en"],
    )  # fmt: skip
    mail = [{"value": "a@b.c", "type": "work", "primary": True}]
    assert client.user("a").status == 400
    assert client.user("a", emails=[{"value": "a@b.c", "type": "work"}]).status == 400
    assert client.user("a", emails=mail, displayName="too long").status == 400
    assert client.user("a", emails=mail, preferredLanguage="de").status == 400
    assert client.user("a", emails=mail, preferredLanguage="en").status == 201


def test_bodies_that_are_too_large(like: Any) -> None:
    assert like(maxBytes=1000).user(title="x" * 1000).status == 413


def test_bulk(like: Any) -> None:
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [{}, {}, {}]}
    assert like().ask("POST", "/Bulk", body).status == 404
    client = like(bulk={"operations": 2})
    assert client.ask("POST", "/Bulk", body).status == 413
    assert client.get("/ServiceProviderConfig").json["bulk"]["maxOperations"] == 2


def test_versions(like: Any) -> None:
    assert "version" in like(versions=True).user().json["meta"]
    assert "version" not in like().user().json["meta"]


def test_attributes_of_its_own_defaults_and_words(like: Any) -> None:
    client = like(
        schema={f"{OWN}:level": "string", "shoeSize": "integer"},
        compare={"defaults": {"timezone": "Europe/Berlin"}, "values": {"preferredLanguage": {"pt-BR": "pt_BR"}}},
    )
    user = client.user(shoeSize=9, preferredLanguage="pt-BR", **{OWN: {"level": "high"}}).json
    assert (user["shoeSize"], user["timezone"], user["preferredLanguage"]) == (9, "Europe/Berlin", "pt_BR")
    assert user[OWN] == {"level": "high"}
    assert OWN in [each["id"] for each in client.get("/Schemas").json["Resources"]]


@pytest.mark.parametrize(
    ("what", "status"), [("createUser", 403), ("createGroup", 403), ("renameUser", 400), ("renameGroup", 400),
                         ("updateGroup", 400), ("deactivateUser", 400), ("reactivateUser", 400), ("addMembers", 400),
                         ("removeMembers", 400)],
)  # fmt: skip
def test_what_can_not_be_done(like: Any, what: str, status: int) -> None:
    client = like(cannot={what: "It is not to be."})
    one, two, three, _ = some(client)
    client.sandbox.edit_user(two, active=False)
    group = team(client, one)
    tried = {
        "createUser": lambda: client.user(),
        "createGroup": lambda: client.group("Crew"),
        "renameUser": lambda: client.patch(f"/Users/{one}", replace("userName", "new")),
        "renameGroup": lambda: client.patch(group, replace("displayName", "Crew")),
        "updateGroup": lambda: client.patch(group, replace("externalId", "7")),
        "deactivateUser": lambda: client.patch(f"/Users/{one}", replace("active", False)),
        "reactivateUser": lambda: client.patch(f"/Users/{two}", replace("active", True)),
        "addMembers": lambda: client.patch(group, ADD["valuePath"](three)),
        "removeMembers": lambda: client.patch(group, REMOVE["valuePath"](one)),
    }
    refused = tried[what]()
    assert (refused.status, refused.json["detail"]) == (status, "It is not to be.")


def test_rates(like: Any) -> None:
    now = [0.0]
    client = like(
        ticks=lambda: now[0],
        rate={
            "perMinute": 6,
            "writes": {"perMinute": 2},
            "buckets": [{"methods": ["GET"], "path": "/Groups", "count": 1, "seconds": 30}],
        },
    )
    assert [client.user(f"u{n}").status for n in range(3)] == [201, 201, 429]
    replies = [client.get("/Groups") for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 429]
    assert replies[1].headers["Retry-After"] == "30"
    now[0] = 31
    assert client.get("/Groups").status == 200
    assert [client.get("/Users").status for _ in range(3)] == [200, 200, 429], "six a minute, the refused not counted"
    now[0] = 61
    assert client.user("late").status == 201


def test_a_bucket_for_large_bodies(like: Any) -> None:
    client = like(rate={"buckets": [{"largerThan": 500, "count": 1, "seconds": 30}]})
    assert [client.user(f"u{n}", title="x" * size).status for n, size in enumerate((600, 1, 600, 1))] == [
        201, 201, 429, 201,
    ]  # fmt: skip
