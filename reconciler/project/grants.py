"""Who could give an access by merging something: from nesting, rules, assignments, and the owners of the files.

What counts is who can bring it about, not what a pull request says: whoever may edit the department that a rule reads
can put people into the group, and whoever may edit a member's file can make that member somebody else's account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from reconciler.model.app import App, Condition
from reconciler.model.directory import Directory, Group
from reconciler.model.grants import MOST_PATHS, Grants, Owning, Way, What
from reconciler.model.owned import Approval, Owned
from reconciler.model.values import GroupId, UserId, group_key
from reconciler.project.filters import asked_groups, clause_of

PEOPLE = "users"
_MOST_GROUPS = 10
"""Shown of one way."""


class Granting:
    """One version of the files."""

    def __init__(self, directory: Directory, owning: Owning) -> None:
        self.directory = directory
        self.owning = owning

    # -- what leads into one group, by itself

    def entries(self, group: Group) -> Iterator[Way]:
        """An entry in its own file."""
        line = group.lines.get("members", group.line)
        for path in self.owning.behind(group.file):
            at = line if path.endswith(group.file) else None
            yield Way("member", "adds a member", self.owning.of(path), (path,), line=at)

    def rules(self, group: Group) -> Iterator[Way]:
        """What its rules read of people."""
        attributes = sorted({each for rule in group.rules for each in _attributes(rule.all)})
        if attributes:
            does = f"gives somebody another {' or '.join(attributes)}, or describes somebody"
            yield from self._everybody("rule", does)

    def missing(self, group: Group) -> Iterator[Way]:
        """Members whom nobody describes yet: whoever does, gives them the membership."""
        gone = sorted({m.user for m in group.members if m.user is not None and m.user not in self.directory.users})
        if gone:
            more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
            does = f"describes {gone[0]}{more}, named as a member without a file"
            yield from self._alike("nobodyYet", does, self._new)

    def direct(self, group: Group) -> Iterator[Way]:
        yield from self.entries(group)
        yield from self.rules(group)
        yield from self.missing(group)

    # -- at any depth

    def inside(self, groups: Iterable[GroupId]) -> dict[GroupId, GroupId | None]:
        """These groups and all inside → the group around each on a shortest way; None: one of `groups` itself."""
        around: dict[GroupId, GroupId | None] = {each: None for each in groups if each in self.directory.groups}
        waiting = list(around)
        for each in waiting:
            for inner in nested(self.directory.groups[each]):
                if inner not in around and inner in self.directory.groups:
                    around[inner] = each
                    waiting.append(inner)
        return around

    def members(self, groups: Iterable[GroupId]) -> set[UserId]:
        """Who is named in one of these groups."""
        users = {m.user for each in groups for m in self.directory.groups[each].members if m.user is not None}
        return {UserId(each) for each in users if each in self.directory.users}

    def group_ways(self, group: GroupId) -> Iterator[Way]:
        """Every way to be a member of it."""
        inside = self.inside([group])
        for each in inside:
            for way in self.direct(self.directory.groups[each]):
                what: What = "nested" if way.what == "member" and each != group else way.what
                yield replace(way, what=what, through=_through(each, inside))
        yield from self.identities(self.members(inside))

    def identities(self, users: Iterable[UserId]) -> Iterator[Way]:
        """Whose account somebody is who has the access."""
        files = (self.directory.users[user].file for user in sorted(users))
        does = "changes whose account a member is, or enables them"
        yield from self._alike("person", does, (path for file in files for path in self.owning.behind(file)))

    # -- an app

    def settings(self, app: App) -> Iterator[Way]:
        """What decides who gets in, and whose account is whose."""
        does = f"lets people into {app.name}, or makes them other accounts there"
        files = (f"apps/{app.name}/app.yaml", f"apps/{app.name}/mappings.yaml", "reconciler.yaml")
        paths = (path for file in files for path in self.owning.behind(file))
        yield from (replace(way, app=app.name) for way in self._alike("app", does, paths))

    def around(self) -> Iterator[Way]:
        """What decides on everything."""
        yield from self._alike("pipeline", "changes what runs with the token", self.owning.runs)
        yield from self._alike("owners", "changes who owns what", (self.owning.rules,))

    def account_ways(self, app: App) -> Iterator[Way]:
        """Every way to have an account in an app."""
        assigned = app.scope.assigned
        inside = self.inside(admitting(app))
        for each in inside:
            through = _through(each, inside)
            yield from (replace(way, through=through) for way in self.direct(self.directory.groups[each]))
        if assigned is None:
            yield from self._everybody("everyone", "describes somebody, since everybody has access")
        else:
            named = {each.user for each in assigned.users if each.user in self.directory.users}
            yield from self.identities({*self.members(inside), *named})
        yield from self.settings(app)

    def apps_of(self, group: GroupId, apps: Mapping[str, App]) -> list[App]:
        """Those in which the membership is access to something."""
        return [app for app in apps.values() if group in self._given(app)]

    def _given(self, app: App) -> set[GroupId]:
        assigned = app.scope.assigned
        everything = app.groups == "all" or (app.groups == "assigned" and assigned is None)
        named = (
            set(self.directory.groups) if everything else set(app.groups) if isinstance(app.groups, tuple) else set()
        )
        return set(self.inside(sorted({*named, *admitting(app)})))

    # -- files that are alike

    @cached_property
    def _new(self) -> list[str]:
        """Files that could be put beside those of people."""
        folders = {PEOPLE, *(user.file.rpartition("/")[0] for user in self.directory.users.values())}
        return [path for folder in sorted(folders) for path in self.owning.samples(folder)]

    @cached_property
    def _people(self) -> list[tuple[Owned, list[str]]]:
        there = [path for user in self.directory.users.values() for path in self.owning.behind(user.file)]
        return self._by_owner([*there, *self._new])

    def _everybody(self, what: What, does: str) -> Iterator[Way]:
        yield from _ways(what, does, self._people)

    def _alike(self, what: What, does: str, paths: Iterable[str]) -> Iterator[Way]:
        yield from _ways(what, does, self._by_owner(paths))

    def _by_owner(self, paths: Iterable[str]) -> list[tuple[Owned, list[str]]]:
        """Each path once, with those that need the same approvals; what is there comes first."""
        each: dict[Owned, list[str]] = {}
        for path in dict.fromkeys(paths):
            each.setdefault(self.owning.of(path), []).append(path)
        found: defaultdict[tuple[Approval, ...], list[str]] = defaultdict(list)
        for owned, those in each.items():
            found[owned.needs] += those
        return [(self.owning.of(those[0]), those) for _, those in sorted(found.items())]


def _ways(what: What, does: str, owned: Iterable[tuple[Owned, list[str]]]) -> Iterator[Way]:
    return (Way(what, does, owner, tuple(paths[:MOST_PATHS]), len(paths)) for owner, paths in owned)


def nested(group: Group) -> set[GroupId]:
    return {member.group for member in group.members if member.group is not None}


def admitting(app: App) -> list[GroupId]:
    """The groups that decide who has an account: assigned, or asked for by a filter."""
    assigned = app.scope.assigned.groups if app.scope.assigned is not None else ()
    return list(dict.fromkeys((*(each.group for each in assigned), *asked_groups(app.scope.filters))))


def _through(group: GroupId, around: Mapping[GroupId, GroupId | None]) -> tuple[GroupId, ...]:
    """From the outermost to this one; of a long way its end."""
    found = [group]
    while (outer := around[found[-1]]) is not None and len(found) < _MOST_GROUPS:
        found.append(outer)
    return tuple(reversed(found))


def _attributes(conditions: Iterable[Condition]) -> Iterator[str]:
    return (clause_of(each).attribute for each in conditions)


def grants_of_group(granting: Granting, group: GroupId, apps: Mapping[str, App], codeowners: str) -> Grants:
    """Who could put somebody into a group, and let them have what that gives in its apps."""
    found = granting.directory.groups[group]
    given = granting.apps_of(group, apps)
    ways = [*granting.group_ways(group), *(way for app in given for way in granting.settings(app)), *granting.around()]
    names = tuple(app.name for app in given)
    return Grants(group_key(group), found.name, found.sensitive, names, codeowners, tuple(ways))


def grants_of_app(granting: Granting, app: App, codeowners: str) -> Grants:
    """Who could give somebody an account."""
    ways = (*granting.account_ways(app), *granting.around())
    return Grants(f"app:{app.name}", app.name, sensitive=False, apps=(app.name,), codeowners=codeowners, ways=ways)
