"""Bulk: fewer requests, the same outcome; and whatever a Bulk endpoint answers, nothing is believed that is not so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

if TYPE_CHECKING:
    from reconciler.apply import Run
    from tests.conftest import SandboxStory

Bend = Callable[[dict[str, Any], list[dict[str, Any]]], Any]
"""(the answer's document, what was asked) → another document, or a whole answer."""


@pytest.fixture
def bulky(story_of: Callable[..., SandboxStory]) -> SandboxStory:
    story = story_of("scim")
    story.company.edit_app(profile={"bulk": {"operations": 100}}, canary=0)
    return story


def bulks(story: SandboxStory) -> list[list[dict[str, Any]]]:
    """The operations of each Bulk request."""
    return [body["Operations"] for _, path, body in story.writes() if path == "/Bulk"]


def alone(story: SandboxStory) -> list[tuple[str, str]]:
    return [(method, path) for method, path, _ in story.writes() if path != "/Bulk"]


def lives(story: SandboxStory) -> None:
    """A day on which something of everything happens."""
    company = story.company
    company.person("emmy.noether", "Emmy", "Noether")
    company.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    company.edit_person("linus.byrne", accountEnabled=False)
    company.remove_person("alan.turing")
    company.edit_app(deprovision={"users": "delete"})
    company.group("science", "Science", ["emmy.noether", "mary.somerville", "charles.babbage"])
    company.edit_group("agencies", displayName="Partners", formerly=[{"displayName": "Agencies"}])


def as_wanted(story: SandboxStory) -> None:
    users = {u["userName"].partition("@")[0]: u for u in story.sandbox.users.values()}
    assert users.keys() == {"ada", "charles", "emmy", "grace", "linus", "mary", "provisioning"}
    assert len(story.sandbox.users) == 7
    assert not users["linus"]["active"]
    assert users["grace"]["displayName"] == "Rear Admiral Hopper"
    assert story.members("Science") == {"emmy@contoso.com", "mary@contoso.com", "charles@contoso.com"}
    assert story.members("Partners") == {"charles@contoso.com"}
    assert story.members("Research") == {"mary@contoso.com", "ada@contoso.com"}


def test_a_company_begins_in_one_request(bulky: SandboxStory) -> None:
    """People, groups, and who is in them, by reference."""
    bulky.converge()
    (operations,) = bulks(bulky)
    assert not alone(bulky)
    assert [(o["method"], o["path"].partition(":")[0]) for o in operations] == (
        [("POST", "/Users")] * 6 + [("POST", "/Groups")] * 3 + [("PATCH", "/Groups/bulkId")] * 3
    )
    assert not any("failOnErrors" in body for _, path, body in bulky.writes() if path == "/Bulk")
    assert len({o["bulkId"] for o in operations}) == 12
    values = orjson.dumps([o["data"] for o in operations if o["method"] == "PATCH"]).decode()
    assert len(re.findall(r'"bulkId:op\d+"', values)) == 4 + 3 + 2
    assert bulky.members("Social Media") == {f"{n}@contoso.com" for n in ("ada", "grace", "linus", "charles")}


def test_another_day_in_two_requests(bulky: SandboxStory) -> None:
    bulky.converge()
    lives(bulky)
    bulky.sandbox.requests.clear()
    bulky.converge()
    as_wanted(bulky)
    assert len(bulks(bulky)) == 1
    assert {path.split("/")[1] for _, path in alone(bulky)} == {"Groups"}, "members are removed in the ordinary way"


def test_one_change_is_not_sent_in_bulk(bulky: SandboxStory) -> None:
    bulky.converge()
    bulky.sandbox.requests.clear()
    bulky.company.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
    bulky.converge()
    assert not bulks(bulky)


@pytest.mark.parametrize("operations", [2, 3, 5, 7])
def test_as_many_as_the_server_takes(story_of: Callable[..., SandboxStory], operations: int) -> None:
    story = story_of("scim")
    story.company.edit_app(profile={"bulk": {"operations": operations}, "groups": {"maxMembers": 2}})
    story.converge()
    assert max(map(len, bulks(story))) == operations
    assert all(len(o["data"]["Operations"][0]["value"]) <= 2 for b in bulks(story) for o in b if o["method"] == "PATCH")
    lives(story)
    story.converge()
    as_wanted(story)


def test_no_request_is_larger_than_the_server_takes(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    story.company.edit_app(profile={"bulk": {"operations": 100, "bytes": 2000}})
    story.converge()
    sizes = [len(r.body) for r in story.sandbox.requests if r.path == "/Bulk"]
    assert max(sizes) <= 2000
    assert len(sizes) > 1


class Odd(httpx.AsyncBaseTransport):
    """Answers Bulk requests oddly; `before` may answer instead of the server, `after` changes what it said."""

    def __init__(self, inner: httpx.AsyncBaseTransport, before: Bend | None = None, after: Bend | None = None) -> None:
        self.inner, self.before, self.after = inner, before, after
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/Bulk"):
            return await self.inner.handle_async_request(request)
        self.asked += 1
        asked = orjson.loads(await request.aread())["Operations"]
        if self.before and (said := self.before({}, asked)) is not None:
            return _answer(said)
        answer = await self.inner.handle_async_request(request)
        document = orjson.loads(await answer.aread())
        if self.after is None:
            return httpx.Response(answer.status_code, json=document)
        said = self.after(document, asked)
        return _answer(document if said is None else said)


def _answer(said: Any) -> httpx.Response:
    if said == "cut":
        raise httpx.ReadError("the connection broke")
    if isinstance(said, int):
        return httpx.Response(
            said, json={"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(said)}
        )
    return httpx.Response(200, content=said) if isinstance(said, bytes) else httpx.Response(200, json=said)


def each(change: Callable[[dict[str, Any]], object]) -> Bend:
    def bend(document: dict[str, Any], _asked: Any) -> None:
        for result in document["Operations"]:
            change(result)

    return bend


def keep(choose: Callable[[list[Any]], list[Any]]) -> Bend:
    return lambda document, _: {**document, "Operations": choose(document["Operations"])}


def one_place(document: dict[str, Any], _asked: Any) -> None:
    made = [r for r in document["Operations"] if r["method"] == "POST" and "location" in r]
    for result in made:
        result["location"] = made[0]["location"]


def with_resources(document: dict[str, Any], asked: list[dict[str, Any]]) -> None:
    for result, operation in zip(document["Operations"], asked, strict=True):
        if operation["method"] == "POST" and "location" in result:
            result["response"] = {**operation["data"], "id": result["location"].rpartition("/")[2]}


def resources_alone(document: dict[str, Any], asked: list[dict[str, Any]]) -> None:
    with_resources(document, asked)
    for result in document["Operations"]:
        result.pop("location", None)


def all_with(status: Any) -> Bend:
    """Nothing is done, and every operation says this."""
    return lambda _, asked: {
        "Operations": [{k: o[k] for k in ("method", "bulkId")} | {"status": status} for o in asked]
    }


def crossed(document: dict[str, Any], asked: list[dict[str, Any]]) -> None:
    """Resources of one another, names and all."""
    with_resources(document, asked)
    made = [r for r in document["Operations"] if "response" in r]
    shown = [(r["location"], r["response"]) for r in made]
    for result, (place, resource) in zip(made, shown[1:] + shown[:1], strict=True):
        result["location"], result["response"] = place, resource


AFTER: dict[str, Bend] = {
    "numbers": each(lambda r: r.update(status=int(r["status"]))),
    "codes": each(lambda r: r.update(status={"code": r["status"]})),
    "no names": each(lambda r: r.pop("bulkId", None)),
    "no places": each(lambda r: r.pop("location", None)),
    "no places, no names": each(lambda r: (r.pop("location", None), r.pop("bulkId", None))),
    "no statuses": each(lambda r: r.pop("status", None)),
    "odd statuses": each(lambda r: r.update(status="done")),
    "resources": with_resources,
    "resources alone": resources_alone,
    "crossed": crossed,
    "one place for all": one_place,
    "elsewhere": each(lambda r: r.update(location=str(r.get("location", "")).replace("/Users/", "/Things/"))),
    "relative": each(lambda r: r.update(location=str(r.get("location", "")).partition("/v2/")[2])),
    "other order": keep(lambda rs: rs[::-1]),
    "half": keep(lambda rs: rs[: len(rs) // 2]),
    "every second": keep(lambda rs: rs[::2]),
    "one": keep(lambda rs: rs[:1]),
    "none": keep(lambda rs: []),
    "twice": keep(lambda rs: [*rs, *rs]),
    "strangers": keep(lambda rs: [{"method": "POST", "bulkId": "x", "status": "201", "location": "/Users/1"}, *rs]),
    "no objects": keep(lambda rs: ["done" for _ in rs]),
    "no operations": lambda d, a: {"schemas": []},
    "a list": lambda d, a: [],
    "html": lambda d, a: b"<html>done</html>",
    "nothing": lambda d, a: b"",
    "done, then 500": lambda d, a: 500,
    "done, then 503": lambda d, a: 503,
    "done, then cut": lambda d, a: "cut",
    "done, then 400": lambda d, a: 400,
    "done, each 500": each(lambda r: r.update(status="500")),
    "done, then each 429": each(lambda r: r.update(status="503", response={"status": "503", "detail": "busy"})),
}


def whole(status: int) -> Bend:
    return lambda _document, _asked: status


BEFORE: dict[str, Bend] = {
    **{str(status): whole(status) for status in (400, 403, 404, 405, 413, 415, 500, 501, 503)},
    "cut": lambda d, a: "cut",
    "413 above 3": lambda d, a: 413 if len(a) > 3 else None,
    "400 above 5": lambda d, a: 400 if len(a) > 5 else None,
    "a redirect": lambda d, a: 302,
    "html": lambda d, a: b"<html>sign in</html>",
    "all refused": all_with("405"),
    "all not found": all_with("404"),
    "all not implemented": all_with("501"),
    "all 500": all_with(500),
    "errors in 200": lambda d, a: {
        "Operations": [
            {"method": o["method"], "bulkId": o["bulkId"], "status": "200",
             "response": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "503"}} for o in a
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("operations", [4, 100])
@pytest.mark.parametrize("odd", [("after", name) for name in AFTER] + [("before", name) for name in BEFORE], ids=str)
def test_two_days_converge_whatever_bulk_answers(
    story_of: Callable[..., SandboxStory], odd: tuple[str, str], operations: int
) -> None:
    when, name = odd
    story = story_of("scim")
    story.company.edit_app(profile={"bulk": {"operations": operations}, "groups": {"maxMembers": 2}})
    story.transport = Odd(story.transport, **{when: (AFTER if when == "after" else BEFORE)[name]})
    story.converge()
    assert len(story.sandbox.users) == 7
    lives(story)
    story.converge()
    as_wanted(story)
    assert story.transport.asked


def test_what_the_application_cannot_do_is_told(bulky: SandboxStory) -> None:
    bulky.transport = Odd(bulky.transport, before=BEFORE["413 above 3"])
    assert bulky.converge().outcome.learned == [
        "Bulk: a request of 12 operations was refused; from then on 6",
        "Bulk: a request of 6 operations was refused; from then on 3",
    ]
    lives(bulky)
    bulky.transport = Odd(bulky.transport, before=whole(404))
    (told,) = bulky.converge().outcome.learned
    assert "Bulk does not work here, so writes went one by one: " in told
    assert "404" in told


def test_places_of_one_another_are_found_out(bulky: SandboxStory) -> None:
    """An id is all that is told, and it is another's: nobody is renamed, and nobody gets anything of anybody's."""

    def swapped(document: dict[str, Any], _asked: Any) -> None:
        people = [r for r in document["Operations"] if "/Users/" in r.get("location", "") and r["method"] == "POST"]
        places = [r["location"] for r in people]
        for result, place in zip(people, places[1:] + places[:1], strict=True):
            result["location"] = place

    bulky.transport = Odd(bulky.transport, after=swapped)
    applied = bulky.apply()
    assert applied.code == 4
    assert {s for (action, _), s in applied.statuses().items() if action == "createUser"} == {"notStored"}
    assert not any(key.startswith("user:") for key in bulky.company.state["bindings"])
    assert not [m for m, p in alone(bulky) if "/Users" in p]
    bulky.converge()
    assert {u["displayName"] for u in bulky.sandbox.users.values()} >= {"Ada Lovelace", "Grace Hopper"}
    assert bulky.members("Agencies") == {"linus@contoso.com", "charles@contoso.com"}
    assert len(bulky.sandbox.users) == 7


def test_an_account_that_was_there_before_is_never_believed(bulky: SandboxStory) -> None:
    theirs = bulky.sandbox.user_id("provisioning@contoso.com")

    def about_them(document: dict[str, Any], _asked: Any) -> None:
        document["Operations"][0]["location"] = f"https://scim.example/scim/v2/Users/{theirs}"

    bulky.transport = Odd(bulky.transport, after=about_them)
    bulky.converge()
    assert theirs not in {b["id"] for b in bulky.company.state["bindings"].values()}
    assert bulky.sandbox.users[theirs]["userName"] == "provisioning@contoso.com"


def test_a_creation_that_is_refused_leaves_out_the_member_alone(bulky: SandboxStory) -> None:
    bulky.sandbox.faults.set("failCreate=ada@contoso.com")
    applied = bulky.apply()
    assert applied.code == 4
    wrong = {key: s for key, s in applied.statuses().items() if s != "done"}
    assert wrong == {("createUser", "user:ada.lovelace"): "failed"}
    left_out = {s.change.key: set(s.skipped_members) for s in applied.outcome.steps if s.skipped_members}
    assert left_out == {"group:social-media": {"user:ada.lovelace"}, "group:research": {"user:ada.lovelace"}}
    assert bulky.members("Research") == {"alan@contoso.com", "mary@contoso.com"}
    bulky.sandbox.faults.clear()
    bulky.converge()
    assert "ada@contoso.com" in bulky.members("Research")


def test_a_group_that_is_refused_leaves_out_its_members(bulky: SandboxStory) -> None:
    bulky.sandbox.faults.set("failCreate=Research")
    applied = bulky.apply()
    wrong = {key: s for key, s in applied.statuses().items() if s != "done"}
    assert wrong == {("createGroup", "group:research"): "failed", ("addMembers", "group:research"): "skipped"}


def test_a_name_that_is_taken_is_a_failure_of_that_one_change(bulky: SandboxStory) -> None:
    """Somebody else made the account between plan and apply: it is not taken over."""
    theirs: list[str] = []

    def watch(_run: Run) -> None:
        theirs.append(bulky.sandbox.add_user("ada@contoso.com", displayName="Ada Lovelace"))

    bulky.on_run = watch
    applied = bulky.apply()
    assert applied.statuses()["createUser", "user:ada.lovelace"] == "failed"
    assert list(applied.statuses().values()).count("done") == 11
    assert "user:ada.lovelace" not in bulky.company.state["bindings"]
    assert theirs[0] not in bulky.sandbox.members(bulky.sandbox.group_id("Research"))


def test_who_frees_a_name_is_sent_before_who_takes_it(bulky: SandboxStory) -> None:
    bulky.converge()
    bulky.sandbox.requests.clear()
    bulky.company.edit_person("grace.hopper", userPrincipalName="rear@contoso.com")
    bulky.company.person("grace.new", "Grace", "Kelly", userPrincipalName="grace@contoso.com", mail="gk@contoso.com")
    bulky.company.person("emmy.noether", "Emmy", "Noether")
    bulky.company.edit_person("mary.somerville", displayName="Mary S.")
    bulky.converge()
    assert bulky.user("grace")["displayName"] == "Grace Kelly"
    assert bulky.user("rear")["displayName"] == "Grace Hopper"
    for operations in bulks(bulky):
        text = orjson.dumps(operations).decode()
        assert not ("rear@contoso.com" in text and '"grace@contoso.com"' in text)


def test_each_operation_is_in_the_journal_before_it_is_sent(bulky: SandboxStory) -> None:
    seen: list[set[tuple[str, str]]] = []

    def look(_document: Any, _asked: Any) -> None:
        seen.append({(line["event"], line["key"]) for line in bulky.company.journals() if "key" in line})

    bulky.transport = Odd(bulky.transport, before=look)
    bulky.converge()
    assert {event for event, _ in seen[0]} == {"try"}
    assert len(seen[0]) == 6 + 3
    events = [(line["event"], line["action"], line["key"]) for line in bulky.company.journals() if "key" in line]
    assert [e for e, _, _ in events].count("try") == [e for e, _, _ in events].count("done") == 12
    assert "contoso.com" not in str(bulky.company.journals())


def test_what_is_held_is_not_sent(bulky: SandboxStory) -> None:
    bulky.converge()
    bulky.sandbox.edit_user(bulky.sandbox.user_id("ada@contoso.com"), active=False)
    bulky.company.person("emmy.noether", "Emmy", "Noether")
    bulky.company.edit_person("mary.somerville", displayName="Mary S.")
    bulky.sandbox.requests.clear()
    applied = bulky.apply()
    assert applied.code == 3
    assert bulky.sandbox.user_id("ada@contoso.com") not in orjson.dumps(bulks(bulky)).decode()
    assert bulky.user("ada")["active"] is False


def test_five_equal_failures_end_the_run(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    story.company.edit_app(profile={"bulk": {"operations": 6}}, canary=0)
    story.transport = Odd(story.transport, before=all_with("403"))
    applied = story.apply()
    assert applied.code == 4
    assert "ended after 5 equal failures" in applied.outcome.ended
    assert story.transport.asked == 1
    assert not story.writes()


def test_stopping_skips_the_requests_that_were_not_sent(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    story.company.edit_app(profile={"bulk": {"operations": 4}}, canary=0)
    runs: list[Run] = []
    story.on_run = runs.append
    story.transport = Odd(story.transport, before=lambda _d, _a: runs[0].stop())
    applied = story.apply()
    assert applied.code == 130
    assert list(applied.statuses().values()).count("done") == 4
    assert {s.message for s in applied.outcome.steps if s.status == "skipped"} == {"interrupted"}
    story.transport, story.on_run = story.transport.inner, lambda _run: None
    story.converge()
    assert len(story.sandbox.users) == 7


def test_a_thousand_changes(story_of: Callable[..., SandboxStory]) -> None:
    """The minimum is one request for each hundred."""
    story = story_of("scim")
    for number in range(1000 - 6 - 6):
        story.company.person(f"p{number}", "Given", f"Person {number}")
    story.company.edit_app(profile={"bulk": {"operations": 100}}, canary=0)
    applied = story.converge()
    assert len(applied.plan.changes) == 1000
    assert len(bulks(story)) == 10
    assert not alone(story)
    assert applied.outcome.requests <= 10 + 11 + 2, "and what it takes to read everything again"


def test_many_members_into_one_group(story_of: Callable[..., SandboxStory]) -> None:
    story = story_of("scim")
    ids = set()
    for number in range(500):
        name = {"givenName": "P", "familyName": f"{number}"}
        ids.add(story.sandbox.add_user(f"p{number}@contoso.com", displayName=f"P {number}", name=name))
        story.company.person(f"p{number}", "P", f"{number}")
    story.company.edit_app(profile={"bulk": {"operations": 40}, "groups": {"maxMembers": 10}}, canary=0)
    story.company.group("all", "All", [f"p{number}" for number in range(500)])
    story.converge()
    assert story.sandbox.members(story.sandbox.group_id("All")) == ids
    assert len(bulks(story)) == 2, "6 people, 4 groups and their members, and 50 chunks of 10"
    assert not alone(story)


def test_a_resource_that_changed_meanwhile_is_not_written_to(bulky: SandboxStory) -> None:
    """412 (RFC 7644 section 3.14) is an answer, not a reason to send it again without the condition."""
    bulky.converge()
    lives(bulky)
    bulky.sandbox.requests.clear()
    bulky.transport = Odd(bulky.transport, before=all_with("412"))
    applied = bulky.apply()
    grace = [s for s in applied.outcome.steps if s.change.key == "user:grace.hopper"]
    assert [(str(s.status), "412" in s.message) for s in grace] == [("failed", True)]
    assert not [path for method, path in alone(bulky) if method == "PATCH" and "/Users/" in path]
