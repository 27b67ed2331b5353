"""Pairs beyond the first ten thousand that found something, and what the exceptions of `settled` let pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import orjson
import pytest

from reconciler.model.plan import AddMembers, Change, Difference, Plan
from reconciler.plan import to_json
from tests.properties.application import Application
from tests.properties.pairs import pair
from tests.properties.planned import Planned
from tests.properties.settled import settled
from tests.properties.test_random_pairs import gallery, lived

FARTHER: Final = {
    "memberships of a departure": (78261, 81691, 81990, 86046, 88570, 91639, 95658, 99330),
    "a pin of somebody protected, or another id": (88067, 131186),
    "who was somebody else has the account of that time": (30809, 31428, 38174),
    "an exchange with an account that is taken over": (63162, 76892, 88627),
    "a name that only an answer frees": (64296, 96597),
    "what a pin left behind is nobody's": (78363, 33939, 50100, 56244),
    "a name that was theirs": (77339, 98954),
}
"""What was wrong: in the product the first three, in `Judge` the fourth, in `settled` the others."""


@pytest.mark.parametrize(("about", "seed"), [(about, seed) for about, seeds in FARTHER.items() for seed in seeds])
def test_farther_pairs(about: str, seed: int) -> None:
    assert lived(pair(seed), gallery(seed)), about


@pytest.mark.parametrize("about", list(FARTHER)[4:])
def test_what_comes_of_an_answer_is_of_the_answer(about: str) -> None:
    """The same left over for anybody else, of another account, or with another value, is a failure."""
    (seed, *_) = FARTHER[about]
    made = pair(seed)
    planned = Planned(made, gallery(seed))
    first = planned.propose(made.accounts, made.teams).plan
    application = Application(made.accounts, made.teams, deletes=gallery(seed) == "scim")
    application.perform([c for c in orjson.loads(to_json(first))["changes"] if not c.get("held")])
    planned.done(application)
    second, known = planned.propose(application.accounts, application.teams).plan, dict(planned.state.bindings)
    settled(first, second, known, made.accounts, made.known)
    spoiled = 0
    for number, change in enumerate(second.changes):
        for other in _spoiled(change, first):
            changes = (*second.changes[:number], other, *second.changes[number + 1 :])
            with pytest.raises((AssertionError, KeyError)):
                settled(first, second.model_copy(update={"changes": changes}), known, made.accounts, made.known)
            spoiled += 1
    assert spoiled
    unanswered = first.model_copy(update={"blocked": ()})
    with pytest.raises(AssertionError):
        settled(unanswered, second, known, made.accounts)


def _spoiled(change: Change, first: Plan) -> Iterator[Change]:
    """What no answer leaves over: of those who were not asked, nor blocked with them."""
    asked = {c.key for c in first.held}
    blocked = {b.key for b in first.blocked}
    if change.action == "renameUser" and change.key in blocked:
        names = change.set
        yield change.model_copy(update={"key": "user:nobody"})
        yield change.model_copy(update={"set": names | {"displayName": names["userName"]}})
        yield change.model_copy(update={"set": {"userName": Difference(before="", after="else@contoso.com")}})
    elif change.action == "removeMembers" and not {m.key for m in change.members} <= asked:
        yield change.model_copy(update={"members": tuple(replace(m, key="user:nobody") for m in change.members)})
        yield AddMembers.model_validate(change.model_dump(exclude={"action"}))
    elif change.action == "adoptUser" and change.held and change.key in blocked - asked:
        yield change.model_copy(update={"key": "user:nobody"})
        yield change.model_copy(update={"held": ()})
        for bound in ("user:nobody", None):
            others = tuple(each.model_copy(update={"bound": bound}) for each in change.candidates)
            yield change.model_copy(update={"candidates": others})
        others = tuple(each.model_copy(update={"id": "robot"}) for each in change.candidates)
        yield change.model_copy(update={"candidates": others})
