"""One change of the plan as requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from reconciler.apply.outcome import Step
from reconciler.errors import PlanError
from reconciler.live import Writer
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
    ReactivateUser,
    RemoveMembers,
    RenameGroup,
    RenameUser,
    UpdateGroup,
    UpdateUser,
)
from reconciler.model.values import RemoteId, Value


@dataclass(slots=True)
class Names:
    """Key → id, growing as resources are created."""

    ids: dict[str, str]

    def id(self, key: str) -> RemoteId:
        """Raises PlanError for what has no id: only a plan that was tampered with asks for one."""
        if key not in self.ids:
            raise PlanError(f"{key} has no id in the application")
        return RemoteId(self.ids[key])


def after(step: Step) -> dict[str, Value]:
    """What a change writes: path → value."""
    return {path: difference.after for path, difference in getattr(step.change, "set", {}).items()}


async def write(step: Step, writer: Writer, names: Names) -> None:
    """Sends what the change says, and notes the id of what it made. Raises the errors of `live`."""
    change = step.change
    match change:
        case CreateUser():
            stored = await writer.create_user(after(step))
            step.id = names.ids[change.key] = stored.id
        case CreateGroup():
            stored = await writer.create_group(after(step))
            step.id = names.ids[change.key] = stored.id
        case UpdateUser() | RenameUser() | ReactivateUser() | DeactivateUser() | AdoptUser():
            stored_now = await writer.update_user(_id(step), after(step))
            if stored_now is not None and stored_now.id != step.id:
                step.id = names.ids[change.key] = stored_now.id
        case UpdateGroup() | RenameGroup() | AdoptGroup():
            await writer.update_group(_id(step), after(step))
        case DeleteUser():
            await writer.delete_user(_id(step))
        case DeleteGroup():
            await writer.delete_group(_id(step))
        case AddMembers():
            step.id = names.id(change.key)
            await _add(step, change, writer, names)
        case RemoveMembers() | EmptyGroup():
            await writer.remove_members(_id(step), [RemoteId(m.id) for m in change.members if m.id])
        case _:
            assert_never(change)


def _id(step: Step) -> RemoteId:
    if step.id is None:
        raise PlanError(f"{step.change.action} {step.change.key}: the plan names no id")
    return RemoteId(step.id)


async def _add(step: Step, change: AddMembers, writer: Writer, names: Names) -> None:
    """Adds whoever has an account; whoever was to get one and did not is skipped by name."""
    ids = []
    for member in change.members:
        id_ = member.id or names.ids.get(member.key)
        if id_ is None:
            step.skipped_members[member.key] = "the account was not created"
        else:
            ids.append(RemoteId(id_))
    if ids:
        await writer.add_members(_id(step), ids)
    elif change.members:
        step.message = "none of the accounts was created"
