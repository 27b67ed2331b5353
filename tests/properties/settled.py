"""What may be left for a second plan, after all of the first was done that was not held."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from reconciler.model.plan import Change, Plan


def settled(
    first: Plan, second: Plan, known: dict[str, Any], here: Collection[str], was: Mapping[str, Any] | None = None
) -> None:
    """Promise 1: nothing is left but what was held, and what a question kept that the plan itself answered: somebody
    asked for the account of somebody else, who has another one now, or none. Three things come of such an answer:

    - Whoever was blocked for want of a name, because the account that was asked for had it, gets it as soon as that
      account is called otherwise; nothing but names is written then.
    - Whoever asked for it had another one by the memory (`was`: the bindings before): by the answer that one is
      nobody's, and leaves groups as nobody's.
    - Somebody who was blocked may be asked whether an account is theirs that the first plan made for somebody else, or
      gave to somebody else under another name, and that has a name now which was theirs before. That is no question
      which the first plan left out: there was no such name, two people may have one name one after the other, and who
      is not blocked has an account by then and asks for none. Blocked they were, and blocked they stay: nothing runs
      for them in either plan.
    """
    deleted = {c.id for c in first.pending if c.action == "deleteUser"}
    free = {
        c.key
        for c in first.held
        for each in getattr(c, "candidates", ())
        if each.id in deleted or (each.bound and known.get(each.bound, {}).get("id") != each.id)
    }
    bound = {binding["id"] for key, binding in known.items() if key not in free}
    own = (was[key]["id"] for key in free if was and key in was)
    nobodys = free | {f"account:{id_}" for id_ in own if id_ not in bound}
    blocked = {b.key for b in first.blocked}
    nameless = {b.key for b in first.blocked if b.reason == "nameTaken"}
    given_up = {before for c in second.pending if c.key in free and (before := _sign_in(c, "before"))}

    def waited(change: Change) -> bool:
        """For a name that only the answer frees."""
        names = set(getattr(change, "set", {})) <= {"userName", 'emails[type eq "work"].value'}
        return change.key in nameless and names and _sign_in(change, "after") in given_up

    def new(changes: Iterable[Change]) -> list[Change]:
        return [
            c for c in changes if c.key not in free and {m.key for m in getattr(c, "members", (c,))} - of_answers(c)
        ]

    def of_answers(change: Change) -> set[str]:
        return nobodys if change.action in ("removeMembers", "emptyGroup", "deleteGroup") else free

    more = [c for c in new(second.pending) if not waited(c)]
    assert not more, [(c.action, c.key, c.id) for c in more]
    made = {known[c.key]["id"]: c.key for c in first.pending if c.action == "createUser"}
    assert made.keys().isdisjoint(here)
    named = made | {c.id: c.key for c in first.pending if c.id and _sign_in(c, "after")}
    late = set()
    for change in second.held:
        candidates = getattr(change, "candidates", ())
        if change.key in blocked and any(each.id in named for each in candidates):
            assert all(named[each.id] == each.bound for each in candidates if each.id in named or each.id not in here)
            assert change.key not in {c.key for c in first.changes}
            late.add(change.key)
    asked = {c.key for c in first.held} | late
    for change in new(second.held):
        assert change.key in asked or {m.key for m in getattr(change, "members", (change,))} <= late, change


def _sign_in(change: Change, side: str) -> str:
    """The name that a change takes from somebody (`before`) or gives (`after`), without regard to case; "": none."""
    difference = getattr(change, "set", {}).get("userName")
    return "" if difference is None else str(getattr(difference, side) or "").casefold()
