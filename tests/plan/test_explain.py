"""Match and action of one person: what was looked for, and what of the plan is about them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.explanation import Action, Matched
from reconciler.model.values import UserId
from reconciler.plan.explain import explain_action, explain_match

MAIL = 'emails[type eq "work"].value'


def _explained(world: Any, name: str, *allow: str) -> tuple[Matched, Action]:
    proposal, user = world.propose(*allow), world.users[UserId(name)]
    columns = sorted((c for c in proposal.context.desired.user_columns if c.matching), key=lambda c: c.matching)
    number = proposal.context.desired.numbers.get(user.id)
    person = proposal.context.desired.people[number] if number is not None else None
    values = person.match if person is not None else tuple(user.attributes["userPrincipalName"] for _ in columns)
    match = explain_match(proposal.context, user, tuple(zip([c.path for c in columns], values, strict=True)))
    return match, explain_action(proposal.context, proposal.plan, user, match, ())


def test_every_matching_attribute_is_tried_and_the_account_is_named(world: Any) -> None:
    world.map({"target": MAIL, "source": "mail", "matching": 2})
    world.user("ada")
    world.account("1", "ada", mail="ADA@contoso.com")
    match, action = _explained(world, "ada")
    assert (match.by, match.account.id if match.account else "") == ("attribute", "1")
    assert [(each.path, each.value, [one.id for one in each.found]) for each in match.attempts] == [
        ("userName", "ada@contoso.com", ["1"]),
        (MAIL, "ada@contoso.com", ["1"]),
    ]
    assert [note.code for note in action.notes] == ["adopted"]
    assert action.changes == ()


def test_a_binding_and_a_pin_decide_before_attributes(world: Any) -> None:
    world.ours("1", "ada")
    world.user("grace", accounts={"chat": "2"})
    world.account("2", "somebody")
    world.account("3", "grace")
    match, _ = _explained(world, "ada")
    assert (match.by, match.binding, match.pin) == ("binding", "1", None)
    match, action = _explained(world, "grace")
    assert (match.by, match.pin, match.account.id if match.account else "") == ("pin", "2", "2")
    assert [one.id for one in match.attempts[0].found] == ["3"]
    assert {change.key for change in action.changes} == {"user:grace"}


def test_a_question_names_its_reason_and_the_hold(world: Any) -> None:
    world.user("ada")
    world.account("1", "ada", active=False)
    match, action = _explained(world, "ada")
    assert match.by == "question"
    assert match.text == "it is inactive and was never ours: a re-hire, or a reused address?"
    assert [held.release for change in action.changes for held in change.held] == ["whoIsThis:user:ada"]


def test_what_formerly_finds_is_told_apart(world: Any) -> None:
    world.user("ada", formerly=({"userPrincipalName": "byron@contoso.com"},))
    world.account("1", "byron")
    match, _ = _explained(world, "ada")
    assert [(each.value, each.former, [one.id for one in each.found]) for each in match.attempts] == [
        ("ada@contoso.com", False, []),
        ("byron@contoso.com", True, ["1"]),
    ]


@pytest.mark.parametrize("ignored", [False, True])
def test_nobody_and_somebody_under_ignore(world: Any, ignored: bool) -> None:
    world.user("ada")
    if ignored:
        world.account("1", "ada")
        world.app(ignore={"users": [{"attribute": "userName", "operator": "ENDS_WITH", "value": "contoso.com"}]})
    match, action = _explained(world, "ada")
    if ignored:
        assert (match.by, match.account.id if match.account else "") == ("ignored", "1")
        assert [each.reason for each in action.blocked] == ["ignored"]
    else:
        assert (match.by, match.text, match.account) == ("none", "no account fits", None)
        assert [change.action for change in action.changes] == ["createUser"]


def test_a_bound_account_that_is_gone_is_told(world: Any) -> None:
    world.user("ada")
    world.bind("user:ada", "1")
    world.ours("2", "grace")
    match, action = _explained(world, "ada")
    assert (match.by, match.text, match.binding) == ("none", "the bound account is gone, and no account fits", "1")
    assert [held.by for change in action.changes for held in change.held] == ["takenAwayInApp"]


def test_of_somebody_out_of_scope_the_account_is_shown_anyway(world: Any) -> None:
    world.people("ada", "grace")
    world.assigned("grace")
    world.account("1", "ada")
    match, action = _explained(world, "ada")
    assert (match.by, match.account) == ("notTried", None)
    assert [one.id for one in match.attempts[0].found] == ["1"]
    assert [(note.code, note.key) for note in action.notes] == [("unmanagedUser", "account:1")]


def test_of_groups_only_this_person_s_part_is_there(world: Any) -> None:
    world.ours("1", "ada")
    world.ours("2", "grace")
    world.group("editors", "ada", "grace")
    world.group("viewers", "grace")
    world.team("t", "Viewers", "1")
    world.bind("group:viewers", "t")
    world.left("viewers", "ada")
    _, action = _explained(world, "ada")
    told = {(c.action, tuple(m.key for m in getattr(c, "members", ()))) for c in action.changes}
    assert told == {("addMembers", ("user:ada",)), ("removeMembers", ("user:ada",))}
    assert action.groups == ("Editors",)
