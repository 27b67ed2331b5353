"""One change of the plan as requests."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import assert_never

from reconciler.apply.outcome import Step
from reconciler.errors import Conflict, PlanError
from reconciler.live import Stored, Writer
from reconciler.model.path import parse_path
from reconciler.model.plan import (
    AddMembers,
    AdoptGroup,
    AdoptUser,
    CreateGroup,
    CreateUser,
    DeactivateUser,
    DeleteGroup,
    DeleteUser,
    EmptyGroup,
    MemberRef,
    ReactivateUser,
    RemoveMembers,
    RenameGroup,
    RenameUser,
    UpdateGroup,
    UpdateUser,
)
from reconciler.model.values import RemoteId


@dataclass(slots=True)
class Names:
    """Key → id, growing as resources are created."""

    ids: dict[str, str]
    known: Container[str] = ()
    """Ids of the accounts that were there when the plan was made."""
    known_groups: Container[str] = ()
    """The same of groups."""
    freed: set[str] = field(default_factory=set)
    """Those of accounts that nobody has any more."""
    freed_groups: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    """Keys of people whose account could not be taken over: perhaps it is not theirs."""

    def id(self, key: str) -> RemoteId:
        """Raises PlanError for what has no id: only a plan that was tampered with asks for one."""
        if key not in self.ids:
            raise PlanError(f"{key} has no id in the application")
        return RemoteId(self.ids[key])

    def is_anothers(self, id_: str) -> bool:
        """Whether an id that an answer brings belongs to an account that was there before."""
        return id_ in self.known and id_ not in self.freed

    def is_another_group(self, id_: str) -> bool:
        return id_ in self.known_groups and id_ not in self.freed_groups

    def member(self, member: MemberRef) -> RemoteId | None:
        """The account of a member, as it is called by now; None: it was to be created, and was not."""
        id_ = self.ids.get(member.key) or member.id
        return RemoteId(id_) if id_ else None

    def newcomer(self, member: MemberRef) -> RemoteId | None:
        """The account of somebody who is to join a group; None: `why_not`."""
        return None if member.key in self.refused else self.member(member)

    def why_not(self, member: MemberRef) -> str:
        return f"the account was not {'taken over' if member.key in self.refused else 'created'}"


async def write(step: Step, writer: Writer, names: Names, *, present: Container[str] = ()) -> None:
    """Sends what the change says, and notes the id of what it made. `step.values` are there. Accounts that are
    `present` in a group are not added again.

    Raises the errors of `live`.
    """
    change = step.change
    match change:
        case CreateUser():
            take(step, await writer.create_user(step.values), names)
        case CreateGroup():
            take(step, await writer.create_group(step.values), names)
        case UpdateUser() | RenameUser() | ReactivateUser() | DeactivateUser() | AdoptUser():
            take(step, await writer.update_user(_id(step, names), step.values), names)
        case UpdateGroup() | RenameGroup() | AdoptGroup():
            take(step, await writer.update_group(_id(step, names), step.values), names)
        case DeleteUser():
            await writer.delete_user(_id(step, names))
            take(step, None, names)
        case DeleteGroup():
            await writer.delete_group(_id(step, names))
            take(step, None, names)
        case AddMembers():
            step.id = names.id(change.key)
            await _add(step, change, writer, names, present)
        case RemoveMembers() | EmptyGroup():
            await writer.remove_members(_id(step, names), [i for m in change.members if (i := names.member(m))])
        case _:
            assert_never(change)


def take(step: Step, stored: Stored | None, names: Names) -> None:
    """Notes what was made, or by what id it is called by now. `stored`: as far as the answer showed it.

    Raises Conflict for an account or a group that was there before and is no new one.
    """
    change = step.change
    match change:
        case CreateUser() | CreateGroup() if stored is not None:
            user = isinstance(change, CreateUser)
            if names.is_anothers(stored.id) if user else names.is_another_group(stored.id):
                raise _not_new("account" if user else "group", stored.id)
            step.id = names.ids[change.key] = stored.id
        case DeleteUser():
            names.freed.add(_id(step, names))
        case DeleteGroup():
            names.freed_groups.add(_id(step, names))
        case UpdateUser() | RenameUser() | ReactivateUser() | DeactivateUser() | AdoptUser() if stored is not None:
            if _moved(step, stored, "userName", names.is_anothers(stored.id)):
                names.freed.add(_id(step, names))
                step.id = names.ids[change.key] = stored.id
        case UpdateGroup() | RenameGroup() | AdoptGroup() if stored is not None:
            if _moved(step, stored, "displayName", names.is_another_group(stored.id)):
                names.freed_groups.add(_id(step, names))
                step.id = names.ids[change.key] = stored.id
        case _:
            pass


def _id(step: Step, names: Names) -> RemoteId:
    """The resource as it is called by now: an earlier step may have made it, or given it another id."""
    step.id = names.ids.get(step.change.key, step.id)
    if step.id is None:
        raise PlanError(f"{step.change.action} {step.change.key}: the plan names no id")
    return RemoteId(step.id)


def _moved(step: Step, now: Stored, name: str, anothers: bool) -> bool:
    """Whether an update gave the resource another id: some servers make the id of the userName or displayName.

    Believed only of a new id, and only where that name was written and comes back: an answer about somebody else must
    not make their account ours.
    """
    sent = next((value for path, value in step.values.items() if path.lower() == name.lower()), None)
    if now.id == step.id or anothers or not sent:
        return False
    return str(parse_path(name).read(now.resource)).casefold() == str(sent).casefold()


def _not_new(kind: str, id_: str) -> Conflict:
    return Conflict(
        f"the application answered with {kind} {id_}, which was there before",
        request=f"POST of a new {kind}",
        status=200,
        hint="plan again to see whose it is; it was not taken over",
    )


async def _add(step: Step, change: AddMembers, writer: Writer, names: Names, present: Container[str]) -> None:
    """Adds whoever has an account; whoever was to get one, and did not, is skipped by name."""
    ids = []
    for member in change.members:
        id_ = names.newcomer(member)
        if id_ is None:
            step.skipped_members[member.key] = names.why_not(member)
        else:
            ids.append(id_)
    missing = [id_ for id_ in ids if id_ not in present]
    if missing:
        await writer.add_members(_id(step, names), missing)
    elif change.members and not ids:
        step.message = "none of the accounts is there"
