"""People and groups of one file as bytes, and back: what is kept between runs, and what is handed over by processes.

A record holds what the bytes of a file alone decide. What else decides (who else is there, which apps there are) is
looked at when it is given: where it does not fit, the file is parsed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from reconciler.desired.cache import Cache
from reconciler.desired.groups import Groups, Naming
from reconciler.desired.users import KeyLines, People, Reference
from reconciler.errors import Place, Problem
from reconciler.model.directory import Group, Member, Rule, User
from reconciler.model.settings import Settings
from reconciler.model.values import GroupId
from reconciler.model.window import ALWAYS, Window, between

_RULES: Final = TypeAdapter(tuple[Rule, ...])
_GIVEN: Final = ("users", "groups")


@dataclass(slots=True)
class _At:
    """A position in a file; counts from 0."""

    line: int
    column: int


class _Unfit(Exception):
    """What was kept does not fit to what else there is now: the file has to be parsed."""


class Records:
    """What is known of files by their content, in a cache."""

    def __init__(self, cache: Cache, settings: Settings, apps: Collection[str]) -> None:
        self._cache, self._apps = cache, frozenset(apps)
        against = {name: one.model_dump(mode="json") for name, one in settings.attributes.items()}
        text = orjson.dumps([against, settings.time_zone], option=orjson.OPT_SORT_KEYS)
        self._against = hashlib.sha256(text).hexdigest()[:16]
        self._shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._lines: dict[int, int] = {}

    def give_people(self, file: str, digest: str, into: People) -> bool:
        """Puts those of a file there. False: it has to be parsed."""
        record = self._record(file, digest)
        if record is None:
            return False
        try:
            users, references = self._people(orjson.loads(record), file, into)
        except _Unfit:
            return False
        if any(user.id in into.users for user in users):
            return False
        into.users.update((user.id, user) for user in users)
        into.references += references
        return True

    def give_groups(self, file: str, digest: str, into: Groups) -> bool:
        """The same of groups."""
        record = self._record(file, digest)
        if record is None:
            return False
        try:
            groups, nestings = self._groups(orjson.loads(record), file, into)
        except _Unfit:
            return False
        if any(group.id in into.groups for group in groups):
            return False
        into.groups.update((group.id, group) for group in groups)
        into.nestings += nestings
        return True

    def keep(self, people: People, groups: Groups, parsed: Mapping[str, str], problems: Iterable[Problem]) -> None:
        """`parsed`: file → SHA-256 of its bytes, of this run. Its files are kept for the next one, but for those with
        which something is wrong.
        """
        for file, record in packed(people, groups, parsed, problems):
            self._cache.put(file, self._name(file, parsed[file]), record)
        self._cache.save()

    def _name(self, file: str, digest: str) -> str:
        return f"{self._against}{digest}{file}"

    def _record(self, file: str, digest: str) -> bytes | None:
        return self._cache.get(file, self._name(file, digest))

    def _people(self, record: Any, file: str, into: People) -> tuple[list[User], list[Reference]]:
        layouts = [into.layout(tuple(keys), tuple(below)) for keys, below in record[0]]
        shapes = [self._shapes.setdefault(shape := tuple(keys), shape) for keys in record[1]]
        texts: dict[str, str] = {}
        once = texts.setdefault
        users = []
        for identity, line, layout, shape, more, *values in record[2]:
            attributes: dict[str, Any]
            if more is None:
                attributes = {k: once(v, v) for k, v in zip(shapes[shape], values, strict=True)}
            else:
                attributes = {k: tuple(v) if type(v) is list else v for k, v in zip(shapes[shape], values, strict=True)}
            user = User(identity, attributes, file, line, KeyLines(line, layouts[layout]))
            if more:
                user.kind, user.owner, user.enabled, formerly, user.accounts, window = more
                user.formerly = tuple(formerly)
                user.window = _window(window, into.zone)
                if not self._apps.issuperset(user.accounts):
                    raise _Unfit
            users.append(user)
        references = [
            Reference(user, attribute, target, file, _At(line, column))
            for user, attribute, target, line, column in record[3]
        ]
        return users, references

    def _groups(self, record: Any, file: str, into: Groups) -> tuple[list[Group], list[Naming]]:
        groups = []
        for identity, line, attributes, lines, sensitive, formerly, accounts, rules, *members in record[0]:
            if not self._apps.issuperset(accounts):
                raise _Unfit
            group = Group(identity, attributes, (), file, line, lines, sensitive, tuple(formerly), accounts)
            group.members = self._members(members, into)
            if rules:
                group.rules = _RULES.validate_python(rules)
            groups.append(group)
        nestings = [
            Naming(GroupId(group), target, Place(file, line, column), nested=True)
            for group, target, line, column in record[1]
        ]
        return groups, nestings

    def _members(self, packed: Any, into: Groups) -> tuple[Member, ...]:
        """The person's own text, and numbers that other groups have too: one in memory, not one an entry."""
        names, lines, special = packed
        once, users = self._lines.setdefault, into.users
        if type(lines) is int:
            lines = range(lines, lines + len(names))
        try:
            members = [
                Member(once(line, line), None if name is None else users[name].id)
                for name, line in zip(names, lines, strict=True)
            ]
            for number, user, group, reason, window in special:
                member = members[number]
                member.user = None if user is None else users[user].id
                member.group, member.reason = group, reason
                member.window = _window(window, into.zone)
        except KeyError as gone:
            raise _Unfit from gone
        return tuple(members)


def packed(
    people: People, groups: Groups, files: Collection[str], problems: Iterable[Problem]
) -> Iterable[tuple[str, bytes]]:
    """(file, record) of those `files` with which nothing is wrong, not even a warning."""
    flawed = {problem.place.file for problem in problems}
    wanted = {file for file in files if file.partition("/")[0] in _GIVEN} - flawed
    if not wanted:
        return
    users: defaultdict[str, list[User]] = defaultdict(list)
    for user in people.users.values():
        if user.file in wanted:
            users[user.file].append(user)
    references: defaultdict[str, list[Reference]] = defaultdict(list)
    for reference in people.references:
        references[reference.file].append(reference)
    for file, some in users.items():
        yield from _dumped(file, _packed_people(some, references[file]))
    teams: defaultdict[str, list[Group]] = defaultdict(list)
    for group in groups.groups.values():
        if group.file in wanted:
            teams[group.file].append(group)
    nestings: defaultdict[str, list[Naming]] = defaultdict(list)
    for naming in groups.nestings:
        nestings[naming.place.file].append(naming)
    for file, several in teams.items():
        names = [[one.group, one.target, one.place.line, one.place.column] for one in nestings[file]]
        yield from _dumped(file, [[_packed_group(group) for group in several], names])


def _dumped(file: str, record: Any) -> Iterable[tuple[str, bytes]]:
    try:
        yield file, orjson.dumps(record)
    except TypeError:  # half a character, or an integer of more than 64 bits: such a file is parsed every time
        return


def _packed_people(users: Sequence[User], references: Iterable[Reference]) -> Any:
    layouts: dict[tuple[tuple[str, ...], tuple[int, ...]], int] = {}
    shapes: dict[tuple[str, ...], int] = {}
    rows = []
    for user in users:
        lines = user.lines
        assert isinstance(lines, KeyLines)
        layout = tuple(lines.layout), tuple(lines.layout.values())
        shape = tuple(user.attributes)
        values = list(user.attributes.values())
        more: Any = None
        if user.kind != "person" or user.owner or not user.enabled or user.formerly or user.accounts:
            more = [user.kind, user.owner, user.enabled, user.formerly, user.accounts, _ends(user.window)]
        elif user.window is not ALWAYS:
            more = ["person", "", True, (), {}, _ends(user.window)]
        elif any(type(value) is not str for value in values):
            more = []
        number = layouts.setdefault(layout, len(layouts))
        rows.append([user.id, user.line, number, shapes.setdefault(shape, len(shapes)), more, *values])
    named = [[one.user, one.attribute, one.target, one.mark.line, one.mark.column] for one in references]
    return [list(layouts), list(shapes), rows, named]


def _packed_group(group: Group) -> Any:
    names = []
    special = []
    for number, member in enumerate(group.members):
        plain = member.group is None and not member.reason and member.window is ALWAYS
        names.append(member.user if plain else None)
        if not plain:
            special.append([number, member.user, member.group, member.reason, _ends(member.window)])
    lines: Any = [member.line for member in group.members]
    if lines == list(range(group.members[0].line, group.members[0].line + len(lines)) if lines else ()):
        lines = lines[0] if lines else 0
    return [
        group.id, group.line, group.attributes, group.lines, group.sensitive, group.formerly, group.accounts,
        _RULES.dump_python(group.rules, mode="json", by_alias=True), names, lines, special,
    ]  # fmt: skip


def _ends(window: Window) -> tuple[str, str] | None:
    return None if window is ALWAYS else (window.from_, window.until)


def _window(ends: tuple[str, str] | None, zone: Any) -> Window:
    if ends is None:
        return ALWAYS
    try:
        window = between(*ends, zone)
    except ValueError as error:
        raise _Unfit from error
    if window.empty:
        raise _Unfit
    return window
