"""Servers that would make a writer take access away, overwrite somebody else's change, or believe what is not so."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from reconciler.errors import Conflict, PreconditionFailed, ReconcilerError
from reconciler.http import Client
from reconciler.live.bulk import Bulk, Operation, Request
from reconciler.live.forms import ladders, learned
from reconciler.model.comparison import Compare, Comparison
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile
from reconciler.model.values import RemoteId

ID = RemoteId("1")


def profile(**over: Any) -> Profile:
    return Profile(name="fake", title="Fake").corrected(over)


def team(*members: str, **more: Any) -> dict[str, Any]:
    return {"id": "1", "displayName": "Team", "members": [{"value": m} for m in members], **more}


def held(fake: Any) -> list[str]:
    return [m["value"] for m in fake.groups[0].get("members", [])]


class TestGroupsThatDoNotShowTheirMembers:
    """A PUT of such a group is read as one without members."""

    @pytest.mark.parametrize("shown", ["byFilter", "never"])
    def test_are_never_put(self, using: Any, scim: Any, refusal: Any, shown: str) -> None:
        def habits(method: str, path: str, body: Any) -> Any:
            if method == "PATCH":
                return refusal(405, "no PATCH")
            return httpx.Response(200, json={"id": "1", "displayName": "Team"}) if method == "GET" else None

        fake = scim(groups=[team("a", "b")], intercept=habits)
        with pytest.raises(ReconcilerError, match="does not do this"):
            using(fake, lambda rig: rig.writer.update_group(ID, {"displayName": "X"}), groups={"readMembers": shown})
        assert not fake.sent("PUT")
        assert held(fake) == ["a", "b"]

    @pytest.mark.parametrize("shown", ["byFilter", "never"])
    def test_a_profile_can_not_ask_for_it(self, shown: str) -> None:
        with pytest.raises(ValidationError, match=r"groups\.update"):
            profile(groups={"readMembers": shown, "update": "put"})


class TestListsOfMembersThatAreCut:
    """Some servers show the first 100 members, and take the list that is written for all of them."""

    @staticmethod
    def cut(fake: Any, refusal: Any, *refused: str) -> Any:
        def habits(method: str, path: str, body: Any) -> Any:
            if method == "GET" and path.startswith("/Groups/"):
                return httpx.Response(200, json={**fake.groups[0], "members": fake.groups[0]["members"][:100]})
            return refusal(405, "no") if method in refused else None

        fake.intercept = habits
        return fake

    @pytest.mark.parametrize("verb", ["add", "remove"])
    def test_are_not_written_as_the_whole(self, using: Any, scim: Any, refusal: Any, verb: str) -> None:
        everybody = [f"m{i}" for i in range(150)]
        fake = self.cut(scim(groups=[team(*everybody)]), refusal, "PATCH")
        with pytest.raises(ReconcilerError):
            using(
                fake,
                lambda rig: (
                    rig.writer.add_members(ID, ["new"]) if verb == "add" else rig.writer.remove_members(ID, ["m5"])
                ),
            )
        assert held(fake) == everybody

    def test_are_not_put_back_by_a_change_of_the_name(self, using: Any, scim: Any, refusal: Any) -> None:
        everybody = [f"m{i}" for i in range(150)]
        fake = self.cut(scim(groups=[team(*everybody)]), refusal, "PATCH")
        with pytest.raises(ReconcilerError):
            using(fake, lambda rig: rig.writer.update_group(ID, {"displayName": "X"}))
        assert held(fake) == everybody


class TestVersions:
    """Where versions are real, nothing is written over what somebody else wrote since the plan."""

    @staticmethod
    def guarding(fake: Any, *, refused: str = "") -> Any:
        """An application that honours If-Match; `refused`: it does not know this method."""

        def answer(request: httpx.Request) -> httpx.Response:
            if request.method == refused:
                return httpx.Response(405)
            condition = request.headers.get("if-match")
            current = (fake.users or fake.groups)[0]["meta"]["version"]
            if request.method in ("PATCH", "PUT") and condition is not None and condition != current:
                return httpx.Response(412)
            done: httpx.Response = fake(request)
            return done

        return answer

    def test_the_next_form_is_sent_on_the_same_condition(self, using: Any, scim: Any) -> None:
        fake = scim(users=[{"id": "1", "userName": "a", "title": "theirs", "meta": {"version": 'W/"2"'}}])

        async def work(rig: Any) -> None:
            rig.writer._versions["/Users/1"] = 'W/"1"'  # what the plan saw
            await rig.writer.update_user(ID, {"title": "ours"})

        with pytest.raises(PreconditionFailed):
            using(self.guarding(fake, refused="PATCH"), work, versions=True)
        assert fake.users[0]["title"] == "theirs"

    def test_our_own_first_write_is_not_told_as_somebody_elses(self, using: Any, scim: Any) -> None:
        fake = scim(users=[{"id": "1", "userName": "a", "title": "old", "meta": {"version": 'W/"1"'}}])
        lost: list[int] = []

        def after(method: str, path: str, body: Any) -> Any:
            if method != "PATCH" or lost:
                return None
            lost.append(1)
            fake.users[0]["meta"] = {"version": 'W/"2"'}
            fake.users[0]["title"] = "old"  # it moved, and did not stay
            return httpx.ReadError("connection closed")

        fake.after = after

        async def work(rig: Any) -> None:
            rig.writer._versions["/Users/1"] = 'W/"1"'
            await rig.writer.update_user(ID, {"title": "ours"})

        using(self.guarding(fake), work, versions=True)
        assert fake.users[0]["title"] == "ours"


class TestWhatIsLearned:
    """The line that is proposed makes the next run begin with the form that worked."""

    @pytest.mark.parametrize("worked", ["patchPath", "patchWhole", "patchPathless", "put"])
    @pytest.mark.parametrize(
        ("update", "many"),
        [("patchPath", "element"), ("patchPath", "whole"), ("patchPathless", "element"), ("put", "element")],
    )
    def test_of_users(self, update: str, many: str, worked: Any) -> None:
        before = profile(users={"update": update, "multiValued": many})
        climbed = ladders(before)
        climbed["user"].prefer(worked)
        over: dict[str, Any] = {}
        for key, value in learned(climbed).items():
            kind, name = key.split(".")
            over.setdefault(kind, {})[name] = value
        assert ladders(before.corrected(over))["user"].first == worked


class TestComparisons:
    def test_a_deactivation_is_compared_whatever_is_ignored(self) -> None:
        rules = Comparison(Compare(ignore=("active",)))
        assert not rules.same(parse_path("active"), False, True)


class TestBulk:
    def test_an_error_of_the_applications_own_is_one_inside_of_a_result_too(self, using: Any) -> None:
        result = {"bulkId": "a", "method": "PATCH", "status": "400", "response": {"fault": "name in use"}}
        answer = httpx.Response(200, json={"Operations": [result]})

        async def work(rig: Any) -> Any:
            described = profile(answers={"errors": [{"says": "name in use", "means": "conflict"}]}, bulk={})
            assert isinstance(rig.client, Client)
            return await Bulk(rig.client, described).send([Operation("a", Request("PATCH", "/Users/1", {}))])

        assert isinstance(using(lambda _: answer, work)["a"].error, Conflict)
