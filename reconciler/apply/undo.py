"""What an apply did, the other way round: as far as the application still holds what it wrote.

Nothing is ever deleted for it, and nothing is given back to whom access was taken away meanwhile by `revoke`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, assert_never

from reconciler.apply.past import Past
from reconciler.model.path import parse_path
from reconciler.model.plan import (
    AddMembers,
    AdoptGroup,
    AdoptUser,
    Change,
    CreateGroup,
    CreateUser,
    DeactivateUser,
    DeleteGroup,
    DeleteUser,
    Difference,
    EmptyGroup,
    MemberRef,
    ReactivateUser,
    Reason,
    RemoveMembers,
    RenameGroup,
    RenameUser,
    UpdateGroup,
    UpdateUser,
)
from reconciler.model.values import RemoteId, Value
from reconciler.plan.context import Context
from reconciler.plan.difference import as_json

_ACTIVE = "active"


@dataclass(slots=True)
class Undo:
    """The changes in the other direction, and what can't be turned round."""

    changes: list[Change] = field(default_factory=list)
    left: list[tuple[str, str, str]] = field(default_factory=list)
    """(action, key, why) of what stays as it is."""
    files: list[str] = field(default_factory=list)
    """YAML that has to be reverted with it: otherwise the next apply would undo the undo."""


def paths_of(past: Past) -> tuple[list[str], list[str]]:
    """What has to be read of users and of groups to compare."""
    users: dict[str, None] = {}
    groups: dict[str, None] = {}
    for change, _ in past.done:
        if not isinstance(change, (CreateUser, CreateGroup)):
            side = users if _is_user(change) else groups
            side.update(dict.fromkeys(getattr(change, "set", {})))
    return list(users), list(groups)


def undo(past: Past, context: Context) -> Undo:
    """`context` has read the application just now, with all of `paths_of`."""
    return _Reverse(past, context).all()


class _Reverse:
    def __init__(self, past: Past, context: Context) -> None:
        self.past = past
        self.context = context
        self.found = Undo()
        self._written: dict[tuple[str, str], Value] = {}
        """(id, path) → what this undo will have written there: names may have gone through a temporary one."""
        snapshot = context.snapshot
        self._groups = {group.id: group for group in snapshot.groups}
        self._positions = {group.id: number for number, group in enumerate(snapshot.groups)}
        self._aside: dict[tuple[str, str], Value] = {}
        """(id, path) → the temporary name on the way to the final one."""

    def all(self) -> Undo:
        for change, id_ in reversed(self._without_detours()):
            before = len(self.found.changes)
            self._one(change, id_ or change.id)
            if len(self.found.changes) > before and change.source is not None:
                self.found.files.append(change.source.file)
        self.found.files = sorted(set(self.found.files))
        going = {change.key for change in self.found.changes if isinstance(change, DeactivateUser)}
        self.found.changes = [part for change in self.found.changes for part in _by_leaving(change, going)]
        return self.found

    def _without_detours(self) -> list[tuple[Change, str | None]]:
        """What was done, with one step from the old name to the final one where there was a temporary one between."""
        steps = [(change, id_ or change.id) for change, id_ in self.past.done]
        detours = {
            (id_, path, difference.after): (number, difference.before)
            for number, (change, id_) in enumerate(steps)
            if getattr(change, "temporary", False)
            for path, difference in getattr(change, "set", {}).items()
        }
        dropped: set[int] = set()
        for number, (change, id_) in enumerate(steps if detours else ()):
            direct: dict[str, Difference] = {}
            for path, difference in getattr(change, "set", {}).items():
                detour = detours.get((id_, path, difference.before)) if isinstance(difference.before, str) else None
                if detour is not None and id_ is not None:
                    dropped.add(detour[0])
                    self._aside[id_, path] = difference.before
                    direct[path] = Difference(before=detour[1], after=difference.after)
            if direct:
                steps[number] = (change.model_copy(update={"set": {**getattr(change, "set", {}), **direct}}), id_)
        return [step for number, step in enumerate(steps) if number not in dropped]

    def _one(self, change: Change, id_: str | None) -> None:
        if isinstance(change, (AddMembers, RemoveMembers, EmptyGroup)):
            self._members(change, id_)
            return
        match change:
            case DeleteUser() | DeleteGroup():
                self._leave(change, "what was deleted can't be brought back")
            case CreateGroup():
                self._leave(change, "a group that was created is left there, without those who joined it: delete it")
            case CreateUser():
                self._deactivate(change, id_)
            case DeactivateUser():
                if self._is_revoked(change.key, id_):
                    self._leave(change, "revoked meanwhile: `reconciler release` ends that")
                else:
                    self._write(ReactivateUser, change, id_)
            case ReactivateUser():
                self._write(DeactivateUser, change, id_)
            case RenameUser():
                self._write(RenameUser, change, id_)
            case RenameGroup():
                self._write(RenameGroup, change, id_)
            case UpdateUser() | AdoptUser():
                self._write(UpdateUser, change, id_)
            case UpdateGroup() | AdoptGroup():
                self._write(UpdateGroup, change, id_)
            case _:
                assert_never(change)

    def _leave(self, change: Change, why: str) -> None:
        self.found.left.append((change.action, change.key, why))

    def _is_revoked(self, key: str, id_: str | None) -> bool:
        return not {key, f"account:{id_}"}.isdisjoint(self.context.state.revocations)

    def _guarded(self, change: Change, id_: str) -> bool:
        """Whether nothing may be taken from it, or written to it."""
        if not _is_user(change):
            at = self._positions.get(RemoteId(id_))
            why = "protected" if self.context.group_guarded(change.key, at) else None
            ignored = at in self.context.ignored_groups
        else:
            at = self.context.snapshot.numbers.get(RemoteId(id_))
            why = self.context.guarded(change.key, at)
            ignored = at in self.context.ignored_accounts
        if why or ignored:
            self._leave(change, f"not touched: {why or 'it is under `ignore`'}")
        return bool(why or ignored)

    def _deactivate(self, change: CreateUser, id_: str | None) -> None:
        """An account that was made is never deleted."""
        at = self.context.snapshot.numbers.get(RemoteId(id_)) if id_ else None
        effect = self.context.profile.users.effect
        if id_ is None:
            self._leave(change, "it is not known whether it was created")
        elif at is None:
            self._leave(change, "the account is gone")
        elif not self.context.snapshot.accounts[at].active:
            self._leave(change, "already so: the account is inactive")
        elif effect != "deactivated":
            self._leave(change, f"a deactivated account is {effect} in this application, and nothing is deleted here")
        elif not self._guarded(change, id_):
            difference = Difference(before=True, after=False)
            self._add(DeactivateUser, change, id_, {_ACTIVE: difference})

    def _write(self, kind: Any, change: Any, id_: str | None) -> None:
        held = self._held(change, id_)
        if id_ is None or held is None:
            self._leave(change, "it is gone from the application")
            return
        back: dict[str, Difference] = {}
        for path, difference in change.set.items():
            if _is_hidden(difference):
                self._leave(change, f"{path}: what was there is in no document")
                continue
            before, after = self._plain(difference.before), self._plain(difference.after)
            now = self._written.get((id_, path), held(path))
            aside = self._aside.get((id_, path))
            if self._same(change, path, after, now) or (aside is not None and self._same(change, path, aside, now)):
                back[path] = Difference(before=as_json(now), after=before)
            elif self._same(change, path, before, now):
                self._leave(change, f"{path}: already so")
            else:
                self._leave(change, f"{path}: moved since, and left alone")
        if back and not self._guarded(change, id_):
            self._written.update({(id_, path): difference.after for path, difference in back.items()})
            self._add(kind, change, id_, back)

    def _held(self, change: Change, id_: str | None) -> Any:
        """Path → what the application holds there; None: there is no such resource."""
        snapshot = self.context.snapshot
        if _is_user(change):
            at = snapshot.numbers.get(RemoteId(id_ or ""))
            paths, row = snapshot.user_paths, None if at is None else snapshot.accounts[at].values
        else:
            group = self._groups.get(RemoteId(id_ or ""))
            paths, row = snapshot.group_paths, None if group is None else group.values
        values = None if row is None else dict(zip(paths, row, strict=True))
        return None if values is None else values.get

    def _same(self, change: Change, path: str, one: Value, other: Value) -> bool:
        profile = self.context.profile
        comparison = profile.comparison if _is_user(change) else profile.comparison_of_groups
        return comparison.same(parse_path(path), one, other)

    def _plain(self, value: Any) -> Any:
        """Of a person, the account's id."""
        if isinstance(value, dict) and isinstance(value.get("key"), str):
            return value.get("id") or self.past.ids.get(value["key"])
        return tuple(value) if isinstance(value, list) else value

    def _add(self, kind: Any, change: Change, id_: str, values: dict[str, Difference]) -> None:
        self.found.changes.append(
            kind(
                key=change.key,
                id=id_,
                name=change.name,
                reasons=(Reason.UNDONE,),
                set=values,
                source=change.source,
            )
        )

    def _members(self, change: AddMembers | RemoveMembers | EmptyGroup, id_: str | None) -> None:
        id_ = id_ or self.past.ids.get(change.key)
        group = self._groups.get(RemoteId(id_ or ""))
        if id_ is None or group is None:
            self._leave(change, "the group is gone from the application")
            return
        if self._guarded(change, id_):
            return
        adds = not isinstance(change, AddMembers)
        back = [member for each in change.members if (member := self._member(change, each, group.members, adds=adds))]
        if back:
            self.found.changes.append(
                (AddMembers if adds else RemoveMembers)(
                    key=change.key,
                    id=id_,
                    name=change.name,
                    reasons=(Reason.UNDONE,),
                    members=tuple(sorted(back, key=lambda member: member.key)),
                    source=change.source,
                )
            )

    def _member(self, change: Change, member: MemberRef, there: set[int], *, adds: bool) -> MemberRef | None:
        id_ = member.id or self.past.ids.get(member.key)
        at = self.context.snapshot.numbers.get(RemoteId(id_)) if id_ else None
        why = ""
        if at is None:
            why = "the account is gone"
        elif (at in there) == adds:
            why = "already so"
        elif adds and self._is_revoked(member.key, id_):
            why = "revoked meanwhile"
        elif at in self.context.ignored_accounts or (guard := self.context.guarded(member.key, at)) is not None:
            why = f"not touched: {'it is under `ignore`' if at in self.context.ignored_accounts else guard}"
        if why:
            self._leave(change, f"{member.key}: {why}")
            return None
        return MemberRef(key=member.key, id=id_, name=member.name)


def _by_leaving(change: Change, going: set[str]) -> list[Change]:
    """Memberships of those who are deactivated go with them, whatever holds the others."""
    if not isinstance(change, RemoveMembers):
        return [change]
    leaving = tuple(member for member in change.members if member.key in going)
    staying = tuple(member for member in change.members if member.key not in going)
    reasons = ((leaving, Reason.MEMBER_LEAVES), (staying, Reason.UNDONE))
    return [change.model_copy(update={"members": part, "reasons": (why,)}) for part, why in reasons if part]


def _is_user(change: Change) -> bool:
    return change.key.startswith(("user:", "account:"))


def _is_hidden(difference: Difference) -> bool:
    return any(
        isinstance(value, dict) and not value.keys().isdisjoint({"redacted", "generated"})
        for value in (difference.before, difference.after)
    )
