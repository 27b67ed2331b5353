"""Accounts that somebody asks for: until the question is answered nobody gains by them and nobody loses them."""

from __future__ import annotations

from typing import Any

import pytest


def test_what_a_held_pin_leaves_behind_is_not_unmanaged(world: Any, read: Any) -> None:
    """Ada's account stays hers while it is asked whether she may have the one that her pin names."""
    world.ours("1", "ada")
    world.account("9", "robot")
    world.user("ada", accounts={"chat": "9"})
    world.app(unmanaged={"users": "deprovision", "members": "remove"}, guardrails={"actsAs": "robot@contoso.com"})
    world.group("editors", "ada")
    world.team("t", "Editors", "1")
    plan = world.plan()
    assert read.runs(plan) == []
    assert ("adoptUser", "user:ada", "whoIsThis:user:ada") in read.held(plan)


@pytest.mark.parametrize("after", ["deactivate", "keep"])
@pytest.mark.parametrize("guarded", [[], ["ada"]])
@pytest.mark.parametrize("enabled", [True, False])
def test_nor_where_the_pin_is_of_somebody_who_is_to_lose_access(
    world: Any, read: Any, after: str, guarded: list[str], enabled: bool
) -> None:
    """The account that the pin names is inactive. The one that Ada is bound to is not, and is no stranger's."""
    world.ours("1", "ada", userName="old.ada@contoso.com")
    world.account("8", "acts")
    world.account("9", "robot", active=False)
    world.user("ada", enabled=enabled, accounts={"chat": "9"})
    clause = {"attribute": "userName", "operator": "EQUALS", "value": "robot@contoso.com"}
    world.app(
        scope={"assigned": {"users": ["grace"]}},
        unmanaged={"users": "deprovision", "members": "remove"},
        deprovision={"users": after},
        guardrails={"actsAs": "acts@contoso.com", "protected": {"users": [clause, *guarded]}},
    )
    world.group("editors", "ada")
    world.team("t", "Editors", "1")
    world.ours("5", "grace")
    plan = world.plan()
    assert read.runs(plan) == []
    assert ("adoptUser", "user:ada", "whoIsThis:user:ada") in read.held(plan)


def test_an_account_with_the_name_of_somebody_in_scope_is_not_unmanaged(world: Any, read: Any) -> None:
    """Ada is bound to another one: whose the second is, is for a person to say."""
    world.ours("1", "ada", userName="ada.old@contoso.com")
    world.account("2", "ada", displayName="Somebody", given="Some", surname="Body")
    world.account("3", "stranger")
    world.account("9", "robot")
    world.app(unmanaged={"users": "deprovision", "members": "remove"}, guardrails={"actsAs": "robot@contoso.com"})
    world.group("editors", "ada")
    world.team("t", "Editors", "1", "2", "3")
    plan = world.plan()
    assert ("deactivateUser", "account:3") in read.runs(plan)
    assert ("deactivateUser", "account:2") not in read.runs(plan)
    assert {m for _, _, m, _ in read.members(plan)} == {"account:3"}


def test_a_group_with_the_name_of_one_of_ours_is_not_unmanaged(world: Any, read: Any) -> None:
    world.ours("1", "ada")
    world.group("editors", "ada")
    world.team("t", "Old Editors", "1")
    world.team("u", "Editors", "1")
    world.bind("group:editors", "t", members=["ada"])
    world.app(unmanaged={"users": "report", "groups": "delete"})
    assert not [change for change in read.runs(world.plan()) if change[0] in ("deleteGroup", "emptyGroup")]


def test_who_is_disabled_claims_nothing_of_somebody_in_git(world: Any, read: Any) -> None:
    """Eli comes back, whatever name of his Fay's file gives as an earlier one of hers."""
    world.ours("4", "eli", active=False)
    world.state.bindings["user:eli"]["active"] = False
    world.user("fay", enabled=False, formerly=({"userPrincipalName": "eli@contoso.com"},))
    assert read.runs(world.plan()) == [("reactivateUser", "user:eli")]


def test_a_question_about_somebody_elses_account_is_told_whoever_asks(world: Any, read: Any) -> None:
    world.ours("4", "eli", active=False)
    world.state.bindings["user:eli"]["active"] = False
    world.user("fay", enabled=False, accounts={"chat": "4"})
    plan = world.plan()
    assert read.runs(plan) == []
    assert ("adoptUser", "user:fay", "whoIsThis:user:fay") in read.held(plan)


def test_nobody_joins_a_group_with_an_account_that_is_asked_for(world: Any, read: Any) -> None:
    """The pin gives Bob's account to Ada while Bob fits it: his question holds her membership."""
    world.user("ada", accounts={"chat": "2"})
    world.user("bob")
    world.account("2", "bob")
    world.group("editors", "ada")
    world.team("t", "Editors")
    plan = world.plan()
    held = {(key, member): releases for _, key, member, releases in read.members(plan)}
    assert read.runs(plan) == []
    assert held == {("group:editors", "user:ada"): "whoIsThis:user:bob"}


def test_a_name_is_left_by_the_account_that_has_it(world: Any, read: Any) -> None:
    """Bob's pin takes him elsewhere: his old account keeps its name, and who wants that name is asked for."""
    world.user("bob", userPrincipalName="new.bob@contoso.com", accounts={"chat": "9"})
    world.bind("user:bob", "1")
    world.account("1", "bob")
    world.account("9", "stranger")
    world.user("ada", userPrincipalName="bob@contoso.com")
    assert ("adoptUser", "user:ada", "whoIsThis:user:ada") in read.held(world.plan())


def test_an_account_that_is_pinned_to_somebody_out_of_scope_does_not_go_with_whoever_had_it(
    world: Any, read: Any
) -> None:
    """Git says that it is Ada's, and wants nothing of it: it is not Bob's to lose, nor are its memberships."""
    world.settled(3)
    world.user("ada", enabled=False, accounts={"chat": "1"})
    world.account("1", "bob")
    world.bind("user:bob", "1")
    world.group("editors", "p0")
    world.team("t", "Editors", "1", "1000")
    world.app(deprovision={"users": "delete"}, guardrails={"protected": {"users": ["ada"]}})
    world.assigned("p0", "p1", "p2")
    plan = world.plan()
    assert read.runs(plan) == []
    assert [note.id for note in plan.notes if note.code == "unmanagedUser"] == ["1"]


def test_nor_while_whoever_had_it_has_a_file(world: Any, read: Any) -> None:
    """Nobody asks for Ada, who is out of scope, and still it is not Bob's account that Bob loses."""
    world.settled(3)
    world.user("ada", accounts={"chat": "1"})
    world.ours("1", "bob")
    world.group("editors", "p0")
    world.team("t", "Editors", "1", "1000")
    world.bind("group:editors", "t", members=["bob", "p0"])
    world.app(groups=("editors",), guardrails={"protected": {"users": ["ada"]}})
    world.assigned("p0", "p1", "p2")
    plan = world.plan()
    assert read.runs(plan) == []
    assert ("deactivateUser", "user:bob", "protected") in read.blocked(plan)
    assert ("removeMembers", "user:bob", "protected") in read.blocked(plan)
    world.app(guardrails={"protected": {"users": ["grace"]}})
    assert ("deactivateUser", "user:bob") in read.runs(world.plan())


def test_who_takes_over_an_account_joins_groups_when_it_is_theirs(world: Any, read: Any) -> None:
    """Until the name that Eli takes is free, Cyd's old account has the name of Cyd, who would get in with it."""
    for id_, name in (("1", "bob"), ("2", "cyd"), ("4", "eli")):
        world.account(id_, name)
        world.bind(f"user:{name}", id_)
    world.user("eli", userPrincipalName="bob@contoso.com", mail="bob@contoso.com", accounts={"chat": "2"})
    world.settled(3)
    world.group("editors", "eli", "p0")
    world.team("t", "Editors", "1000")
    world.app(deprovision={"users": "delete"}, guardrails={"deprovisionUsers": {"count": 0}})
    plan = world.plan()
    assert ("adoptUser", "user:eli", "deprovisionUsers=1") in read.held(plan)
    assert read.members(plan) == {("addMembers", "group:editors", "user:eli", "deprovisionUsers=1")}


def test_who_waits_for_a_name_joins_groups_with_the_account(world: Any, read: Any) -> None:
    """Zed's rename is held, so nobody is made under the name, and nobody who is not there is put into a group."""
    world.account("1", "zed")
    world.bind("user:zed", "1")
    world.user("zed", userPrincipalName="zed.new@contoso.com", mail="zed.new@contoso.com")
    world.user("eli", userPrincipalName="zed@contoso.com", mail="zed@contoso.com")
    world.settled(3)
    world.group("editors", "eli", "p0")
    world.team("t", "Editors", "1000")
    world.app(guardrails={"renameUsers": {"count": 0}})
    plan = world.plan()
    assert ("createUser", "user:eli", "renameUsers=1") in read.held(plan)
    assert read.members(plan) == {("addMembers", "group:editors", "user:eli", "renameUsers=1")}


def test_what_a_pin_leaves_behind_is_asked_about_at_once_by_who_is_to_lose_it(world: Any, read: Any) -> None:
    """Bob has another account now; his old one has Ada's name, and Ada is disabled."""
    world.user("bob", userPrincipalName="new.bob@contoso.com", accounts={"chat": "9"})
    world.bind("user:bob", "1")
    world.account("1", "bob")
    world.account("9", "stranger")
    world.user("ada", userPrincipalName="bob@contoso.com", mail="bob@contoso.com", enabled=False)
    assert ("adoptUser", "user:ada", "whoIsThis:user:ada") in read.held(world.plan())


def test_a_question_that_nobody_sees_keeps_no_leaver_in_a_group(world: Any, read: Any) -> None:
    """Cyd is disabled and has the name of Dee, who left: nothing is to be done about either account, so nobody asks."""
    world.account("3", "dee", active=False)
    world.bind("user:dee", "3", active=False)
    world.user("cyd", userPrincipalName="dee@contoso.com", mail="dee@contoso.com", enabled=False)
    world.ours("1", "ada")
    world.group("editors", "ada")
    world.team("t", "Editors", "1", "3")
    world.bind("group:editors", "t", members=["ada", "dee"])
    plan = world.plan()
    assert read.held(plan) == []
    assert [(group, who) for _, group, who, _ in read.members(plan)] == [("group:editors", "user:dee")]
    world.user("cyd", userPrincipalName="dee@contoso.com", mail="dee@contoso.com")
    asked = world.plan()
    assert ("adoptUser", "user:cyd", "whoIsThis:user:cyd") in read.held(asked)
    assert not read.members(asked)


def leaves_while_asked_for(world: Any) -> None:
    """Cyd has no file any more, Dee has the name, and nobody knows yet whether the account, too."""
    world.settled(3)
    world.ours("1", "cyd")
    world.user("dee", userPrincipalName="cyd@contoso.com")
    world.leave("cyd")
    world.team("t", "Editors", "1", "1000")


def test_memberships_go_with_a_departure_that_runs_whoever_asks(world: Any, read: Any) -> None:
    """Else they stay with an account that is off, or with whoever has it next, who is in none of these groups."""
    leaves_while_asked_for(world)
    world.group("editors", "p0")
    world.bind("group:editors", "t", members=["cyd", "p0"])
    plan = world.plan()
    assert ("adoptUser", "user:dee", "whoIsThis:user:dee") in read.held(plan)
    assert ("deactivateUser", "user:cyd") in read.runs(plan)
    assert read.members(plan) == {("removeMembers", "group:editors", "user:cyd", "")}


def test_and_are_held_with_it(world: Any, read: Any) -> None:
    leaves_while_asked_for(world)
    world.group("editors", "p0")
    world.bind("group:editors", "t", members=["cyd", "p0"])
    world.app(guardrails={"deprovisionUsers": {"count": 0}})
    plan = world.plan()
    assert read.runs(plan) == []
    assert read.members(plan) == {("removeMembers", "group:editors", "user:cyd", "deprovisionUsers=1")}


def test_nor_do_they_keep_a_group_that_goes(world: Any, read: Any) -> None:
    leaves_while_asked_for(world)
    world.bind("group:editors", "t", members=["cyd", "p0"])
    plan = world.plan()
    assert read.blocked(plan) == []
    assert ("deleteGroup", "group:editors") in read.runs(plan)


def test_another_id_in_the_file_sheds_no_protection(world: Any, read: Any) -> None:
    """Grace is protected; her file gets another id, and nobody takes her name or her groups by that."""
    world.settled(3)
    world.account("1", "grace")
    world.bind("user:grace", "1")
    world.user("eli", formerly=({"id": "grace"},))
    world.group("editors", "p0")
    world.team("t", "Editors", "1", "1000")
    world.bind("group:editors", "t", members=["grace", "p0"])
    world.app(guardrails={"protected": {"users": ["grace"]}})
    plan = world.plan()
    assert {(wanted, key) for wanted, key, _ in read.blocked(plan)} == {
        ("renameUser", "user:eli"), ("removeMembers", "user:eli"),
    }  # fmt: skip
    assert not read.members(plan)
