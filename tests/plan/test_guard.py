"""Guardrails at their borders, their releases, the 24-hour window, and what makes a plan impossible."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import IncompleteRead, PlanError, UsageError
from reconciler.plan import Releases


@pytest.fixture
def crowd(world: Any) -> Any:
    """A hundred people with nothing to do."""
    world.settled(100)
    return world


def leave(world: Any, count: int) -> None:
    world.leave(*(f"p{n}" for n in range(count)))


class TestDeprovisionUsers:
    @pytest.mark.parametrize(
        ("limit", "leavers", "broken"),
        [
            ({"count": 3}, 3, False),
            ({"count": 3}, 4, True),
            ({"percent": 5}, 5, False),
            ({"percent": 5}, 6, True),
            ({"count": 50, "percent": 5}, 6, True),
            ({"count": 3, "percent": 50}, 4, True),
            ({"count": 0, "ignoreBelow": 3}, 2, False),
            ({"count": 0, "ignoreBelow": 3}, 3, True),
            ({}, 60, False),
        ],
    )
    def test_borders(self, crowd: Any, read: Any, limit: dict[str, int], leavers: int, broken: bool) -> None:
        crowd.app(guardrails={"deprovisionUsers": limit})
        leave(crowd, leavers)
        plan = crowd.plan("emptyApp")
        rail = read.rail(plan, "deprovisionUsers")
        assert (rail.value, rail.of, rail.broken) == (leavers, 100, broken)
        assert len(plan.held) == (leavers if broken else 0)

    @pytest.mark.parametrize(("leavers", "broken"), [(4, False), (10, False), (11, True)])
    def test_defaults(self, crowd: Any, read: Any, leavers: int, broken: bool) -> None:
        leave(crowd, leavers)
        assert read.rail(crowd.plan(), "deprovisionUsers").broken is broken

    def test_holds_all_that_it_counts_and_the_rest_goes_on(self, crowd: Any, read: Any) -> None:
        leave(crowd, 12)
        crowd.user("new")
        plan = crowd.plan()
        assert read.runs(plan) == [("createUser", "user:new")]
        assert {h[2] for h in read.held(plan)} == {"deprovisionUsers=12"}
        assert {h.by for c in plan.held for h in c.held} == {"guardrail:deprovisionUsers"}

    def test_is_released_by_the_exact_figure_only(self, crowd: Any, read: Any) -> None:
        leave(crowd, 12)
        assert len(crowd.plan("deprovisionUsers=11").held) == 12
        assert len(crowd.plan("deprovisionUsers=13").held) == 12
        plan = crowd.plan("deprovisionUsers=12")
        assert not plan.held
        assert read.rail(plan, "deprovisionUsers").released

    def test_the_base_is_active_accounts_that_are_ours(self, crowd: Any, read: Any) -> None:
        crowd.account("9", "stranger")
        crowd.accounts["1000"]["active"] = False
        crowd.bind("user:p0", "1000", active=False)
        crowd.leave("p1")
        assert read.rail(crowd.plan(), "deprovisionUsers").of == 99
        crowd.account("8", "robot")
        crowd.app(unmanaged={"users": "deprovision"}, guardrails={"actsAs": "robot@contoso.com"})
        assert read.rail(crowd.plan(), "deprovisionUsers").of == 101

    def test_disabled_people_and_those_gone_from_git_are_named_first(self, crowd: Any) -> None:
        names = [f"p{n}" for n in range(100) if n != 0]
        crowd.user("p5", enabled=False)
        crowd.leave("p9")
        crowd.assigned(*(n for n in names if n != "p9"))
        assert [c.key for c in crowd.plan().changes] == ["user:p5", "user:p9", "user:p0"]

    def test_protected_people_do_not_count(self, crowd: Any, read: Any) -> None:
        crowd.app(guardrails={"deprovisionUsers": {"count": 3}, "protected": {"users": ["p0"]}})
        leave(crowd, 4)
        plan = crowd.plan()
        assert read.rail(plan, "deprovisionUsers").value == 3
        assert len(plan.pending) == 3


class TestWindow:
    def test_counts_what_earlier_applies_did(self, crowd: Any) -> None:
        leave(crowd, 4)
        crowd.app(guardrails={"deprovisionUsers": {"count": 10}})
        crowd.state.spent = [{"at": crowd.hours(23.9), "name": "deprovisionUsers", "value": 6}]
        assert not crowd.plan().held
        crowd.state.spent[0]["value"] = 7
        assert len(crowd.plan().held) == 4

    def test_ends_after_24_hours(self, crowd: Any) -> None:
        leave(crowd, 4)
        crowd.app(guardrails={"deprovisionUsers": {"count": 10}})
        crowd.state.spent = [{"at": crowd.hours(24), "name": "deprovisionUsers", "value": 7}]
        assert not crowd.plan().held

    def test_is_of_this_guardrail_alone(self, crowd: Any) -> None:
        leave(crowd, 4)
        crowd.app(guardrails={"deprovisionUsers": {"count": 10}})
        crowd.state.spent = [{"at": crowd.hours(1), "name": "deleteGroups", "value": 7}]
        assert not crowd.plan().held

    def test_spent_alone_breaks_nothing(self, crowd: Any, read: Any) -> None:
        crowd.app(guardrails={"deprovisionUsers": {"count": 10}})
        crowd.state.spent = [{"at": crowd.hours(1), "name": "deprovisionUsers", "value": 70}]
        assert not read.rail(crowd.plan(), "deprovisionUsers").broken


class TestLostWindow:
    """A memory that begins where people of ours have accounts already: what was done before it nobody knows."""

    def test_what_reaches_ignore_below_is_held(self, crowd: Any, read: Any) -> None:
        leave(crowd, 5)
        assert not crowd.plan().held
        crowd.state.window_from = crowd.hours(23.9)
        plan = crowd.plan()
        rail = read.rail(plan, "deprovisionUsers")
        assert (rail.value, rail.earlier, rail.unknown, rail.broken) == (5, 0, True, True)
        assert len(plan.held) == 5
        assert not crowd.plan("deprovisionUsers=5").held

    def test_fewer_go_on_but_not_again_and_again(self, crowd: Any) -> None:
        leave(crowd, 4)
        crowd.state.window_from = crowd.hours(2)
        assert not crowd.plan().held
        crowd.state.spent = [{"at": crowd.hours(1), "name": "deprovisionUsers", "value": 1}]
        assert len(crowd.plan().held) == 4

    def test_ends_after_24_hours(self, crowd: Any) -> None:
        leave(crowd, 5)
        crowd.state.window_from = crowd.hours(24)
        assert not crowd.plan().held

    def test_without_a_limit_there_is_nothing_to_break(self, crowd: Any) -> None:
        leave(crowd, 5)
        crowd.app(guardrails={"deprovisionUsers": {}})
        crowd.state.window_from = crowd.hours(1)
        assert not crowd.plan().held

    def test_what_takes_nothing_away_goes_on(self, crowd: Any) -> None:
        for n in range(25):
            crowd.user(f"p{n}", displayName="Somebody Else")
        crowd.state.window_from = crowd.hours(1)
        assert len(crowd.plan().pending) == 25

    def test_disabled_people_of_a_first_apply(self, crowd: Any, read: Any) -> None:
        for n in range(6):
            crowd.user(f"p{n}", enabled=False)
        assert not crowd.plan().held
        crowd.state.bindings.clear()
        assert {hold for *_, hold in read.held(crowd.plan())} == {"deprovisionUsers=6"}


class TestHeldBefore:
    """What did run moved the base; what was held stays so."""

    def test_stays_held(self, crowd: Any) -> None:
        leave(crowd, 7)
        assert not crowd.plan().held
        crowd.state.held = {"deprovisionUsers": 7}
        assert len(crowd.plan().held) == 7
        assert not crowd.plan("deprovisionUsers=7").held

    def test_until_there_is_less_of_it(self, crowd: Any) -> None:
        leave(crowd, 6)
        crowd.state.held = {"deprovisionUsers": 7}
        assert not crowd.plan().held


class TestRemoveMembers:
    def group(self, world: Any, members: int, staying: int) -> None:
        """`staying` of `members` remain; the others leave the group and stay with the company."""
        names = [f"p{n}" for n in range(members)]
        world.group("editors", *names[:staying])
        world.team("70", "Editors", *(str(1000 + n) for n in range(members)))
        world.bind("group:editors", "70", members=names)

    @pytest.mark.parametrize(
        ("members", "lost", "broken"),
        [(10, 4, False), (10, 5, True), (9, 4, False), (9, 5, True), (8, 4, False), (2, 2, False), (3, 3, True),
         (100, 40, False), (100, 41, True)],
    )  # fmt: skip
    def test_defaults(self, crowd: Any, read: Any, members: int, lost: int, broken: bool) -> None:
        self.group(crowd, members, members - lost)
        plan = crowd.plan()
        rail = read.rail(plan, "removeMembers:editors")
        assert (rail.value, rail.of, rail.broken) == (lost, members, broken)
        assert bool(plan.held) is broken

    def test_the_apps_own_limit(self, crowd: Any) -> None:
        self.group(crowd, 20, 18)
        crowd.app(guardrails={"removeMembers": {"count": 1}})
        assert crowd.plan().held
        assert not crowd.plan("removeMembers:editors=2").held
        assert crowd.plan("removeMembers:editors=3").held

    def test_counts_departures_and_holds_those_who_stay(self, crowd: Any, read: Any) -> None:
        self.group(crowd, 10, 8)
        crowd.leave("p0", "p1", "p2")
        plan = crowd.plan()
        rail = read.rail(plan, "removeMembers:editors")
        assert (rail.value, rail.broken) == (5, True)
        assert {m for m in read.members(plan) if m[3]} == {
            ("removeMembers", "group:editors", "user:p8", "removeMembers:editors=5"),
            ("removeMembers", "group:editors", "user:p9", "removeMembers:editors=5"),
        }
        assert {m[2] for m in read.members(plan) if not m[3]} == {"user:p0", "user:p1", "user:p2"}

    @pytest.mark.parametrize("left", [{"active": False}, {}], ids=["found or left so", "unknown"])
    def test_who_is_inactive_already_counts_among_those_who_stay(self, crowd: Any, read: Any, left: Any) -> None:
        """An apply remembers what it finds as it remembers what it does: a hold must not end by running twice."""
        self.group(crowd, 10, 8)
        for n in (8, 9):
            crowd.accounts[str(1000 + n)]["active"] = False
            crowd.bind(f"user:p{n}", str(1000 + n), **left)
        crowd.leave("p8", "p9")
        crowd.app(guardrails={"removeMembers": {"count": 1}})
        plan = crowd.plan()
        assert read.rail(plan, "removeMembers:editors").broken
        assert {m[2] for m in read.members(plan) if m[3]} == {"user:p8", "user:p9"}

    def test_a_suspended_member_who_is_wanted_elsewhere_stays(self, crowd: Any, read: Any) -> None:
        self.group(crowd, 10, 8)
        for n in (8, 9):
            crowd.accounts[str(1000 + n)]["active"] = False
            crowd.bind(f"user:p{n}", str(1000 + n), active=False)
        crowd.app(guardrails={"removeMembers": {"count": 1}})
        assert {m[2] for m in read.members(crowd.plan()) if m[3]} == {"user:p8", "user:p9"}

    def test_no_guardrail_holds_a_membership_of_somebody_who_was_revoked(self, crowd: Any, read: Any) -> None:
        self.group(crowd, 10, 10)
        crowd.state.spent = [{"at": crowd.hours(1), "name": "removeMembers:editors", "value": 5}]
        crowd.accounts["1009"]["active"] = False
        crowd.revoke("user:p9")
        plan = crowd.plan()
        assert read.rail(plan, "removeMembers:editors").broken
        assert [c.held for c in plan.changes] == [()]

    def test_counts_memberships_that_go_with_deleted_accounts(self, crowd: Any, read: Any) -> None:
        self.group(crowd, 10, 8)
        crowd.leave("p0", "p1", "p2")
        crowd.app(deprovision={"users": "delete"})
        assert read.rail(crowd.plan(), "removeMembers:editors").value == 5

    def test_a_group_that_goes_counts_as_one_deleted_group(self, crowd: Any, read: Any) -> None:
        self.group(crowd, 10, 10)
        del crowd.groups["editors"]
        plan = crowd.plan()
        assert [g.name for g in plan.guardrails if g.value] == ["deleteGroups"]
        assert not plan.held


class TestDeleteGroups:
    @pytest.mark.parametrize("gallery", ["scim", "hootsuite"])
    def test_counts_deletions_and_emptyings(self, new_world: Any, read: Any, gallery: str) -> None:
        world = new_world(gallery)
        world.settled(5)
        for n in range(3):
            world.team(f"7{n}", f"Team {n}", "1000")
            world.bind(f"group:t{n}", f"7{n}")
        assert {h[2] for h in read.held(world.plan())} == {"deleteGroups=3"}
        assert not world.plan("deleteGroups=3").held
        del world.state.bindings["group:t2"]
        assert not world.plan().held

    def test_the_base_is_groups_that_are_ours(self, world: Any, read: Any) -> None:
        world.settled(5)
        for n in range(3):
            world.team(f"7{n}", f"Team {n}", "1000")
        for n in range(40):
            world.team(f"8{n}", f"Stranger {n}")
        world.bind("group:t0", "70")
        world.bind("group:t1", "71")
        world.app(guardrails={"deleteGroups": {"percent": 50}})
        plan = world.plan()
        assert read.rail(plan, "deleteGroups").of == 2
        assert {h[2] for h in read.held(plan)} == {"deleteGroups=2"}
        world.app(unmanaged={"users": "report", "groups": "delete"}, ignore={"groups": [
            {"attribute": "displayName", "operator": "EQUALS", "value": "Stranger 1"},
        ]})  # fmt: skip
        assert read.rail(world.plan(), "deleteGroups").of == 42


class TestOthers:
    def test_rename_users_counts_sign_in_names(self, crowd: Any, read: Any) -> None:
        for n in range(6):
            crowd.accounts[str(1000 + n)]["userName"] = f"old{n}@contoso.com"
        for n in range(6, 11):
            crowd.accounts[str(1000 + n)]['emails[type eq "work"].value'] = f"old{n}@contoso.com"
        plan = crowd.plan()
        assert read.rail(plan, "renameUsers").value == 11
        assert len(plan.held) == 11
        crowd.accounts["1000"]["userName"] = "p0@contoso.com"
        assert not crowd.plan().held

    @pytest.mark.parametrize(("changed", "broken"), [(30, False), (31, True)])
    def test_update_users(self, crowd: Any, read: Any, changed: int, broken: bool) -> None:
        for n in range(changed):
            crowd.accounts[str(1000 + n)]["displayName"] = "Old"
        assert read.rail(crowd.plan(), "updateUsers").broken is broken

    def test_update_users_does_not_count_adoptions(self, crowd: Any) -> None:
        for n in range(31):
            crowd.accounts[str(1000 + n)]["displayName"] = "Old"
            del crowd.state.bindings[f"user:p{n}"]
        assert not crowd.plan().held

    @pytest.mark.parametrize(("cleared", "broken"), [(20, False), (21, True)])
    def test_clear_attributes(self, crowd: Any, read: Any, cleared: int, broken: bool) -> None:
        crowd.map({"target": "title", "source": "jobTitle", "whenNull": "clear"})
        crowd.app(guardrails={"updateUsers": {}})
        for n in range(cleared):
            crowd.accounts[str(1000 + n)]["title"] = "Boss"
        plan = crowd.plan()
        assert read.rail(plan, "clearAttributes").value == cleared
        assert bool(plan.held) is broken

    def test_create_users_has_no_limit_unless_given(self, crowd: Any, read: Any) -> None:
        crowd.people("a", "b")
        assert not crowd.plan().held
        crowd.app(guardrails={"createUsers": {"count": 1}})
        assert {h[2] for h in read.held(crowd.plan())} == {"createUsers=2"}

    def test_a_change_that_two_guardrails_count_needs_both_releases(self, crowd: Any) -> None:
        crowd.app(guardrails={"renameUsers": {"count": 0}, "updateUsers": {"count": 0}})
        crowd.accounts["1000"]["userName"] = "old@contoso.com"
        assert [h.release for h in crowd.plan().changes[0].held] == ["renameUsers=1", "updateUsers=1"]
        assert crowd.plan("renameUsers=1").held
        assert not crowd.plan("renameUsers=1", "updateUsers=1").held


class TestImpossible:
    def test_an_app_that_suddenly_looks_empty(self, crowd: Any) -> None:
        crowd.accounts.clear()
        with pytest.raises(IncompleteRead, match="lists 0 accounts, and only 0 of the 100") as caught:
            crowd.plan()
        assert "--allow emptyApp" in caught.value.hint
        crowd.plan("emptyApp")

    @pytest.mark.parametrize(("left", "fine"), [(50, True), (49, False)])
    def test_fewer_than_half_of_the_bound(self, crowd: Any, left: int, fine: bool) -> None:
        for n in range(left, 100):
            del crowd.accounts[str(1000 + n)]
        if fine:
            crowd.plan()
        else:
            with pytest.raises(IncompleteRead):
                crowd.plan()

    def test_a_scope_that_suddenly_holds_nobody(self, crowd: Any) -> None:
        crowd.assigned()
        with pytest.raises(PlanError, match="nobody is in scope of chat") as caught:
            crowd.plan()
        assert "--allow emptyScope" in caught.value.hint
        assert crowd.plan("emptyScope").changes

    def test_an_empty_scope_with_nobody_bound_is_fine(self, world: Any) -> None:
        world.assigned()
        assert world.plan().empty

    def test_the_tokens_account_must_exist(self, crowd: Any) -> None:
        crowd.app(guardrails={"actsAs": "robot@contoso.com"})
        with pytest.raises(PlanError, match=r"robot@contoso\.com is no account of chat") as caught:
            crowd.plan()
        assert "userName" in caught.value.hint


class TestReleases:
    @pytest.mark.parametrize(
        "text",
        ["deprovisionUsers", "deprovisionUsers=many", "deprovisionUsers:x=3", "removeMembers=3", "removeMembers:x",
         "whoIsThis", "whoIsThis:user:ada=1", "emptyApp:chat", "emptyApp=1", "everything", "", "protected"],
    )  # fmt: skip
    def test_what_is_no_release_is_refused_with_what_would_be(self, text: str) -> None:
        with pytest.raises(UsageError, match="not a release") as caught:
            Releases.parse([text])
        assert "deprovisionUsers=37" in caught.value.hint

    def test_what_is(self) -> None:
        releases = Releases.parse(["deprovisionUsers=37", "removeMembers:editors=12", "whoIsThis:user:ada", "emptyApp"])
        assert releases.figure("deprovisionUsers", 37)
        assert not releases.figure("deprovisionUsers", 36)
        assert releases.figure("removeMembers:editors", 12)
        assert "whoIsThis:user:ada" in releases
        assert "whoIsThis:user:bob" not in releases
        assert "emptyApp" in releases

    def test_every_release_that_a_plan_prints_is_one(self, crowd: Any) -> None:
        leave(crowd, 12)
        crowd.user("ada", accounts={"chat": "77"})
        crowd.accounts["1050"]["active"] = False
        releases = [h.release for c in crowd.plan().held for h in c.held]
        assert len({r.partition(":")[0].partition("=")[0] for r in releases}) == 3
        Releases.parse(releases)
