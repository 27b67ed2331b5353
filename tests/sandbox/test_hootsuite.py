"""The sandbox is Hootsuite as it is described, and not better."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.sandbox import HOOTSUITE, Sandbox

WORK = [{"value": "ada@example.com", "type": "work", "primary": True}]


def test_creating_answers_200_with_a_numeric_id_and_the_default_timezone(hootsuite: Any) -> None:
    reply = hootsuite.user(emails=WORK, externalId="ada", nickName="A")
    assert reply.status == 200
    assert reply.json["id"].isdigit()
    assert reply.json["timezone"] == "America/Vancouver"
    assert reply.json["emails"] == WORK
    assert "externalId" not in reply.json
    assert "nickName" not in reply.json
    assert reply.headers["Content-Type"] == "application/json;charset=utf-8"
    assert reply.json["meta"]["location"].endswith(f"/users/{reply.json['id']}")


def test_a_timezone_that_was_sent_stays(hootsuite: Any) -> None:
    assert hootsuite.user(timezone="Europe/London").json["timezone"] == "Europe/London"


@pytest.mark.parametrize(
    "wrong",
    [
        {"displayName": None},
        {"userName": None},
        {"active": None},
        {"active": "True"},
        {"displayName": "A"},
        {"displayName": "A" * 101},
        {"preferredLanguage": "pt-BR"},
        {"emails": [{"value": "a@example.com", "type": "work"}]},
        {"name": "Ada"},
    ],
)
def test_users_that_are_refused(hootsuite: Any, wrong: dict[str, Any]) -> None:
    body = {"userName": "ada@example.com", "displayName": "Ada", "active": True, **wrong}
    reply = hootsuite.ask("POST", "/Users", body)
    assert (reply.status, reply.json["scimType"]) == (400, "invalidValue")
    assert hootsuite.sandbox.users == {}


def test_a_timezone_that_nobody_knows_is_refused(hootsuite: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.sandbox.rules._time_zones", lambda: frozenset({"Europe/London"}))
    assert hootsuite.user(timezone="Mars/Base").status == 400
    assert hootsuite.user(timezone="Europe/London").status == 200


def test_a_user_name_is_unique_whatever_its_case_and_keeps_it(hootsuite: Any) -> None:
    assert hootsuite.user("SMorey@example.com").json["userName"] == "SMorey@example.com"
    reply = hootsuite.user("smorey@EXAMPLE.com")
    assert (reply.status, reply.json["scimType"]) == (400, "uniqueness")


def test_team_names_are_unique_and_of_limited_length(hootsuite: Any) -> None:
    assert hootsuite.group("Social").status == 200
    assert hootsuite.group("SOCIAL").json["scimType"] == "uniqueness"
    assert hootsuite.group("S").status == 400
    assert hootsuite.group("S" * 201).status == 400
    assert hootsuite.group("S" * 200).status == 200


def test_a_group_must_say_its_schema_and_keeps_its_external_id(hootsuite: Any) -> None:
    assert hootsuite.ask("POST", "/Groups", {"displayName": "Team"}).json["scimType"] == "invalidSyntax"
    assert hootsuite.group("Team", externalId="team").json["externalId"] == "team"


def test_nothing_is_deleted(hootsuite: Any) -> None:
    user, group = hootsuite.user().json["id"], hootsuite.group().json["id"]
    for path in (f"/Users/{user}", f"/Groups/{group}"):
        reply = hootsuite.ask("DELETE", path)
        assert (reply.status, reply.headers["Allow"]) == (405, "GET, PUT, PATCH")
    assert hootsuite.sandbox.users
    assert hootsuite.sandbox.groups


def test_only_plain_equality_filters(hootsuite: Any) -> None:
    hootsuite.user("ada@example.com")
    hootsuite.user("bob@example.com")
    hootsuite.group("Team")
    assert hootsuite.found("Users", 'userName eq "ADA@example.com"') == ["ada@example.com"]
    assert hootsuite.found("Users", 'userName eq "nobody"') == []
    assert hootsuite.found("Groups", 'displayName eq "team"') == ["Team"]
    for kind, text in (
        ("Users", 'userName sw "a"'),
        ("Users", 'displayName eq "Ada"'),
        ("Users", 'userName eq "a" and active eq true'),
        ("Users", 'id eq "1"'),
        ("Groups", 'externalId eq "x"'),
        ("Users", "nonsense"),
    ):
        reply = hootsuite.ask("GET", f"/{kind}?filter={text}")
        assert (reply.status, reply.json["scimType"]) == (400, "invalidSyntax"), text


def test_an_unknown_id_is_403(hootsuite: Any) -> None:
    for method in ("GET", "PUT", "PATCH"):
        reply = hootsuite.ask(method, "/Users/1", {})
        assert reply.status == 403
        assert "permission" in reply.json["detail"]
        assert "scimType" not in reply.json


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/Bulk", "/Me", "/.search", "/Users/1/2", "/nothing", "/"])
def test_what_is_not_there(hootsuite: Any, path: str) -> None:
    assert hootsuite.ask("POST" if path in ("/Bulk", "/.search") else "GET", path, {}).status == 404


def test_resource_types_and_schemas_are_there(hootsuite: Any) -> None:
    assert [r["name"] for r in hootsuite.get("/ResourceTypes").json["Resources"]] == ["User", "Group"]
    schema = hootsuite.get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User").json
    assert {a["name"] for a in schema["attributes"]} == {
        "userName", "name", "emails", "displayName", "timezone", "preferredLanguage", "title", "groups", "active",
    }  # fmt: skip
    assert hootsuite.ask("POST", "/Schemas", {}).status == 405


def test_pages_are_capped_in_silence(hootsuite: Any) -> None:
    for number in range(103):
        hootsuite.sandbox.add_user(f"u{number}@example.com")
    page = hootsuite.get("/Users?count=500").json
    assert (page["totalResults"], page["itemsPerPage"], len(page["Resources"])) == (103, 100, 100)
    page = hootsuite.get("/Users?count=500&startIndex=101").json
    assert (page["startIndex"], len(page["Resources"])) == (101, 3)
    assert hootsuite.get("/Users?startIndex=200").json["Resources"] == []
    assert hootsuite.get("/Users?startIndex=-3&count=1").json["startIndex"] == 1
    assert hootsuite.get("/Users?count=-1").json["Resources"] == []
    assert hootsuite.get("/Users?count=many").status == 400


def test_excluded_attributes_are_not_honoured(hootsuite: Any) -> None:
    user = hootsuite.user().json["id"]
    group = hootsuite.group("Team").json["id"]
    hootsuite.patch(f"/Groups/{group}", {"op": "add", "value": {"members": [{"value": user}]}})
    assert hootsuite.get("/Groups?excludedAttributes=members").json["Resources"][0]["members"]


def test_a_group_is_modified_without_path_only(hootsuite: Any) -> None:
    ids = [hootsuite.user(f"u{n}@example.com").json["id"] for n in range(3)]
    path = f"/Groups/{hootsuite.group().json['id']}"
    members = [{"value": identifier} for identifier in ids]

    def now() -> set[str]:
        return {m["value"] for m in hootsuite.get(path).json.get("members", [])}

    refused = hootsuite.patch(path, {"op": "add", "path": "members", "value": members})
    assert (refused.status, refused.json["scimType"]) == (400, "invalidSyntax")
    assert hootsuite.patch(path, {"op": "add", "value": {"members": members[:2]}}).status == 200
    assert now() == set(ids[:2])
    hootsuite.patch(path, {"op": "add", "value": {"members": members[:1]}})
    assert now() == set(ids[:2]), "who is there already is not added twice"
    hootsuite.patch(path, {"op": "remove", "value": {"members": members[:1]}})
    assert now() == {ids[1]}
    hootsuite.patch(path, {"op": "replace", "value": {"members": members[2:], "displayName": "Other"}})
    assert now() == {ids[2]}
    assert hootsuite.get(path).json["displayName"] == "Other"
    assert hootsuite.patch(path, {"op": "add", "value": {"members": [{"value": "1"}]}}).status == 400


def test_users_show_their_groups_and_nobody_can_write_them(hootsuite: Any) -> None:
    user = hootsuite.user().json["id"]
    path = f"/Groups/{hootsuite.group('Team').json['id']}"
    hootsuite.patch(path, {"op": "add", "value": {"members": [{"value": user}]}})
    group = hootsuite.get(path).json
    shown = hootsuite.get(f"/Users/{user}").json["groups"]
    assert [(g["value"], g["display"]) for g in shown] == [(group["id"], "Team")]
    assert group["members"][0]["display"] == "Ada"
    reply = hootsuite.patch(f"/Users/{user}", {"op": "replace", "path": "groups", "value": []})
    assert reply.json["scimType"] == "mutability"
    hootsuite.ask("PUT", f"/Users/{user}", {"userName": "ada@example.com", "displayName": "Ada", "active": True})
    assert hootsuite.get(f"/Users/{user}").json["groups"] == shown


def test_a_group_is_no_member(hootsuite: Any) -> None:
    inner = hootsuite.group("Inner").json["id"]
    outer = f"/Groups/{hootsuite.group('Outer').json['id']}"
    assert hootsuite.patch(outer, {"op": "add", "value": {"members": [{"value": inner}]}}).status == 400


def test_members_of_a_new_group_are_ignored(hootsuite: Any) -> None:
    user = hootsuite.user().json["id"]
    made = hootsuite.group("Team", members=[{"value": user}])
    assert made.status == 200
    assert "members" not in hootsuite.get(f"/Groups/{made.json['id']}").json


def test_users_are_modified_by_path_and_without(hootsuite: Any) -> None:
    path = f"/Users/{hootsuite.user().json['id']}"
    hootsuite.patch(path, {"op": "replace", "path": "displayName", "value": "Ada L"})
    hootsuite.patch(path, {"op": "replace", "value": {"title": "Countess", "name": {"familyName": "Lovelace"}}})
    hootsuite.patch(path, {"op": "add", "path": 'emails[type eq "work"].value', "value": "ada@example.com"})
    reply = hootsuite.patch(path, {"op": "replace", "path": "active", "value": False})
    assert reply.status == 200
    user = hootsuite.get(path).json
    assert (user["displayName"], user["title"], user["active"]) == ("Ada L", "Countess", False)
    assert user["name"] == {"familyName": "Lovelace"}
    assert user["emails"] == WORK
    assert hootsuite.patch(path, {"op": "replace", "path": "active", "value": "False"}).status == 400
    assert hootsuite.patch(path, {"op": "remove", "path": "displayName"}).json["scimType"] == "invalidValue"
    assert hootsuite.patch(path).json["scimType"] == "invalidSyntax"
    assert hootsuite.get(path).json == user


def test_put_clears_what_it_leaves_out(hootsuite: Any) -> None:
    path = f"/Users/{hootsuite.user(title='Countess').json['id']}"
    reply = hootsuite.ask("PUT", path, {"userName": "ada@example.com", "displayName": "Ada", "active": True})
    assert reply.status == 200
    assert "title" not in reply.json
    assert "timezone" not in reply.json


def test_bodies_must_be_application_json(hootsuite: Any) -> None:
    body = {"userName": "ada@example.com", "displayName": "Ada", "active": True}
    assert hootsuite.ask("POST", "/Users", body, content_type="application/scim+json").status == 415
    assert hootsuite.ask("POST", "/Users", body, content_type="application/json; charset=utf-8").status == 200


def test_a_missing_or_wrong_token_is_answered_in_oauths_form(hootsuite: Any, client_of: Any) -> None:
    reply = hootsuite.get("/Users", authorization="")
    assert reply.status == 401
    assert reply.json["error"] == "invalid_token"
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    locked = client_of(Sandbox("hootsuite", token="right"))
    assert locked.get("/Users", authorization="Bearer wrong").status == 401
    assert locked.get("/Users", authorization="Basic right").status == 401
    assert locked.get("/Users", authorization="bearer right").status == 200


def test_the_twenty_first_request_in_a_second_is_refused_in_the_other_form(client_of: Any) -> None:
    now = [0.0]
    client = client_of(Sandbox("hootsuite", ticks=lambda: now[0]))
    replies = [client.get("/Users") for _ in range(21)]
    assert [r.status for r in replies] == [200] * 20 + [429]
    refused = replies[-1]
    assert refused.json["errors"][0].keys() == {"code", "message", "id"}
    assert "Retry-After" not in refused.headers
    assert refused.headers["X-Account-Quota"] == "100000 per day"
    assert refused.headers["X-Account-Quota-Used"] == "20"
    assert refused.headers["X-Account-Rate-Limit-Requests-Remaining"] == "0"
    now[0] = 0.5
    assert [client.get("/Users").status for _ in range(11)] == [200] * 10 + [429]


def test_the_quota_of_a_day(client_of: Any) -> None:
    now = [0.0]
    client = client_of(Sandbox(replace(HOOTSUITE, per_day=2), ticks=lambda: now[0]))
    assert [client.get("/Users").status for _ in range(3)] == [200, 200, 429]
    now[0] = 86_400.0
    assert client.get("/Users").status == 200


def test_rate_zero_switches_the_limits_off(hootsuite: Any) -> None:
    assert {hootsuite.get("/Users?count=1").status for _ in range(50)} == {200}
