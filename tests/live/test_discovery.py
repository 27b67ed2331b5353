"""What a server says of itself, in whatever form, corrects the profile where that is safe, and stops nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from reconciler.http import Client
from reconciler.live import discover, discovery
from reconciler.model.discovered import Discovered
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
CONFIG, TYPES, SCHEMAS = "/ServiceProviderConfig", "/ResourceTypes", "/Schemas"
NO_PATCH = {"patch": {"supported": False}, "filter": {"supported": True, "maxResults": 50}}


@pytest.fixture
def ask(using: Any) -> Any:
    """ask({path: answer}, over={…}, **profile): what is discovered, and the paths that were asked for, in `ask.log`."""

    def run(answers: dict[str, Any], over: dict[str, Any] | None = None, **profile: Any) -> Discovered:
        run.log = []  # type: ignore[attr-defined]

        def serve(request: httpx.Request) -> httpx.Response:
            path = request.url.path.removeprefix("/scim/v2")
            run.log.append((request.method, path))  # type: ignore[attr-defined]
            answer = answers.get(path, httpx.Response(404, json={"status": "404"}))
            if isinstance(answer, Exception):
                raise answer
            return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

        described = Profile(name="x", title="X").corrected(profile).corrected(over or {})
        found = using(serve, lambda rig: discover(rig.client, described, over or {}))
        assert isinstance(found, Discovered)
        return found

    return run


def decided(found: Discovered) -> dict[str, tuple[Any, str]]:
    return {each.key: (each.value, each.source) for each in found.overrides}


def deep(levels: int) -> httpx.Response:
    return httpx.Response(200, content=b'{"patch":' + b"[" * levels + b"]" * levels + b"}")


NOTHING: dict[str, Any] = {
    "404": httpx.Response(404),
    "403": httpx.Response(403, json={"detail": "no"}),
    "401": httpx.Response(401),
    "429": httpx.Response(429, headers={"retry-after": "3600"}),
    "500": httpx.Response(500, text="boom"),
    "503": httpx.Response(503),
    "302": httpx.Response(302, headers={"location": "https://login.example/"}),
    "HTML": httpx.Response(200, html="<html>Sign in</html>"),
    "nothing": httpx.Response(204),
    "half JSON": httpx.Response(200, text='{"patch": {"supported": fal'),
    "deep JSON": deep(100_000),
    "a number": 7,
    "a word": "patch",
    "null": httpx.Response(200, text="null"),
    "empty": {},
    "an empty list": [],
    "a list of words": ["patch", 3, None, ["x"]],
    "no Resources": {"schemas": [LIST], "totalResults": 0},
    "Resources of nothing": {"schemas": [LIST], "Resources": [None, 1, "x", []]},
    "Resources that are none": {"schemas": [LIST], "Resources": "x"},
    "words for objects": {"patch": "no", "filter": "no", "bulk": 0, "etag": [], "pagination": "x", "Resources": 3},
    "lists for objects": {"patch": [], "filter": [1], "pagination": [{"cursor": True}]},
    "without the keys": {"patch": {}, "filter": {}, "bulk": {}, "etag": {}, "pagination": {}},
    "nulls": {"patch": {"supported": None}, "filter": None, "pagination": {"maxPageSize": None, "cursor": None}},
    "other words": {"patch": {"supported": "maybe"}, "filter": {"supported": "", "maxResults": "many"}},
    "error in 200": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "500", "detail": "x"},
    "odd schemas": {"Resources": [{"id": f"{CORE}User", "attributes": "x"}, {"id": 3, "attributes": [1, {}]}]},
    "odd types": {"Resources": [{"schema": f"{CORE}User"}, {"schema": f"{CORE}Group", "endpoint": 7}, {"schema": []}]},
    "cut": httpx.ReadError("cut"),
    "no connection": httpx.ConnectError("no"),
}


@pytest.mark.parametrize("path", [CONFIG, TYPES, SCHEMAS])
@pytest.mark.parametrize("answer", NOTHING.values(), ids=NOTHING.keys())
def test_what_can_not_be_read_says_nothing(ask: Any, path: str, answer: Any) -> None:
    found = ask({path: answer})
    assert found.overrides == ()
    assert found.profile == Profile(name="x", title="X")
    assert found.doubt("User", parse_path("userName")) == ""
    assert sorted(ask.log) == [("GET", TYPES), ("GET", SCHEMAS), ("GET", CONFIG)], "each once"


@pytest.mark.parametrize("answer", [httpx.Response(500), httpx.Response(503), httpx.ConnectError("no")])
def test_nothing_is_asked_twice(ask: Any, answer: Any) -> None:
    ask(dict.fromkeys((CONFIG, TYPES, SCHEMAS), answer))
    assert len(ask.log) == 3


@pytest.mark.parametrize(
    "config",
    [
        NO_PATCH,
        [NO_PATCH],
        {"schemas": [LIST], "totalResults": 1, "Resources": [NO_PATCH]},
        {"patch": {"supported": "false"}, "filter": {"supported": "True", "maxResults": "50"}},
        {"PATCH": {"Supported": " False "}, "Filter": {"MaxResults": 50}},
    ],
    ids=["plain", "list", "ListResponse", "words", "case"],
)
def test_the_configuration_is_understood_in_each_form(ask: Any, config: Any) -> None:
    found = ask({CONFIG: config})
    assert decided(found) == {
        "users.update": ("put", "discovery"),
        "groups.update": ("put", "discovery"),
        "groups.members": ("put", "discovery"),
        "paging.count": (50, "discovery"),
    }
    assert (found.profile.users.update, found.profile.groups.members, found.profile.paging.count) == ("put", "put", 50)


@pytest.mark.parametrize("shown", ["byFilter", "never"])
def test_a_list_of_members_that_is_not_shown_is_not_written_whole(ask: Any, shown: str) -> None:
    found = ask({CONFIG: NO_PATCH}, groups={"readMembers": shown})
    assert (found.profile.groups.members, found.profile.groups.update) == ("valuePath", "patchPath")
    assert decided(found).keys().isdisjoint({"groups.members", "groups.update"})


@pytest.mark.parametrize(
    ("config", "key", "value"),
    [
        ({"filter": {"supported": False}}, "filters.users", []),
        ({"filter": {"supported": False}}, "filters.groups", []),
        ({"bulk": {"supported": False}}, "bulk", None),
        ({"etag": {"supported": False}}, "versions", False),
        ({"pagination": {"cursor": True, "index": False}}, "paging.style", "cursor"),
        ({"pagination": {"maxPageSize": 20}}, "paging.count", 20),
        ({"pagination": {"maxPageSize": 20}, "filter": {"maxResults": 30}}, "paging.count", 20),
    ],
)
def test_what_the_server_has_not_is_taken_away(ask: Any, config: Any, key: str, value: Any) -> None:
    found = ask({CONFIG: config}, bulk={}, versions=True)
    assert decided(found)[key] == (value, "discovery")


def test_lists_by_cursor_become_lists_by_index_where_the_server_has_no_others(ask: Any) -> None:
    found = ask({CONFIG: {"pagination": {"cursor": False, "index": True}}}, paging={"style": "cursor"})
    assert found.profile.paging.style == "index"


@pytest.mark.parametrize(
    "config",
    [
        {"patch": {"supported": True}, "bulk": {"supported": True}, "etag": {"supported": True}},
        {"filter": {"supported": True, "maxResults": 5000}},
        {"pagination": {"cursor": True, "index": True, "maxPageSize": 1000}},
        {"pagination": {"cursor": True}},
    ],
)
def test_what_a_server_claims_to_have_gives_nothing(ask: Any, config: Any) -> None:
    assert ask({CONFIG: config}).overrides == ()


@pytest.mark.parametrize(
    "most", [0, -1, 1, 9, "0", "-5", 2.5, True, False, None, "", "all", 10**15, 2**63, "9" * 6000, "٣٠", [50], {}]
)
@pytest.mark.parametrize("where", [("filter", "maxResults"), ("pagination", "maxPageSize")])
def test_no_page_becomes_absurdly_small_or_large(ask: Any, most: Any, where: tuple[str, str]) -> None:
    found = ask({CONFIG: {where[0]: {where[1]: most}}})
    assert found.profile.paging.count == 100
    assert found.overrides == ()


# --- whose word counts ------------------------------------------------------------------------------------------------


def test_the_apps_own_word_stands(ask: Any) -> None:
    over = {
        "users": {"update": "patchPathless"},
        "groups": {"members": "valueArray"},
        "filters": {"users": ["userName"]},
    }
    config = {"patch": {"supported": False}, "filter": {"supported": False}}
    found = ask({CONFIG: config}, over)
    assert decided(found) == {
        "users.update": ("patchPathless", "app"),
        "groups.members": ("valueArray", "app"),
        "filters.users": (["userName"], "app"),
        "groups.update": ("put", "discovery"),
        "filters.groups": ([], "discovery"),
    }
    assert found.profile.users.update == "patchPathless"


def test_a_word_about_a_part_stands_too(ask: Any) -> None:
    found = ask({CONFIG: {"bulk": {"supported": False}}}, {"bulk": {"operations": 5}})
    assert decided(found) == {"bulk.operations": (5, "app")}
    assert found.profile.bulk is not None


@pytest.mark.parametrize(("own", "count", "source"), [(500, 50, "discovery"), (20, 20, "app"), (50, 50, "app")])
def test_a_page_is_never_larger_than_the_server_has(ask: Any, own: int, count: int, source: str) -> None:
    found = ask({CONFIG: {"filter": {"maxResults": 50}}}, {"paging": {"count": own}})
    assert found.profile.paging.count == count
    assert decided(found) == {"paging.count": (count, source)}


# --- places -----------------------------------------------------------------------------------------------------------


def of_types(*pairs: tuple[str, Any]) -> dict[str, Any]:
    return {"Resources": [{"schema": f"{CORE}{kind}", "endpoint": place} for kind, place in pairs]}


@pytest.mark.parametrize("place", ["/People", "People", "/People/", "/v2Users"])
def test_a_plain_path_is_where_users_are(ask: Any, place: str) -> None:
    found = ask({TYPES: of_types(("User", place), ("Group", "/Teams"))})
    assert found.profile.users.endpoint == f"/{place.strip('/')}"
    assert found.profile.groups.endpoint == "/Teams"
    assert set(decided(found)) == {"users.endpoint", "groups.endpoint"}


@pytest.mark.parametrize(
    "place",
    ["/Users", "Users", "", "/", "/scim/v2/Users", "https://evil.example/Users", "//evil.example", "/../admin", "/..",
     "/Users?x=1", "/Users#x", "/a%2Fb", "/Üsers", "/Users\n", "\\Users", None, 7, ["/People"]],
)  # fmt: skip
def test_any_other_place_is_not_gone_to(ask: Any, place: Any) -> None:
    found = ask({TYPES: of_types(("User", place))})
    assert found.profile.users.endpoint == "/Users"
    assert found.overrides == ()


def test_two_places_are_none(ask: Any) -> None:
    found = ask({TYPES: of_types(("User", "/Users"), ("User", "/Guests"))})
    assert found.profile.users.endpoint == "/Users"


def test_a_place_that_is_known_stays(ask: Any) -> None:
    assert ask({TYPES: of_types(("User", "/People"))}, users={"endpoint": "/Staff"}).profile.users.endpoint == "/Staff"
    over = {"users": {"endpoint": "/Users"}}
    assert ask({TYPES: of_types(("User", "/People"))}, over).profile.users.endpoint == "/Users"


# --- attributes -------------------------------------------------------------------------------------------------------

USER = {
    "id": f"{CORE}User",
    "attributes": [
        {"name": "userName", "mutability": "readWrite"},
        {"name": "NAME", "subAttributes": [{"name": "givenName"}, {"name": "formatted", "mutability": "readOnly"}]},
        {"name": "emails", "subAttributes": [{"name": "value"}, {"name": "type"}]},
        {"name": "groups", "mutability": "ReadOnly"},
        {"name": "photos"},
    ],
}
EXTENSION = {
    "id": ENTERPRISE.upper(),
    "attributes": [{"name": "department"}, {"name": "manager", "mutability": "readOnly"}],
}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("userName", ""),
        ("USERNAME", ""),
        (f"{CORE}User:userName", ""),
        ("externalId", ""),
        ("name.givenName", ""),
        ("Name.GivenName", ""),
        ('emails[type eq "work"].value', ""),
        ("photos.value", ""),
        (f"{ENTERPRISE}:department", ""),
        (f"{ENTERPRISE.lower()}:Department", ""),
        ("nickName", "no such attribute"),
        ("name.middleName", "no such attribute"),
        ("nickName.value", "no such attribute"),
        (f"{ENTERPRISE}:costCenter", "no such attribute"),
        ("urn:contoso:Badge:number", "no such attribute"),
        ("groups", "read-only"),
        ("groups.value", "read-only"),
        ("name.formatted", "read-only"),
        (f"{ENTERPRISE}:manager", "read-only"),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_what_the_schemas_lack_is_doubted(ask: Any, path: str, said: str, wrapped: bool) -> None:
    documents = [USER, EXTENSION]
    found = ask({SCHEMAS: {"schemas": [LIST], "Resources": documents} if wrapped else documents})
    doubt = found.doubt("User", parse_path(path))
    assert (said in doubt and path in doubt) if said else doubt == ""


def test_schemas_without_groups_say_nothing_of_groups(ask: Any) -> None:
    assert ask({SCHEMAS: [USER]}).doubt("Group", parse_path("nickName")) == ""


def test_members_are_no_attribute_that_is_doubted(ask: Any) -> None:
    found = ask({SCHEMAS: [{"id": f"{CORE}Group", "attributes": [{"name": "displayName"}]}]})
    assert found.doubt("Group", parse_path("members")) == ""
    assert "no such attribute" in found.doubt("Group", parse_path("nickName"))


# --- how it is asked --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [(), (CONFIG,), (TYPES, SCHEMAS)])
def test_nothing_is_asked_where_the_gallery_knows_no_place(ask: Any, left: tuple[str, ...]) -> None:
    keys = {CONFIG: "serviceProviderConfig", TYPES: "resourceTypes", SCHEMAS: "schemas"}
    ask({}, discovery={key: None for path, key in keys.items() if path not in left})
    assert {path for _, path in ask.log} == set(left)


async def _hang(_: httpx.Request) -> httpx.Response:
    await asyncio.sleep(3600)
    raise AssertionError


def test_the_questions_are_asked_side_by_side(using: Any) -> None:
    inside, most = 0, 0

    async def serve(_: httpx.Request) -> httpx.Response:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.01)
        inside -= 1
        return httpx.Response(404)

    asyncio.run(_ask(serve))
    assert most == 3


async def _ask(serve: Any) -> Discovered:
    async with Client(
        "https://app.example/scim/v2", bearer=lambda: "x", transport=httpx.MockTransport(serve)
    ) as client:
        return await discover(client, Profile(name="x", title="X"), {})


def test_a_server_that_never_answers_costs_the_patience_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_PATIENCE", 0.1)
    begun = time.monotonic()
    assert asyncio.run(_ask(_hang)).overrides == ()
    assert 0.1 <= time.monotonic() - begun < 3


def test_what_came_in_time_counts_where_another_question_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_PATIENCE", 0.1)

    async def serve(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=NO_PATCH) if request.url.path.endswith(CONFIG) else await _hang(request)

    assert asyncio.run(_ask(serve)).profile.users.update == "put"
