"""Who can give an access after a change, and could not before.

Compared are sets of owners who suffice: whoever could bring an access about before is nobody new, by whichever file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reconciler.model.app import App
from reconciler.model.directory import Group
from reconciler.model.grants import Way
from reconciler.model.owned import Together
from reconciler.model.plan import Note
from reconciler.model.values import GroupId, UserId
from reconciler.project.grants import Granting, assigned_groups, nested

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
        self._direct: dict[tuple[bool, GroupId], dict[Together, Way]] = {}
        self._wider: dict[tuple[Together, str], _Wider] = {}
        known = now.granting.directory.groups
        self._groups = sorted(
            (known[each] for each in now.groups if each in known), key=lambda g: (not g.sensitive, g.id)
        )
        self._moved = {user for user in now.granting.directory.users if self._has_moved(user)}

    def unguarded(self) -> Iterator[Note]:
        for group in self._groups:
            was = self._earlier(group)
            if was is not None and was.sensitive and not group.sensitive:
                text = f"{_short(group.name)} is sensitive no more: groups and rules may bring people in"
                yield Note(code="grantsWiden", key=self.now.app.name, text=text)

    def found(self) -> list[_Wider]:
        touched = self._touched()
        for group in self._groups:
            was = self._earlier(group)
            if was is not None and group.id in touched:
                self._compare(_short(group.name), [group.id], [was.id])
        app, earlier = self.now.app, self.before.app
        self._compare(
            f"accounts of {app.name}",
            assigned_groups(app),
            assigned_groups(earlier),
            list(self._apart(self.now)),
            list(self._apart(self.before)),
        )
        return list(self._wider.values())

    def _apart(self, side: Side) -> Iterator[Way]:
        """Ways to an account that lead through no group."""
        yield from side.granting.settings(side.app)
        yield from side.granting.around()
        if side.app.scope.assigned is None:
            yield from side.granting.account_ways(side.app)

    def _earlier(self, group: Group) -> Group | None:
        """The same group before, or the one that it takes over."""
        known = self.before.granting.directory.groups
        if group.id in known or not group.formerly:
            return known.get(group.id)
        names = {str(each.get("displayName")) for each in group.formerly}
        ids = {str(each.get("id")) for each in group.formerly}
        return next((g for g in known.values() if g.id in ids or g.name in names), None)

    def _touched(self) -> set[GroupId]:
        """Groups into which something leads that did not, at any depth."""
        known, earlier = self.now.granting.directory.groups, self.before.granting.directory.groups
        outer: defaultdict[GroupId, list[GroupId]] = defaultdict(list)
        waiting = []
        for each, group in known.items():
            for inner in nested(group):
                outer[inner].append(each)
            was = earlier.get(each)
            same = was is not None and nested(group) == nested(was)
            same = same and self._ways(self.now, each).keys() == self._ways(self.before, each).keys()
            if not same or any(m.user in self._moved for m in group.members):
                waiting.append(each)
        touched = set(waiting)
        while waiting:
            fresh = [each for each in outer[waiting.pop()] if each not in touched]
            touched.update(fresh)
            waiting += fresh
        return touched

    def _has_moved(self, user: UserId) -> bool:
        """Whether other owners than before answer for somebody who was there."""
        now, before = self.now.granting, self.before.granting
        was = before.directory.users.get(user)
        if was is None:
            return False
        paths, earlier = now.owning.behind(now.directory.users[user].file), before.owning.behind(was.file)
        if now.owning.text == before.owning.text and paths == earlier:
            return False
        return [now.owning.of(path).needs for path in paths] != [before.owning.of(path).needs for path in earlier]

    def _compare(
        self,
        name: str,
        groups: Iterable[GroupId],
        before: Iterable[GroupId],
        more: Iterable[Way] = (),
        more_before: Iterable[Way] = (),
    ) -> None:
        inside, known = self.now.granting.inside(groups), self.before.granting.inside(before)
        could: set[Together] = {those for way in more_before for those in way.owned.together()}
        for each in known:
            could.update(self._ways(self.before, each))
        for way in more:
            self._judge(name, way, way.owned.together(), could)
        for each in inside:
            for those, way in self._ways(self.now, each).items():
                self._judge(name, way, (those,), could)
        moved = self._moved & self.now.granting.members(inside) if self._moved else set()
        if moved:
            earlier = self.before.granting.identities(moved & self.before.granting.directory.users.keys())
            could.update(those for way in earlier for those in way.owned.together())
            for way in self.now.granting.identities(moved):
                self._judge(name, way, way.owned.together(), could)

    def _judge(self, name: str, way: Way, together: Iterable[Together], could: set[Together]) -> None:
        for those in together:
            if not any(enough <= those for enough in could):
                wider = self._wider.setdefault((those, way.does), _Wider(those, way))
                wider.names[name] = None
                wider.paths.update(way.paths)

    def _ways(self, side: Side, group: GroupId) -> dict[Together, Way]:
        """Owners who suffice → the first way by which they do, of one group by itself."""
        key = (side is self.now, group)
        if key not in self._direct:
            found: dict[Together, Way] = {}
            for way in side.granting.direct(side.granting.directory.groups[group]):
                for those in way.owned.together():
                    found.setdefault(those, way)
            self._direct[key] = found
        return self._direct[key]


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
