"""`--gallery scim`: RFC 7643, RFC 7644 and RFC 9865 as they are written."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def test_creating_answers_201_with_location_version_and_a_uuid(scim: Any) -> None:
    reply = scim.user(externalId="ada", **{ENTERPRISE: {"department": "R&D", "manager": {"value": "7"}}})
    assert reply.status == 201
    assert uuid.UUID(reply.json["id"])
    assert reply.headers["Location"] == reply.json["meta"]["location"]
    assert reply.headers["ETag"] == reply.json["meta"]["version"]
    assert reply.json["externalId"] == "ada"
    assert reply.json[ENTERPRISE] == {"department": "R&D", "manager": {"value": "7"}}
    assert reply.json["schemas"] == [USER, ENTERPRISE]
    assert "timezone" not in reply.json
    assert reply.headers["Content-Type"] == "application/scim+json"


def test_ids_are_the_same_in_every_run(scim: Any, client_of: Any) -> None:
    from reconciler.sandbox import Sandbox

    other = client_of(Sandbox("scim", acts_as=None))
    assert scim.user().json["id"] == other.user().json["id"]


def test_a_taken_user_name_is_a_conflict(scim: Any) -> None:
    scim.user("Ada@example.com")
    reply = scim.user("ada@EXAMPLE.com")
    assert (reply.status, reply.json["scimType"]) == (409, "uniqueness")
    assert scim.group("Team").status == 201
    assert scim.group("Team").status == 201, "group names are not unique in RFC 7643"


def test_names_of_attributes_have_no_case_and_null_is_unassigned(scim: Any) -> None:
    body = {"SCHEMAS": [USER], "username": "ada", "DISPLAYNAME": "Ada", "title": None, "emails": [], "id": "mine"}
    user = scim.ask("POST", "/Users", body).json
    assert (user["userName"], user["displayName"]) == ("ada", "Ada")
    assert not {"title", "emails"} & user.keys()
    assert user["id"] != "mine"


def test_a_password_is_never_returned(scim: Any) -> None:
    user = scim.user(password="canary").json
    scim.patch(f"/Users/{user['id']}", {"op": "add", "path": "password", "value": "canary"})
    assert "canary" not in str(scim.sandbox.users)
    assert "password" not in scim.get(f"/Users/{user['id']}").json


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        (b"{", "invalidSyntax"),
        ([], "invalidSyntax"),
        ({"userName": "ada"}, "invalidSyntax"),
        ({"schemas": [USER]}, "invalidValue"),
        ({"schemas": [USER], "userName": 1}, "invalidValue"),
        ({"schemas": [USER], "userName": "a", "active": "true"}, "invalidValue"),
        ({"schemas": [USER], "userName": "a", "name": "b"}, "invalidValue"),
        ({"schemas": [USER], "userName": "a", ENTERPRISE: "b"}, "invalidValue"),
        ({"schemas": [USER], "userName": "a", "emails": [{"primary": True}, {"primary": True}]}, "invalidValue"),
    ],
)
def test_bodies_that_are_refused(scim: Any, body: Any, scim_type: str) -> None:
    reply = scim.ask("POST", "/Users", body)
    assert (reply.status, reply.json["scimType"]) == (400, scim_type)


def test_deleting_takes_the_user_out_of_every_group(scim: Any) -> None:
    user = scim.user().json["id"]
    group = scim.group("Team", members=[{"value": user}]).json
    assert scim.ask("DELETE", f"/Users/{user}").status == 204
    assert scim.get(f"/Users/{user}").status == 404
    assert scim.ask("DELETE", f"/Users/{user}").status == 404
    after = scim.get(f"/Groups/{group['id']}").json
    assert "members" not in after
    assert after["meta"]["version"] != group["meta"]["version"]
    assert scim.user().status == 201, "the name is free again"
    assert scim.ask("DELETE", f"/Groups/{group['id']}").status == 204


def test_groups_nest_and_know_what_their_members_are(scim: Any) -> None:
    inner = scim.group("Inner", members=[{"value": scim.user().json["id"]}]).json
    outer = scim.group("Outer", members=[{"value": inner["id"]}]).json
    assert outer["members"][0]["type"] == "Group"
    assert inner["members"][0]["type"] == "User"
    itself = scim.patch(f"/Groups/{outer['id']}", {"op": "add", "path": "members", "value": [{"value": outer["id"]}]})
    assert itself.status == 400
    assert scim.group("Ghosts", members=[{"value": "nobody"}]).json["scimType"] == "invalidValue"


def test_versions_make_writes_conditional(scim: Any) -> None:
    user = scim.user()
    path, version = f"/Users/{user.json['id']}", user.headers["ETag"]
    same = scim.patch(path, {"op": "replace", "path": "displayName", "value": "Ada"}, if_match=version)
    assert (same.status, same.headers["ETag"]) == (200, version), "nothing changed: nothing moves"
    assert scim.get(path, if_none_match=version).status == 304
    changed = scim.patch(path, {"op": "replace", "path": "displayName", "value": "Countess"}, if_match=version)
    assert changed.headers["ETag"] != version
    assert scim.get(path, if_none_match=version).status == 200
    assert scim.patch(path, {"op": "remove", "path": "displayName"}, if_match=version).status == 412
    assert scim.ask("DELETE", path, if_match=version).status == 412
    assert scim.ask("DELETE", path, if_match="*").status == 204


def test_put_replaces_everything_that_may_be_written(scim: Any) -> None:
    user = scim.user(title="Countess", **{ENTERPRISE: {"department": "R&D"}}).json
    after = scim.ask("PUT", f"/Users/{user['id']}", {"schemas": [USER], "userName": "lovelace"}).json
    assert after.keys() == {"schemas", "id", "userName", "meta"}
    assert after["id"] == user["id"]
    assert after["meta"]["created"] == user["meta"]["created"]
    ids = [scim.user(f"u{n}").json["id"] for n in range(3)]
    group = scim.group("Team", members=[{"value": i} for i in ids[:2]]).json["id"]
    body = {"schemas": [GROUP], "displayName": "Team", "members": [{"value": i} for i in ids[1:]]}
    assert {m["value"] for m in scim.ask("PUT", f"/Groups/{group}", body).json["members"]} == set(ids[1:])


def test_what_is_returned_can_be_chosen(scim: Any) -> None:
    user = scim.user(name={"givenName": "Ada", "familyName": "L"}, **{ENTERPRISE: {"department": "R"}}).json["id"]
    group = scim.group("Team", members=[{"value": user}]).json["id"]
    assert scim.get(f"/Groups/{group}?excludedAttributes=members").json.keys() == {
        "schemas", "id", "displayName", "meta",
    }  # fmt: skip
    assert "members" not in scim.get("/Groups?excludedAttributes=members").json["Resources"][0]
    chosen = scim.get(f"/Users/{user}?attributes=userName,name.givenName").json
    assert chosen.keys() == {"schemas", "id", "userName", "name"}
    assert chosen["name"] == {"givenName": "Ada"}
    assert scim.get(f"/Users/{user}?attributes={ENTERPRISE}:department").json[ENTERPRISE] == {"department": "R"}
    assert scim.get(f"/Users/{user}?attributes={USER}:userName").json.keys() == {"schemas", "id", "userName"}
    without = scim.get(f"/Users/{user}?excludedAttributes=id,name.familyName,groups").json
    assert without["name"] == {"givenName": "Ada"}
    assert without["id"] == user
    assert "groups" not in without
    assert scim.get("/Users?attributes=a&excludedAttributes=b").status == 400


def test_cursors_walk_through_everybody_while_others_are_deleted(scim: Any) -> None:
    ids = [scim.sandbox.add_user(f"u{n}") for n in range(10)]
    page = scim.get("/Users?count=4&cursor=").json
    seen = [r["id"] for r in page["Resources"]]
    assert "startIndex" not in page
    scim.sandbox.delete_user(ids[0])
    while "nextCursor" in page:
        page = scim.get(f"/Users?count=4&cursor={page['nextCursor']}").json
        seen += [r["id"] for r in page["Resources"]]
    assert seen == ids
    assert scim.get("/Users?cursor=bm9uc2Vuc2U=").json["scimType"] == "invalidCursor"
    assert scim.get("/Users?cursor=%FF").json["scimType"] == "invalidCursor"
    assert scim.get("/Users?cursor=x&startIndex=1").status == 400
    assert scim.ask("GET", "/Users?cursor=YWZ0ZXI6MA==&count=-1").json["scimType"] == "invalidCount"


def test_sorting(scim: Any) -> None:
    for name, title in (("b", "z"), ("C", None), ("a", "Y")):
        scim.user(name, title=title)

    def names(query: str) -> list[str]:
        return [r["userName"] for r in scim.get(f"/Users?{query}").json["Resources"]]

    assert names("sortBy=userName") == ["a", "b", "C"]
    assert names("sortBy=userName&sortOrder=descending") == ["C", "b", "a"]
    assert names("sortBy=title") == ["a", "b", "C"], "who has none comes last"
    assert names("sortBy=meta.created")
    assert scim.get("/Users?sortBy=shoeSize").json["scimType"] == "invalidPath"
    first = scim.get("/Users?sortBy=userName&count=2&cursor=").json
    second = scim.get(f"/Users?sortBy=userName&count=2&cursor={first['nextCursor']}").json
    assert [r["userName"] for r in first["Resources"] + second["Resources"]] == ["a", "b", "C"]


def test_searching_by_post(scim: Any) -> None:
    scim.user("ada")
    scim.group("Team")
    body = {"filter": 'userName eq "ada"', "count": 5, "attributes": ["userName"]}
    assert scim.ask("POST", "/Users/.search", body).json["Resources"][0].keys() == {"schemas", "id", "userName"}
    assert scim.ask("POST", "/.search", {"count": 10}).json["totalResults"] == 2
    assert scim.ask("POST", "/.search", {"filter": 'userName eq "ada"'}).json["totalResults"] == 1
    assert scim.ask("POST", "/.search", {"filter": 'shoeSize eq "9"'}).json["scimType"] == "invalidFilter"
    assert scim.get("/Users/.search").status == 405


def test_me_is_the_account_behind_the_token(client_of: Any, scim: Any) -> None:
    from reconciler.sandbox import Sandbox

    assert client_of(Sandbox("scim")).get("/Me").json["userName"] == "provisioning@contoso.com"
    assert scim.get("/Me").status == 404


def test_bulk_resolves_references_whatever_their_order(scim: Any) -> None:
    body = {
        "schemas": [BULK],
        "Operations": [
            {"method": "POST", "path": "/Groups", "bulkId": "g",
             "data": {"schemas": [GROUP], "displayName": "Team", "members": [{"value": "bulkId:u"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"schemas": [USER], "userName": "ada"}},
            {"method": "PATCH", "path": "/Users/bulkId:u", "data": {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "add", "path": "title", "value": "Countess"}]}},
            {"method": "DELETE", "path": "/Users/nobody"},
            {"method": "POST", "path": "/Users", "bulkId": "x", "data": {"schemas": [USER], "userName": "ADA"}},
            {"method": "PUT", "path": "/Users/bulkId:nobody", "data": {}},
            {"method": "GET", "path": "/Users"},
            {"method": "POST", "path": "/Users", "data": {"schemas": [USER], "userName": "no bulkId"}},
            7,
            {"method": "POST", "path": "/Bulk", "bulkId": "b", "data": {}},
        ],
    }  # fmt: skip
    operations = scim.ask("POST", "/Bulk", body).json["Operations"]
    assert [o["status"] for o in operations] == ["201", "201", "200", "404", "409", "400", "400", "400", "400", "400"]
    assert operations[0]["location"].endswith(scim.sandbox.group_id("Team"))
    assert scim.sandbox.members(scim.sandbox.group_id("Team")) == {scim.sandbox.user_id("ada")}
    assert scim.sandbox.users[scim.sandbox.user_id("ada")]["title"] == "Countess"
    assert operations[4]["response"]["scimType"] == "uniqueness"


def test_bulk_stops_where_it_was_told_to(scim: Any) -> None:
    failing = {"method": "DELETE", "path": "/Users/nobody"}
    body = {"schemas": [BULK], "failOnErrors": 2, "Operations": [failing] * 5}
    assert len(scim.ask("POST", "/Bulk", body).json["Operations"]) == 2
    assert scim.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": [failing] * 1001}).status == 413
    assert scim.ask("POST", "/Bulk", b" " * 1_048_577).status == 413
    assert scim.ask("POST", "/Bulk", {"Operations": []}).json["scimType"] == "invalidSyntax"
    circle = [
        {"method": "POST", "path": "/Groups", "bulkId": a,
         "data": {"schemas": [GROUP], "displayName": a, "members": [{"value": f"bulkId:{b}"}]}}
        for a, b in (("a", "b"), ("b", "a"))
    ]  # fmt: skip
    answers = scim.ask("POST", "/Bulk", {"schemas": [BULK], "Operations": circle}).json["Operations"]
    assert [a["status"] for a in answers] == ["400", "400"]


def test_discovery_tells_what_is_so(scim: Any) -> None:
    configuration = scim.get("/ServiceProviderConfig").json
    for name in ("patch", "bulk", "filter", "sort", "etag"):
        assert configuration[name]["supported"] is True, name
    assert configuration["pagination"]["cursor"] is True
    assert len(scim.get("/Schemas").json["Resources"]) == 3
    assert scim.get("/ResourceTypes/User").json["schemaExtensions"][0]["schema"] == ENTERPRISE
    assert scim.get("/ResourceTypes/Printer").status == 404
    assert scim.ask("DELETE", "/ServiceProviderConfig").headers["Allow"] == "GET"


def test_too_fast_is_told_with_retry_after_and_scims_error(client_of: Any) -> None:
    from reconciler.sandbox import Sandbox

    client = client_of(Sandbox("scim", rate=1, ticks=lambda: 0.0))
    client.get("/Users")
    reply = client.get("/Users")
    assert (reply.status, reply.json["status"], reply.headers["Retry-After"]) == (429, "429", "1")
