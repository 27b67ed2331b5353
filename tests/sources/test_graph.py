"""Microsoft Graph is read and becomes a draft; again, and only what changed is asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from reconciler.errors import GraphError, IncompleteRead
from reconciler.http import in_process
from reconciler.sources.draft import Draft
from reconciler.sources.graph import CLOUDS, Kept, Scope, Which, connected, draft_of, read
from reconciler.sources.graph.fields import GROUP_FIELDS, user_fields
from reconciler.sources.graph.ids import Known
from reconciler.sources.graph.kept import load, save
from reconciler.sources.graph.reading import Reading
from tests.sources.graph_server import TOKEN, FakeGraph, sealed

TENANT = "contoso.onmicrosoft.com"
CLIENT = "11111111-2222-3333-4444-555555555555"
APP = "99999999-0000-0000-0000-000000000001"
SCOPE = Scope("global", TENANT, CLIENT, user_fields({}), GROUP_FIELDS)


def company() -> FakeGraph:
    fake = FakeGraph()
    fake.add_user("u1", "ada.lovelace@contoso.com", displayName="Ada Lovelace", mail="ada@contoso.com", manager="u2")
    fake.add_user("u2", "grace.hopper@contoso.com", displayName="Grace Hopper", department="Research")
    fake.add_user("u3", "alan.turing@contoso.com", displayName="Alan Turing", accountEnabled=False)
    fake.add_group("g1", "Social Media", ["u1", "u2", "u3", "g2", "d1"])
    fake.add_group("g2", "Agencies", ["u3"])
    fake.add_app("sp1", APP, appRoles=[{"id": "r1", "value": "Editor"}, {"id": "r2", "value": None}])
    fake.assign("sp1", "g1", "r1")
    fake.assign("sp1", "u2")
    fake.assign("sp1", "sp9", "r1")
    return fake


def ask(
    fake: FakeGraph, kept: Kept | None = None, which: Which | None = None, *, cloud: str = "global", **credentials: Any
) -> Reading:
    async def asked() -> Reading:
        who = credentials or {"secret": fake.secret}
        async with connected(CLOUDS[cloud], TENANT, CLIENT, transport=in_process(fake), **who) as graph:
            return await read(graph, SCOPE, kept, which, lambda *_: None)

    return asyncio.run(asked())


def members(draft: Draft, group: str) -> list[Any]:
    found = draft.groups[group].values["members"]
    assert isinstance(found, list)
    return found


def test_people_groups_members_and_assignments_become_a_draft() -> None:
    draft = draft_of(ask(company(), which=Which(app_id=APP)), Known(), app="hootsuite")
    assert draft.complete
    assert draft.users["ada.lovelace"].values == {
        "userPrincipalName": "ada.lovelace@contoso.com",
        "mail": "ada@contoso.com",
        "displayName": "Ada Lovelace",
        "manager": "grace.hopper",
    }
    assert draft.users["alan.turing"].values["accountEnabled"] is False
    assert members(draft, "social-media") == ["ada.lovelace", "alan.turing", "grace.hopper", {"group": "agencies"}]
    assert "1 member left out" in draft.groups["social-media"].remarks[0]
    assert draft.assigned["hootsuite"] == {
        "groups": [{"group": "social-media", "roles": ["Editor"]}],
        "users": ["grace.hopper"],
    }
    told = "\n".join(draft.notes)
    assert "1 assignment of applications left out" in told
    assert "more people get hootsuite: through the group social-media also those in agencies" in told


def test_the_second_time_only_what_changed_is_asked_for() -> None:
    fake = company()
    first = ask(fake)
    draft_of(first, Known())
    fake.edit_user("u1", displayName="Ada King", userPrincipalName="ada.king@contoso.com", manager=None, mail=None)
    fake.edit_user("u2", manager="u3")
    fake.remove_user("u3")
    fake.add_user("u4", "tom.baker@contoso.com")
    fake.edit_members("g1", come=["u4"], gone=["u1"])
    before = len(fake.asked)
    second = ask(fake, first.kept)
    assert not second.full
    assert all("$deltatoken" in each.query or "$skiptoken" in each.query for each in fake.asked[before:] if each.query)
    draft = draft_of(second, Known())
    ada = draft.users["ada.lovelace"].values  # a new name, and the same person
    assert ada == {"userPrincipalName": "ada.king@contoso.com", "displayName": "Ada King"}
    assert "alan.turing" not in draft.users
    assert members(draft, "social-media") == ["grace.hopper", "tom.baker", {"group": "agencies"}]
    whole = draft_of(ask(fake), Known(users={"ada.king@contoso.com": "ada.lovelace"}))
    assert whole.users == draft.users  # as if everything had been read
    assert whole.groups == draft.groups


@pytest.mark.parametrize("forgets", [(410, "syncStateNotFound"), (400, "syncStateNotFound"), (410, "resyncRequired")])
def test_a_link_that_is_too_old_makes_everything_be_read_again(forgets: tuple[int, str]) -> None:
    fake = company()
    first = ask(fake)
    draft_of(first, Known())
    ids = dict(first.kept.user_ids)
    fake.remove_user("u3")
    fake.oldest, fake.forgets = 10_000, forgets
    second = ask(fake, first.kept)
    assert second.full
    assert "everything is read again" in second.notes[0]
    assert sorted(second.kept.users) == ["u1", "u2"]
    assert second.kept.user_ids == ids


@pytest.mark.parametrize("cloud", sorted(CLOUDS))
def test_each_cloud_has_its_own_hosts_and_its_own_scope(cloud: str) -> None:
    fake = company()
    ask(fake, cloud=cloud)
    token, *rest = fake.asked
    assert f"https://{token.host}" == CLOUDS[cloud].login
    assert token.form["scope"] == f"{CLOUDS[cloud].graph}/.default"
    assert token.path == f"/{TENANT}/oauth2/v2.0/token"
    assert {f"https://{each.host}" for each in rest} == {CLOUDS[cloud].graph}


def test_only_what_is_needed_is_selected() -> None:
    fake = company()
    ask(fake)
    first = next(each for each in fake.asked if each.path.endswith("users/delta"))
    assert "manager" in first.query
    assert "members" not in first.query
    assert "top" not in first.query


def test_throttled_and_failing_answers_are_waited_out() -> None:
    fake = company()
    fake.answers = [
        (429, {"retry-after": "0"}, b"{}"),
        (503, {"retry-after": "0"}, b""),
        (504, {"retry-after": "0"}, b""),
    ]
    assert len(ask(fake).kept.users) == 3


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.microsoft.com.evil.example/v1.0/users/delta?$skiptoken=x",
        "https://evil.example/v1.0/users/delta",
        "http://graph.microsoft.com/v1.0/users/delta",
        "https://graph.microsoft.com:8443/v1.0/users/delta",
        "https://user@graph.microsoft.com/v1.0/users/delta",
        "https://graph.microsoft.com/beta/users/delta",
        "https://graph.microsoft.com/v1.0/users/delta?a=\x1b[2J",
        "//evil.example/v1.0/users",
        "https://[broken",
        "",
        7,
    ],
)
def test_no_link_is_followed_to_another_place(link: Any) -> None:
    fake = company()
    fake.bend = lambda path, document: {"value": [], "@odata.nextLink": link} if "users" in path else document
    with pytest.raises(IncompleteRead) as caught:
        ask(fake)
    assert {each.host for each in fake.asked} == {"login.microsoftonline.com", "graph.microsoft.com"}
    assert str(caught.value).isprintable() or "\n" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_kept_link_to_elsewhere_is_not_followed_either() -> None:
    fake = company()
    kept = ask(fake).kept
    kept.users_link = "https://evil.example/v1.0/users/delta?$deltatoken=x"
    second = ask(fake, kept)
    assert second.full
    assert "evil.example" not in {each.host for each in fake.asked}


ROUND = f"https://graph.microsoft.com/v1.0/groups/delta?$skiptoken={quote(sealed(0, 9, ''))}"
Bend = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.mark.parametrize(
    ("what", "bend"),
    [
        ("no list", lambda path, document: {"value": {"id": "x"}}),
        ("rows that are no objects", lambda path, document: {**document, "value": ["x"]}),
        ("no list at all", lambda path, document: {}),
        ("neither link", lambda path, document: {"value": document["value"]}),
        ("leads back", lambda path, document: {**document, "@odata.nextLink": ROUND}),
        ("no id", lambda path, document: {**document, "value": [{"displayName": "x"}]}),
        ("an id that is a path", lambda path, document: {**document, "value": [{"id": "../../x"}]}),
        ("members without ids", lambda path, document: {**document, "value": [{"id": "x", "members@delta": [{}]}]}),
        ("members that are no list", lambda path, document: {**document, "value": [{"id": "x", "members@delta": 1}]}),
    ],
)
def test_a_list_that_cant_be_believed_is_an_error(what: str, bend: Bend) -> None:
    fake = company()
    fake.bend = bend
    with pytest.raises(IncompleteRead):
        ask(fake)


@pytest.mark.parametrize(
    "content", [b"", b'{"value": [', b"<html>", b"[]", b"\xff\xfe{}", b'{"value": [{"id": "\xff"}]}']
)
def test_truncated_and_misencoded_answers_are_errors(content: bytes) -> None:
    fake = company()
    fake.answers = [(200, {}, content)]
    with pytest.raises(IncompleteRead):
        ask(fake)


@pytest.mark.parametrize(
    ("status", "hint"), [(403, "GroupMember.Read.All"), (401, "tenant"), (404, "no such thing"), (400, "--full")]
)
def test_a_refusal_says_what_to_do(status: int, hint: str) -> None:
    fake = company()
    told = {"error": {"code": "Denied", "message": "no\x1b[2J \u202eway " + "x" * 5000}}
    fake.answers = [(status, {}, json.dumps(told).encode())] * 3
    with pytest.raises(GraphError, match="Denied") as caught:
        ask(fake)
    assert hint in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)
    assert len(str(caught.value)) < 800


def test_a_wrong_secret_is_told_in_words_of_the_command_line() -> None:
    with pytest.raises(GraphError, match="AADSTS7000215") as caught:
        ask(company(), secret="wrong-secret-of-somebody")
    assert "--client-id" in str(caught.value)
    assert "wrong-secret-of-somebody" not in str(caught.value)
    assert "auth.clientCredentials" not in str(caught.value)


def test_the_token_is_sent_to_graph_and_stands_in_no_message() -> None:
    fake = company()
    fake.answers = [(403, {}, json.dumps({"error": {"code": "x", "message": TOKEN}}).encode())]
    with pytest.raises(GraphError) as caught:
        ask(fake)
    assert TOKEN not in str(caught.value)


def test_who_has_no_name_is_refused_and_nobody_is_missed() -> None:
    fake = company()
    fake.add_user("u9", "")
    draft = draft_of(ask(fake), Known())
    assert [(each.where, each.why) for each in draft.refused] == [("user u9", "has no userPrincipalName")]
    assert not draft.complete


def test_guests_have_the_name_that_the_service_sends() -> None:
    fake = company()
    fake.add_user("u9", "linus_agency.example#EXT#@contoso.onmicrosoft.com", userType="Guest")
    draft = draft_of(ask(fake), Known())
    assert draft.users["linus_agency.example"].values["userPrincipalName"] == "linus_agency.example"
    assert any("1 guest:" in note for note in draft.notes)


def test_circles_are_opened_where_the_ids_say_and_told() -> None:
    fake = company()
    fake.add_group("g3", "Three", ["g1", "g3"])
    fake.edit_members("g2", come=["g3"])
    draft = draft_of(ask(fake), Known())
    nestings = {
        (outer, member["group"])
        for outer in draft.groups
        for member in members(draft, outer)
        if isinstance(member, dict)
    }
    assert nestings == {("agencies", "three"), ("three", "social-media")}
    assert sum("circle" in each.why for each in draft.refused) == 2


def test_hidden_members_are_left_to_the_files() -> None:
    fake = company()
    fake.add_group("g3", "Secret", [], visibility="HiddenMembership")
    draft = draft_of(ask(fake), Known())
    assert draft.groups["secret"].values["members"] is None
    assert "Member.Read.Hidden" in draft.refused[0].remedy


def test_a_rule_of_microsofts_is_a_remark_on_one_line() -> None:
    fake = company()
    rule = 'user.department -eq "Sales"\n- evil: true\n' + "x" * 5000
    fake.add_group("g3", "Sales", ["u1"], groupTypes=["DynamicMembership"], membershipRule=rule)
    (remark,) = draft_of(ask(fake), Known()).groups["sales"].remarks
    assert "user.department" in remark
    assert "\n" not in remark
    assert len(remark) < 300


def test_extension_attributes_and_dates_are_as_files_have_them() -> None:
    custom = {"costCenter": "extension_abc_costCenter"}
    fake = company()
    fake.add_user(
        "u9",
        "x@contoso.com",
        onPremisesExtensionAttributes={"extensionAttribute3": "blue", "extensionAttribute4": None},
        employeeHireDate="2026-12-01T00:00:00Z",
        employeeId="007123",
        businessPhones=["+49 30 1", ""],
        otherMails=[],
        extension_abc_costCenter="K7",
        city=7,
    )
    scope = Scope("global", TENANT, CLIENT, user_fields(custom), GROUP_FIELDS)

    async def asked() -> Reading:
        async with connected(CLOUDS["global"], TENANT, CLIENT, secret=fake.secret, transport=in_process(fake)) as graph:
            return await read(graph, scope, None, None, lambda *_: None)

    draft = draft_of(asyncio.run(asked()), Known(), custom=custom)
    assert draft.users["x"].values == {
        "userPrincipalName": "x@contoso.com",
        "employeeId": "007123",
        "employeeHireDate": "2026-12-01",
        "businessPhones": ["+49 30 1"],
        "extensionAttribute3": "blue",
        "costCenter": "K7",
    }


def test_namesakes_are_told_apart_by_their_own_ids_whoever_comes_later() -> None:
    fake = FakeGraph()
    fake.add_group("g7", "Marketing", [])
    fake.add_group("g8", "marketing", [])
    first = draft_of(ask(fake), Known())
    fake.add_group("g1", "MARKETING", [])
    second = draft_of(ask(fake), Known())
    assert len(first.groups) == 2
    assert set(first.groups) < set(second.groups)
    assert "marketing" not in second.groups


def test_nobody_gets_the_id_of_another_in_the_files() -> None:
    known = Known(users={"ada.lovelace@contoso.com": "e1001"}, user_ids=frozenset({"e1001", "grace.hopper"}))
    draft = draft_of(ask(company()), known)
    assert "e1001" in draft.users
    assert "ada.lovelace" not in draft.users
    assert "grace.hopper" not in draft.users  # in the files that is somebody with another name
    assert any(identity.startswith("grace.hopper-") for identity in draft.users)


def test_whoever_takes_the_name_of_another_does_not_become_them() -> None:
    fake = company()
    first = ask(fake)
    draft_of(first, Known())
    fake.edit_user("u1", userPrincipalName="ada.king@contoso.com")
    fake.add_user("u9", "ada.lovelace@contoso.com")
    known = Known(users={"ada.lovelace@contoso.com": "ada.lovelace"}, user_ids=frozenset({"ada.lovelace"}))
    draft = draft_of(ask(fake, first.kept), known)
    assert draft.users["ada.lovelace"].where == "user u1"
    (other,) = [record for record in draft.users.values() if record.where == "user u9"]
    assert other.id.startswith("ada.lovelace-")


def test_what_is_kept_comes_back_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / ".reconciler" / "graph"
    assert load(folder, SCOPE) == (None, "")
    reading = ask(company())
    draft_of(reading, Known())
    save(folder, SCOPE, reading.kept)
    assert load(folder, SCOPE) == (reading.kept, "")
    assert (folder.parent / ".gitignore").read_text() == "*\n"
    file = folder / SCOPE.file
    assert file.stat().st_mode & 0o077 == 0
    whole = file.read_bytes()
    for damaged in (b"", whole[:-9], whole.replace(b"Ada", b"Eve"), b"\x00" * 80, whole + b"x"):
        file.write_bytes(damaged)
        found, why = load(folder, SCOPE)
        assert found is None
        assert "damaged" in why
    file.write_bytes(whole)
    other = Scope("global", TENANT, CLIENT, (*SCOPE.users, "extension_x"), SCOPE.groups)
    found, why = load(folder, other)
    assert found is None
    assert "other attributes" in why
    assert [each.name for each in folder.iterdir()] == [SCOPE.file]
