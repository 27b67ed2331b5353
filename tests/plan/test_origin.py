"""Where each change comes from: the plan for two versions of the files, on the same application and memory."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reconciler.model.directory import Member
from reconciler.model.plan import Origin, Plan
from reconciler.model.values import UserId
from reconciler.model.window import Window
from reconciler.plan import Earlier, Version

NEW, OLD, DRIFT, CLOCK = Origin.THIS_CHANGE, Origin.PENDING, Origin.DRIFT, Origin.CLOCK


class Comparison:
    """`base()` once git says what it said before; then the world is changed, and planned against it."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.earlier: Earlier | None = None

    def base(self) -> None:
        world = copy.deepcopy(self.world)
        profile = world.profile.corrected(world.the_app.profile)
        self.earlier = Earlier("4f2c1e7" + "0" * 33, Version(world.the_app, profile, world.desired))

    def plan(self, *allow: str) -> Plan:
        made: Plan = self.world.propose(*allow, base=self.earlier).plan
        return made


@pytest.fixture
def compared(world: Any) -> Comparison:
    return Comparison(world)


def origins(plan: Plan) -> set[tuple[str, str, Origin]]:
    """(action, key or member, origin)."""
    return {
        (c.action, key, c.origin)
        for c in plan.changes
        for key in ([m.key for m in getattr(c, "members", ())] or [c.key])
    }


def test_who_is_new_in_this_change_and_who_was_merged_before(compared: Comparison) -> None:
    compared.world.user("ada")
    compared.base()
    compared.world.user("bob")
    assert origins(compared.plan()) == {("createUser", "user:ada", OLD), ("createUser", "user:bob", NEW)}
    assert compared.plan().desired.base == "4f2c1e7" + "0" * 33


def test_without_a_base_nothing_is_of_this_change(world: Any) -> None:
    world.user("ada")
    plan = world.plan()
    assert origins(plan) == {("createUser", "user:ada", OLD)}
    assert plan.desired.base is None


def test_an_update_is_of_this_change_if_one_value_of_it_is(compared: Comparison) -> None:
    world = compared.world
    world.ours("1", "ada", displayName="Old", given="Old")
    world.ours("2", "bob", displayName="Old")
    compared.base()
    world.user("ada", displayName="Countess")
    world.user("bob")
    assert origins(compared.plan()) == {("updateUser", "user:ada", NEW), ("updateUser", "user:bob", OLD)}


def test_who_was_to_be_created_otherwise_is_of_this_change(compared: Comparison) -> None:
    compared.world.user("ada")
    compared.base()
    compared.world.user("ada", displayName="Countess")
    assert origins(compared.plan()) == {("createUser", "user:ada", NEW)}


def test_members_are_told_one_by_one(compared: Comparison, read: Any) -> None:
    world = compared.world
    world.settled(6)
    world.group("editors", "p0", "p1")
    world.team("70", "Editors", "1001", "1004", "1005")
    world.bind("group:editors", "70", members=["p1", "p4", "p5"])
    compared.base()
    world.group("editors", "p0", "p2", "p4")
    plan = compared.plan()
    assert origins(plan) == {
        ("addMembers", "user:p0", OLD),
        ("addMembers", "user:p2", NEW),
        ("removeMembers", "user:p1", NEW),
        ("removeMembers", "user:p5", OLD),
    }
    compared.earlier = None
    assert compared.plan().changes_digest == plan.changes_digest


def test_leaving_is_of_this_change_whatever_was_written_before(compared: Comparison) -> None:
    world = compared.world
    world.settled(4)
    world.user("p0", enabled=False)
    compared.base()
    world.leave("p1")
    world.user("p2", enabled=False)
    assert origins(compared.plan()) == {
        ("deactivateUser", "user:p0", OLD),
        ("deactivateUser", "user:p1", NEW),
        ("deactivateUser", "user:p2", NEW),
    }


def test_a_deletion_where_a_deactivation_was_merged_is_of_this_change(compared: Comparison) -> None:
    compared.world.settled(3)
    compared.world.leave("p0")
    compared.base()
    compared.world.app(deprovision={"users": "delete"})
    assert origins(compared.plan()) == {("deleteUser", "user:p0", NEW)}


def test_drift_stays_drift_and_what_this_change_asks_for_is_of_it(compared: Comparison) -> None:
    world = compared.world
    world.ours("1", "ada", displayName="Meddled")
    world.ours("2", "bob", displayName="Meddled")
    world.remember(world.desired)
    compared.base()
    world.user("bob", displayName="Robert")
    assert origins(compared.plan()) == {("updateUser", "user:ada", DRIFT), ("updateUser", "user:bob", NEW)}


def test_what_was_taken_away_stays_held_whoever_asks(compared: Comparison, read: Any) -> None:
    """Editing the person's file is no answer to the question who did that."""
    world = compared.world
    world.ours("1", "ada", active=False)
    compared.base()
    world.user("ada", displayName="Countess")
    plan = compared.plan()
    assert read.held(plan) == [("reactivateUser", "user:ada", "takenAwayInApp:user:ada")]
    assert origins(plan) == {("reactivateUser", "user:ada", NEW)}


def test_a_question_that_was_there_before_is_no_question_of_this_change(compared: Comparison) -> None:
    world = compared.world
    world.user("ada")
    world.account("1", "ada", active=False)
    compared.base()
    world.user("bob")
    world.account("2", "bob", active=False)
    assert origins(compared.plan()) == {("adoptUser", "user:ada", OLD), ("adoptUser", "user:bob", NEW)}


def test_groups(compared: Comparison) -> None:
    world = compared.world
    world.settled(2)
    world.group("editors", "p0")
    world.team("71", "Old", "1000")
    world.bind("group:old", "71", members=["p0"])
    world.group("viewers", displayName="Watchers")
    world.team("72", "Viewers")
    world.bind("group:viewers", "72")
    compared.base()
    world.group("press", "p0")
    world.group("viewers", displayName="Spectators")
    assert origins(compared.plan()) == {
        ("createGroup", "group:editors", OLD),
        ("createGroup", "group:press", NEW),
        ("renameGroup", "group:viewers", NEW),
        ("deleteGroup", "user:p0", OLD),
        ("addMembers", "user:p0", OLD),
        ("addMembers", "user:p0", NEW),
    }


def test_a_redacted_value_that_this_change_changes(compared: Comparison) -> None:
    """The document shows both alike."""
    world = compared.world
    world.ours("1", "ada")
    world.map({"target": "nickName", "expression": "Redact([jobTitle])"})
    world.user("ada", jobTitle="one")
    compared.base()
    assert origins(compared.plan()) == {("updateUser", "user:ada", OLD)}
    world.user("ada", jobTitle="two")
    assert origins(compared.plan()) == {("updateUser", "user:ada", NEW)}


def test_another_mapping_is_of_this_change(compared: Comparison) -> None:
    world = compared.world
    world.settled(3)
    compared.base()
    world.map({"target": "title", "constant": "Person"})
    assert {o for _, _, o in origins(compared.plan())} == {NEW}


class TestAbsent:
    """No base to compare with: everything is new against it, and the plan says why."""

    def test_is_told(self, world: Any, read: Any) -> None:
        world.user("ada")
        plan = world.propose(base=Earlier("4f2c1e7", None, "there was no desired state here")).plan
        assert origins(plan) == {("createUser", "user:ada", NEW)}
        (note,) = [n for n in plan.notes if n.code == "noBase"]
        assert note.text == "there was no desired state here: everything counts as this change"

    def test_a_base_of_which_no_plan_can_be_made(self, compared: Comparison, read: Any) -> None:
        compared.world.settled(2)
        compared.world.app(scope={"assigned": {"users": []}})
        compared.base()
        compared.world.app(scope={"everyone": True})
        compared.world.user("ada")
        plan = compared.plan()
        assert origins(plan) == {("createUser", "user:ada", NEW)}
        assert "there is no plan for 4f2c1e7: nobody is in scope" in str(plan.notes)


def test_guardrails_of_the_base_hold_too(compared: Comparison, read: Any) -> None:
    world = compared.world
    world.settled(30)
    world.app(guardrails={"deprovisionUsers": {"count": 1, "ignoreBelow": 0}})
    compared.base()
    world.app(guardrails={"deprovisionUsers": {"count": 100, "percent": 100}})
    world.leave("p0", "p1")
    assert {release for _, _, release in read.held(compared.plan())} == {"deprovisionUsers=2"}


class TestClock:
    def test_a_window_that_closed_since_the_last_apply(self, world: Any) -> None:
        """`then` is what the same files asked for at the last apply."""
        world.settled(3)
        then = world.desired
        world.leave("p0")
        assert origins(world.propose(then=then).plan) == {("deactivateUser", "user:p0", CLOCK)}

    def test_drift_and_what_was_due_then_are_no_clockwork(self, world: Any) -> None:
        world.ours("1", "ada", displayName="Meddled")
        world.remember(world.desired)
        world.user("bob")
        then = world.desired
        world.user("eve")
        assert origins(world.propose(then=then).plan) == {
            ("updateUser", "user:ada", DRIFT),
            ("createUser", "user:bob", OLD),
            ("createUser", "user:eve", CLOCK),
        }

    def test_what_this_change_asks_for_comes_before_the_clock(self, compared: Comparison) -> None:
        world = compared.world
        then = world.desired
        world.user("bob")
        compared.base()
        world.user("eve")
        plan = world.propose(base=compared.earlier, then=then).plan
        assert origins(plan) == {("createUser", "user:bob", CLOCK), ("createUser", "user:eve", NEW)}


@pytest.mark.parametrize(
    ("opens", "closes", "moved"),
    [(None, None, False), (-1, None, True), (-3, None, False), (1, None, False), (None, -1, True), (None, 1, False),
     (0, None, True), (-2, None, False)],
)  # fmt: skip
def test_windows_that_moved(world: Any, opens: int | None, closes: int | None, moved: bool) -> None:
    """Hours from now; the last apply was two hours ago."""
    from datetime import timedelta

    from reconciler.plan import windows_moved

    def moment(hours: int | None) -> Any:
        return None if hours is None else world.now + timedelta(hours=hours)

    window = Window(moment(opens), moment(closes))
    since = moment(-2)
    world.user("ada")
    world.group("editors", "ada")
    assert not windows_moved(world.desired.directory, world.the_app, since, world.now)
    world.users[UserId("ada")].window = window
    assert windows_moved(world.desired.directory, world.the_app, since, world.now) is moved
    world.user("ada")
    world.groups[next(iter(world.groups))].members = (Member(4, user=UserId("ada"), window=window),)
    assert windows_moved(world.desired.directory, world.the_app, since, world.now) is moved


def test_windows_of_assignments_move_too(world: Any) -> None:
    from datetime import timedelta

    from reconciler.plan import windows_moved

    world.user("ada")
    world.app(scope={"assigned": {"users": [{"user": "ada", "until": "2026-11-22"}]}})
    directory, app = world.desired.directory, world.the_app
    assert windows_moved(directory, app, world.now - timedelta(days=2), world.now)
    assert not windows_moved(directory, app, world.now - timedelta(hours=2), world.now)


def test_who_is_gone_by_the_clock_is_known_from_the_files_alone(world: Any) -> None:
    world.ours("1", "ada")
    world.settled(2)
    world.user("ada", window="..2026-11-22")
    later, world.now = world.now, world.now.replace(day=20)
    then, world.now = world.desired, later
    plan = world.propose(then=then).plan
    assert origins(plan) == {("deactivateUser", "user:ada", CLOCK)}


class TestWithoutMemory:
    """Departures that only the base knows: planned, and held until released with the exact figure."""

    @pytest.fixture
    def fresh(self, compared: Comparison) -> Comparison:
        world = compared.world
        for number in range(4):
            world.user(f"p{number}")
            world.account(str(1000 + number), f"p{number}")
        world.team("70", "Editors", "1000", "1001")
        world.group("editors", "p0", "p1")
        compared.base()
        return compared

    def test_who_is_gone_from_git(self, fresh: Comparison, read: Any) -> None:
        fresh.world.leave("p0", "p1")
        plan = fresh.plan()
        assert read.held(plan) == [
            ("deactivateUser", "user:p0", "deprovisionUsers=2"),
            ("deactivateUser", "user:p1", "deprovisionUsers=2"),
            ("removeMembers", "group:editors", "deprovisionUsers=2"),
        ]
        assert {c.origin for c in plan.held} == {NEW}
        released = fresh.plan("deprovisionUsers=2")
        assert not released.held
        assert released.changes_digest == plan.changes_digest
        assert len(fresh.plan("deprovisionUsers=1").held) == 3

    def test_who_left_scope(self, fresh: Comparison, read: Any) -> None:
        fresh.world.assigned("p1", "p2", "p3")
        fresh.world.app(groups="none")
        (held, *_) = read.held(fresh.plan())
        assert held == ("deactivateUser", "user:p0", "deprovisionUsers=1")
        assert read.change(fresh.plan(), "user:p0").reasons == ("leftScope",)

    def test_who_is_disabled_needs_no_release(self, fresh: Comparison, read: Any) -> None:
        fresh.world.user("p0", enabled=False)
        assert ("deactivateUser", "user:p0") in read.runs(fresh.plan())

    def test_nobody_leaves_whose_account_somebody_else_has_now(self, fresh: Comparison, read: Any) -> None:
        """A file that was renamed: the same account, another id."""
        fresh.world.leave("p0")
        fresh.world.user("p9", userPrincipalName="p0@contoso.com", mail="p0@contoso.com", givenName="P0",
                         surname="P0Son", displayName="P0 P0Son")  # fmt: skip
        plan = fresh.plan()
        assert not [c for c in plan.changes if c.action == "deactivateUser"]

    def test_nobody_leaves_whose_account_is_not_plain(self, fresh: Comparison, read: Any) -> None:
        world = fresh.world
        world.account("1000", "p0", given="Somebody", surname="Else")
        fresh.base()
        world.leave("p0")
        assert not [c for c in fresh.plan().changes if c.action == "deactivateUser"]

    def test_with_a_memory_it_alone_decides(self, fresh: Comparison, read: Any) -> None:
        fresh.world.bind("user:p3", "1003")
        fresh.world.leave("p0")
        assert not [c for c in fresh.plan().changes if c.action == "deactivateUser"]

    def test_keep_keeps_and_protected_is_blocked(self, fresh: Comparison, read: Any) -> None:
        fresh.world.leave("p0")
        fresh.world.app(guardrails={"protected": {"users": ["p0"]}})
        assert read.blocked(fresh.plan())[0][:2] == ("deactivateUser", "user:p0")
        fresh.world.app(guardrails={}, deprovision={"users": "keep"})
        assert not [c for c in fresh.plan().changes if c.action == "deactivateUser"]

    def test_groups_are_held_with_the_figure_of_groups(self, fresh: Comparison, read: Any) -> None:
        del fresh.world.groups[next(iter(fresh.world.groups))]
        assert read.held(fresh.plan()) == [("deleteGroup", "group:editors", "deleteGroups=1")]
        assert not fresh.plan("deleteGroups=1").held

    def test_they_are_not_unmanaged_beside(self, fresh: Comparison, read: Any) -> None:
        fresh.world.leave("p0")
        fresh.world.app(unmanaged={"users": "deprovision"}, guardrails={"actsAs": "p3@contoso.com"})
        plan = fresh.plan()
        assert [(c.action, c.key) for c in plan.changes if c.id == "1000"] == [("deactivateUser", "user:p0")]
