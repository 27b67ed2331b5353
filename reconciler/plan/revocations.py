"""Access that was taken away without a pull request: every plan respects it until it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from reconciler.model.desired import Cause, Desired, Person, Standing
from reconciler.model.directory import Directory, User
from reconciler.model.plan import Note
from reconciler.model.state import Revocation, State
from reconciler.model.values import RemoteId, UserId, account_key
from reconciler.plan.context import Context


def revoked_people(state: State, directory: Directory, app: str, moment: datetime) -> dict[UserId, str]:
    """Who is revoked by their id, or as the one whom a revoked account is bound or pinned to → the reason.

    A new id does not end it: whoever names a revoked one under `formerly`, and has no file of it, is meant.
    """
    revoked = state.revoked(moment)
    if not revoked:
        return {}
    found = {UserId(key[5:]): each["reason"] for key, each in revoked.items() if key.startswith("user:")}
    for key, binding in state.bindings.items():
        if key.startswith("user:") and (own := revoked.get(account_key(RemoteId(binding["id"])))):
            found.setdefault(UserId(key[5:]), own["reason"])
    for user in directory.users.values():
        if (user.accounts or user.formerly) and (reason := _inherited(user, app, found, directory, revoked)):
            found.setdefault(user.id, reason)
    return found


def _inherited(
    user: User, app: str, found: dict[UserId, str], directory: Directory, revoked: dict[str, Revocation]
) -> str:
    pinned = revoked.get(account_key(RemoteId(user.accounts[app]))) if app in user.accounts else None
    if pinned is not None:
        return pinned["reason"]
    former = (UserId(str(entry["id"])) for entry in user.formerly if "id" in entry)
    return next((found[each] for each in former if each in found and each not in directory.users), "")


def without_owners(context: Context) -> Desired:
    """The desired state without access for those whom a revoked account turned out to belong to."""
    desired, owner = context.desired, context.users.owner
    numbers = {
        owner[at]: context.revoked[account_key(context.snapshot.accounts[at].id)]
        for at in revoked_accounts(context)
        if at in owner and account_key(context.snapshot.accounts[at].id) in context.revoked
    }
    numbers = {number: each for number, each in numbers.items() if desired.people[number].wanted}
    if not numbers:
        return desired
    people = list(desired.people)
    for number, each in numbers.items():
        people[number] = _revoked(people[number], each, desired)
    groups = [replace(group, members=group.members - numbers.keys()) for group in desired.groups]
    return replace(desired, people=people, groups=groups, in_scope=desired.in_scope - len(numbers))


def _revoked(person: Person, revocation: Revocation, desired: Desired) -> Person:
    return replace(
        person,
        standing=Standing.DISABLED,
        values=desired.off,
        why=f"revoked: {revocation['reason']}",
        cause=Cause.REVOKED,
    )


def revoked_accounts(context: Context) -> Iterator[int]:
    """The accounts that were revoked by their id, or that a revocation of somebody found; each once, by id."""
    ids = {key.partition(":")[2] for key in context.revoked if key.startswith("account:")}
    ids |= {id_ for each in context.revoked.values() for id_ in each.get("accounts", ())}
    numbers = (context.snapshot.numbers.get(RemoteId(id_)) for id_ in sorted(ids))
    return (at for at in numbers if at is not None)


def revocation_notes(context: Context) -> list[Note]:
    return [
        Note(
            code="revoked",
            key=key,
            text=f"revoked by {each['by']} at {each['at']}"
            + (f", until {each['until']}" if each["until"] else "")
            + f": {each['reason']}",
        )
        for key, each in sorted(context.revoked.items())
    ]


def is_revoked(context: Context, key: str, id_: str) -> bool:
    """Whether the person, or this very account, is."""
    return key in context.revoked or account_key(RemoteId(id_)) in context.revoked
