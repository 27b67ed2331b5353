"""Members come and go in chunks, in whatever form the server understands, and nobody is added twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.errors import NotFound, ScimError, ServerFailed
from reconciler.live.membership import DrivenOut
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
@pytest.mark.parametrize("members", ["valuePath", "valueArray"])
def test_a_server_that_removes_by_value_array_alone_is_found_out_once(
    using: Any, scim: Any, refusal: Any, refuses: bool, members: str
) -> None:
    """It refuses `members[value eq …]`, or answers it with success and does nothing. Unless the profile says value
    array, which may harm, PUT comes first.
    """

    def arrays(method: str, path: str, body: Any) -> Any:
        if method == "PATCH" and "[" in body["Operations"][0]["path"]:
            return refusal(400, "path", "invalidPath") if refuses else httpx.Response(204)
        return None

    async def work(rig: Any) -> Any:
        await rig.writer.remove_members(ID, ids("a"))
        rig.fake.log.clear()
        await rig.writer.remove_members(ID, ids("b"))
        return rig.writer.learned

    fake = scim(groups=[team("a", "b", "c")], intercept=arrays)
    learned = using(fake, work, groups={"members": members})
    assert held(fake) == ["c"]
    own = members == "valueArray"
    assert [m for m, *_ in fake.log] == (["PATCH"] if own else ["GET", "PUT"])
    assert learned == ({} if own else {"groups.members": "put"})


class TestAServerThatTakesTheRemovalOfOneForTheRemovalOfAll:
    """`members` without a filter means all of them to some (RFC 7644 section 3.5.2.2)."""

    @staticmethod
    def clearing(*forms: str) -> Callable[..., Any]:
        def intercept(method: str, _: str, body: Any) -> Any:
            operation = (body or {}).get("Operations", [{}])[0]
            shape = (
                "pathless"
                if "path" not in operation
                else "valueArray"
                if operation["path"] == "members"
                else "valuePath"
            )
            if method == "PATCH" and operation["op"] == "remove" and shape in forms:
                fake.groups[0]["members"] = []
                return httpx.Response(204)
            return None

        fake: Any = None

        def on(given: Any) -> Any:
            nonlocal fake
            fake = given
            given.intercept = intercept
            return given

        return on

    @pytest.mark.parametrize("form", ["valuePath", "valueArray", "pathless"])
    def test_whoever_was_driven_out_is_put_back_and_the_form_is_not_used_again(
        self, using: Any, scim: Any, form: str
    ) -> None:
        async def work(rig: Any) -> Any:
            await rig.writer.remove_members(ID, ids("a"))
            await rig.writer.remove_members(ID, ids("b"))
            return rig.writer.told

        fake = self.clearing("valuePath", "valueArray", "pathless")(scim(groups=[team("a", "b", "c", "d", "e")]))
        told = using(fake, work, groups={"members": form})
        assert sorted(held(fake)) == ["c", "d", "e"]
        assert len(told) == 1
        assert form in told[0]
        cleared = [b for m, _, b in fake.sent("PATCH") if m == "PATCH" and b["Operations"][0]["op"] == "remove"]
        assert len(cleared) == 1

    def test_the_only_other_member_counts(self, using: Any, scim: Any) -> None:
        fake = self.clearing("valuePath")(scim(groups=[team("a", "b")]))
        using(fake, lambda rig: rig.writer.remove_members(ID, ids("a")))
        assert held(fake) == ["b"]

    def test_one_of_several_who_left_meanwhile_is_not_given_back(self, using: Any, scim: Any) -> None:
        def meanwhile(method: str, path: str, body: Any) -> Any:
            if method == "PATCH":
                fake.groups[0]["members"] = [m for m in fake.groups[0]["members"] if m["value"] != "c"]

        fake = scim(groups=[team("a", "b", "c", "d")], intercept=meanwhile)
        using(fake, lambda rig: rig.writer.remove_members(ID, ids("a")))
        assert held(fake) == ["b", "d"]

    def test_those_who_can_not_be_put_back_are_named(self, using: Any, scim: Any, refusal: Any) -> None:
        def broken(method: str, path: str, body: Any) -> Any:
            if method == "PATCH" and body["Operations"][0]["op"] == "remove":
                fake.groups[0]["members"] = []
                return httpx.Response(204)
            return httpx.Response(204) if method in ("PATCH", "PUT") else None

        fake = scim(groups=[team("a", "b", "c")], intercept=broken)
        with pytest.raises(DrivenOut, match="could not be put back: b, c"):
            using(fake, lambda rig: rig.writer.remove_members(ID, ids("a")))


def test_a_chunk_that_is_too_large_is_halved_for_the_run(using: Any, scim: Any, refusal: Any) -> None:
    def small(method: str, path: str, body: Any) -> Any:
        if method == "PATCH" and len(body["Operations"][0]["value"]) > 30:
            return httpx.Response(413)
        return None

    async def work(rig: Any) -> Any:
        await rig.writer.add_members(ID, ids(*(f"m{n}" for n in range(100))))
        return rig.writer.learned

    fake = scim(groups=[team()], intercept=small)
    assert using(fake, work) == {"groups.maxMembers": 25}
    assert held(fake) == [f"m{n}" for n in range(100)]
    assert len(fake.sent("PATCH")) == 2 + 4


def test_a_body_stays_below_the_bytes_that_the_application_takes(using: Any, scim: Any) -> None:
    fake = scim(groups=[team()])
    using(fake, lambda rig: rig.writer.add_members(ID, ids(*(f"member-{n:04}" for n in range(90)))), maxBytes=1500)
    assert len(held(fake)) == 90
    assert max(len(json.dumps(body)) for _, _, body in fake.sent("PATCH")) <= 1500


def test_nested_is_salesforces_form(using: Any, scim: Any) -> None:
    fake = scim(groups=[team()], intercept=lambda method, *_: httpx.Response(204) if method == "PATCH" else None)
    using(fake, lambda rig: rig.writer.add_members(ID, ids("a")), groups={"members": "nested"})
    (operation,) = fake.sent("PATCH")[0][2]["Operations"]
    assert operation == {"op": "add", "path": "members", "value": {"members": [{"value": "a"}]}}


def test_replace_says_everybody_who_shall_be_in_it(using: Any, scim: Any) -> None:
    fake = scim(groups=[team("a", "b")])
    using(fake, lambda rig: rig.writer.remove_members(ID, ids("a")), groups={"members": "replace"})
    (operation,) = fake.sent("PATCH")[0][2]["Operations"]
    assert (operation["op"], operation["path"], [m["value"] for m in operation["value"]]) == (
        "replace",
        "members",
        ["b"],
    )
    assert held(fake) == ["b"]


def test_entra_spells_operations_with_capitals(using: Any, scim: Any) -> None:
    fake = scim(groups=[team("a")], intercept=lambda method, *_: httpx.Response(204) if method == "PATCH" else None)
    using(
        fake, lambda rig: rig.writer.add_members(ID, ids("b")),
        groups={"members": "valueArray"}, patch={"ops": "capitalized"},
    )  # fmt: skip
    assert fake.sent("PATCH")[0][2]["Operations"] == [{"op": "Add", "path": "members", "value": [{"value": "b"}]}]


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
            lambda rig: rig.writer.remove_members(ID, ids("a"), form="valuePath"),
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
    assert len(fake.sent("PATCH", "PUT")) == 12
