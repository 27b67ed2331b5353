"""The memory of an app: shown, rebuilt from what the application shows, forgotten; in a file, and in git."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

import reconciler.plan as reconciler_plan
from reconciler.apply import revoke as revoking
from reconciler.sandbox import Sandbox, running
from reconciler.state import GitStates, Repository
from tests.conftest import Called, Company, build_company
from tests.state.conftest import git

Call = Callable[..., Called]
ADA = "user:ada.lovelace"


@pytest.fixture
def box() -> Sandbox:
    return Sandbox("scim", rate=0)


@pytest.fixture
def files(box: Sandbox, tmp_path: Path, reconciler: Call) -> Iterator[Company]:
    """Applied."""
    with running(box) as url:
        company = build_company(tmp_path / "state", gallery="scim", tenant=url)
        assert reconciler("apply", company.root, "--yes").code == 0
        yield company


def git_of(files: Company) -> None:
    """As they are now, in a commit."""
    git(files.root, "init", "-q", "-b", "main")
    git(files.root, "add", "-A")
    git(files.root, "commit", "-qm", "the company")


def plan_of(reconciler: Call, files: Company, *options: object) -> Any:
    called = reconciler("plan", files.root, "--format", "json", *options)
    assert called.code == 0, called.err
    return called.document


class TestShow:
    def test_everything(self, files: Company, reconciler: Call) -> None:
        reconciler("revoke", ADA, files.root, "--reason", "a lost laptop")
        shown = reconciler("state", "show", files.root)
        assert shown.code == 0
        lines = shown.out.splitlines()
        assert any(ADA in line and "inactive" in line and "Ada Lovelace" in line for line in lines)
        assert any("group:research" in line and "3 members" in line for line in lines)
        assert any("a lost laptop" in line and "until released" in line for line in lines)
        assert "deprovisionUsers" in shown.out
        assert str(files.state_file) in shown.out

    def test_of_one(self, files: Company, reconciler: Call) -> None:
        shown = reconciler("state", "show", ADA, files.root).out
        assert "users/ada.lovelace.yaml" in shown
        assert "grace" not in shown
        assert "WE LEFT IN IT" in reconciler("state", "show", "group:research", files.root).out
        assert "user:nobody is not bound" in reconciler("state", "show", "user:nobody", files.root).out

    def test_for_programs(self, files: Company, reconciler: Call) -> None:
        assert reconciler("state", "show", files.root, "--format", "json").document == files.state
        one = reconciler("state", "show", ADA, files.root, "--format", "json").document
        assert one["bindings"].keys() == {ADA}

    def test_where_there_is_none(self, files: Company, reconciler: Call) -> None:
        files.state_file.unlink()
        assert "nobody is managed" in reconciler("state", "show", files.root).out

    def test_people_and_groups_need_not_be_correct(self, files: Company, reconciler: Call) -> None:
        files.write("users/grace.hopper.yaml", "id: [\n")
        assert reconciler("state", "show", files.root).code == 0

    @pytest.mark.parametrize("words", [("user:a", "user:b"), (".", "..")])
    def test_one_at_a_time(self, files: Company, reconciler: Call, words: tuple[str, ...]) -> None:
        assert reconciler("state", "show", *words).code == 64


class TestRebuild:
    def test_what_is_plain_is_bound_and_nothing_is_written(
        self, files: Company, box: Sandbox, reconciler: Call
    ) -> None:
        before = files.state
        files.state_file.unlink()
        box.requests.clear()
        called = reconciler("state", "rebuild", files.root, "--yes")
        assert called.code == 0, called
        assert {r.method for r in box.requests} == {"GET"}
        after = files.state
        assert {k: b["id"] for k, b in after["bindings"].items()} == {k: b["id"] for k, b in before["bindings"].items()}
        for key, binding in before["bindings"].items():
            for part in ("active", "members", "wanted"):
                assert after["bindings"][key].get(part) == binding.get(part), (key, part)
        assert plan_of(reconciler, files)["changes"] == []

    def test_many_bindings_are_counted_and_the_first_are_named(
        self, files: Company, box: Sandbox, reconciler: Call
    ) -> None:
        for n in range(40):
            files.person(f"person{n}", "Person", f"Number{n}")
        assert reconciler("apply", files.root, "--yes").code == 0
        count = len(files.state["bindings"])
        files.state_file.unlink()
        called = reconciler("state", "rebuild", files.root, "--yes")
        assert called.out.count(" is ") == 30
        assert f"… and {count - 30} more" in called.out
        assert f"{count} to bind" in called.out
        assert len(files.state["bindings"]) == count

    def test_a_leaver_of_the_meantime_is_not_guessed(self, files: Company, box: Sandbox, reconciler: Call) -> None:
        files.state_file.unlink()
        files.remove_person("linus.byrne")
        reconciler("state", "rebuild", files.root, "--yes")
        assert "user:linus.byrne" not in files.state["bindings"]
        actions = {c["action"] for c in plan_of(reconciler, files)["changes"]}
        assert "deactivateUser" not in actions

    @pytest.mark.parametrize("applied", [False, True], ids=["lost", "lost, and applied since"])
    def test_with_a_base_the_next_plan_finds_who_left_since(
        self, files: Company, box: Sandbox, reconciler: Call, applied: bool
    ) -> None:
        """Linus is gone from the files, and Charles from the scope; both are held until the figure is named."""
        git_of(files)
        files.remove_person("linus.byrne")
        files.edit_app(scope={"assigned": {"users": ["ada.lovelace", "grace.hopper"], "groups": ["research"]}})
        files.edit_group("agencies", members=[])
        files.state_file.unlink()
        if applied:
            assert reconciler("apply", files.root, "--yes").code in (0, 3)
        assert "user:linus.byrne" not in {c["key"] for c in plan_of(reconciler, files)["changes"]}
        box.requests.clear()
        called = reconciler("state", "rebuild", files.root, "--base", "HEAD", "--yes")
        assert called.code == 0, called
        assert {r.method for r in box.requests} == {"GET"}
        id_ = box.user_id("linus@contoso.com")
        assert f"user:linus.byrne is {id_}, and left since" in called.out
        assert files.state["bindings"]["user:linus.byrne"]["id"] == id_
        leaves = {c["key"]: c for c in plan_of(reconciler, files)["changes"] if c["action"] == "deactivateUser"}
        assert leaves.keys() == {"user:linus.byrne", "user:charles.babbage"}
        assert {h["release"] for c in leaves.values() for h in c["held"]} == {"deprovisionUsers=2"}
        assert reconciler("apply", files.root, "--yes").code == 3
        assert box.users[id_]["active"]
        assert reconciler("apply", files.root, "--yes", "--allow", "deprovisionUsers=2").code in (0, 3)
        assert not box.users[id_]["active"]

    @pytest.mark.parametrize("lost", [True, False])
    def test_the_base_is_planned_once(
        self, files: Company, reconciler: Call, monkeypatch: pytest.MonkeyPatch, lost: bool
    ) -> None:
        git_of(files)
        files.remove_person("linus.byrne")
        if lost:
            files.state_file.unlink()
        planned, count = reconciler_plan._planned, []

        def counted(*given: Any, **more: Any) -> Any:
            count.append(given)
            return planned(*given, **more)

        monkeypatch.setattr(reconciler_plan, "_planned", counted)
        assert reconciler("state", "rebuild", files.root, "--base", "HEAD", "--yes").code == 0
        assert len(count) == 2  # once for the base, once for today

    def test_of_those_at_the_base_nobody_is_bound_in_doubt(
        self, files: Company, box: Sandbox, reconciler: Call
    ) -> None:
        """Linus' account is pinned by his successor, and Charles' name is somebody else's now."""
        git_of(files)
        files.remove_person("linus.byrne")
        files.remove_person("charles.babbage")
        files.person("lin.b", "Lin", "B", accounts={"app": box.user_id("linus@contoso.com")})
        files.person("other", "Charly", "Babbitt", userPrincipalName="charles@contoso.com", mail="charles@contoso.com")
        files.state_file.unlink()
        assert reconciler("state", "rebuild", files.root, "--base", "HEAD", "--yes").code == 0
        assert not files.state["bindings"].keys() & {"user:linus.byrne", "user:charles.babbage"}
        assert files.state["bindings"]["user:lin.b"]["id"] == box.user_id("linus@contoso.com")

    @pytest.mark.parametrize("why", ["nothing flows", "ignored", "acts as"])
    def test_nobody_is_bound_to_an_account_that_is_not_to_be_touched(
        self, files: Company, box: Sandbox, reconciler: Call, why: str
    ) -> None:
        """Linus' account is Ada's now, for whom nothing flows; or it is under `ignore`; or the token belongs to it."""
        git_of(files)
        files.remove_person("linus.byrne")
        if why == "nothing flows":
            files.edit_person(
                "ada.lovelace", accounts={"app": box.user_id("linus@contoso.com")}, department="Elsewhere"
            )
            expression = 'IIF([department] = "Elsewhere", IgnoreObjectFlow, "flows")'
            files.write("apps/app/mappings.yaml", {"users": [{"target": "objectFilter", "expression": expression}]})
        elif why == "ignored":
            clause = {"attribute": "userName", "operator": "EQUALS", "value": "linus@contoso.com"}
            files.edit_app(ignore={"users": [clause]})
        else:
            files.edit_app(guardrails={"actsAs": "linus@contoso.com"})
        files.state_file.unlink()
        called = reconciler("state", "rebuild", files.root, "--base", "HEAD", "--yes")
        assert called.code == 0, called
        assert "left since" not in called.out
        assert not files.state["bindings"].keys() & {"user:linus.byrne", ADA if why == "nothing flows" else ""}
        assert not files.state["held"].get("deprovisionUsers")

    @pytest.mark.parametrize("command", [("state", "rebuild"), ("apply",)], ids=["rebuilt", "applied"])
    def test_what_was_taken_away_before_it_stays_unknown(
        self, files: Company, box: Sandbox, reconciler: Call, command: tuple[str, ...]
    ) -> None:
        """A day long, what an apply with the lost memory may have used up of the guardrails counts as used up."""
        for number in range(60):
            files.person(f"p{number}", f"Given{number}", f"Surname{number}")
        assert reconciler("apply", files.root, "--yes").code == 0
        files.state_file.unlink()
        assert reconciler(*command, files.root, "--yes").code == 0
        for number in range(5):
            files.remove_person(f"p{number}")
        plan = plan_of(reconciler, files)
        (told,) = [each for each in plan["guardrails"] if each["name"] == "deprovisionUsers"]
        assert (told["broken"], told["unknown"], told["value"]) == (True, True, 5)
        assert {h["release"] for c in plan["changes"] for h in c["held"]} == {"deprovisionUsers=5"}

    def test_a_base_that_can_not_be_used(self, files: Company, reconciler: Call) -> None:
        files.write("users/broken.yaml", "displayName: [")
        git_of(files)
        (files.root / "users" / "broken.yaml").unlink()
        called = reconciler("state", "rebuild", files.root, "--base", "HEAD", "--yes")
        assert called.code == 64
        assert "--base: " in called.err
        assert reconciler("state", "rebuild", files.root, "--base", "nowhere", "--yes").code != 0

    def test_what_is_in_doubt_stays_a_question(self, files: Company, box: Sandbox, reconciler: Call) -> None:
        files.state_file.unlink()
        box.edit_user(box.user_id("ada@contoso.com"), active=False)
        called = reconciler("state", "rebuild", files.root, "--yes")
        assert f"{ADA} stays in question" in called.out
        assert ADA not in files.state["bindings"]

    def test_what_it_holds_stays(self, files: Company, box: Sandbox, reconciler: Call) -> None:
        state = files.state
        del state["bindings"]["user:grace.hopper"]
        files.state_file.write_bytes(orjson.dumps(state))
        called = reconciler("state", "rebuild", files.root, "--yes")
        assert "1 to bind, 8 bound before, 0 in question" in called.out
        after = files.state
        assert after["bindings"].keys() == {*state["bindings"], "user:grace.hopper"}
        assert after["bindings"][ADA] == state["bindings"][ADA]

    def test_what_unmanaged_would_remove_stays_held(self, files: Company, box: Sandbox, reconciler: Call) -> None:
        box.add_user("provisioning@contoso.com")
        box.add_user("stranger@elsewhere.example")
        files.edit_app(unmanaged={"users": "deprovision"}, guardrails={"actsAs": "provisioning@contoso.com"})
        files.state_file.unlink()
        reconciler("state", "rebuild", files.root, "--yes")
        changes = plan_of(reconciler, files)["changes"]
        removals = [c for c in changes if c["action"] == "deactivateUser"]
        assert removals
        assert all(c["held"] for c in removals)

    def test_asks(self, files: Company, reconciler: Call) -> None:
        files.state_file.unlink()
        called = reconciler("state", "rebuild", files.root)
        assert called.code == 64
        assert "--yes" in called.err
        assert not files.state_file.exists()


class TestForget:
    def test_all_of_it(self, files: Company, reconciler: Call) -> None:
        called = reconciler("state", "forget", files.root, "--yes")
        assert called.code == 0
        assert "all 9 bindings forgotten" in called.out
        assert files.state["bindings"] == {}
        plan = plan_of(reconciler, files)
        assert {n["code"] for n in plan["notes"]} >= {"noState"}
        assert plan["changes"] == []

    def test_one_person(self, files: Company, reconciler: Call) -> None:
        called = reconciler("state", "forget", ADA, files.root, "--yes")
        assert called.code == 0
        state = files.state
        assert ADA not in state["bindings"]
        assert "user:grace.hopper" in state["bindings"]
        assert "ada.lovelace" not in state["bindings"]["group:research"]["members"]
        assert plan_of(reconciler, files)["changes"] == []

    def test_what_was_revoked_stays_revoked(self, files: Company, box: Sandbox, reconciler: Call) -> None:
        reconciler("revoke", ADA, files.root, "--reason", "a lost laptop")
        called = reconciler("state", "forget", files.root, "--yes")
        assert f"still revoked, until `reconciler release`: {ADA}" in called.out
        assert "reactivateUser" not in {c["action"] for c in plan_of(reconciler, files)["changes"]}

    def test_what_is_not_bound(self, files: Company, reconciler: Call) -> None:
        called = reconciler("state", "forget", "user:nobody", files.root, "--yes")
        assert called.code == 64
        assert "not bound in any app" in called.err

    def test_asks(self, files: Company, reconciler: Call) -> None:
        before = files.state
        assert reconciler("state", "forget", files.root).code == 64
        assert files.state == before


class TestGit:
    @pytest.fixture
    def company(self, files: Company, tmp_path: Path) -> Company:
        """The same files in a clone, with a remote; nothing is remembered yet."""
        (files.root / ".reconciler").rename(tmp_path / "before")
        remote = tmp_path / "remote.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote)], check=True)
        subprocess.run(["git", "init", "-q", "-b", "main", str(files.root)], check=True)
        git(files.root, "remote", "add", "origin", remote.as_uri())
        self.commit(files)
        return files

    def commit(self, files: Company) -> None:
        git(files.root, "add", "-A")
        git(files.root, "commit", "-qm", "the company")
        git(files.root, "push", "-q", "-f", "origin", "main")

    def test_reconciler_yaml_says_so(self, company: Company, box: Sandbox, reconciler: Call, tmp_path: Path) -> None:
        company.write("reconciler.yaml", {"state": "git"})
        self.commit(company)
        assert reconciler("apply", company.root, "--yes").code == 0
        assert not company.state_file.exists()
        subprocess.run(["git", "clone", "-q", "--depth=1", (tmp_path / "remote.git").as_uri(), str(tmp_path / "pr")],
                       check=True)  # fmt: skip
        shown = reconciler("state", "show", tmp_path / "pr", "--format", "json").document
        assert shown["bindings"][ADA]["id"] == box.user_id("ada@contoso.com")
        assert shown["commit"] == git(company.root, "rev-parse", "HEAD")
        assert git(company.root, "status", "--porcelain") == ""

    def test_revoke_and_release_through_git(self, company: Company, box: Sandbox, reconciler: Call) -> None:
        where = ("--state", "git:refs/reconciler/APP")
        assert reconciler("apply", company.root, "--yes", *where).code == 0
        assert reconciler("revoke", ADA, company.root, "--reason", "lost", *where).code == 0
        assert plan_of(reconciler, company, *where)["notes"][0]["code"] == "revoked"
        assert reconciler("release", ADA, company.root, *where).code == 0
        assert [c["action"] for c in plan_of(reconciler, company, *where)["changes"]] == ["reactivateUser"]

    def test_an_apply_on_another_machine_is_not_waited_for(
        self, company: Company, box: Sandbox, reconciler: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        where = ("--state", "git:refs/reconciler/APP")
        assert reconciler("apply", company.root, "--yes", *where).code == 0
        monkeypatch.setattr(revoking, "PATIENCE", 0.1)
        monkeypatch.setattr(revoking, "POLL", 0.1)
        subprocess.run(["git", "clone", "-q", (tmp_path / "remote.git").as_uri(), str(tmp_path / "runner")], check=True)
        runner = GitStates(Repository(tmp_path / "runner"), tmp_path / "runner" / ".reconciler")
        elsewhere = "https://scim.example.com/its-lock-on-this-machine-is-another"
        with runner.hold("app", elsewhere):
            assert reconciler("apply", company.root, "--yes", *where).code == 1
            called = reconciler("revoke", ADA, company.root, "--reason", "lost", *where)
            assert called.code == 4
            assert "an apply is still running" in called.out
            assert box.users[box.user_id("ada@contoso.com")]["active"] is False
            state = runner.load("app", company.read("apps/app/app.yaml")["tenantUrl"])
            assert state.revocations.keys() == {ADA}
            assert runner.renew("app")  # and the lock is still its own
        assert reconciler("revoke", ADA, company.root, "--reason", "lost", *where).code == 0

    def test_a_file_beside_it_is_refused(self, company: Company, reconciler: Call) -> None:
        assert reconciler("apply", company.root, "--yes", "--state", "git:refs/reconciler/APP").code == 0
        for command in (("plan",), ("apply", "--yes"), ("state", "show")):
            called = reconciler(*command, company.root)
            assert called.code == 1
            assert "origin has refs/reconciler/app, and this would be a second one" in called.err
            assert "state: git" in called.err

    def test_a_remote_that_is_gone_is_told_before_anything_is_written(
        self, company: Company, box: Sandbox, reconciler: Call, tmp_path: Path
    ) -> None:
        (tmp_path / "remote.git").rename(tmp_path / "away.git")
        box.requests.clear()
        called = reconciler("apply", company.root, "--yes", "--state", "git:refs/reconciler/APP")
        assert called.code == 1
        assert "the remote origin can't be read" in called.err
        assert not box.requests
        on = reconciler("plan", company.root)  # a memory in a file needs no remote
        assert on.code == 0
        assert "can't be told" in on.err

    def test_revoke_acts_although_the_remote_is_gone(
        self, company: Company, box: Sandbox, reconciler: Call, tmp_path: Path
    ) -> None:
        (tmp_path / "remote.git").rename(tmp_path / "away.git")
        called = reconciler("revoke", ADA, company.root, "--reason", "x", "--state", "git:refs/reconciler/APP")
        assert called.code == 4
        assert box.users[box.user_id("ada@contoso.com")]["active"] is False
        assert "the memory does not have it" in called.out

    def test_without_a_remote_it_is_told(self, company: Company, reconciler: Call) -> None:
        git(company.root, "remote", "remove", "origin")
        called = reconciler("plan", company.root, "--state", "git:refs/reconciler/APP")
        assert called.code == 0
        assert "this clone alone" in called.err

    def test_a_rewritten_history_is_told(self, company: Company, reconciler: Call) -> None:
        where = ("--state", "git:refs/reconciler/APP")
        assert reconciler("apply", company.root, "--yes", *where).code == 0
        git(company.root, "commit", "-q", "--amend", "-m", "rewritten")
        git(company.root, "push", "-qf", "origin", "main")
        git(company.root, "reflog", "expire", "--expire=now", "--all")
        git(company.root, "gc", "-q", "--prune=now")
        called = reconciler("plan", company.root, *where)
        assert called.code == 0
        assert "is not in this repository: its history was rewritten" in called.err

    @pytest.mark.parametrize(
        ("where", "says"),
        [("sqlite://", "without a file"), ("mysql://x", "neither"), ("file:", "neither"), ("git:", "neither"),
         ("elsewhere", "neither"), ("git:main", "not a ref")],
    )  # fmt: skip
    def test_what_is_no_place(self, company: Company, reconciler: Call, where: str, says: str) -> None:
        called = reconciler("plan", company.root, "--state", where)
        assert called.code == 64
        assert says in called.err

    def test_one_ref_for_several_apps(self, company: Company, reconciler: Call) -> None:
        app = company.read("apps/app/app.yaml")
        company.write("apps/wiki/app.yaml", {**app, "tenantUrl": "http://127.0.0.1:9/other"})
        called = reconciler("plan", company.root, "--state", "git:refs/memory")
        assert called.code == 64
        assert "one ref for several apps" in called.err
