"""Misbehaviour to order: each fault does what its line of help says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import UsageError
from reconciler.sandbox import MEANINGS, Faults, Sandbox


@pytest.fixture
def broken(client_of: Any) -> Any:
    """A plain SCIM server with ten users and these faults."""

    def make(*faults: str) -> Any:
        return client_of(Sandbox("scim", users=10, acts_as=None, faults=faults))

    return make


def rows(client: Any, start: int = 1, count: int = 4) -> tuple[int, list[str]]:
    page = client.get(f"/Users?startIndex={start}&count={count}").json
    return page["totalResults"], [r["id"] for r in page["Resources"]]


def test_lying_total(broken: Any) -> None:
    assert rows(broken("lyingTotal"), count=100)[0] == 13


def test_cut_list(broken: Any) -> None:
    client = broken("cutList")
    assert [len(rows(client, start)[1]) for start in (1, 5, 9)] == [4, 1, 0]
    assert rows(client)[0] == 10
    page = client.get("/Users?count=6&cursor=").json
    assert len(page["Resources"]) == 5
    assert "nextCursor" not in page


def test_repeat_pages(broken: Any) -> None:
    client = broken("repeatPages")
    assert rows(client, 1) == rows(client, 5) == rows(client, 900)
    page = client.get("/Users?count=20&cursor=").json
    assert page["nextCursor"], "it never ends"
    assert client.get(f"/Users?count=20&cursor={page['nextCursor']}").json["Resources"] == page["Resources"]


def test_empty_list(broken: Any) -> None:
    assert rows(broken("emptyList")) == (0, [])


@pytest.mark.parametrize(("fault", "active"), [("dropActive", None), ("textActive", "True"), ("allInactive", False)])
def test_what_becomes_of_active(broken: Any, fault: str, active: Any) -> None:
    client = broken(fault)
    listed = client.get("/Users").json["Resources"]
    assert {str(user.get("active")) for user in listed} == {str(active)}
    one = client.get(f"/Users/{listed[0]['id']}").json
    assert one.get("active") == active
    assert one == listed[0]
    assert all(user["active"] is True for user in client.sandbox.users.values()), "only what is seen changes"


def test_html(broken: Any) -> None:
    reply = broken("html").get("/Users")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html")


def test_unauthorized(broken: Any) -> None:
    assert broken("unauthorized").get("/Users").status == 401


def test_read_only(broken: Any) -> None:
    client = broken("readOnly")
    assert client.get("/Users").status == 200
    assert client.ask("POST", "/Users/.search", {}).status == 200
    assert client.user().status == 403
    assert client.ask("DELETE", f"/Users/{rows(client)[1][0]}").status == 403
    assert len(client.sandbox.users) == 10


def test_ignore_patch(broken: Any) -> None:
    client = broken("ignorePatch")
    path = f"/Users/{rows(client)[1][0]}"
    reply = client.patch(path, {"op": "replace", "path": "title", "value": "Dr"})
    assert (reply.status, reply.json["title"]) == (200, "Editor")
    assert client.patch(path, {"op": "replace", "path": "shoe", "value": 1}).status == 400


def test_filters_that_can_not_be_trusted(broken: Any) -> None:
    text = 'userName eq "amara.abello@example.com"'
    assert len(broken("ignoreFilter").found("Users", text)) == 10
    assert broken("ignoreFilter").found("Users", "what is this?")
    blind = broken("blindFilter")
    assert blind.found("Users", text) == []
    assert rows(blind)[0] == 10


def test_forms_of_patch(broken: Any) -> None:
    with_path = {"op": "replace", "path": "title", "value": "Dr"}
    without = {"op": "replace", "value": {"title": "Dr"}}
    for fault, statuses in (("refusePath", [400, 200]), ("refusePathless", [200, 400])):
        client = broken(fault)
        path = f"/Users/{rows(client)[1][0]}"
        assert [client.patch(path, operation).status for operation in (with_path, without)] == statuses
    client = broken("noPatch")
    reply = client.patch(f"/Users/{rows(client)[1][0]}", with_path)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, PUT")


def test_seats(broken: Any) -> None:
    client = broken("seats=10")
    first = f"/Users/{rows(client)[1][0]}"
    active = [{"op": "replace", "path": "active", "value": value} for value in (False, True)]
    assert client.user("one").status == 400
    assert client.user("one", active=False).status == 201
    assert client.patch(first, {"op": "replace", "path": "title", "value": "Dr"}).status == 200, "has a seat already"
    assert client.patch(first, active[0]).status == 200
    assert client.user("two").status == 201
    assert client.patch(first, active[1]).status == 400


def test_wrong_create(broken: Any) -> None:
    client = broken("wrongCreate")
    reply = client.user("ada@example.com")
    assert (reply.status, reply.json["userName"]) == (201, "amara.abello@example.com")
    assert client.sandbox.user_id("ada@example.com")


def test_lower_case(broken: Any) -> None:
    client = broken("lowerCase")
    user = client.user("Ada@Example.com", emails=[{"value": "Ada@Example.com"}]).json
    assert (user["userName"], user["emails"][0]["value"]) == ("ada@example.com", "ada@example.com")
    assert client.group("Team").json["displayName"] == "Team"


def test_fail_create(broken: Any) -> None:
    client = broken("failCreate=ada@example.com", "failCreate=team")
    assert [client.user("ADA@example.com").status, client.user("bob@example.com").status] == [400, 201]
    assert [client.group("Team").status, client.group("Crew").status] == [400, 201]


def test_not_kept(broken: Any) -> None:
    client = broken("notKept=title")
    user = client.user(title="Dr").json
    assert "title" not in user
    old = f"/Users/{rows(client)[1][0]}"
    assert client.patch(old, {"op": "replace", "path": "title", "value": "Dr"}).json["title"] == "Editor"


def test_busy(broken: Any) -> None:
    client = broken("busy=3")
    assert [client.get("/Users").status for _ in range(6)] == [200, 200, 503, 200, 200, 503]


@pytest.mark.parametrize(("fault", "done"), [("loseAnswer=2", True), ("loseRequest=2", False)])
def test_lost(broken: Any, fault: str, done: bool) -> None:
    client = broken(fault)
    assert client.user("one").status == 201
    client.get("/Users")
    assert client.user("two").status == 0
    assert ("two" in [u["userName"] for u in client.sandbox.users.values()]) is done
    assert client.user("three").status == 201
    assert [logged.status for logged in client.sandbox.requests] == [201, 200, 0, 201]


def test_a_refusal_can_be_lost_too(broken: Any) -> None:
    client = broken("loseAnswer=1")
    assert client.patch("/Users/nobody", {"op": "remove", "path": "title"}).status == 0


def test_every_fault_is_named_in_a_test() -> None:
    here = Path(__file__)
    source = here.read_text(encoding="utf-8") + here.with_name("test_switches.py").read_text(encoding="utf-8")
    assert [name for name in MEANINGS if not re.search(rf'["\(]{name}[="{{]', source)] == []


def test_every_fault_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"(?m)^\| `(\w+)(?:=[^`]*)?` \| (.+) \|$", page.partition("### Faults")[2]))
    assert rows == {name: re.sub(r"^=\S+\s+", "", text) for name, text in MEANINGS.items()}


def test_faults_can_be_changed_while_it_runs(broken: Any) -> None:
    client = broken()
    assert client.get("/Users").status == 200
    client.sandbox.faults.set("unauthorized", "loseAnswer=1")
    assert client.get("/Users").status == 401
    client.sandbox.faults.clear()
    assert not client.sandbox.faults
    assert client.user().status == 201


@pytest.mark.parametrize(
    ("fault", "message", "hint"),
    [
        ("htlm", "there is no fault 'htlm'", "did you mean html?"),
        ("zzz", "there is no fault 'zzz'", "there are: lyingTotal"),
        ("busy", "busy needs a number from 1", "--fault busy=3"),
        ("busy=0", "busy needs a number from 1", "--fault busy=3"),
        ("loseAnswer=²", "loseAnswer needs a number from 1", "--fault loseAnswer=3"),
        ("failCreate", "failCreate needs a name", "--fault failCreate=NAME"),
        ("html=x", "html takes no argument", "--fault html"),
    ],
)
def test_faults_that_do_not_exist(fault: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        Faults([fault])
    assert caught.value.message == message
    assert caught.value.hint.startswith(hint)
