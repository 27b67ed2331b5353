"""Where lists can't be trusted everybody is looked up, and members are read from where they are shown."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from reconciler.errors import IncompleteRead
from reconciler.model.interest import Interest

UNTRUSTED = {"paging": {"trusted": False}}
LISTS = 4
"""Requests for two short lists: each page, and a look behind it."""


def read(using: Any, server: Any, interest: Interest, **profile: Any) -> Any:
    return using(server, lambda rig: rig.reader.read(("userName",), ("displayName",), interest=interest), **profile)


def named(*values: str, path: str = "userName") -> tuple[tuple[tuple[str, str], ...], ...]:
    return tuple(((path, value),) for value in values)


def group(number: int, *members: str) -> dict[str, Any]:
    return {"id": f"g{number:04}", "displayName": f"G{number}", "members": [{"value": each} for each in members]}


def members(snapshot: Any) -> dict[str, set[str]]:
    return {each.id: {snapshot.accounts[m].id for m in each.members} | each.others for each in snapshot.groups}


# --- one by one -------------------------------------------------------------------------------------------------------


def test_who_is_remembered_is_fetched_and_who_is_not_is_filtered(using: Any, scim: Any, people: Any) -> None:
    fake = scim(users=people(50), groups=[group(1, "u000050"), group(2, "u000049"), group(3)])
    interest = Interest(
        accounts=frozenset({"u000050", "u000049", "gone"}),
        people=named("PERSON7@contoso.com", "nobody"),
        groups=frozenset({"g0001"}),
        teams=named("G2", path="displayName"),
    )
    snapshot = read(using, fake, interest, **UNTRUSTED)
    assert [a.id for a in snapshot.accounts] == ["u000043", "u000049", "u000050"]
    assert members(snapshot) == {"g0001": {"u000050"}, "g0002": {"u000049"}}
    assert snapshot.partial
    assert snapshot.requests == len(fake.log) == 5 + 2
    assert all("filter" in params for params in (*fake.lists(), *fake.lists("/Groups")))


def test_a_former_name_finds_somebody_too(using: Any, scim: Any, people: Any) -> None:
    wanted = ((("userName", "new@contoso.com"), ("userName", "person3@contoso.com")),)
    snapshot = read(using, scim(users=people(5)), Interest(people=wanted), **UNTRUSTED)
    assert [a.values for a in snapshot.accounts] == [("person3@contoso.com",)]


def test_one_filter_that_works_is_enough(using: Any, scim: Any, people: Any) -> None:
    wanted = ((("externalId", "p3"), ("userName", "person3@contoso.com")),)
    assert len(read(using, scim(users=people(5)), Interest(people=wanted), **UNTRUSTED).accounts) == 1


def refuses_filters(fake: Any, answer: httpx.Response) -> Any:
    return lambda request: answer if "filter" in request.url.params else fake(request)


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ("ignored", "the filter by userName is not honoured: others came"),
        ("refused", "the filter by userName is refused"),
        ("crash", "the filter by userName is refused"),
        ("none", "no filter by userName is trusted"),
    ],
)
def test_where_nobody_can_be_looked_up_that_is_an_error(
    using: Any, scim: Any, people: Any, refusal: Any, spoiled: str, said: str
) -> None:
    fake = scim(users=people(5), honours_filter=spoiled != "ignored")
    server = {"refused": refuses_filters(fake, refusal(400, "no")), "crash": refuses_filters(fake, refusal(500, "no"))}
    profile = {**UNTRUSTED, "filters": {"users": [] if spoiled == "none" else ["userName"]}}
    with pytest.raises(IncompleteRead, match="lists of this application can't be trusted") as told:
        read(using, server.get(spoiled, fake), Interest(people=named("person1@contoso.com")), **profile)
    assert said in str(told.value)
    assert "`filters` in the app's profile" in str(told.value)


@pytest.mark.parametrize("accounts", [frozenset(), frozenset({"u000003"})])
def test_a_filter_that_finds_nobody_is_tried_on_somebody_who_is_there(
    using: Any, scim: Any, people: Any, accounts: frozenset[str]
) -> None:
    fake = scim(users=people(5)[1:])
    interest = Interest(accounts=accounts, people=named("person1@contoso.com"))
    blind = refuses_filters(fake, httpx.Response(200, json={"totalResults": 0, "Resources": []}))
    with pytest.raises(IncompleteRead, match=r"the filter by userName does not find the user u00000\d, who is there"):
        read(using, blind, interest, **UNTRUSTED)
    newcomers = Interest(accounts=accounts, people=named("nobody@contoso.com"))
    assert len(read(using, fake, newcomers, **UNTRUSTED).accounts) == len(accounts)
    assert read(using, scim(), newcomers, **UNTRUSTED).accounts == []


@pytest.mark.parametrize("status", [401, 403, 500, 429])
def test_a_failure_in_the_middle_is_an_error(using: Any, scim: Any, people: Any, refusal: Any, status: int) -> None:
    fake = scim(
        users=people(20), intercept=lambda _, path, __: refusal(status, "no") if path == "/Users/u000010" else None
    )
    with pytest.raises(Exception, match="no") as told:
        read(using, fake, Interest(accounts=frozenset(u["id"] for u in fake.users)), **UNTRUSTED)
    assert "/Users/u000010" in str(told.value)


def test_whom_a_list_leaves_out_because_inactive_is_fetched(using: Any, scim: Any, people: Any) -> None:
    rows = people(20)
    fake = scim(users=rows)
    listed = [row for row in rows if row["active"]]

    def serve(request: httpx.Request) -> httpx.Response:
        fake.users = listed if request.url.path.endswith("/Users") else rows
        answer: httpx.Response = fake(request)
        return answer

    bound = frozenset({"u000020", "u000013", "u000019", "gone"})
    profile = {"users": {"listsInactive": False}}
    snapshot = read(using, serve, Interest(accounts=bound), **profile)
    assert {a.id for a in snapshot.accounts} == {row["id"] for row in listed} | {"u000020", "u000013"}
    assert not snapshot.partial
    assert len([path for _, path, _ in fake.sent("GET") if path.startswith("/Users/")]) == 3, (
        "one request for each that the list left out"
    )


# --- members ----------------------------------------------------------------------------------------------------------


class Hiding:
    """Lists of groups without members. `shows`: GET of one has them; `filters`: users can be asked for by group."""

    def __init__(self, fake: Any, *, shows: bool = True, filters: str = "yes") -> None:
        self.fake, self.shows, self.filters = fake, shows, filters

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer: httpx.Response = self.fake(request)
        wanted = request.url.params.get("filter", "")
        if wanted.startswith("groups.value") and self.filters == "yes":
            found: dict[str, Any] = next((g for g in self.fake.groups if f'"{g["id"]}"' in wanted), {"members": []})
            held = [member["value"] for member in found["members"]]
            rows = [user for user in self.fake.users if user["id"] in held]
            return httpx.Response(200, json={"totalResults": len(rows), "Resources": rows})
        if "/Groups" in request.url.path and (not self.shows or request.url.path.endswith("/Groups")):
            body = answer.json()
            for each in body.get("Resources", [body]):
                each.pop("members", None)
            return httpx.Response(200, json=body)
        return answer


def company(scim: Any, people: Any) -> Any:
    return scim(users=people(9), groups=[group(1), group(2, "u000001", "u000002", "x"), group(3, "u000003")])


@pytest.mark.parametrize("shown", ["byId", "byFilter"])
def test_members_come_from_where_they_are_shown(using: Any, scim: Any, people: Any, shown: str) -> None:
    server = Hiding(company(scim, people), shows=shown == "byId")
    everything = Interest(every_group=True)
    snapshot = read(using, server, everything, groups={"readMembers": shown})
    found = members(snapshot)
    assert found["g0002"] - {"x"} == {"u000001", "u000002"}
    assert (found["g0001"], found["g0003"]) == (set(), {"u000003"})
    assert not snapshot.partial_members


@pytest.mark.parametrize("shown", ["byId", "byFilter"])
def test_only_the_groups_that_matter_are_asked_for(using: Any, scim: Any, people: Any, shown: str) -> None:
    server = Hiding(company(scim, people))
    snapshot = read(using, server, Interest(names=frozenset({"g3"})), groups={"readMembers": shown})
    assert members(snapshot) == {"g0001": set(), "g0002": set(), "g0003": {"u000003"}}
    assert snapshot.partial_members
    assert snapshot.requests == LISTS + {"byId": 1, "byFilter": 3}[shown]


def test_where_members_are_never_shown_nothing_is_asked(using: Any, scim: Any, people: Any) -> None:
    fake = company(scim, people)
    snapshot = read(using, fake, Interest(every_group=True), groups={"readMembers": "never"})
    assert all(not each.members for each in snapshot.groups)
    assert snapshot.requests == LISTS
    assert using(fake, lambda rig: rig.reader.members("g0002"), groups={"readMembers": "never"}) is None


def test_a_filter_by_group_that_is_ignored_is_an_error(using: Any, scim: Any, people: Any) -> None:
    """Else everybody would be in every group."""
    server = Hiding(company(scim, people), shows=False, filters="no")
    with pytest.raises(IncompleteRead, match=r"groups\.value is not honoured") as told:
        read(using, server, Interest(names=frozenset({"g3"})), groups={"readMembers": "byFilter"})
    assert "groups.readMembers" in str(told.value)


def test_a_filter_that_brings_somebody_of_another_group_is_an_error(using: Any, scim: Any, people: Any) -> None:
    fake = company(scim, people)
    for user in fake.users:
        user["groups"] = [{"value": "elsewhere"}]
    with pytest.raises(IncompleteRead, match="brought somebody of another group"):
        read(using, Hiding(fake), Interest(names=frozenset({"g3"})), groups={"readMembers": "byFilter"})


@pytest.mark.parametrize("interest", [Interest(every_group=True), Interest(names=frozenset({"g1", "g2", "g3"}))])
def test_lists_that_hide_members_are_found_out(using: Any, scim: Any, people: Any, interest: Interest) -> None:
    """The first group is empty indeed."""
    server = Hiding(company(scim, people))
    assert members(read(using, server, interest)) == {
        "g0001": set(), "g0002": {"u000001", "u000002", "x"}, "g0003": {"u000003"}
    }  # fmt: skip


def test_the_group_that_had_members_is_asked_first(using: Any, scim: Any, people: Any) -> None:
    fake = company(scim, people)
    fake.groups = [*(group(n) for n in range(100, 400)), *fake.groups]
    read(using, Hiding(fake), Interest(every_group=True, filled=frozenset({"g0003"})))
    assert next(path for _, path, _ in fake.sent("GET") if path.startswith("/Groups/")) == "/Groups/g0003"


def test_groups_that_are_all_empty_cost_a_few_requests(using: Any, scim: Any, people: Any) -> None:
    fake = scim(users=people(3), groups=[group(n) for n in range(300)])
    snapshot = read(using, fake, Interest(every_group=True))
    assert not any(each.members for each in snapshot.groups)
    assert snapshot.requests == 2 + 3 + 1 + 10


# --- many groups of others --------------------------------------------------------------------------------------------


def many(scim: Any, people: Any, number: int = 450) -> Any:
    return scim(users=people(20), groups=[group(n, "u000001", f"u{1 + n % 20:06}") for n in range(number)])


def test_the_members_of_others_groups_are_not_read_for_nothing(using: Any, scim: Any, people: Any) -> None:
    fake = many(scim, people)
    interest = Interest(groups=frozenset({"g0003", "g0402"}), names=frozenset({"g3", "g402"}))
    snapshot = read(using, fake, interest)
    found = members(snapshot)
    assert len(snapshot.groups) == 450
    assert (found["g0003"], found["g0402"]) == ({"u000001", "u000004"}, {"u000001", "u000003"})
    assert snapshot.partial_members
    lists = fake.lists("/Groups")
    assert [params.get("excludedAttributes") for params in lists] == [None] + ["members"] * 4
    assert [path for _, path, _ in fake.sent("GET") if path.startswith("/Groups/")] == ["/Groups/g0402"]


@pytest.mark.parametrize(
    ("interest", "profile"),
    [
        (Interest(every_group=True, names=frozenset({"g3"})), {}),
        (Interest(names=frozenset(f"g{n}" for n in range(5))), {}),
        (Interest(names=frozenset({"g3"})), {"excludedAttributes": False}),
    ],
)
def test_all_members_are_read_with_the_list_where_that_is_cheaper_or_needed(
    using: Any, scim: Any, people: Any, interest: Interest, profile: Any
) -> None:
    fake = many(scim, people)
    snapshot = read(using, fake, interest, **profile)
    assert all("u000001" in each for each in members(snapshot).values())
    assert not any("excludedAttributes" in params for params in fake.lists("/Groups"))
    assert not snapshot.partial_members
    assert snapshot.requests == 2 + 5


@pytest.mark.parametrize("moves", ["goes", "comes"])
def test_a_list_that_moved_under_a_lean_reading_loses_no_member(using: Any, scim: Any, people: Any, moves: str) -> None:
    """The second reading asks for its first page without members, too."""
    fake, seen = many(scim, people, 201 if moves == "goes" else 200), 0

    def serve(request: httpx.Request) -> httpx.Response:
        nonlocal seen
        if request.url.path.endswith("/Groups"):
            seen += 1
            if seen == 2 and moves == "goes":
                fake.groups[50:52] = []
            if seen == 2 and moves == "comes":
                fake.groups.insert(50, group(900))
        answer: httpx.Response = fake(request)
        if "excludedAttributes" in request.url.params:
            body = answer.json()
            for each in body["Resources"]:
                each.pop("members", None)
            return httpx.Response(200, json=body)
        return answer

    interest = Interest(groups=frozenset({"g0003", "g0150"}), names=frozenset({"g3", "g150"}))
    snapshot = read(using, serve, interest)
    found = members(snapshot)
    assert len(found) == len(fake.groups)
    assert (found["g0003"], found["g0150"]) == ({"u000001", "u000004"}, {"u000001", "u000011"})
    assert snapshot.partial_members
