"""Whom drift points at: only where the pattern tells, and nobody otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.plan import Plan, Suspect


def suspects(plan: Plan) -> dict[str, Suspect | None]:
    """Key, or member → who."""
    return {key: c.suspect for c in plan.changes for key in ([m.key for m in getattr(c, "members", ())] or [c.key])}


def met(world: Any, **differs: Any) -> None:
    """Three people, each path with the value that a function makes of what git says."""
    for number in range(3):
        name = f"p{number}"
        world.user(name)
        wanted = {"displayName": f"{name.title()} {name.title()}son", "mail": f"{name}@contoso.com",
                  "given": name.title(), "surname": f"{name.title()}son"}  # fmt: skip
        world.account(str(number), name, **{key: change(wanted[key]) for key, change in differs.items()})
        world.bind(f"user:{name}", str(number))
    world.settled(0)
    world.remember(world.desired)


@pytest.mark.parametrize(
    ("change", "who"),
    [
        (str.lower, Suspect.SERVER),
        (lambda text: f" {text} ", Suspect.SERVER),
        (lambda text: text[:6], Suspect.SERVER),
        (lambda _: "Employee of Contoso", Suspect.SERVER),
        (lambda text: text[::-1], None),
        (lambda _: None, None),
    ],
)
def test_several_accounts_of_which_one_path_moved(world: Any, change: Any, who: Suspect | None) -> None:
    met(world, displayName=change)
    found = suspects(world.plan())
    assert len(found) in {0, 3}  # case is no difference where the application ignores it
    assert set(found.values()) <= {who}


def test_two_accounts_are_no_pattern(world: Any) -> None:
    for number in range(2):
        world.ours(str(number), f"p{number}", displayName="Employee")
    world.remember(world.desired)
    assert set(suspects(world.plan()).values()) == {None}


def test_one_value_that_git_wants_of_everybody_was_set_by_nobody_in_particular(world: Any) -> None:
    world.map({"target": "title", "constant": "Editor"})
    for number in range(4):
        world.ours(str(number), f"p{number}", title="Writer")
    world.remember(world.desired)
    assert set(suspects(world.plan()).values()) == {None}


def test_several_accounts_overwritten_at_several_paths(world: Any) -> None:
    met(world, displayName=lambda t: t[::-1], given=lambda t: t[::-1], surname=lambda t: t[::-1])
    assert set(suspects(world.plan()).values()) == {Suspect.OTHER_PROVISIONER}


def test_one_account_overwritten_may_be_its_owner(world: Any) -> None:
    world.ours("1", "ada", displayName="A", given="B", surname="C")
    world.remember(world.desired)
    assert suspects(world.plan()) == {"user:ada": None}


def test_who_was_suspended_or_moved_between_groups(world: Any) -> None:
    for number, name in enumerate(("ada", "bob", "eve")):
        world.ours(str(number), name, active=name != "ada")
    world.group("editors", "bob")
    world.team("70", "Editors", "2")
    world.bind("group:editors", "70", members=["bob"])
    world.remember(world.desired)
    found = suspects(world.plan())
    assert found == dict.fromkeys(("user:ada", "user:bob", "user:eve"), Suspect.ADMINISTRATOR)


def test_many_at_once_were_not_suspended_by_hand(world: Any) -> None:
    for number in range(6):
        world.ours(str(number), f"p{number}", active=False)
    world.remember(world.desired)
    assert set(suspects(world.plan()).values()) == {None}


def test_who_has_another_account_than_the_one_that_was_theirs(world: Any) -> None:
    world.user("ada")
    world.bind("user:ada", "1")
    world.account("2", "ada", displayName=None)
    world.settled(5)
    assert suspects(world.plan()) == {"user:ada": Suspect.JUST_IN_TIME}


def test_what_git_asks_for_has_no_suspect(world: Any) -> None:
    met(world)
    for number in range(3):
        world.user(f"p{number}", displayName=f"EMPLOYEE {number}")
    world.user("new")
    world.account("9", "new", displayName="Found")
    found = suspects(world.plan())
    assert len(found) == 4
    assert set(found.values()) == {None}


def test_a_suspect_changes_nothing_of_what_was_approved(world: Any) -> None:
    met(world, displayName=lambda _: "Employee of Contoso")
    suspected = world.plan()
    assert set(suspects(suspected).values()) == {Suspect.SERVER}
    world.state.bindings["user:p0"]["wanted"] = "something else"
    world.state.bindings["user:p1"]["wanted"] = "something else"
    assert world.plan().changes_digest == suspected.changes_digest
