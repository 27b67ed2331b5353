"""Who can give an access after a change, and could not before.

Compared are sets of owners who suffice: whoever could bring an access about before is nobody new, by whichever file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.model.app import App
from reconciler.model.directory import Directory, Group
from reconciler.model.grants import Way
from reconciler.model.owned import Together
from reconciler.model.plan import Note
from reconciler.model.values import GroupId, UserId
from reconciler.project.grants import Granting, admitting, nested

_MOST_NAMES = 3
_MOST_NOTES = 20


@dataclass(frozen=True, slots=True)
class Side:
    """One version of the files, as one app sees it."""

    granting: Granting
    app: App
    groups: frozenset[GroupId]
    """The app's."""


@dataclass(slots=True)
class _Wider:
    together: Together
    way: Way
    names: dict[str, None] = field(default_factory=dict)
    """What can be given."""
    paths: set[str] = field(default_factory=set)
    """Where; of many alike, a few."""


def widened(now: Side, before: Side) -> list[Note]:
    """A note for each way that is new, with all accesses that it leads to. Sensitive groups come first."""
    comparison = _Comparison(now, before)
    notes = list(comparison.unguarded())
    texts = [_told(each) for each in comparison.found()]
    if len(texts) > _MOST_NOTES:
        texts[_MOST_NOTES:] = [f"{len(texts) - _MOST_NOTES:,} more owners or ways are new: `reconciler who-can-grant`"]
    return [*notes, *(Note(code="grantsWiden", key=now.app.name, text=text) for text in texts)]


class _Comparison:
    def __init__(self, now: Side, before: Side) -> None:
        self.now, self.before = now, before
        self._wider: dict[tuple[Together, str], _Wider] = {}
        known, self._known = now.granting.directory.groups, before.granting.directory.groups
        self._named: dict[str, Group] = {}
        for group in self._known.values():
            self._named.setdefault(group.name, group)
        groups = (known[each] for each in now.groups if each in known)
        self._groups = sorted(groups, key=lambda group: (not group.sensitive, group.id))
        self._moved = {user for user in now.granting.directory.users if self._has_moved(user)}
        self._can = _reaching(now.granting.directory, lambda group: _ways(now.granting.direct(group)))
        self._could = _reaching(before.granting.directory, lambda group: _ways(before.granting.direct(group)))
        self._are = _reaching(now.granting.directory, lambda group: self._identities(now.granting, group))
        self._were = _reaching(now.granting.directory, lambda group: self._identities(before.granting, group))

    def unguarded(self) -> Iterator[Note]:
        for group in self._groups:
            was = self._earlier(group)
            if was is not None and was.sensitive and not group.sensitive:
                text = f"{_short(group.name)} is sensitive no more: groups and rules may bring people in"
                yield Note(code="grantsWiden", key=self.now.app.name, text=text)

    def found(self) -> list[_Wider]:
        for group in self._groups:
            was = self._earlier(group)
            if was is not None:
                self._compare(_short(group.name), [group.id], [was.id])
        app, earlier = self.now.app, self.before.app
        self._compare(
            f"accounts of {app.name}", admitting(app), admitting(earlier),
            _ways(self._apart(self.now)), _ways(self._apart(self.before)),
        )  # fmt: skip
        return list(self._wider.values())

    def _apart(self, side: Side) -> Iterator[Way]:
        """Ways to an account that lead through no group."""
        yield from side.granting.settings(side.app)
        yield from side.granting.around()
        if side.app.scope.assigned is None:
            yield from side.granting.account_ways(side.app)

    def _earlier(self, group: Group) -> Group | None:
        """The same group before, or the one that it takes over; of several one that was sensitive, if any was."""
        if group.id in self._known or not group.formerly:
            return self._known.get(group.id)
        ids = [self._known.get(GroupId(str(each["id"]))) for each in group.formerly if "id" in each]
        names = [self._named.get(str(each["displayName"])) for each in group.formerly if "displayName" in each]
        return max((each for each in (*ids, *names) if each is not None), key=lambda was: was.sensitive, default=None)

    def _has_moved(self, user: UserId) -> bool:
        """Whether other owners than before answer for somebody who was there. Who joins is shown as joining."""
        now, before = self.now.granting, self.before.granting
        was = before.directory.users.get(user)
        if was is None:
            return False
        paths, earlier = now.owning.behind(now.directory.users[user].file), before.owning.behind(was.file)
        if now.owning.text == before.owning.text and paths == earlier:
            return False
        return [now.owning.of(path).needs for path in paths] != [before.owning.of(path).needs for path in earlier]

    def _identities(self, granting: Granting, group: Group) -> dict[Together, Way]:
        """Whose account those are who moved, by one version of the files."""
        moved = {m.user for m in group.members if m.user in self._moved} if self._moved else set()
        return _ways(granting.identities(UserId(each) for each in moved if each in granting.directory.users))

    def _compare(
        self,
        name: str,
        groups: Iterable[GroupId],
        before: Iterable[GroupId],
        more: Mapping[Together, Way] = {},
        more_before: Mapping[Together, Way] = {},
    ) -> None:
        could = set(more_before)
        for each in before:
            could.update(self._could(each))
        inside = [each for each in groups if each in self.now.granting.directory.groups]
        for each in inside:
            could.update(self._were(each))
        for ways in (more, *(reach(each) for each in inside for reach in (self._can, self._are))):
            for those, way in ways.items():
                if those not in could and not any(enough <= those for enough in could):
                    wider = self._wider.setdefault((those, way.does), _Wider(those, way))
                    wider.names[name] = None
                    wider.paths.update(way.paths)


def _ways(ways: Iterable[Way]) -> dict[Together, Way]:
    """Owners who suffice → the first way by which they do."""
    found: dict[Together, Way] = {}
    for way in ways:
        for those in way.owned.together():
            found.setdefault(those, way)
    return found


def _reaching(
    directory: Directory, own: Callable[[Group], dict[Together, Way]]
) -> Callable[[GroupId], Mapping[Together, Way]]:
    """What leads into a group by itself → what leads into it at any depth. Groups are in no circle."""
    known: dict[GroupId, dict[Together, Way]] = {}

    def found(group: GroupId) -> Mapping[Together, Way]:
        waiting = [group] if group in directory.groups else []
        while waiting:
            each = directory.groups[waiting[-1]]
            inner = sorted(one for one in nested(each) if one in directory.groups)
            ahead = [one for one in inner if one not in known]
            waiting += ahead
            if not ahead:
                ways = own(each)
                for one in inner:
                    ways = {**known[one], **ways}
                known[each.id] = ways
                waiting.pop()
        return known.get(group, {})

    return found


def _told(wider: _Wider) -> str:
    names = list(wider.names)
    more = len(names) - _MOST_NAMES
    what = ", ".join(names[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
    files = max(len(wider.paths), wider.way.count)
    others = f" and {files - 1:,} more" if files > 1 else ""
    return f"{who(wider.together)} can give {what} from now on: {wider.way.does} in {wider.way.paths[0]}{others}"


def who(together: Together) -> str:
    """Owners who agree, in words."""
    return " with ".join(_short(each) for each in sorted(together)) or "anybody who may merge"


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:39]}…"
