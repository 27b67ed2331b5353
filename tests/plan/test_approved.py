"""What an approved plan and the plan of now have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from reconciler.model.plan import (
    AddMembers,
    AdoptUser,
    Blocked,
    Budget,
    Candidate,
    Change,
    CreateGroup,
    CreateUser,
    DeactivateUser,
    DeleteGroup,
    DesiredFacts,
    Difference,
    EmptyGroup,
    Held,
    LiveFacts,
    MemberRef,
    Origin,
    Plan,
    ProfileFacts,
    ReactivateUser,
    RemoveMembers,
    RenameUser,
    UpdateUser,
)
from reconciler.plan import Narrowed, changes_digest, narrow, only, signed


def plan(*changes: Change, blocked: Sequence[Blocked] = ()) -> Plan:
    return signed(
        Plan(
            tool_version="1", app="app", tenant_url="https://x.example", as_of="2026-11-23T17:00:00Z",
            desired=DesiredFacts(digest="", users=0, groups=0),
            live=LiveFacts(digest="", users=0, groups=0, read_at=""),
            profile=ProfileFacts(name="x", verified="never"), budget=Budget(requests=0), changes=changes,
            blocked=tuple(blocked),
        )
    )  # fmt: skip


def sets(**values: tuple[Any, Any]) -> dict[str, Difference]:
    return {path: Difference(before=before, after=after) for path, (before, after) in values.items()}


def create(name: str, **values: Any) -> CreateUser:
    found = {"userName": name, **values}
    return CreateUser(key=f"user:{name}", name=name, set={p: Difference(after=v) for p, v in found.items()})


def update(name: str, id_: str | None = "1", /, **values: tuple[Any, Any]) -> UpdateUser:
    return UpdateUser(key=f"user:{name}", id=id_, name=name, set=sets(**values))


def rename(name: str, before: str, after: str, *, temporary: bool = False, id_: str = "1") -> RenameUser:
    found = sets(userName=(before, after))
    return RenameUser(key=f"user:{name}", id=id_, name=name, set=found, temporary=temporary)


def off(name: str, id_: str = "1") -> DeactivateUser:
    return DeactivateUser(key=f"user:{name}", id=id_, name=name, set=sets(active=(True, False)))


def members(*names: str, **ids: str | None) -> tuple[MemberRef, ...]:
    found = {**{name: f"id-{name}" for name in names}, **ids}
    return tuple(MemberRef(key=f"user:{name}", id=id_, name=name) for name, id_ in found.items())


def add(*names: str, id_: str | None = "g", **ids: str | None) -> AddMembers:
    return AddMembers(key="group:g", id=id_, name="G", members=members(*names, **ids))


def remove(*names: str, id_: str | None = "g") -> RemoveMembers:
    return RemoveMembers(key="group:g", id=id_, name="G", members=members(*names))


def runs(found: Narrowed) -> list[tuple[str, str, list[str]]]:
    """(action, key, paths or members) of what is run."""
    return [
        (c.action, c.key, [*getattr(c, "set", {}), *(m.key for m in getattr(c, "members", ()))])
        for c in found.plan.changes
    ]


def moved(found: Narrowed) -> dict[tuple[str, str], str]:
    return {(each.change.action, each.change.key): "; ".join(each.what) for each in found.moved}


def test_the_same_plan_is_run_whole() -> None:
    approved = plan(
        create("ada"), update("grace", title=("A", "B")), off("tom", "2"), add("grace", ada=None), remove("x")
    )
    found = narrow(approved, approved)
    assert found.plan.changes == approved.changes
    assert (found.moved, found.unneeded, found.new, found.complete) == ((), (), (), True)
    assert found.plan.changes_digest == approved.changes_digest


def test_paths_are_compared_one_by_one() -> None:
    approved = plan(update("ada", title=("A", "B"), department=("X", "Y"), city=("P", "Q")))
    now = plan(update("ada", title=("A", "B"), department=("Z", "Y"), country=(None, "DE")))
    found = narrow(approved, now)
    assert runs(found) == [("updateUser", "user:ada", ["title"])]
    assert moved(found) == {("updateUser", "user:ada"): 'department: approved was "X" → "Y", now it is "Z" → "Y"'}
    assert [list(c.set) for c in found.unneeded if isinstance(c, UpdateUser)] == [["city"]]
    assert [list(c.set) for c in found.new if isinstance(c, UpdateUser)] == [["department", "country"]]
    assert not found.complete


def test_what_git_wants_now_is_not_what_was_approved() -> None:
    found = narrow(plan(update("ada", title=("A", "B"))), plan(update("ada", title=("A", "C"))))
    assert not found.plan.changes
    assert '"A" → "C"' in moved(found)["updateUser", "user:ada"]


def test_a_creation_counts_as_a_whole() -> None:
    approved = plan(create("ada", title="A"), create("grace", title="A"), create("tom", title="A"))
    now = plan(create("ada", title="A"), create("grace", title="B"), create("tom", title="A", city="Q"))
    found = narrow(approved, now)
    assert runs(found) == [("createUser", "user:ada", ["userName", "title"])]
    assert moved(found) == {
        ("createUser", "user:grace"): 'title: approved was "A", now it is "B"',
        ("createUser", "user:tom"): 'city: now "Q" is written, approved was nothing',
    }


def test_members_are_compared_one_by_one() -> None:
    found = narrow(plan(add("ada", "grace", "tom")), plan(add("ada", "grace", "mary")))
    assert runs(found) == [("addMembers", "group:g", ["user:ada", "user:grace"])]
    assert [m.key for c in found.unneeded if isinstance(c, AddMembers) for m in c.members] == ["user:tom"]
    assert [m.key for c in found.new if isinstance(c, AddMembers) for m in c.members] == ["user:mary"]
    assert not found.moved


def test_lists_that_were_split_by_origin_are_one_list() -> None:
    first = AddMembers(key="group:g", id="g", name="G", members=members("ada"), origin=Origin.DRIFT)
    found = narrow(plan(first, add("grace")), plan(add("ada", "grace")))
    assert runs(found) == [("addMembers", "group:g", ["user:ada", "user:grace"])]


def test_a_member_whose_sense_turned_round() -> None:
    found = narrow(plan(add("ada")), plan(remove("ada")))
    assert not found.plan.changes
    assert moved(found) == {("addMembers", "group:g"): "user:ada: now planned is removeMembers"}


def test_ids_that_were_not_known_do_not_count() -> None:
    approved = plan(add(id_=None, ada=None), update("ada", None, title=(None, "B")))
    found = narrow(approved, plan(add(ada="7"), update("ada", "7", title=(None, "B"))))
    assert len(found.plan.changes) == 2
    assert not found.moved
    assert found.complete


@pytest.mark.parametrize(
    ("approved", "now", "says"),
    [
        (
            update("ada", "1", title=("A", "B")),
            update("ada", "2", title=("A", "B")),
            "another one now: 2, approved was 1",
        ),
        (off("ada", "1"), off("ada", "2"), "another one now: 2"),
        (add(ada="1"), add(ada="2"), "another account now: 2, approved was 1"),
        (add("ada", id_="g"), add("ada", id_="h"), "the group is another one now: h"),
    ],
)
def test_an_id_that_was_known_counts(approved: Change, now: Change, says: str) -> None:
    found = narrow(plan(approved), plan(now))
    assert not found.plan.changes
    assert says in moved(found)[approved.action, approved.key]


def test_a_manager_who_was_yet_to_be_created() -> None:
    before = update("ada", manager=(None, {"key": "user:grace"}))
    found = narrow(plan(before), plan(update("ada", manager=(None, {"key": "user:grace", "id": "9"}))))
    assert len(found.plan.changes) == 1
    other = narrow(plan(before), plan(update("ada", manager=(None, {"key": "user:tom", "id": "9"}))))
    assert not other.plan.changes


@pytest.mark.parametrize("stands", [{"redacted": True}, {"generated": "Guid"}])
def test_what_no_document_holds_compares_as_it_stands(stands: dict[str, Any]) -> None:
    approved = plan(create("ada", secret=stands))
    assert len(narrow(approved, plan(create("ada", secret=stands))).plan.changes) == 1
    assert not narrow(approved, plan(create("ada", secret="plain"))).plan.changes


def test_nothing_is_asked_for_any_more() -> None:
    found = narrow(plan(create("ada"), off("tom"), add("ada", id_="g")), plan())
    assert [c.action for c in found.unneeded] == ["createUser", "deactivateUser", "addMembers"]
    assert (found.moved, found.plan.changes, found.complete) == ((), (), True)


def test_what_is_new_is_left() -> None:
    found = narrow(plan(), plan(off("tom"), create("ada")))
    assert not found.plan.changes
    assert [c.key for c in found.new] == ["user:tom", "user:ada"]
    assert not found.complete


HELD = (Held(by="guardrail:deprovisionUsers", release="deprovisionUsers=1"),)


def test_held_then_and_released_now_runs_and_the_other_way_round() -> None:
    was = off("tom").model_copy(update={"held": HELD})
    assert narrow(plan(was), plan(off("tom"))).plan.pending
    found = narrow(plan(off("tom")), plan(was))
    assert found.held_now == (was,)
    assert not found.plan.pending
    assert not found.moved


def test_something_new_that_is_held_is_no_remainder() -> None:
    found = narrow(plan(), plan(off("tom").model_copy(update={"held": HELD})))
    assert found.complete


def test_somebody_is_in_question_now() -> None:
    question = AdoptUser(
        key="user:ada", name="Ada", held=(Held(by="whoIsThis", release="whoIsThis:user:ada"),),
        candidates=(Candidate(id="1", name="A", active=True), Candidate(id="2", name="B", active=True)),
    )  # fmt: skip
    found = narrow(plan(create("ada"), add(ada=None)), plan(question))
    assert not found.plan.changes
    assert "adoptUser, held by whoIsThis" in moved(found)["createUser", "user:ada"]
    assert "adoptUser, held by whoIsThis" in moved(found)["addMembers", "group:g"]


def test_what_is_blocked_now() -> None:
    line = Blocked(key="user:tom", id="1", name="Tom", wanted="deactivateUser", reason="protected", text="is protected")
    found = narrow(plan(off("tom")), plan(blocked=[line]))
    assert moved(found) == {("deactivateUser", "user:tom"): "blocked: is protected"}


def test_an_account_that_is_there_by_now_with_other_values() -> None:
    found = narrow(plan(create("ada")), plan(update("ada", "5", title=("X", "B"))))
    assert moved(found) == {("createUser", "user:ada"): "now planned for user:ada is updateUser"}


def test_an_account_that_is_gone() -> None:
    found = narrow(plan(update("ada", title=("A", "B"))), plan(create("ada", title="B")))
    assert moved(found) == {("updateUser", "user:ada"): "now planned for user:ada is createUser"}


def test_a_part_of_a_rename_without_the_name_is_an_update() -> None:
    approved = plan(RenameUser(key="user:ada", id="1", name="ada", set=sets(userName=("a", "b"), title=("A", "B"))))
    found = narrow(approved, plan(update("ada", title=("A", "B"))))
    assert runs(found) == [("updateUser", "user:ada", ["title"])]
    now = plan(RenameUser(key="user:ada", id="1", name="ada", set=sets(userName=("a", "c"), title=("A", "B"))))
    assert runs(narrow(approved, now)) == [("renameUser", "user:ada", ["title"])]
    wider = plan(update("ada", title=("A", "B")))
    assert runs(narrow(wider, approved)) == [("updateUser", "user:ada", ["title"])]


def test_a_reactivation_is_not_an_update() -> None:
    back = ReactivateUser(key="user:ada", id="1", name="ada", set=sets(active=(False, True), title=("A", "B")))
    found = narrow(plan(update("ada", title=("A", "B"))), plan(back))
    assert runs(found) == [("updateUser", "user:ada", ["title"])]
    assert [list(c.set) for c in found.new if isinstance(c, ReactivateUser)] == [["active"]]


@pytest.mark.parametrize(("now", "goes"), [(("ada",), True), (("ada", "tom"), False)])
def test_a_group_is_deleted_only_if_nobody_more_loses_it(now: tuple[str, ...], goes: bool) -> None:
    def delete(*names: str) -> DeleteGroup:
        return DeleteGroup(key="group:g", id="g", name="G", members=members(*names))

    found = narrow(plan(delete("ada", "mary")), plan(delete(*now)))
    assert bool(found.plan.changes) is goes
    if not goes:
        assert moved(found) == {("deleteGroup", "group:g"): "more would lose the membership: user:tom"}


def test_members_of_a_group_that_is_to_be_emptied() -> None:
    empty = EmptyGroup(key="group:g", id="g", name="G", members=members("ada", "tom"))
    found = narrow(plan(remove("ada")), plan(empty))
    assert runs(found) == [("emptyGroup", "group:g", ["user:ada"])]


# what relies on something that is not run


def test_a_name_that_nobody_gives_up_is_not_taken() -> None:
    approved = plan(rename("bob", "b", "a", id_="2"))
    found = narrow(approved, plan(rename("ada", "a", "c"), rename("bob", "b", "a", id_="2")))
    assert not found.plan.changes
    assert moved(found) == {("renameUser", "user:bob"): "it needs renameUser user:ada, which is not run"}


def test_a_swap_goes_whole_or_not_at_all() -> None:
    swap = (rename("ada", "a", "tmp", temporary=True), rename("bob", "b", "a", id_="2"), rename("ada", "tmp", "b"))
    assert len(narrow(plan(*swap), plan(*swap)).plan.changes) == 3
    other = (swap[0], swap[1], rename("ada", "tmp", "c"))
    found = narrow(plan(*swap), plan(*other))
    assert ("renameUser", "user:ada") not in {(a, k) for a, k, _ in runs(found)}, "nobody is left with a temporary name"


def circle(kind: type[Any], **more: Any) -> tuple[Change, ...]:
    """Ada and Bob exchange names; Ada's second step is of this kind, and may write more."""
    final = kind(key="user:ada", id="1", name="ada", set=sets(userName=("tmp", "b"), **more))
    return rename("ada", "a", "tmp", temporary=True), rename("bob", "b", "a", id_="2"), final


FINALS = [UpdateUser, RenameUser, AdoptUser, ReactivateUser]


@pytest.mark.parametrize("kind", FINALS)
@pytest.mark.parametrize("missing", range(3))
def test_of_a_circle_nothing_runs_unless_all_of_it_was_approved(kind: type[Any], missing: int) -> None:
    whole = circle(kind)
    assert narrow(plan(*whole), plan(*whole)).plan.changes == whole
    approved = [change for n, change in enumerate(whole) if n != missing]
    found = narrow(plan(*approved), plan(*whole))
    assert not found.plan.changes
    assert set(moved(found)) == {(change.action, change.key) for change in approved}


@pytest.mark.parametrize("kind", FINALS)
@pytest.mark.parametrize("more", [{}, {"title": ("x", "z")}])
def test_of_a_circle_nothing_runs_if_a_part_of_one_change_moved(kind: type[Any], more: dict[str, Any]) -> None:
    """Whatever it is of it that moved: not the name alone."""
    approved, now = circle(kind, title=("x", "y")), circle(kind, **more)
    found = narrow(plan(*approved), plan(*now))
    assert bool(found.plan.changes) is not bool(more), "what nobody asks for any more is no move"
    assert bool(found.moved) is bool(more)


def test_what_is_no_name_runs_though_a_circle_came_up_that_nobody_approved() -> None:
    found = narrow(plan(update("ada", title=("x", "y"))), plan(*circle(RenameUser, title=("x", "y")), off("tom", "3")))
    assert runs(found) == [("updateUser", "user:ada", ["title"])]
    assert not found.moved


def test_of_a_circle_whose_one_account_is_another_now_nothing_runs() -> None:
    """Though the name is free now, and the rest of it could."""
    found = narrow(plan(*circle(RenameUser)), plan(rename("bob", "b", "a", id_="2"), rename("ada", "c", "b", id_="9")))
    assert not found.plan.changes
    assert {"user:ada", "user:bob"} <= {each.change.key for each in found.moved}


def test_what_is_left_of_a_circle_that_broke_off_is_ended() -> None:
    whole = circle(RenameUser)
    found = narrow(plan(*whole), plan(*whole[1:]))
    assert found.plan.changes == whole[1:]
    assert not found.moved


@pytest.mark.parametrize("key", ["user:ada", "user:bob"])
@pytest.mark.parametrize("kind", FINALS)
def test_one_of_a_circle_alone_brings_the_others(key: str, kind: type[Any]) -> None:
    whole = circle(kind)
    assert only(plan(*whole, off("tom", "3")), [key]).changes == whole


def test_members_of_what_nobody_approved_are_left() -> None:
    group = CreateGroup(key="group:g", name="G", set={"displayName": Difference(after="G")})
    whole = plan(group, create("ada"), add(id_=None, ada=None, grace="7"))
    found = narrow(plan(add(id_=None, ada=None, grace="7")), whole)
    assert not found.plan.changes
    assert "needs createGroup" in moved(found)["addMembers", "group:g"]
    found = narrow(plan(group, add(id_=None, ada=None, grace="7")), whole)
    assert runs(found) == [("createGroup", "group:g", ["displayName"]), ("addMembers", "group:g", ["user:grace"])]
    assert "needs createUser user:ada" in moved(found)["addMembers", "group:g"]


def test_the_narrowed_plan_has_digests_of_its_own() -> None:
    found = narrow(plan(off("tom")), plan(off("tom"), create("ada")))
    assert found.plan.changes_digest == changes_digest(found.plan) == plan(off("tom")).changes_digest
    assert found.plan.digest == signed(found.plan).digest


def test_twenty_thousand_changes_of_one_group_are_no_trouble() -> None:
    names = [f"u{n}" for n in range(20_000)]
    approved = plan(*(create(name) for name in names), add(*names, id_="g"))
    found = narrow(approved, approved)
    assert found.complete
    assert len(found.plan.changes) == 20_001
