"""What a change causes on another day: access that starts in the future, and access that ends later or not at all.

What starts today is among the changes of a plan; what a pull request sets to next year is not, and would be merged
unseen. First every window that the change touches is compared: of people, of assignments, and of memberships at any
depth. Then, with those windows as they are now, the access of everybody whom the change moves otherwise: who is put
into a group that is nested or assigned from some day on gains something on that day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, TypeAlias

from reconciler.model.app import App
from reconciler.model.desired import Desired
from reconciler.model.directory import Group, User
from reconciler.model.plan import Later, Source
from reconciler.model.values import user_key
from reconciler.model.window import ALWAYS
from reconciler.plan.document import instant
from reconciler.plan.once_sensitive import sensitive_groups
from reconciler.plan.spans import NEVER, Spans, ahead, without
from reconciler.plan.ways import APP, Entry, Files, Slot, access, ends_after, windows

What: TypeAlias = Literal["gain", "endRemoved", "endLater", "startEarlier"]


def later(app: App, desired: Desired, before_app: App, before: Desired, as_of: datetime) -> tuple[Later, ...]:
    """Everything of the kind, the first in time first."""
    now, base = Files(app, desired), Files(before_app, before)
    reached = now.reached() | base.reached()
    timed = [(*each, files) for files in (now, base) for each in windows(files, reached)]
    if not any(ends_after(window, as_of) for _, window, _ in timed):
        return ()
    comparison = _Comparison(now, base, as_of)
    for _, window, files in timed:
        comparison.texts[files is now, "from", window.opens] = window.from_
        comparison.texts[files is now, "until", window.closes] = window.until
    return comparison.found({slot for slot, _, _ in timed})


class _Comparison:
    def __init__(self, now: Files, base: Files, as_of: datetime) -> None:
        self.now, self.base, self.as_of = now, base, as_of
        self.texts: dict[tuple[bool, str, datetime | None], str] = {}
        """Of today's files or not, which end, moment → how it is written."""
        self.reached = now.reached()
        self.sensitive = sensitive_groups(now.desired, base.desired)
        self._told: set[Slot] = set()
        """What they cover now counts as known from then on: their consequences are told once."""
        self._rows: list[tuple[datetime, Later]] = []

    def found(self, slots: Iterable[Slot]) -> tuple[Later, ...]:
        changed = {group for group in self.reached if _differ(self.now.group(group), self.base.group(group))}
        touched = [slot for slot in slots if not slot.into.startswith("group:") or slot.into in changed]
        touched = [slot for slot in touched if self._windows(self.now, slot) != self._windows(self.base, slot)]
        moved = self._moved(changed)
        people = moved.union(slot.key for slot in touched if slot.key.startswith("user:"))
        self._outer = {files: files.outer(people) for files in (self.now, self.base)}
        self._assigned = {files: set(files.members(APP)) for files in (self.now, self.base)}
        for slot in sorted(touched):
            self._slot(slot)
        for key in sorted(moved):
            self._person(key)
        return tuple(row for _, row in sorted(self._rows, key=lambda r: (r[0], r[1].key, r[1].group or "", r[1].what)))

    def _windows(self, files: Files, slot: Slot) -> list[object]:
        return [entry.window for entry in files.entries(slot)]

    # -- what the change does to a window

    def _slot(self, slot: Slot) -> None:
        entries = self.now.entries(slot)
        if not entries or not self._matters(slot):
            return
        have, had = (ahead((e.window for e in files.entries(slot)), self.as_of) for files in (self.now, self.base))
        for what, start, end in self._new(have, had):
            near = (e for e in entries if start in (e.window.opens, None) or (e.window.closes or NEVER) == end)
            self._told.add(slot)
            if slot.into == APP:
                self._assigned[self.base].add(slot.key)
            elif slot.into != slot.key:
                self._outer[self.base].setdefault(slot.key, []).append(slot.into)
            self._tell(slot.key, APP if slot.into == slot.key else slot.into, what, start, end, next(near, entries[0]))

    def _matters(self, slot: Slot) -> bool:
        """Whether somebody could have something by it."""
        if slot.into.startswith("group:") and slot.into not in self.reached:
            return False
        if slot.key.startswith("group:"):
            return self.now.group(slot.key) is not None
        user = self.now.user(slot.key)
        return user is not None and self.now.may(user) and bool(self._access(self.now, slot.key)[APP])

    # -- who is moved otherwise

    def _moved(self, changed: set[str]) -> set[str]:
        """People whose access may be another, whatever their windows."""
        now, base = self.now, self.base
        if _rules_of_scope(now.app) != _rules_of_scope(base.app):
            return {str(user_key(user)) for user in now.desired.directory.users}
        users, known = now.desired.directory.users, base.desired.directory.users
        keys = {str(user_key(user)) for user in users if _is_another(users[user], known.get(user))}
        for into in (*changed, *(g for g in self.reached if self._has_rules(g)), APP):
            there = base.members(into)
            keys.update(key for key, entries in now.members(into).items() if len(entries) > len(there.get(key, ())))
        inside = now.inside(key for key in keys if key.startswith("group:"))
        keys.update(key for group in inside for key in now.members(group))
        return {key for key in keys if key.startswith("user:") and now.user(key) is not None}

    def _has_rules(self, key: str) -> bool:
        group = self.now.group(key)
        return group is not None and bool(group.rules)

    def _person(self, key: str) -> None:
        had = self._access(self.base, key)
        for group, have in self._access(self.now, key).items():
            for what, start, end in self._new(have, had.get(group, ())):
                self._tell(key, group, what, start, end, self._bringing(key))

    def _bringing(self, key: str) -> Entry:
        """The entry that is new, else where the person is described."""
        for into in self._outer[self.now].get(key, ()):
            slot = Slot(key, into)
            if not self.base.entries(slot):
                return self.now.entries(slot)[0]
        user = self.now.user(key)
        assert user is not None
        return Entry(ALWAYS, "", Source(file=user.file, line=user.line))

    def _access(self, files: Files, key: str) -> dict[str, Spans]:
        """With the windows that were told of as they are now."""

        def spans(slot: Slot) -> Spans:
            taken = self.now if slot in self._told else files
            return ahead((entry.window for entry in taken.entries(slot)), self.as_of)

        return access(key, files, self._outer[files], self._assigned[files], spans)

    # -- both

    def _new(self, have: Spans, had: Spans) -> Iterator[tuple[What, datetime, datetime]]:
        """What is covered now and was not, and begins after `as_of`: what begins with it is a change of the plan."""
        for start, end in without(have, had):
            if start <= self.as_of:
                continue
            if any(start == each[1] for each in had):
                yield "endRemoved" if end == NEVER else "endLater", start, end
            elif any(end == each[0] for each in had):
                yield "startEarlier", start, end
            else:
                yield "gain", start, end

    def _tell(self, key: str, group: str, what: What, start: datetime, end: datetime, entry: Entry) -> None:
        extends = what in ("endRemoved", "endLater")
        before = self._text("until", start, now=False) if extends else self._text("from", end, now=False)
        row = Later(
            what=what,
            key=key,
            name=self._name(key),
            group=group or None,
            group_name=self._name(group) if group else None,
            from_=None if extends else self._text("from", start),
            until=None if end == NEVER or what == "startEarlier" else self._text("until", end),
            before=None if what == "gain" else before,
            reason=entry.reason or None,
            sensitive=self._is_sensitive(key, group),
            source=entry.source,
        )
        self._rows.append((start, row))

    def _text(self, which: str, moment: datetime, *, now: bool = True) -> str:
        return self.texts.get((now, which, moment)) or self.texts.get((not now, which, moment)) or instant(moment)

    def _name(self, key: str) -> str:
        found = self.now.user(key) if key.startswith("user:") else self.now.group(key)
        return key.partition(":")[2] if found is None else found.name

    def _is_sensitive(self, *keys: str) -> bool:
        """Of the groups that are gained by it, those around them included; also if it was sensitive before."""
        seen = {key for key in keys if key.startswith("group:")}
        waiting = list(seen)
        while waiting:
            key = waiting.pop()
            if key in self.sensitive:
                return True
            outer = [each for each in self._outer[self.now].get(key, ()) if each not in seen]
            seen.update(outer)
            waiting += outer
        return False


def _differ(group: Group | None, other: Group | None) -> bool:
    """Who is in it, and when."""
    if group is None or other is None:
        return group is not other
    if len(group.members) != len(other.members) or [r.all for r in group.rules] != [r.all for r in other.rules]:
        return True
    return any(
        a.user != b.user or a.group != b.group or (a.window is not b.window and a.window != b.window)
        for a, b in zip(group.members, other.members, strict=True)
    )


def _is_another(user: User, other: User | None) -> bool:
    """In what decides on access."""
    return other is None or _facts(user) != _facts(other)


def _facts(user: User) -> tuple[object, ...]:
    return user.enabled, user.kind, user.window, user.attributes


def _rules_of_scope(app: App) -> object:
    """Who may have access at all, assignments aside."""
    return app.scope.model_copy(update={"assigned": None}), app.scope.excluded, app.groups
