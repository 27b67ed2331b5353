"""Which id whoever Graph knows has in the files. Pure.

In this order: the one that was given before, if it is in the files; that of whoever has the same name there; a new one.
No id is given to two, and none that somebody else in the files has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.model.directory import Directory
from reconciler.sources.naming import id_of


@dataclass(frozen=True, slots=True)
class Known:
    """Whoever is in the files. Names are folded (`fold`); one that two have is nobody's."""

    users: Mapping[str, str] = field(default_factory=dict)
    """userPrincipalName → id."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """displayName → id."""
    user_ids: frozenset[str] = frozenset()
    group_ids: frozenset[str] = frozenset()
    disabled: frozenset[str] = frozenset()
    """Ids of people whom the files have as disabled."""


def known_in(directory: Directory) -> Known:
    people = [(str(user.attributes.get("userPrincipalName", "")), str(user.id)) for user in directory]
    groups = [(str(group.attributes.get("displayName", "")), str(group.id)) for group in directory.groups.values()]
    return Known(
        _alone(people),
        _alone(groups),
        frozenset(identity for _, identity in people),
        frozenset(identity for _, identity in groups),
        frozenset(str(user.id) for user in directory if not user.enabled),
    )


def fold(name: str) -> str:
    return name.strip().casefold()


def given(
    named: Iterable[tuple[str, str, str]], before: Mapping[str, str], there: Mapping[str, str], taken: Iterable[str]
) -> dict[str, str]:
    """Graph's id → ours, of everybody in `named`: (Graph's id, the name in files, what a new id is made of).

    `before` are ids that were given, `there` names in the files with theirs, `taken` all ids in the files.
    """
    found: dict[str, str] = {}
    owners: dict[str, str] = {identity: key for key, identity in before.items()}
    new: list[tuple[str, str]] = []
    occupied = set(taken)
    for key, name, made_of in sorted(named):
        identity = before.get(key, "")
        if identity not in occupied:
            identity = there.get(fold(name)) or identity
        if identity and owners.setdefault(identity, key) == key:
            found[key] = identity
        else:
            new.append((key, made_of))
    occupied |= set(owners)
    nobody: frozenset[str] = frozenset()
    wishes = Counter(id_of(made_of, key, nobody) for key, made_of in new)
    occupied |= {wish for wish, number in wishes.items() if number > 1}  # then neither is first: both are told apart
    for key, made_of in new:
        found[key] = id_of(made_of, key, occupied)
        occupied.add(found[key])
    return found


def _alone(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    pairs = [(fold(name), identity) for name, identity in named if name]
    often = Counter(name for name, _ in pairs)
    return {name: identity for name, identity in pairs if often[name] == 1}
