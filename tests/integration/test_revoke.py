"""Three in the morning: access is gone at once, in all apps, and stays gone until somebody says otherwise."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconciler.apply import revoke as revoking
from reconciler.sandbox import Sandbox, running
from reconciler.state import tenant_lock
from tests.conftest import TOKEN, Called, Company, build_company

ADA = "user:ada.lovelace"
Call = Callable[..., Called]


@dataclass
class Night:
    """A company, and an application that all of it was applied to."""

    files: Company
    box: Sandbox
    url: str
    call: Call

    def __call__(self, *arguments: object) -> Called:
        return self.call(*arguments)

    def revoke(self, key: str = ADA, *options: object) -> Called:
        return self.call("revoke", key, self.files.root, "--reason", "a lost laptop", *options)

    def account(self, name: str = "ada") -> dict[str, Any]:
        return self.box.users[self.box.user_id(f"{name}@contoso.com")]

    def rename_ada(self) -> None:
        """Another id in git, and nothing applied since."""
        person = self.files.read("users/ada.lovelace.yaml")
        (self.files.root / "users/ada.lovelace.yaml").unlink()
        self.files.write("users/ada.king.yaml", {**person, "id": "ada.king", "formerly": [{"id": "ada.lovelace"}]})
        for group in ("research", "social-media"):
            members = ["ada.king" if m == "ada.lovelace" else m for m in self.files.members(group)]
            self.files.edit_group(group, members=members)

    def active(self, name: str = "ada") -> bool:
        return bool(self.account(name).get("active", True))

    def settle(self, code: int = 0) -> Called:
        called = self.call("apply", self.files.root, "--yes")
        assert called.code == code, called
        return called

    def plan(self) -> Any:
        return self.call("plan", self.files.root, "--format", "json").document

    @property
    def revocations(self) -> Any:
        return self.files.state["revocations"]


@pytest.fixture(params=["scim", "hootsuite"])
def night(request: pytest.FixtureRequest, tmp_path: Path, reconciler: Call) -> Iterator[Night]:
    box = Sandbox(request.param, rate=0)
    with running(box) as url:
        night = Night(build_company(tmp_path / "state", gallery=request.param, tenant=url), box, url, reconciler)
        night.settle()
        yield night


@pytest.fixture
def plain(tmp_path: Path, reconciler: Call) -> Iterator[Night]:
    box = Sandbox("scim", rate=0)
    with running(box) as url:
        night = Night(build_company(tmp_path / "state", gallery="scim", tenant=url), box, url, reconciler)
        night.settle()
        yield night


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def changes(plan: Any) -> list[tuple[str, str]]:
    return [(c["action"], c["key"]) for c in plan["changes"]]


class TestItself:
    def test_the_account_is_inactive_and_the_memory_says_why(self, night: Night) -> None:
        called = night.revoke()
        assert called.code == 0, called
        assert not night.active()
        assert "deactivated" in called.out
        assert "users/ada.lovelace.yaml:1" in called.out
        assert "accountEnabled: false" in called.out
        revocation = night.revocations[ADA]
        assert (revocation["reason"], revocation["until"]) == ("a lost laptop", None)
        assert revocation["accounts"] == [night.account()["id"]]
        assert night.files.state["bindings"][ADA]["active"] is False

    def test_nothing_else_is_touched(self, night: Night) -> None:
        before = {id_: dict(user) for id_, user in night.box.users.items() if id_ != night.account()["id"]}
        night.box.requests.clear()
        night.revoke()
        assert {id_: night.box.users[id_] for id_ in before} == before
        paths = {r.path.rpartition("/")[2] for r in night.box.requests if r.method != "GET"}
        assert paths == {night.account()["id"]}

    def test_no_apply_gives_it_back_and_memberships_end(self, night: Night) -> None:
        night.revoke()
        plan = night.plan()
        assert ("reactivateUser", ADA) not in changes(plan)
        assert [(n["code"], n["key"]) for n in plan["notes"] if n["code"] == "revoked"] == [("revoked", ADA)]
        night.settle()
        assert not night.active()
        assert changes(night.plan()) == []
        groups = [g for g in night.box.groups if night.account()["id"] in night.box.members(g)]
        assert groups == []

    def test_release_gives_it_back_at_the_next_apply(self, night: Night) -> None:
        night.revoke()
        night.settle()
        released = night("release", ADA, night.files.root)
        assert released.code == 0
        assert "a lost laptop" in released.out
        assert night.revocations == {}
        assert not night.active()  # not by itself
        assert ("reactivateUser", ADA) in changes(night.plan())
        night.settle()
        assert night.active()
        assert changes(night.plan()) == []

    def test_it_is_journalled(self, night: Night) -> None:
        night.revoke()
        lines = [line for line in night.files.journals() if line.get("revoked") == ADA]
        assert [line["event"] for line in lines] == ["begin"]
        done = [line for line in night.files.journals() if line["event"] == "done" and line["key"] == ADA]
        assert done[-1]["action"] == "deactivateUser"

    def test_the_document_for_programs(self, plain: Night) -> None:
        document = plain.revoke(ADA, "--format", "json", "--for", "24h").document
        assert document["format"] == "reconciler.revocation/1"
        assert (document["key"], document["reason"]) == (ADA, "a lost laptop")
        (app,) = document["apps"]
        assert (app["app"], app["result"], app["account"]) == ("app", "deactivated", plain.account()["id"])
        assert (app["remembered"], app["busy"]) == (True, False)
        assert document["permanent"] == {"file": "users/ada.lovelace.yaml", "line": 1, "accountEnabled": False}
        assert document["until"] == plain.revocations[ADA]["until"] > plain.revocations[ADA]["at"]

    def test_twice_is_once(self, plain: Night) -> None:
        plain.revoke()
        again = plain.revoke()
        assert again.code == 0
        assert "inactive" in again.out
        assert plain.revocations[ADA]["accounts"] == [plain.account()["id"]]

    def test_who_was_suspended_by_somebody_else_is_not_given_back_by_the_release(self, plain: Night) -> None:
        plain.box.edit_user(plain.account()["id"], active=False)
        assert plain.revoke().code == 0
        plain("release", ADA, plain.files.root)
        (change,) = plain.plan()["changes"]
        assert [h["by"] for h in change["held"]] == ["takenAwayInApp"]

    def test_a_revocation_that_ended_by_itself_holds_no_longer(self, plain: Night) -> None:
        plain.revoke(ADA, "--for", "24h")
        state = plain.files.state
        state["revocations"][ADA]["until"] = "2026-01-01T00:00:00Z"
        plain.files.state_file.write_bytes(orjson.dumps(state))
        assert changes(plain.plan()) == [("reactivateUser", ADA)]
        plain.settle()
        assert plain.files.state["bindings"][ADA]["active"] is True
        assert changes(plain.plan()) == []


class TestWhoIsMeant:
    def test_broken_people_and_groups_are_not_read(self, night: Night) -> None:
        night.files.write("users/grace.hopper.yaml", "id: [\n")
        night.files.write("groups/research.yaml", "members: 7\n")
        assert night("validate", night.files.root).code == 1
        assert night.revoke().code == 0
        assert not night.active()

    def test_the_own_file_may_be_broken_where_the_account_is_bound(self, plain: Night) -> None:
        plain.files.write("users/ada.lovelace.yaml", "id: [\n")
        called = plain.revoke()
        assert called.code == 0
        assert not plain.active()
        assert "No file is known" in called.out

    def test_without_a_memory_the_matching_attributes_find_it(self, plain: Night) -> None:
        plain.files.state_file.unlink()
        assert plain.revoke().code == 0
        assert not plain.active()
        state = plain.files.state
        assert state["bindings"] == {}  # still nobody is managed: what `unmanaged` would remove stays held
        assert "noState" in {n["code"] for n in plain.plan()["notes"]}

    def test_a_pin_decides(self, plain: Night) -> None:
        other = plain.box.add_user("other@contoso.com")
        plain.files.edit_person("ada.lovelace", accounts={"app": other})
        plain.revoke()
        assert plain.active()
        assert plain.box.users[other]["active"] is False

    def test_an_account_by_its_id_and_whoever_owns_it_is_revoked(self, night: Night) -> None:
        key = f"account:{night.account()['id']}"
        called = night.revoke(key)
        assert called.code == 0
        assert not night.active()
        assert "users/ada.lovelace.yaml:1" in called.out
        night.settle()
        assert changes(night.plan()) == []
        assert night("release", key, night.files.root).code == 0
        assert ("reactivateUser", ADA) in changes(night.plan())

    def test_an_account_that_nobody_describes_stays_inactive(self, plain: Night) -> None:
        stranger = plain.box.add_user("stranger@elsewhere.example")
        assert plain.revoke(f"account:{stranger}").code == 0
        plain.box.edit_user(stranger, active=True)
        assert changes(plain.plan()) == [("deactivateUser", f"account:{stranger}")]
        plain.settle()
        assert plain.box.users[stranger]["active"] is False

    def test_several_hits_are_told_and_none_is_guessed(self, plain: Night) -> None:
        plain.files.state_file.unlink()
        plain.box.faults.set("duplicate=accepted")
        plain.box.add_user("ADA@contoso.com")
        called = plain.revoke()
        assert called.code == 4
        assert "finds 2 accounts" in called.out
        assert plain.active()
        assert ADA in plain.revocations

    def test_an_account_that_belongs_to_somebody_else_is_told(self, plain: Night) -> None:
        plain.files.person("new.one", "New", "One", userPrincipalName="grace@contoso.com", mail="grace@contoso.com")
        called = plain.revoke("user:new.one")
        assert called.code == 4
        assert "belongs to user:grace.hopper" in called.out
        assert plain.active("grace")

    def test_a_mistyped_id_is_refused_with_those_that_look_like_it(self, plain: Night) -> None:
        called = plain.revoke("user:ada.lovelase")
        assert called.code == 64
        assert "no file, no memory and no commit knows this id" in called.err
        assert "did you mean user:ada.lovelace?" in called.err
        assert plain.revocations == {}
        assert plain.revoke("user:ada").code == 64, "a part of an id is none"
        insisted = plain.revoke("user:ada.lovelase", "--even-unknown")
        assert insisted.code == 1
        assert "no account is remembered" in insisted.out
        assert plain.revoke("user:ada.lovelase").code == 1, "it is revoked already"

    @pytest.mark.parametrize(
        "knows",
        ["a group", "a broken file", "a list", "a binding", "a commit", "a deleted file", "another app", "nobody"],
    )
    def test_whatever_may_know_an_id_keeps_it_from_being_refused(self, plain: Night, knows: str) -> None:
        files, root = plain.files, plain.files.root
        if knows == "a group":
            files.edit_group("research", members=["alan.turing", "new.one"])
        elif knows == "a broken file":
            files.write("users/new.one.yaml", "displayName: [")
        elif knows == "a list":
            files.write("users/list.yaml", "- {id: new.one, oops")
        elif knows == "a binding":
            state = files.state
            state["bindings"]["user:new.one"] = {"id": "gone", "since": "2026-01-01T00:00:00Z", "commit": None}
            files.state_file.write_bytes(orjson.dumps(state))
        elif knows in ("a commit", "a deleted file"):
            git(root, "init", "-q")
            if knows == "a commit":
                files.write("users/list.yaml", [{"id": "new.one", "displayName": "New One"}])
            else:
                files.write("users/new.one.yaml", {"displayName": "New One"})
            git(root, "add", ".")
            git(root, "commit", "-qm", "hired")
            (root / "users" / ("list.yaml" if knows == "a commit" else "new.one.yaml")).unlink()
            git(root, "commit", "-qam", "left")
        elif knows == "another app":
            files.write("apps/other/app.yaml", "gallery: [")
        assert plain.revoke("user:new.one").code == (64 if knows == "nobody" else 4 if knows == "another app" else 1)

    def test_git_that_takes_too_long_stops_nobody(self, plain: Night, monkeypatch: pytest.MonkeyPatch) -> None:
        git(plain.files.root, "init", "-q")
        assert plain.revoke("user:new.one").code == 64, "nothing was committed yet"
        monkeypatch.setattr("reconciler.desired.known.SECONDS", 0.0)
        assert plain.revoke("user:new.one").code == 1

    def test_somebody_without_an_account_gets_none(self, plain: Night) -> None:
        plain.files.person("new.one", "New", "One")
        assert plain.revoke("user:new.one").code == 0
        assert changes(plain.plan()) == []

    @pytest.mark.parametrize("key", ["ada.lovelace", "group:research", "user:", "account:"])
    def test_what_is_no_key(self, plain: Night, key: str) -> None:
        assert plain.revoke(key).code == 64

    @pytest.mark.parametrize("duration", ["24", "h", "0h", "24 hours", "-1h", "999999d"])
    def test_what_is_no_duration(self, plain: Night, duration: str) -> None:
        called = plain.revoke(ADA, "--for", duration)
        assert called.code == 64
        assert "30m, 24h, 7d" in called.err

    def test_a_second_one_does_not_end_before_the_first(self, plain: Night) -> None:
        plain.revoke()
        called = plain.revoke(ADA, "--for", "1m")
        assert "an earlier revocation lasts longer, and stays: until it is released" in called.out
        assert plain.revocations[ADA]["until"] is None

    @pytest.mark.parametrize(("first", "second"), [("1h", "2h"), ("2h", "1h")])
    def test_of_two_the_later_end_holds(self, plain: Night, first: str, second: str) -> None:
        plain.revoke(ADA, "--for", first)
        end = plain.revocations[ADA]["until"]
        plain.revoke(ADA, "--for", second)
        assert (plain.revocations[ADA]["until"] > end) is (second == "2h")

    def test_an_empty_reason(self, plain: Night) -> None:
        called = plain.revoke(ADA, "--reason", " ")
        assert called.code == 64
        assert "say why" in called.err


def test_somebody_with_another_id_in_git_that_the_memory_does_not_know_yet(plain: Night) -> None:
    """The account is the one that the former id is bound to, whatever it is called."""
    plain.box.edit_user(plain.box.user_id("ada@contoso.com"), userName="changed@contoso.com")
    plain.rename_ada()
    assert plain.revoke("user:ada.king").code == 0
    assert not plain.active("changed")
    plain.settle()
    assert not plain.active("changed")


class TestWhoIsNot:
    def test_somebody_protected_by_id(self, plain: Night) -> None:
        plain.files.edit_app(guardrails={"protected": {"users": ["ada.lovelace"]}})
        called = plain.revoke()
        assert called.code == 1
        assert "--even-protected" in called.out
        assert plain.active()
        assert plain.revocations == {}
        assert plain.revoke(ADA, "--even-protected").code == 0
        assert not plain.active()

    def test_somebody_protected_by_the_id_that_they_had(self, plain: Night) -> None:
        """A change that gives somebody another id, and protects nobody any more, sheds no protection until applied."""
        plain.files.edit_app(guardrails={"protected": {"users": ["ada.lovelace"]}})
        plain.settle()
        plain.rename_ada()
        plain.files.edit_app(guardrails=None)
        called = plain.revoke("user:ada.king")
        assert called.code == 1
        assert "--even-protected" in called.out
        assert plain.active()
        assert plain.revocations == {}
        assert plain.revoke("user:ada.king", "--even-protected").code == 0
        assert not plain.active()

    def test_an_id_that_somebody_still_has_protects_nobody_else(self, plain: Night) -> None:
        plain.files.edit_app(guardrails={"protected": {"users": ["grace.hopper"]}})
        plain.files.edit_person("ada.lovelace", formerly=[{"id": "grace.hopper"}])
        assert plain.revoke().code == 0
        assert not plain.active()

    def test_somebody_protected_by_a_clause(self, plain: Night) -> None:
        clause = {"attribute": "userName", "operator": "EQUALS", "value": "ada@contoso.com"}
        plain.files.edit_app(guardrails={"protected": {"users": [clause]}})
        assert plain.revoke().code == 1
        assert plain.active()
        assert plain.revocations == {}

    def test_who_is_revoked_already_stays_so_when_it_is_refused_the_second_time(self, plain: Night) -> None:
        clause = {"attribute": "userName", "operator": "EQUALS", "value": "ada@contoso.com"}
        plain.files.edit_app(guardrails={"protected": {"users": [clause]}})
        assert plain.revoke(ADA, "--even-protected").code == 0
        before = plain.revocations
        assert plain.revoke().code == 1
        assert plain.revocations == before
        assert not plain.active()

    def test_an_account_of_somebody_protected(self, plain: Night) -> None:
        plain.files.edit_app(guardrails={"protected": {"users": ["ada.lovelace"]}})
        assert plain.revoke(f"account:{plain.account()['id']}").code == 1
        assert plain.active()

    def test_who_was_protected_when_it_was_last_applied(self, plain: Night) -> None:
        plain.files.edit_app(guardrails={"protected": {"users": ["ada.lovelace"]}})
        plain.settle()
        plain.files.edit_app(guardrails=None)
        assert plain.revoke().code == 1
        assert plain.active()

    def test_the_account_behind_the_token_never(self, plain: Night) -> None:
        plain.files.edit_app(guardrails={"actsAs": "ADA@contoso.com"})
        assert plain.revoke(ADA, "--even-protected").code == 1
        assert plain.active()
        assert plain.revocations == {}

    def test_what_is_ignored(self, plain: Night) -> None:
        plain.files.edit_app(
            ignore={"users": [{"attribute": "userName", "operator": "EQUALS", "value": "ada@contoso.com"}]}
        )
        assert plain.revoke().code == 1
        assert plain.active()

    def test_an_application_that_can_not_deactivate(self, plain: Night) -> None:
        plain.files.edit_app(profile={"users": {"deactivate": False, "delete": False}})
        called = plain.revoke()
        assert called.code == 4
        assert "do it in" in called.out
        assert plain.revocations.keys() == {ADA}

    def test_the_nearest_is_a_deletion_that_deactivates(self, plain: Night) -> None:
        plain.files.edit_app(profile={"users": {"deactivate": False, "deleteEffect": "deactivated"}})
        plain.box.requests.clear()
        assert plain.revoke().code == 0
        assert [r.method for r in plain.box.requests if r.method != "GET"] == ["DELETE"]


class TestSeveralApps:
    @pytest.fixture
    def both(self, plain: Night) -> Iterator[tuple[Night, Sandbox]]:
        other = Sandbox("scim", rate=0)
        with running(other) as url:
            app = plain.files.read("apps/app/app.yaml")
            plain.files.write("apps/wiki/app.yaml", {**app, "tenantUrl": url})
            assert plain("apply", plain.files.root, "--yes").code == 0
            yield plain, other

    def test_all_of_them_also_where_provisioning_is_off(self, both: tuple[Night, Sandbox]) -> None:
        night, other = both
        night.files.edit_app(provisioning=False)
        assert night.revoke().code == 0
        assert not night.active()
        assert other.users[other.user_id("ada@contoso.com")]["active"] is False

    def test_one_that_fails_does_not_stop_the_others(self, both: tuple[Night, Sandbox]) -> None:
        night, other = both
        other.faults.set("unauthorized")
        called = night.revoke()
        assert called.code == 4
        assert not night.active()
        assert "NOT DONE: failed" in called.out
        other.faults.clear()
        plan = night("plan", night.files.root, "--app", "wiki", "--format", "json").document
        assert ("deactivateUser", ADA) in changes(plan)  # it is remembered there too

    def test_one_whose_files_are_broken(self, both: tuple[Night, Sandbox]) -> None:
        night, _ = both
        night.files.write("apps/wiki/app.yaml", "tenantUrl: 7\n")
        called = night.revoke()
        assert called.code == 4
        assert not night.active()
        assert "its files can't be used" in called.out

    def test_only_one(self, both: tuple[Night, Sandbox]) -> None:
        night, other = both
        assert night.revoke(ADA, "--app", "wiki").code == 0
        assert night.active()
        assert other.users[other.user_id("ada@contoso.com")]["active"] is False

    def test_an_id_means_an_account_of_one_app(self, both: tuple[Night, Sandbox]) -> None:
        night, _ = both
        key = f"account:{night.account()['id']}"
        assert night.revoke(key).code == 64
        assert night.revoke(key, "--app", "app").code == 0


class TestRunningApply:
    @pytest.fixture(autouse=True)
    def _soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(revoking, "POLL", 0.05)

    def test_it_is_not_waited_for_and_looked_after_it(self, plain: Night) -> None:
        """The apply that runs gives the account back at its end: it is taken away once more."""
        gone = threading.Event()

        def apply() -> None:
            with tenant_lock(plain.url):
                gone.set()
                deadline = time.monotonic() + 20
                while plain.active() and time.monotonic() < deadline:
                    time.sleep(0.05)
                plain.box.edit_user(plain.account()["id"], active=True)

        other = threading.Thread(target=apply)
        other.start()
        gone.wait()
        called = plain.revoke()
        other.join()
        assert called.code == 0
        assert not plain.active()

    def test_an_apply_that_does_not_end_in_time_is_told(self, plain: Night, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(revoking, "PATIENCE", 0.1)
        with tenant_lock(plain.url):
            called = plain.revoke()
        assert called.code == 4
        assert not plain.active()
        assert "an apply is still running" in called.out

    def test_an_apply_that_ends_afterwards_does_not_lose_it(self, story_of: Any, reconciler: Call) -> None:
        """Read before, saved after: the revocation of the meantime is kept, and the account counts as left inactive."""
        from reconciler.model.state import Revocation, State
        from reconciler.state import FileStates

        story = story_of("scim")
        story.converge()
        id_ = story.user("ada")["id"]

        def meanwhile(_run: object) -> None:
            def add(state: State) -> None:
                state.revocations[ADA] = Revocation(
                    reason="lost", at="2026-11-23T17:00:00Z", by="x", until=None, accounts=[id_]
                )

            FileStates(story.company.root / ".reconciler").revise("app", story.open().app.tenant_url, add)

        story.on_run = meanwhile
        story.company.edit_person("grace.hopper", displayName="Rear Admiral Hopper")
        story.apply()
        assert story.company.state["revocations"].keys() == {ADA}
        assert story.company.state["bindings"][ADA]["active"] is False
        assert story.user("grace")["displayName"] == "Rear Admiral Hopper"


class TestWithoutAMemory:
    def test_the_account_is_deactivated_although_the_memory_can_not_be_written(self, plain: Night) -> None:
        plain.files.state_file.write_text("{", encoding="utf-8")
        called = plain.revoke()
        assert called.code == 4
        assert not plain.active()
        assert "the memory does not have it" in called.out

    def test_the_application_is_down_and_every_later_plan_knows(
        self, plain: Night, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.delenv(TOKEN)
            called = plain.revoke()
        assert called.code == 4
        assert plain.active()
        assert changes(plain.plan())[0] == ("deactivateUser", ADA)


class TestRelease:
    def test_nothing_was_revoked(self, plain: Night) -> None:
        called = plain("release", ADA, plain.files.root)
        assert called.code == 1
        assert f"nothing is revoked for {ADA}" in called.err
        plain.revoke("user:grace.hopper")
        assert "revoked: user:grace.hopper" in plain("release", ADA, plain.files.root).err
