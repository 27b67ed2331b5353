"""Effective membership at a moment: who is in a group, by entries, rules and nested groups, and by which way.

A way holds if every window on it does. Linear in groups and memberships, and without recursion: a chain of 20,000
groups is a chain like any other. The ways are worked out when somebody asks for them: most plans ask for few.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from itertools import chain
from typing import Final, Protocol, TypeVar

from reconciler.model.directory import Directory, Group, Member
from reconciler.model.values import GroupId, UserId
from reconciler.model.window import ALWAYS, Window
from reconciler.project.rules import Rules

End = tuple[datetime, str]
"""When something ends, and how the files write it."""
NEVER: Final[End] = (datetime.max.replace(tzinfo=UTC), "")


class _Assignment(Protocol):
    def window(self, zone: tzinfo) -> Window: ...


Assignment = TypeVar("Assignment", bound=_Assignment)


class Nesting:
    """Which groups are in which. References to groups that are gone lead nowhere.

    `as_of` knows its offset; None: at any time, as if every window held.
    """

    def __init__(self, directory: Directory, as_of: datetime | None = None, rules: Rules | None = None) -> None:
        self.groups = directory.groups
        self.rules = rules or Rules(directory)
        self.as_of = as_of
        self.zone = directory.zone
        self.inner: dict[GroupId, tuple[GroupId, ...]] = {}
        self.timed: set[GroupId] = set()
        """Groups with an entry that has a window, whether it holds or not."""
        self._holding: dict[GroupId, tuple[Member, ...]] = {}
        for group in directory.groups.values():
            if any(entry.window is not ALWAYS for entry in group.members):
                self.timed.add(group.id)
                self._holding[group.id] = tuple(entry for entry in group.members if self.holds(entry.window))
            nested = {entry.group for entry in self.entries(group.id) if entry.group is not None}
            if nested:
                self.inner[group.id] = tuple(sorted(each for each in nested if each in directory.groups))

    def holds(self, window: Window) -> bool:
        return window is ALWAYS or self.as_of is None or window.holds(self.as_of)

    def in_force(self, assignments: Iterable[Assignment]) -> list[Assignment]:
        """Those whose window holds."""
        return [each for each in assignments if self.holds(each.window(self.zone))]

    def entries(self, group: GroupId) -> tuple[Member, ...]:
        """Of its members those whose window holds."""
        holding = self._holding.get(group)
        return self.groups[group].members if holding is None else holding

    def own(self, group: GroupId) -> Iterator[UserId]:
        """Who is in a group by an entry or a rule of its own; some of them twice."""
        own = (entry.user for entry in self.entries(group) if entry.user is not None)
        if not self.groups[group].rules:
            return own
        return chain(own, *(people for _, people in self.rules.people(self.groups[group])))

    def reached(self, outer: Iterable[GroupId]) -> set[GroupId]:
        """These groups and all that are inside them."""
        found = {group for group in outer if group in self.groups}
        waiting = list(found)
        while waiting:
            for each in self.inner.get(waiting.pop(), ()):
                if each not in found:
                    found.add(each)
                    waiting.append(each)
        return found

    def people(self, outer: Iterable[GroupId]) -> set[UserId]:
        """Everybody in these groups, at any depth."""
        return {user for group in self.reached(outer) for user in self.own(group)}

    def members(self, wanted: Collection[GroupId], numbers: Mapping[UserId, int]) -> dict[GroupId, set[int]]:
        """Of each wanted group its effective members, as numbers; who has no number does not count."""
        order = self.inside_first(wanted)
        parents = Counter(each for group in order for each in self.inner.get(group, ()))
        # Sets are kept of groups that are wanted or used more than once; all others are passed through just once.
        kept = {group for group in order if parents[group] > 1}.union(wanted)
        sets: dict[GroupId, set[int]] = {}
        for group in order:
            if group not in kept:
                continue
            found = set(self._direct(group, numbers))
            waiting = list(self.inner.get(group, ()))
            while waiting:
                each = waiting.pop()
                if each in sets:
                    found |= sets[each]
                else:
                    found.update(self._direct(each, numbers))
                    waiting += self.inner.get(each, ())
            sets[group] = set(found)  # a copy takes half the memory of a set that grew
        return {group: sets[group] for group in wanted}

    def _direct(self, group: GroupId, numbers: Mapping[UserId, int]) -> Iterator[int]:
        return (numbers[user] for user in self.own(group) if user in numbers)

    def inside_first(self, outer: Iterable[GroupId]) -> list[GroupId]:
        """All groups reached, each after those that are inside it."""
        order: list[GroupId] = []
        seen: set[GroupId] = set()
        for root in outer:
            if root in seen:
                continue
            seen.add(root)
            path = [(root, iter(self.inner.get(root, ())))]
            while path:
                group, rest = path[-1]
                following = next((each for each in rest if each not in seen), None)
                if following is None:
                    order.append(group)
                    path.pop()
                else:
                    seen.add(following)
                    path.append((following, iter(self.inner.get(following, ()))))
        return order


class Ways:
    """How the members of one group come into it: by an entry of their own, else by a rule, else by the shortest chain
    of groups, the alphabetically first of several."""

    def __init__(self, nesting: Nesting, group: Group, numbers: Mapping[UserId, int]) -> None:
        self._nesting = nesting
        self._numbers = numbers
        self.group = group

    @cached_property
    def lines(self) -> dict[int, int]:
        """Who has an entry of their own, or is brought in by a rule → its line."""
        lines: dict[int, int] = {}
        for entry in self._nesting.entries(self.group.id):
            if entry.user is not None and entry.user in self._numbers:
                lines.setdefault(self._numbers[entry.user], entry.line)
        for rule, people in self._nesting.rules.people(self.group):
            for user in people:
                if user in self._numbers:
                    lines.setdefault(self._numbers[user], rule.line)
        return lines

    @cached_property
    def nested_lines(self) -> dict[GroupId, int]:
        lines: dict[GroupId, int] = {}
        for entry in self._nesting.entries(self.group.id):
            if entry.group is not None:
                lines.setdefault(entry.group, entry.line)
        return lines

    @cached_property
    def through(self) -> dict[int, GroupId]:
        """Who has none → the nearest group inside this one in which they have."""
        found: dict[int, GroupId] = {}
        direct = self.lines
        for group in self._outside:
            for user in self._nesting.own(group):
                number = self._numbers.get(user)
                if number is not None and number not in direct:
                    found.setdefault(number, group)
        return found

    @cached_property
    def ends(self) -> dict[int, End]:
        """Member → when the way that holds longest ends; a way ends with the first window on it."""
        nesting = self._nesting
        found: dict[int, End] = {}
        latest: dict[GroupId, End] = {self.group.id: NEVER}
        for group in reversed(nesting.inside_first([self.group.id])):
            around = latest[group]
            for entry in nesting.entries(group):
                end = around if entry.window.closes is None else min(around, (entry.window.closes, entry.window.until))
                if entry.group is not None:
                    latest[entry.group] = max(end, latest.get(entry.group, end))
                elif entry.user is not None and entry.user in self._numbers:
                    number = self._numbers[entry.user]
                    found[number] = max(end, found.get(number, end))
            for _, people in nesting.rules.people(nesting.groups[group]):
                for user in people:
                    if user in self._numbers:
                        found[self._numbers[user]] = max(around, found.get(self._numbers[user], around))
        return found

    @cached_property
    def _outside(self) -> dict[GroupId, tuple[GroupId, GroupId]]:
        """Each group inside this one → the group around it on the best chain, and the outermost of that chain.

        Breadth first with sorted neighbours: chains come by length, then by alphabet.
        """
        inner = self._nesting.inner
        found = {each: (self.group.id, each) for each in inner.get(self.group.id, ())}
        waiting = deque(found)
        while waiting:
            group = waiting.popleft()
            for each in inner.get(group, ()):
                if each not in found and each != self.group.id:
                    found[each] = (group, found[group][1])
                    waiting.append(each)
        return found

    def chain(self, group: GroupId) -> tuple[GroupId, ...]:
        """Outermost first, without this group itself."""
        chain = [group]
        while (around := self._outside[chain[-1]][0]) != self.group.id:
            chain.append(around)
        return tuple(reversed(chain))

    def outermost(self, group: GroupId) -> GroupId:
        return self._outside[group][1]


class Via(Mapping[int, tuple[GroupId, ...]]):
    """Who is a member through nesting only → the groups on the way, outermost first."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways

    def __getitem__(self, number: int) -> tuple[GroupId, ...]:
        return self._ways.chain(self._ways.through[number])

    def __iter__(self) -> Iterator[int]:
        return iter(self._ways.through)

    def __len__(self) -> int:
        return len(self._ways.through)


class Ends(Mapping[int, str]):
    """Member → the last day or moment of the way that holds longest, as it is written. Without end: not in it."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways

    def __getitem__(self, number: int) -> str:
        end = self._ways.ends[number]
        if end[0] == NEVER[0]:
            raise KeyError(number)
        return end[1]

    def __iter__(self) -> Iterator[int]:
        return (number for number, end in self._ways.ends.items() if end[0] != NEVER[0])

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Lines(Mapping[int, tuple[str, int]]):
    """Member → file and line of the entry in this group that brings them in."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways

    def __getitem__(self, number: int) -> tuple[str, int]:
        ways = self._ways
        line = ways.lines.get(number)
        if line is None:
            line = ways.nested_lines[ways.outermost(ways.through[number])]
        return ways.group.file, line

    def __iter__(self) -> Iterator[int]:
        yield from self._ways.lines
        yield from self._ways.through

    def __len__(self) -> int:
        return len(self._ways.lines) + len(self._ways.through)
