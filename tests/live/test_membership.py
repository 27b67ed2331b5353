"""Members come and go in chunks, in whatever form the server understands, and nobody is added twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.errors import NotFound, ScimError, ServerFailed
from reconciler.model.values import RemoteId

ID = RemoteId("1")


def losing(verb: str) -> Callable[..., Any]:
    """An interceptor that loses the first request of one method."""
    left = [httpx.ReadError("connection closed")]
    return lambda method, *_: left.pop() if method == verb and left else None


FORMS = ["patchPath", "patchPathless", "put"]


def team(*members: str) -> dict[str, Any]:
    return {"id": "1", "displayName": "Team", "members": [{"value": m, "display": m.upper()} for m in members]}


def ids(*members: str) -> list[RemoteId]:
    return [RemoteId(m) for m in members]


def held(fake: Any) -> list[str]:
    return [m["value"] for m in fake.groups[0].get("members", [])]


@pytest.mark.parametrize("number", [1, 10, 11, 250])
def test_additions_go_in_as_few_requests_as_the_limit_allows(using: Any, scim: Any, number: int) -> None:
    fake = scim(groups=[team("old")])
    new = ids(*(f"m{i}" for i in range(number)))
    using(fake, lambda rig: rig.writer.add_members(ID, [*new, new[0]]), groups={"maxMembers": 10})
    assert held(fake) == ["old", *new]
    assert len(fake.log) == -(-number // 10)


@pytest.mark.parametrize("form", FORMS)
def test_members_are_added_and_removed_in_every_form(using: Any, scim: Any, form: str) -> None:
    async def work(rig: Any) -> None:
        await rig.writer.add_members(ID, ids("c", "d"))
        await rig.writer.remove_members(ID, ids("a", "c"))

    def pathless(method: str, path: str, body: Any) -> Any:
        for operation in (body or {}).get("Operations", []):
            if "path" not in operation and operation["op"] == "remove":
                operation |= {"path": "members", "value": operation["value"]["members"]}

    fake = scim(groups=[team("a", "b")], intercept=pathless)
    using(fake, work, groups={"members": {"patchPath": "valuePath", "patchPathless": "pathless", "put": "put"}[form]})
    assert held(fake) == ["b", "d"]
    assert fake.groups[0]["members"][0] == {"value": "b", "display": "B"}
    verbs = {"PUT"} if form == "put" else {"PATCH"}
    assert {m for m, *_ in fake.sent("PUT", "PATCH")} == verbs


def test_the_bodies_are_those_of_the_rfc_and_of_hootsuite(using: Any, scim: Any) -> None:
    async def work(rig: Any) -> None:
        await rig.writer.add_members(ID, ids("a", 'b"'))
        await rig.writer.remove_members(ID, ids('b"'))

    fake = scim(groups=[team()])
    using(fake, work)
    assert [b["Operations"] for _, _, b in fake.sent("PATCH")] == [
        [{"op": "add", "path": "members", "value": [{"value": "a"}, {"value": 'b"'}]}],
        [{"op": "remove", "path": 'members[value eq "b\\""]'}],
    ]
    fake = scim(groups=[team()], intercept=lambda method, *_: httpx.Response(204) if method == "PATCH" else None)
    using(fake, work, groups={"members": "pathless"})
    assert [b["Operations"] for _, _, b in fake.sent("PATCH")] == [
        [{"op": "add", "value": {"members": [{"value": "a"}, {"value": 'b"'}]}}],
        [{"op": "remove", "value": {"members": [{"value": 'b"'}]}}],
    ]


@pytest.mark.parametrize("refuses", [True, False])
def test_a_server_that_removes_by_value_array_alone_is_found_out_once(
    using: Any, scim: Any, refusal: Any, refuses: bool
) -> None:
    """It refuses `members[value eq …]`, or answers it with success and does nothing."""

    def arrays(method: str, path: str, body: Any) -> Any:
        if method == "PATCH" and "[" in body["Operations"][0]["path"]:
            return refusal(400, "path", "invalidPath") if refuses else httpx.Response(204)
        return None

    async def work(rig: Any) -> Any:
        await rig.writer.remove_members(ID, ids("a"))
        rig.fake.log.clear()
        await rig.writer.remove_members(ID, ids("b"))

    fake = scim(groups=[team("a", "b", "c")], intercept=arrays)
    using(fake, work)
    assert held(fake) == ["c"]
    assert [m for m, *_ in fake.log] == ["PATCH"]


def test_a_server_whose_patch_removes_nobody_gets_a_put(using: Any, scim: Any) -> None:
    def deaf(method: str, path: str, body: Any) -> Any:
        by_path = method == "PATCH" and "path" in body["Operations"][0]
        return httpx.Response(204) if by_path else httpx.Response(501) if method == "PATCH" else None

    fake = scim(groups=[team("a", "b")], intercept=deaf)
    using(fake, lambda rig: rig.writer.remove_members(ID, ids("a")))
    assert held(fake) == ["b"]
    assert fake.sent("PUT")
    with pytest.raises(ScimError, match="keeps them"):
        using(
            scim(groups=[team("a")], intercept=deaf),
            lambda rig: rig.writer.remove_members(ID, ids("a"), form="patchPath"),
        )


def test_who_left_already_does_not_keep_the_others(using: Any, scim: Any, refusal: Any) -> None:
    """Removing with a filter that matches nobody is noTarget, and the whole request with it."""
    fake = scim(groups=[team("a", "b")])

    def strict(method: str, path: str, body: Any) -> Any:
        there = {f'members[value eq "{m}"]' for m in held(fake)}
        if method == "PATCH" and any(o["path"] not in there for o in body["Operations"]):
            return refusal(400, "nobody", "noTarget")
        return None

    fake.intercept = strict
    using(fake, lambda rig: rig.writer.remove_members(ID, ids("a", "gone")))
    assert held(fake) == ["b"]
    using(fake, lambda rig: rig.writer.remove_members(ID, ids("gone")))
    assert held(fake) == ["b"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("when", ["after", "intercept"])
def test_members_without_an_answer_are_looked_at_and_never_doubled(using: Any, scim: Any, form: str, when: str) -> None:
    verb = "PUT" if form == "put" else "PATCH"
    fake = scim(groups=[team("a")], **{when: losing(verb)})
    using(
        fake,
        lambda rig: rig.writer.add_members(ID, ids("b", "c")),
        groups={"members": {"patchPath": "valuePath", "patchPathless": "pathless", "put": "put"}[form]},
    )
    assert held(fake) == ["a", "b", "c"]
    assert len(fake.sent(verb)) == (1 if when == "after" else 2)


def test_after_a_failure_only_what_is_left_is_sent_again(using: Any, scim: Any) -> None:
    fake = scim(groups=[team("a")])

    def half(method: str, path: str, body: Any) -> Any:
        if method == "PATCH" and len(fake.sent("PATCH")) == 1:
            fake.groups[0]["members"].append({"value": "b"})
            return httpx.Response(500)
        return None

    fake.intercept = half
    using(fake, lambda rig: rig.writer.add_members(ID, ids("b", "c")))
    assert held(fake) == ["a", "b", "c"]
    assert fake.sent("PATCH")[1][2]["Operations"][0]["value"] == [{"value": "c"}]


def test_a_group_that_is_gone_and_a_server_that_only_fails_are_told(using: Any, scim: Any) -> None:
    with pytest.raises(NotFound):
        using(scim(), lambda rig: rig.writer.add_members(ID, ids("a")))
    fake = scim(groups=[team()], intercept=lambda method, *_: httpx.Response(500) if method != "GET" else None)
    with pytest.raises(ServerFailed):
        using(fake, lambda rig: rig.writer.add_members(ID, ids("a")))
    assert len(fake.sent("PATCH", "PUT")) == 9
