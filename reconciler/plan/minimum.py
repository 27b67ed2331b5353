"""How many members a plan leaves in a group: for groups that have to keep some."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.plan import AddMembers, DeactivateUser, DeleteGroup, DeleteUser, EmptyGroup, RemoveMembers
from reconciler.plan.context import Context


@dataclass(frozen=True, slots=True)
class Remaining:
    """Members count whose account is active."""

    members: int
    before: int
    counted: tuple[int, ...]
    """Positions of the changes that take somebody out of the group, departures included."""


def remaining(context: Context, group: str) -> Remaining | None:
    """What the whole plan leaves of one group, held losses counted as losses and held gains as none. None: the
    application does not have the group.
    """
    key = f"group:{group}"
    at = _place(context, key)
    if at is None:
        return None
    live, accounts = context.snapshot.groups[at], context.snapshot.accounts
    before = {accounts[m].id for m in live.members if accounts[m].active}
    left, gained = set(before), set[str]()
    counted: list[int] = []
    for number, change in enumerate(context.changes):
        if isinstance(change, (DeactivateUser, DeleteUser)) and change.id in before:
            left.discard(change.id)
            counted.append(number)
        elif change.key != key:
            continue
        elif isinstance(change, (RemoveMembers, EmptyGroup, DeleteGroup)):
            lost = {m.id for m in change.members} & before if change.action != "deleteGroup" else before
            left -= lost
            if lost:
                counted.append(number)
        elif isinstance(change, AddMembers) and not change.held:
            gained |= {m.key for m in change.members}
    return Remaining(len(left) + len(gained), len(before), tuple(counted))


def _place(context: Context, key: str) -> int | None:
    for at, number in context.groups.owner.items():
        if number >= 0:
            if f"group:{context.desired.groups[number].group.id}" == key:
                return at
        elif context.bound_groups.get(context.snapshot.groups[at].id) == key:
            return at
    return None
