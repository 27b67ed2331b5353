"""Why something that was approved is not in the plan of now: nothing asks for it any more, or something moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from reconciler.model.plan import (
    Blocked,
    Change,
    CreateGroup,
    CreateUser,
    DeactivateUser,
    DeleteGroup,
    DeleteUser,
    Difference,
    MemberRef,
)
from reconciler.plan.same import BELONGING, CREATING, WRITING, Belonging, Sets, family, same, same_id

_SHOWN: Final = 80
"""Characters of a value that are told."""


@dataclass(frozen=True, slots=True)
class Moved:
    """An approved change, or a part of one, that no longer fits."""

    change: Change
    """As it was approved."""
    what: tuple[str, ...]
    """What moved, in words."""


@dataclass(slots=True)
class Approved:
    """One approved change, and what of it was found again."""

    change: Change
    whole: bool = False
    paths: set[str] = field(default_factory=set)
    members: set[str] = field(default_factory=set)


class Leftovers:
    """What was not approved tells why something approved was not found."""

    def __init__(self, new: Iterable[Change], blocked: Iterable[Blocked]) -> None:
        self._about: dict[str, list[Change]] = {}
        for change in new:
            self._about.setdefault(change.key, []).append(change)
        self._blocked: dict[str, list[Blocked]] = {}
        for each in blocked:
            self._blocked.setdefault(each.key, []).append(each)

    def sort(self, approved: Iterable[Approved]) -> tuple[list[Moved], list[Change]]:
        moved: list[Moved] = []
        unneeded: list[Change] = []
        for row in approved:
            for part, what in self._judge(row):
                if what:
                    moved.append(Moved(part, tuple(what)))
                else:
                    unneeded.append(part)
        return moved, unneeded

    def _judge(self, row: Approved) -> Iterator[tuple[Change, list[str]]]:
        """Parts that were not found, each with what moved; without a word, if nothing asks for it any more."""
        change = row.change
        if isinstance(change, BELONGING):
            lost: dict[bool, list[MemberRef]] = {}
            said: list[str] = []
            for member in change.members:
                if member.key not in row.members:
                    what = self._member(change, member)
                    lost.setdefault(bool(what), []).append(member)
                    said += what
            for is_moved, members in sorted(lost.items()):
                part = change.model_copy(update={"members": tuple(members)})
                yield part, list(dict.fromkeys(said)) if is_moved else []
        elif isinstance(change, (*WRITING, DeactivateUser)) and change.set:
            missing = [path for path in change.set if path not in row.paths]
            other = self._others(change) if missing else []
            words = {path: self._path(change, path) or other for path in missing}
            for is_moved in (False, True):
                paths = {path: change.set[path] for path in missing if bool(words[path]) is is_moved}
                if paths:
                    what = list(dict.fromkeys(word for path in paths for word in words[path]))
                    yield change.model_copy(update={"set": paths}), what
        elif not row.whole:
            yield change, self._whole(change)

    def _path(self, change: Sets, path: str) -> list[str]:
        """How one path is planned now, if it still is."""
        was = change.set[path]
        about = (each for each in self._about.get(change.key, ()) if not isinstance(each, CREATING))
        now = [found[path] for each in about if path in (found := getattr(each, "set", {}))]
        return [f"{path}: approved was {_arrow(was)}, now it is {_arrow(each)}" for each in now if not same(was, each)]

    def _others(self, change: Change) -> list[str]:
        """Something of another kind that is planned for the same resource now, or why nothing can be."""
        kind = family(change)
        said = []
        for each in self._about.get(change.key, ()):
            if change.id is not None and each.id is not None and each.id != change.id:
                said.append(f"it is another one now: {each.id}, approved was {change.id}")
            elif family(each) != kind and not isinstance(each, BELONGING):
                said.append(_planned(each))
            elif each.held and not getattr(each, "set", None):
                said.append(_planned(each))  # a question about whom this is
        said += [f"blocked: {each.text}" for each in self._blocked.get(change.key, ()) if each.wanted == change.action]
        return said

    def _whole(self, change: Change) -> list[str]:
        for each in self._about.get(change.key, ()):
            if each.action == change.action and isinstance(each, CREATING):
                return list(_unlike(change, each))
            if isinstance(each, DeleteGroup) and isinstance(change, DeleteGroup) and each.id == change.id:
                more = {m.key for m in each.members} - {m.key for m in change.members}
                return [f"more would lose the membership: {', '.join(sorted(more))}"]
        return self._others(change)

    def _member(self, change: Belonging, member: MemberRef) -> list[str]:
        for each in self._about.get(change.key, ()):
            if isinstance(each, BELONGING):
                now = next((m for m in each.members if m.key == member.key), None)
                if now is not None and family(each) != family(change):
                    return [f"{member.key}: now planned is {each.action}"]
                if now is not None and not same_id(change.id, each.id):
                    return [f"the group is another one now: {each.id}, approved was {change.id}"]
                if now is not None:
                    return [f"{member.key} has another account now: {now.id}, approved was {member.id}"]
            elif isinstance(each, (CreateGroup, DeleteGroup)):
                return [_planned(each)]
        said = [_planned(each) for each in self._about.get(member.key, ()) if _in_the_way(each)]
        said += [
            f"blocked: {each.text}"
            for key in (change.key, member.key)
            for each in self._blocked.get(key, ())
            if each.wanted in (change.action, "createUser", "createGroup")
        ]
        return said


def _in_the_way(change: Change) -> bool:
    """Of a person: a question, or that they come or go."""
    return bool(change.held) or isinstance(change, (CreateUser, DeactivateUser, DeleteUser))


def _planned(change: Change) -> str:
    held = f", held by {', '.join(hold.by for hold in change.held)}" if change.held else ""
    return f"now planned for {change.key} is {change.action}{held}"


def _unlike(approved: Change, now: Change) -> Iterator[str]:
    """Where two creations differ."""
    was, is_ = getattr(approved, "set", {}), getattr(now, "set", {})
    for path in dict.fromkeys([*was, *is_]):
        if path not in is_:
            yield f"{path}: approved was {_shown(was[path].after)}, now nothing is written there"
        elif path not in was:
            yield f"{path}: now {_shown(is_[path].after)} is written, approved was nothing"
        elif not same(was[path], is_[path]):
            yield f"{path}: approved was {_shown(was[path].after)}, now it is {_shown(is_[path].after)}"


def _arrow(difference: Difference) -> str:
    return f"{_shown(difference.before)} → {_shown(difference.after)}"


def _shown(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
