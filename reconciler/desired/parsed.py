"""What one reading made of its files, for another reading of nearly the same files: a base differs from today in few.

A file of the same name with the same bytes gives the same people and groups, as long as what they are read against is
the same too. Nobody may change a record afterwards: two directories hold it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from reconciler.desired.groups import Groups, Naming
from reconciler.desired.users import People, Reference
from reconciler.errors import Problem
from reconciler.model.directory import Group, User
from reconciler.model.settings import Settings

_Part = TypeVar("_Part", User, Reference, Group, Naming)


class Parsed:
    """`hashes`: file → SHA-256 of its bytes; `problems`: all that was found. A file with which something is wrong, be
    it a warning, is read again, so that it is found again.
    """

    def __init__(
        self,
        settings: Settings,
        apps: Collection[str],
        hashes: Mapping[str, str],
        people: People,
        groups: Groups,
        problems: Iterable[Problem],
    ) -> None:
        self._against = settings, frozenset(apps)
        flawed = {problem.place.file for problem in problems}
        self._hashes = {file: digest for file, digest in hashes.items() if file not in flawed}
        self._users = _by(lambda user: user.file, people.users.values())
        self._references = _by(lambda reference: reference.file, people.references)
        self._groups = _by(lambda group: group.file, groups.groups.values())
        self._nestings = _by(lambda naming: naming.place.file, groups.nestings)

    def fits(self, settings: Settings, apps: Collection[str]) -> bool:
        """Whether files are read against the same attributes, time zone and apps."""
        return self._against == (settings, frozenset(apps))

    def give_people(self, file: str, digest: str, into: People) -> bool:
        """Puts those of a file there. False: it has to be read, since it is another one, or somebody in it is there
        already.
        """
        users = self._users.get(file, ()) if self._hashes.get(file) == digest else ()
        if not users or any(user.id in into.users for user in users):
            return False
        into.users.update((user.id, user) for user in users)
        into.references += self._references.get(file, ())
        return True

    def give_groups(self, file: str, digest: str, into: Groups) -> bool:
        """The same of groups. False too where a member of one is nobody there."""
        groups = self._groups.get(file, ()) if self._hashes.get(file) == digest else ()
        if not groups or any(group.id in into.groups or not _members_are_in(into, group) for group in groups):
            return False
        into.groups.update((group.id, group) for group in groups)
        into.nestings += self._nestings.get(file, ())
        return True


def _members_are_in(groups: Groups, group: Group) -> bool:
    return all(member.user is None or member.user in groups.users for member in group.members)


def _by(file: Callable[[_Part], str], parts: Iterable[_Part]) -> Mapping[str, Sequence[_Part]]:
    found: defaultdict[str, list[_Part]] = defaultdict(list)
    for part in parts:
        found[file(part)].append(part)
    return dict(found)
