"""People and groups of one file as bytes, and back: what is kept between runs, and what is handed over by processes.

A record holds what the bytes of a file alone decide. What else decides (who else is there, which apps there are) is
looked at when it is given: where it does not fit, the file is parsed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson
from pydantic import TypeAdapter

from reconciler.desired.cache import Cache
from reconciler.desired.groups import Groups, Naming
from reconciler.desired.users import OWN_KEYS, KeyLines, People, Reference
from reconciler.errors import Place, Problem
from reconciler.model.directory import GRAPH_ATTRIBUTES, Group, Member, Rule, User
from reconciler.model.settings import Settings
from reconciler.model.values import GroupId, UserId
from reconciler.model.window import ALWAYS, Window, between

_RULES: Final = TypeAdapter(tuple[Rule, ...])
_Part = TypeVar("_Part")


@dataclass(slots=True)
class _At:
    """A position in a file; counts from 0."""

    line: int
    column: int


class _Unfit(Exception):
    """What was kept does not fit to what else there is now: the file has to be parsed."""


class Records:
    """What is known of files by their content: from a cache, or from `parsed`, where they are parsed in this run:
    (file, SHA-256 of its bytes) → record.
    """

    def __init__(
        self,
        cache: Cache | None,
        settings: Settings,
        apps: Collection[str],
        parsed: Callable[[str, str], bytes | None] | None = None,
    ) -> None:
        self._cache, self._apps, self._parsed = cache, frozenset(apps), parsed
        self._brought: dict[str, str] = {}
        """File → SHA-256 of its bytes, of those that `parsed` knew."""
        against = {name: one.model_dump(mode="json") for name, one in settings.attributes.items()}
        text = orjson.dumps([against, settings.time_zone], option=orjson.OPT_SORT_KEYS)
        self._against = hashlib.sha256(text).hexdigest()[:16]
        self._keys = keys_of(settings)
        self._shapes: dict[tuple[int, ...], tuple[str, ...]] = {}
        self._lines: list[int] = []
        """Each number at its own place."""
        self._ids: dict[str | None, UserId | None] = {}
        """Everybody, once all people are read."""

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

    def keep(self, people: People, groups: Groups, parsed: Mapping[str, str], problems: Collection[Problem]) -> None:
        """`parsed`: file → SHA-256 of its bytes, of this run. Its files are kept for the next one, but for those with
        which something is wrong.
        """
        if self._cache is None:
            return
        pack = Packing(people, groups, parsed, problems, self._keys)
        flawed = {problem.place.file for problem in problems}
        digests = {file: parsed[file] for file in pack.files}
        digests.update((file, digest) for file, digest in self._brought.items() if file not in flawed)
        for shard, files in self._cache.by_shard(digests).items():
            found = ((file, digests[file]) for file in files)
            records = ((self._name(*one), self._fresh(*one) or pack(one[0])) for one in found)
            self._cache.write(shard, {name: record for name, record in records if record is not None})
        self._cache.close()

    def _fresh(self, file: str, digest: str) -> bytes | None:
        return self._parsed(file, digest) if self._parsed is not None else None

    def _name(self, file: str, digest: str) -> str:
        return f"{self._against}{digest}{file}"

    def _record(self, file: str, digest: str) -> bytes | None:
        record = self._cache.get(file, self._name(file, digest)) if self._cache is not None else None
        if record is None and (record := self._fresh(file, digest)) is not None:
            self._brought[file] = digest
        return record

    def _people(self, record: Any, file: str, into: People) -> tuple[list[User], list[Reference]]:
        layouts = [into.layout(self._shape(numbers), tuple(below)) for numbers, below in record[0]]
        shapes = [self._shape(numbers) for numbers in record[1]]
        texts: dict[str, str] = {}
        once = texts.setdefault
        users = []
        for identity, line, layout, shape, more, *values in record[2]:
            attributes: dict[str, Any]
            if more is None:
                attributes = dict(zip(shapes[shape], map(once, values, values), strict=True))
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

    def _shape(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """Keys of a person, one object for all who have them."""
        found = self._shapes.get(known := tuple(numbers))
        if found is None:
            found = self._shapes[known] = tuple(self._keys[number] for number in known)
        return found

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
        if type(lines) is int:
            self._lines.extend(range(len(self._lines), lines + len(names)))
            lines = self._lines[lines : lines + len(names)]
        if not self._ids:
            self._ids = {None: None, **{user: UserId(user) for user in into.users}}
        users = into.users
        try:
            members = list(map(Member, lines, map(self._ids.__getitem__, names)))
            for number, user, group, reason, window in special:
                member = members[number]
                member.user = None if user is None else users[user].id
                member.group, member.reason = group, reason
                member.window = _window(window, into.zone)
        except KeyError as gone:
            raise _Unfit from gone
        return tuple(members)


def keys_of(settings: Settings) -> tuple[str, ...]:
    """All keys that a person may have; records hold their numbers."""
    return (*GRAPH_ATTRIBUTES, *OWN_KEYS, *settings.attributes)


class Packing:
    """Makes records of those `among` the files of a run with which nothing is wrong, not even a warning. `keys`: all
    that a person may have, in the order of the numbers that stand for them.
    """

    def __init__(
        self,
        people: People,
        groups: Groups,
        among: Collection[str],
        problems: Iterable[Problem],
        keys: Sequence[str],
    ) -> None:
        flawed = {problem.place.file for problem in problems}
        wanted = set(among) - flawed
        self._numbers = {key: number for number, key in enumerate(keys)}
        self._users = _by_file(wanted, ((user.file, user) for user in people.users.values()))
        self._references = _by_file(wanted, ((each.file, each) for each in people.references))
        self._groups = _by_file(wanted, ((group.file, group) for group in groups.groups.values()))
        self._nestings = _by_file(wanted, ((each.place.file, each) for each in groups.nestings))
        self.files = [*self._users, *self._groups]

    def __call__(self, file: str) -> bytes | None:
        """None: it holds half a character, or an integer of more than 64 bits. Such a file is parsed every time."""
        try:
            return orjson.dumps(self._people(file) if file in self._users else self._teams(file))
        except TypeError:
            return None

    def _people(self, file: str) -> Any:
        layouts: dict[tuple[tuple[str, ...], tuple[int, ...]], int] = {}
        shapes: dict[tuple[str, ...], int] = {}
        rows = []
        for user in self._users[file]:
            lines = user.lines
            assert isinstance(lines, KeyLines)
            layout = layouts.setdefault((tuple(lines.layout), tuple(lines.layout.values())), len(layouts))
            shape = shapes.setdefault(tuple(user.attributes), len(shapes))
            rows.append([user.id, user.line, layout, shape, _more(user), *user.attributes.values()])
        references = self._references.get(file, ())
        return [
            [(self._numbered(keys), below) for keys, below in layouts],
            [self._numbered(keys) for keys in shapes],
            rows,
            [[one.user, one.attribute, one.target, one.mark.line, one.mark.column] for one in references],
        ]

    def _numbered(self, keys: Iterable[str]) -> list[int]:
        return [self._numbers[key] for key in keys]

    def _teams(self, file: str) -> Any:
        nestings = self._nestings.get(file, ())
        names = [[one.group, one.target, one.place.line, one.place.column] for one in nestings]
        return [[_packed_group(group) for group in self._groups[file]], names]


def _by_file(wanted: Collection[str], parts: Iterable[tuple[str, _Part]]) -> dict[str, list[_Part]]:
    found: dict[str, list[_Part]] = {}
    for file, part in parts:
        if file in wanted:
            found.setdefault(file, []).append(part)
    return found


def _more(user: User) -> Any:
    """What is rare. None: all attributes are text, and nothing else is said of the person."""
    if user.kind != "person" or user.owner or not user.enabled or user.formerly or user.accounts:
        return [user.kind, user.owner, user.enabled, user.formerly, user.accounts, _ends(user.window)]
    if user.window is not ALWAYS:
        return ["person", "", True, (), {}, _ends(user.window)]
    return None if all(type(value) is str for value in user.attributes.values()) else []


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
