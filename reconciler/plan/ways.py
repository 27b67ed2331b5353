"""One version of the files as windows see it: what has a window, and by which ways somebody has access when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from reconciler.model.app import App
from reconciler.model.desired import Desired
from reconciler.model.directory import Group, User
from reconciler.model.plan import Source
from reconciler.model.values import GroupId, UserId, group_key, user_key
from reconciler.model.window import ALWAYS, Window
from reconciler.plan.spans import FOREVER, Spans, joined, met

APP = ""
"""Stands for the app itself, where else a group's key stands."""


class Slot(NamedTuple):
    """What has a window: somebody's own (`into` is the key itself), an assignment (`into` is APP), a membership."""

    key: str
    into: str


class Entry(NamedTuple):
    window: Window
    reason: str = ""
    source: Source | None = None


@dataclass(eq=False)
class Files:
    app: App
    desired: Desired
    _members: dict[str, Mapping[str, list[Entry]]] = field(default_factory=dict)
    """Group's key, or APP → key → its entries; of what was looked at."""

    def group(self, key: str) -> Group | None:
        return self.desired.directory.groups.get(GroupId(key[6:]))

    def user(self, key: str) -> User | None:
        return self.desired.directory.users.get(UserId(key[5:]))

    def may(self, user: User) -> bool:
        reach = self.desired.reach
        return reach is None or reach.may(user)

    @property
    def targets(self) -> list[str]:
        """The app's groups, whenever they are."""
        return sorted(group_key(g) for g in (self.desired.reach.groups if self.desired.reach is not None else ()))

    def entries(self, slot: Slot) -> list[Entry]:
        if slot.into == slot.key:
            user = self.user(slot.key)
            return [] if user is None or not self.may(user) else [_own(user)]
        return self.members(slot.into).get(slot.key, [])

    def members(self, into: str) -> Mapping[str, list[Entry]]:
        if into not in self._members:
            self._members[into] = self._assigned() if into == APP else self._in(into)
        return self._members[into]

    def _assigned(self) -> dict[str, list[Entry]]:
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        assigned, zone = self.app.scope.assigned, self.desired.directory.zone
        if assigned is None:
            return found
        places = self.desired.reach.assigned if self.desired.reach is not None else {}
        given = [(user_key(each.user), each.window(zone), f"users.{n}") for n, each in enumerate(assigned.users)]
        given += [(group_key(each.group), each.window(zone), f"groups.{n}") for n, each in enumerate(assigned.groups)]
        for key, window, at in given:
            place = places.get(at)
            source = None if place is None else Source(file=place.file, line=place.line)
            found[key].append(Entry(window, "", source))
        return found

    def _in(self, into: str) -> dict[str, list[Entry]]:
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        group, reach = self.group(into), self.desired.reach
        if group is None:
            return found
        for member in group.members:
            key = user_key(member.user) if member.user is not None else group_key(str(member.group))
            found[key].append(Entry(member.window, member.reason, Source(file=group.file, line=member.line)))
        for user in reach.by_rule(group) if group.rules and reach is not None else ():
            found[user_key(user)].append(Entry(ALWAYS, "", Source(file=group.file, line=group.line)))
        return found

    # -- nesting, as if every window held

    def reached(self) -> set[str]:
        """Groups by which somebody can have something: those of the app, those that give scope, and all inside."""
        giving = self.desired.reach.giving if self.desired.reach is not None else ()
        return self.inside(group_key(each) for each in giving)

    def inside(self, groups: Iterable[str]) -> set[str]:
        """These groups and all inside them."""
        found = {group for group in groups if self.group(group) is not None}
        waiting = list(found)
        while waiting:
            group = self.group(waiting.pop())
            inner = (group_key(m.group) for m in group.members if m.group is not None) if group is not None else ()
            fresh = [each for each in inner if each not in found and self.group(each) is not None]
            found.update(fresh)
            waiting += fresh
        return found

    def outer(self, users: Collection[str]) -> dict[str, list[str]]:
        """Key → groups that have an entry for it: of every group, and of these people."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for identity, group in self.desired.directory.groups.items():
            into = group_key(identity)
            for member in group.members:
                if member.group is not None:
                    found[group_key(member.group)].append(into)
                elif (user := str(user_key(str(member.user)))) in users:
                    found[user].append(into)
            if group.rules:
                for user in self.members(into).keys() & users:
                    found[user].append(into)
        return {key: list(dict.fromkeys(groups)) for key, groups in found.items()}


def _own(user: User) -> Entry:
    lines = user.lines
    line = lines.get("from") or lines.get("until") or user.line
    return Entry(user.window, "", Source(file=user.file, line=line))


def access(
    key: str,
    files: Files,
    outer: Mapping[str, list[str]],
    assigned: Collection[str],
    spans: Callable[[Slot], Spans],
) -> dict[str, Spans]:
    """APP, and each of the app's groups → when somebody has it. `outer`: key → groups with an entry for it; `assigned`:
    keys of assignments; `spans` gives what a slot covers.
    """
    own = spans(Slot(key, key))
    covered: dict[str, Spans] = {}
    waiting: list[tuple[str, str, Spans]] = [(key, into, FOREVER) for into in outer.get(key, ())]
    while waiting:
        inner, into, by = waiting.pop()
        have = covered.get(into, ())
        more = joined((*have, *met(by, spans(Slot(inner, into)))))
        if more != have:
            covered[into] = more
            waiting += [(into, above, more) for above in outer.get(into, ())]
    if files.app.scope.everyone:
        scope = own
    else:
        ways = [spans(Slot(key, APP))]
        ways += [met(covered.get(each, ()), spans(Slot(each, APP))) for each in assigned if each != key]
        scope = met(own, joined(span for way in ways for span in way))
    return {APP: scope} | {group: met(scope, covered[group]) for group in files.targets if group in covered}


def windows(files: Files, groups: Iterable[str]) -> Iterator[tuple[Slot, Window]]:
    """Whatever has a window: of everybody, of the assignments, and of memberships in these groups."""
    for identity, user in files.desired.directory.users.items():
        if user.window is not ALWAYS:
            yield Slot(user_key(identity), user_key(identity)), user.window
    for key, entries in files.members(APP).items():
        yield from ((Slot(key, APP), entry.window) for entry in entries if entry.window is not ALWAYS)
    for into in groups:
        group = files.group(into)
        for member in group.members if group is not None else ():
            if member.window is not ALWAYS:
                key = user_key(member.user) if member.user is not None else group_key(str(member.group))
                yield Slot(key, into), member.window


def ends_after(window: Window, moment: datetime) -> bool:
    """Whether it still opens or closes after that."""
    return any(edge is not None and edge > moment for edge in (window.opens, window.closes))
