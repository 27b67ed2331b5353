"""Where each change comes from: this change, merged before, a window that opened or closed, or the application.

The plan is compared with plans that other files, or another moment, would have given on the same snapshot and state. A
change that is there with one value more than before belongs wholly to this change: a reviewer never sees too little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from reconciler.model.app import App
from reconciler.model.directory import Directory
from reconciler.model.plan import (
    AddMembers,
    AdoptGroup,
    AdoptUser,
    Change,
    CreateGroup,
    CreateUser,
    MemberRef,
    Origin,
    ReactivateUser,
    RemoveMembers,
    RenameGroup,
    RenameUser,
    UpdateGroup,
    UpdateUser,
)
from reconciler.model.values import Generated
from reconciler.model.window import Window
from reconciler.plan.context import Context, Known

_Sets: TypeAlias = (
    CreateUser | UpdateUser | RenameUser | ReactivateUser | AdoptUser | CreateGroup | UpdateGroup | RenameGroup
    | AdoptGroup
)  # fmt: skip
_Here: TypeAlias = tuple[str, str | None]
"""Key, and the id in the application."""


class Other:
    """The changes of another plan, to ask whether one is among them."""

    def __init__(self, context: Context) -> None:
        self._actions: set[tuple[str, str, str | None]] = set()
        self._values: defaultdict[_Here, defaultdict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
        self._questions: set[tuple[str, frozenset[str]]] = set()
        self._members: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for change in context.changes:
            self._actions.add((change.action, change.key, change.id))
            if isinstance(change, (AddMembers, RemoveMembers)):
                self._members[change.action, change.key].update(member.key for member in change.members)
            elif isinstance(change, _Sets):
                if isinstance(change, (AdoptUser, AdoptGroup)) and change.candidates:
                    self._questions.add(_question(change))
                for path, value in _written(context, change):
                    self._values[change.key, change.id][path].append(value)

    @classmethod
    def of(cls, context: Context | None) -> Other | None:
        return None if context is None else cls(context)

    def has_member(self, change: AddMembers | RemoveMembers, member: str) -> bool:
        return member in self._members.get((change.action, change.key), ())

    def has(self, context: Context, change: Change) -> bool:
        """Whether the whole of a change of `context` is in this plan."""
        if isinstance(change, (AdoptUser, AdoptGroup)) and change.candidates:
            return _question(change) in self._questions
        if not isinstance(change, (UpdateUser, RenameUser, AdoptUser, UpdateGroup, RenameGroup, AdoptGroup)):
            # whoever gains or loses access must do so in both; how a deactivation is written does not matter
            if (change.action, change.key, change.id) not in self._actions:
                return False
            if not isinstance(change, _Sets):
                return True
        known: Mapping[str, list[Any]] = self._values.get((change.key, change.id), {})
        return all(value in known.get(path, ()) for path, value in _written(context, change))


def _question(change: AdoptUser | AdoptGroup) -> tuple[str, frozenset[str]]:
    return change.key, frozenset(candidate.id for candidate in change.candidates)


def _written(context: Context, change: _Sets) -> Iterator[tuple[str, Any]]:
    """Path → what will be written, behind what the document shows of it."""
    behind = context.behind.get(change.key, {})
    for path, difference in change.set.items():
        value = behind.get(path, difference.after)
        yield path, (value.function, value.expression, value.inputs) if isinstance(value, Generated) else value


def with_origins(context: Context, base: Other | None, then: Other | None, *, compared: bool) -> list[Change]:
    """The changes of a plan with their origins; member lists are split by origin.

    `base`: the plan for the revision that this change is compared with, None if there is none to compare with. `then`:
    the plan that today's files gave at the time of the last apply, None if no window has opened or closed since.
    Without `compared` nothing is thisChange.
    """

    if then is None and not compared:
        return list(context.changes)
    found: list[Change] = []
    for change in context.changes:
        if not isinstance(change, (AddMembers, RemoveMembers)):
            here, now = (other is not None and other.has(context, change) for other in (base, then))
            origin = _origin(change, here, now or then is None, compared)
            found.append(change if origin is change.origin else change.model_copy(update={"origin": origin}))
            continue
        parts: dict[Origin, list[MemberRef]] = {}
        for member in change.members:
            here, now = (other is not None and other.has_member(change, member.key) for other in (base, then))
            parts.setdefault(_origin(change, here, now or then is None, compared), []).append(member)
        found += [change.model_copy(update={"origin": o, "members": tuple(ms)}) for o, ms in parts.items()]
    return found


def _origin(change: Change, in_base: bool, in_then: bool, compared: bool) -> Origin:
    if compared and not in_base:
        return Origin.THIS_CHANGE
    return change.origin if in_then or change.origin is Origin.DRIFT else Origin.CLOCK


def known_from(base: Context) -> dict[str, Known]:
    """Whose account is whose, and which group is which, where only the plan for an earlier revision can say it."""
    found: dict[str, Known] = {}
    for number, at in base.users.found.items():
        person = base.desired.people[number]
        if person.wanted and at not in base.users.contested and at not in base.ignored_accounts:
            user = person.user
            found[f"user:{user.id}"] = Known(base.snapshot.accounts[at].id, user.name, user.file)
    for number, at in base.groups.found.items():
        group = base.desired.groups[number].group
        if at not in base.groups.contested and at not in base.ignored_groups:
            found[f"group:{group.id}"] = Known(base.snapshot.groups[at].id, group.name, group.file)
    return found


def windows_moved(directory: Directory, app: App, since: datetime, until: datetime) -> bool:
    """Whether anything opened or closed after `since`, up to `until`."""

    def moved(window: Window) -> bool:
        return any(edge is not None and since < edge <= until for edge in (window.opens, window.closes))

    if any(moved(user.window) for user in directory.users.values()):
        return True
    if any(moved(member.window) for group in directory.groups.values() for member in group.members):
        return True
    assigned = app.scope.assigned
    entries = (*assigned.users, *assigned.groups) if assigned is not None else ()
    return any(moved(entry.window(directory.zone)) for entry in entries)
