"""What the application can't do becomes a blocked line, and with it what would make no sense alone.

Departures and deletions of groups have looked already: theirs becomes the nearest thing that the application can.
"""

from __future__ import annotations

from reconciler.model.plan import AddMembers, Change
from reconciler.model.profile import Profile
from reconciler.plan.context import Context

_BEGINS = frozenset({"createUser", "reactivateUser", "createGroup"})
"""Without these, nothing else about the same key can be done."""


def sentences(profile: Profile) -> dict[str, str]:
    """Action → why the application can't do it, of those that no other part of the plan has replaced."""
    found: dict[str, str] = {str(action): text for action, text in profile.cannot.items()}
    if not profile.groups.supported:
        found.setdefault("createGroup", f"{profile.title} has no groups over SCIM: `groups: none` in app.yaml says so")
    if not profile.users.reversible:
        found.setdefault("reactivateUser", f"{profile.title} can't give a deactivated account back over SCIM")
    return found


def block_impossible(context: Context) -> None:
    """Turns changes that the application can't make into blocked lines. Questions stay questions."""
    cannot = sentences(context.profile)
    if not cannot:
        return
    blocked = [c for c in context.changes if c.action in cannot]
    for change in blocked:
        context.block(change.key, change.id, change.name, change.action, "appCannot", cannot[change.action])
    lost = {c.key for c in blocked if c.action in _BEGINS}
    kept: list[Change] = []
    for change in context.changes:
        if change.action in cannot or change.key in lost:
            continue
        left = _without(change, lost) if isinstance(change, AddMembers) else change
        if left is not None:
            kept.append(left)
    context.changes[:] = kept


def _without(change: AddMembers, lost: set[str]) -> AddMembers | None:
    """Without the people who get no account, or not back; None if nobody is left."""
    members = tuple(member for member in change.members if member.key not in lost)
    if len(members) == len(change.members):
        return change
    return change.model_copy(update={"members": members}) if members else None
