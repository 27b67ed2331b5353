"""Guardrails of several revisions hold together, and a group that has to keep members keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.app import Guardrails, Limit
from reconciler.plan import propose, read_paths
from reconciler.plan.releases import Releases


def rails(**keys: Any) -> Guardrails:
    return Guardrails.model_validate(keys)


def plan(world: Any, *allow: str, stricter: tuple[Guardrails, ...]) -> Any:
    """The plan under guardrails of other revisions too."""
    desired, app = world.desired, world.the_app
    paths = read_paths(desired, app, world.profile, stricter)
    assert {c.attribute for r in stricter for c in r.protected.users if not isinstance(c, str)} <= set(paths[0])
    found = world.snapshot(desired)
    return propose(
        app, world.profile, desired, found, world.state, as_of=world.now, releases=Releases.parse(allow),
        stricter=stricter,
    ).plan  # fmt: skip


@pytest.fixture
def crowd(world: Any) -> Any:
    world.settled(100)
    return world


class TestStricter:
    def test_whatever_one_revision_holds_is_held(self, crowd: Any, read: Any) -> None:
        crowd.app(guardrails={"deprovisionUsers": {"count": 90}})
        crowd.leave(*(f"p{n}" for n in range(30)))
        assert not crowd.plan().held
        held = plan(crowd, stricter=(rails(deprovisionUsers={"count": 20}),))
        rail = read.rail(held, "deprovisionUsers")
        assert (len(held.held), rail.broken, rail.count) == (30, True, 20)
        assert ("stricter", "chat") in read.notes(held)

    def test_the_looser_one_changes_nothing(self, crowd: Any, read: Any) -> None:
        crowd.leave(*(f"p{n}" for n in range(30)))
        held = plan(crowd, stricter=(rails(deprovisionUsers={"count": 90}),))
        assert len(held.held) == 30
        assert ("stricter", "chat") not in read.notes(held)

    def test_the_exact_figure_releases_both(self, crowd: Any) -> None:
        crowd.leave(*(f"p{n}" for n in range(30)))
        assert not plan(crowd, "deprovisionUsers=30", stricter=(rails(deprovisionUsers={"count": 2}),)).held

    def test_each_is_judged_as_a_whole(self, crowd: Any) -> None:
        """A small count with a high ignoreBelow and a high count with none do not make a small count with none."""
        crowd.app(guardrails={"deprovisionUsers": {"count": 5, "ignoreBelow": 10}})
        crowd.leave(*(f"p{n}" for n in range(7)))
        assert not plan(crowd, stricter=(rails(deprovisionUsers={"count": 50}),)).held

    def test_members_of_a_group(self, crowd: Any, read: Any) -> None:
        crowd.group("editors", "p0")
        crowd.team("1", "Editors", *(str(1000 + n) for n in range(20)))
        crowd.bind("group:editors", "1")
        crowd.left("editors", *(f"p{n}" for n in range(20)))
        crowd.app(guardrails={"removeMembers": {"count": 100}})
        assert not crowd.plan().held
        assert plan(crowd, stricter=(Guardrails(),)).held

    def test_who_is_protected_in_either_is_protected(self, crowd: Any, read: Any) -> None:
        crowd.leave("p0", "p1")
        strict = rails(
            protected={
                "users": ["p0", {"attribute": "userName", "operator": "EQUALS", "value": "p1@contoso.com"}],
                "groups": ["crew"],
            }
        )
        crowd.team("1", "Crew", "1005")
        crowd.bind("group:crew", "1")
        found = plan(crowd, stricter=(strict,))
        assert set(read.blocked(found)) == {
            ("deactivateUser", "user:p0", "protected"),
            ("deactivateUser", "user:p1", "protected"),
            ("deleteGroup", "group:crew", "protected"),
        }

    def test_an_account_that_the_token_belonged_to_stays(self, crowd: Any, read: Any) -> None:
        crowd.account("9", "robot")
        crowd.account("8", "robot2")
        crowd.app(unmanaged={"users": "deprovision"}, guardrails={"actsAs": "robot2@contoso.com"})
        assert read.runs(crowd.plan()) == [("deactivateUser", "account:9")]
        found = plan(crowd, stricter=(rails(actsAs="ROBOT@contoso.com"),))
        assert not found.pending
        assert read.blocked(found) == [("deactivateUser", "account:9", "protected")]

    def test_limits_survive_the_memory(self) -> None:
        strict = rails(removeMembers={"percent": 10}, minimumMembers={"a": 2}, protected={"users": ["x"]})
        again = Guardrails.model_validate_json(strict.model_dump_json(by_alias=True))
        assert again == strict
        assert again.remove_members == Limit(percent=10)


class TestMinimumMembers:
    @pytest.fixture
    def admins(self, crowd: Any) -> Any:
        """p0, p1 and p2 are administrators, and two are the least."""
        crowd.group("admins", "p0", "p1", "p2")
        crowd.team("1", "Admins", "1000", "1001", "1002")
        crowd.bind("group:admins", "1")
        crowd.left("admins", "p0", "p1", "p2")
        crowd.app(guardrails={"minimumMembers": {"admins": 2}, "removeMembers": {"count": 100}})
        return crowd

    def keep(self, world: Any, *names: str) -> None:
        group = world.groups["admins"]
        group.members = tuple(m for m in group.members if m.user in names)

    def test_as_many_as_that_are_enough(self, admins: Any) -> None:
        self.keep(admins, "p0", "p1")
        assert not admins.plan().held

    def test_what_leaves_fewer_is_held(self, admins: Any, read: Any) -> None:
        self.keep(admins, "p0")
        held = admins.plan()
        assert read.members(held) == {
            ("removeMembers", "group:admins", "user:p1", "minimumMembers:admins=1"),
            ("removeMembers", "group:admins", "user:p2", "minimumMembers:admins=1"),
        }
        rail = read.rail(held, "minimumMembers:admins")
        assert (rail.value, rail.count, rail.of, rail.broken) == (1, 2, 3, True)

    def test_departures_count_and_are_held_with_their_memberships(self, admins: Any, read: Any) -> None:
        admins.leave("p1", "p2")
        held = admins.plan()
        assert not held.pending
        assert {h.release for c in held.held for h in c.held} == {"minimumMembers:admins=1"}
        assert {c.action for c in held.held} == {"deactivateUser", "removeMembers"}

    def test_another_departure_goes_on(self, admins: Any, read: Any) -> None:
        admins.leave("p1", "p2", "p50")
        assert read.runs(admins.plan()) == [("deactivateUser", "user:p50")]

    def test_a_newcomer_counts(self, admins: Any) -> None:
        admins.group("admins", "p0", "p5")
        assert not admins.plan().held

    def test_a_newcomer_who_is_held_does_not(self, admins: Any, read: Any) -> None:
        admins.user("new")
        admins.account("77", "new", active=False)
        admins.group("admins", "p0", "new")
        assert ("removeMembers", "group:admins", "minimumMembers:admins=1") in read.held(admins.plan())

    def test_inactive_members_do_not_count(self, admins: Any) -> None:
        admins.accounts["1000"]["active"] = False
        admins.bind("user:p0", "1000", active=False)
        admins.user("p0", enabled=False)
        self.keep(admins, "p1")
        assert admins.plan().held

    def test_the_exact_figure_releases(self, admins: Any) -> None:
        self.keep(admins, "p0")
        assert admins.plan("minimumMembers:admins=0").held
        assert not admins.plan("minimumMembers:admins=1").held

    def test_a_group_that_goes(self, admins: Any, read: Any) -> None:
        del admins.groups["admins"]
        held = admins.plan()
        assert read.held(held) == [("deleteGroup", "group:admins", "minimumMembers:admins=0")]

    def test_too_few_already_holds_nothing(self, admins: Any) -> None:
        admins.team("1", "Admins", "1000")
        admins.left("admins", "p0")
        self.keep(admins, "p0")
        assert not admins.plan().changes

    def test_the_higher_of_two_revisions(self, admins: Any, read: Any) -> None:
        self.keep(admins, "p0", "p1")
        held = plan(admins, stricter=(rails(minimumMembers={"admins": 3}),))
        assert held.held
        assert ("stricter", "chat") in read.notes(held)
        assert not plan(admins, stricter=(rails(minimumMembers={"admins": 1}),)).held


def test_what_applies_did_within_a_day_is_told(crowd: Any, read: Any) -> None:
    crowd.state.spent = [{"at": crowd.hours(1), "name": "deprovisionUsers", "value": 7}]
    crowd.leave("p0", "p1", "p2", "p3", "p4")
    rail = read.rail(crowd.plan(), "deprovisionUsers")
    assert (rail.value, rail.earlier, rail.broken) == (5, 7, True)
