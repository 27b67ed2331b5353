"""What starts and ends soon: the windows of people of the app, of its groups, and of what gives scope.

Only what has a window is looked at. Entries about the same member that follow each other without a gap are one stretch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from reconciler.errors import Place
from reconciler.model.app import App, AssignedGroup, AssignedUser
from reconciler.model.desired import Cause, Person
from reconciler.model.directory import Directory, Group, Member, User
from reconciler.model.plan import Soon, Source
from reconciler.model.values import GroupId, UserId, group_key, user_key
from reconciler.model.window import ALWAYS, Window
from reconciler.project.filters import asked_groups
from reconciler.project.findings import Findings
from reconciler.project.membership import Nesting
from reconciler.project.scope import Scoping

_EVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Spell:
    """A window, and where it stands."""

    window: Window
    place: Place
    reason: str = ""


class Ahead:
    """Collects what starts and ends after `as_of`, `soonDays` ahead."""

    def __init__(
        self, app: App, directory: Directory, nesting: Nesting, scoping: Scoping, findings: Findings, as_of: datetime
    ) -> None:
        self._app, self._directory, self._nesting = app, directory, nesting
        self._scoping, self._findings, self._as_of = scoping, findings, as_of
        try:
            self._until = as_of + timedelta(days=directory.soon_days)
        except OverflowError:
            self._until = datetime.max.replace(tzinfo=as_of.tzinfo)
        self._in_scope: set[UserId] = set()
        self._found: list[tuple[datetime, Soon]] = []

    def of(self, people: Sequence[Person], groups: Iterable[Group]) -> tuple[Soon, ...]:
        """`people`: the rows of the app; `groups`: its groups. The first in time first."""
        self._in_scope = {person.user.id for person in people if person.wanted}
        for person in people:
            if person.user.window is not ALWAYS:
                self._own(person)
        self._assigned()
        self._memberships(groups)
        self._found.sort(key=lambda each: (each[0], each[1].key, each[1].group or "", each[1].from_ or ""))
        return tuple(soon for _, soon in self._found)

    def _own(self, person: Person) -> None:
        if person.wanted or person.cause is Cause.OUTSIDE_WINDOW:
            user = person.user
            line = user.lines.get("from" if not person.wanted else "until", user.line)
            self._tell([Spell(user.window, Place(user.file, line))], user.id)

    def _assigned(self) -> None:
        assigned = self._app.scope.assigned
        if assigned is None:
            return
        users: dict[UserId, list[Spell]] = {}
        groups: dict[GroupId, list[Spell]] = {}
        for number, user in enumerate(assigned.users):
            users.setdefault(user.user, []).append(self._assignment(user, f"users.{number}"))
        for number, group in enumerate(assigned.groups):
            groups.setdefault(group.group, []).append(self._assignment(group, f"groups.{number}"))
        self._tell_all(users, groups)

    def _assignment(self, entry: AssignedUser | AssignedGroup, key: str) -> Spell:
        return Spell(entry.window(self._directory.zone), self._findings.place(f"scope.assigned.{key}"))

    def _memberships(self, groups: Iterable[Group]) -> None:
        if not self._nesting.timed:
            return
        ever = Nesting(self._directory, None, self._nesting.rules)
        for each in sorted(self._nesting.timed & ever.reached(self._giving(groups))):
            group = self._directory.groups[each]
            users: dict[UserId, list[Spell]] = {}
            nested: dict[GroupId, list[Spell]] = {}
            told = {entry.user or entry.group for entry in group.members if self._near(entry.window)}
            for entry in group.members if told else ():
                if (entry.user or entry.group) not in told:
                    continue
                spell = _spell(group, entry)
                if entry.user is not None:
                    users.setdefault(entry.user, []).append(spell)
                elif entry.group is not None:
                    nested.setdefault(entry.group, []).append(spell)
            self._tell_all(users, nested, group)

    def _near(self, window: Window) -> bool:
        """Whether an end of it is soon."""
        return window is not ALWAYS and (
            (window.opens is not None and self._as_of < window.opens <= self._until)
            or (window.closes is not None and self._as_of < window.closes <= self._until)
        )

    def _giving(self, groups: Iterable[Group]) -> Iterator[GroupId]:
        """The groups of the app, and those that give scope."""
        scope = self._app.scope
        yield from (group.id for group in groups)
        yield from (each.group for each in (scope.assigned.groups if scope.assigned else ()))
        yield from asked_groups(scope.filters)

    def _tell_all(
        self,
        users: Mapping[UserId, list[Spell]],
        groups: Mapping[GroupId, list[Spell]],
        group: Group | None = None,
    ) -> None:
        for user, spells in users.items():
            self._tell(spells, user, group)
        for inner, spells in groups.items():
            self._tell_group(spells, inner, group)

    def _tell(self, spells: list[Spell], identity: UserId, group: Group | None = None) -> None:
        user = self._directory.users.get(identity)
        if user is None:
            return
        for moment, begin, end in self._boundaries(spells):
            if identity in self._in_scope or (begin is not None and self._may_come(user, moment)):
                self._note(moment, begin, end, user_key(identity), user.name, group)

    def _tell_group(self, spells: list[Spell], identity: GroupId, group: Group | None = None) -> None:
        inner = self._directory.groups.get(identity)
        if inner is not None:
            for moment, begin, end in self._boundaries(spells):
                self._note(moment, begin, end, group_key(identity), inner.name, group)

    def _may_come(self, user: User, moment: datetime) -> bool:
        """Whether something that starts may give access to somebody who has none yet."""
        scoping = self._scoping
        barred = user.id in scoping.excluded or user.id in scoping.revoked
        barred = barred or (scoping.everyone and user.kind != "person")
        return user.enabled and not barred and user.window.holds(moment) and self._passes(user)

    def _passes(self, user: User) -> bool:
        """What filters ask of membership may be what starts."""
        filters = self._scoping.filters
        return filters is None or filters.ask_membership or filters(user)

    def _boundaries(self, spells: list[Spell]) -> Iterator[tuple[datetime, Spell | None, Spell]]:
        """When a stretch starts or ends; (moment, the spell that begins it or None, the one that ends it)."""
        if all(each.window is ALWAYS for each in spells):
            return
        for first, last in stretches(spells):
            opens, closes = first.window.opens, last.window.closes
            if opens is not None and self._as_of < opens <= self._until:
                yield opens, first, last
            elif closes is not None and self._as_of < closes <= self._until:
                yield closes, None, last

    def _note(
        self, moment: datetime, begin: Spell | None, end: Spell, key: str, name: str, group: Group | None
    ) -> None:
        told = begin or end
        self._found.append(
            (
                moment,
                Soon(
                    key=key,
                    name=name,
                    group=group_key(group.id) if group is not None else None,
                    group_name=group.name if group is not None else None,
                    from_=begin.window.from_ if begin is not None else None,
                    until=end.window.until or None,
                    reason=told.reason or None,
                    source=Source(file=told.place.file, line=told.place.line),
                ),
            )
        )


def stretches(spells: list[Spell]) -> Iterator[tuple[Spell, Spell]]:
    """The spells joined where they meet: of each stretch the one that begins it and the one that ends it."""
    ordered = sorted(spells, key=lambda each: each.window.opens or _EVER)
    begin = end = ordered[0]
    for each in ordered[1:]:
        closes, opens = end.window.closes, each.window.opens
        if closes is None or opens is None or opens <= closes:
            if closes is not None and (each.window.closes is None or each.window.closes > closes):
                end = each
        else:
            yield begin, end
            begin = end = each
    yield begin, end


def _spell(group: Group, entry: Member) -> Spell:
    return Spell(entry.window, Place(group.file, entry.line), entry.reason)
