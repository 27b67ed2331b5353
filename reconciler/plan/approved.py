"""What an approved plan and the plan of now have in common: that is run, and nothing else.

Creations compare as a whole, `set` path by path, members one by one by key. Ids that the approved plan lacked do not
count. Values that no document holds compare as they stand there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reconciler.model.plan import (
    AddMembers,
    Change,
    DeactivateUser,
    Difference,
    MemberRef,
    Plan,
    UpdateGroup,
    UpdateUser,
)
from reconciler.plan.document import signed
from reconciler.plan.moved import Approved, Leftovers, Moved
from reconciler.plan.order import Name, awaited, dependencies, exchanges, naming_paths
from reconciler.plan.same import (
    BELONGING,
    CREATING,
    WRITING,
    Belonging,
    Sets,
    family,
    is_the_same,
    same,
    same_id,
)

EXCHANGE = "of those who exchange names with it, one no longer fits"


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The plan of now, reduced to what was approved."""

    plan: Plan
    """To be run: with what is held now, and digests of its own."""
    moved: tuple[Moved, ...] = ()
    unneeded: tuple[Change, ...] = ()
    """Approved, or the parts of it, that the application or git no longer asks for."""
    new: tuple[Change, ...] = ()
    """Only in the plan of now: left for the next time."""

    @property
    def held_now(self) -> tuple[Change, ...]:
        """Approved, and held today: it stays held."""
        return self.plan.held

    @property
    def complete(self) -> bool:
        """Whether nothing is left that was approved or could run."""
        return not self.moved and all(change.held for change in self.new)


def narrow(approved: Plan, now: Plan, freed: Mapping[str, Collection[Name]] | None = None) -> Narrowed:
    """Both are of one app and one tenant. `freed` is what `given_up` says of the plan of now."""
    index = _Index(approved.changes)
    kept: dict[int, Change] = {}
    new: list[Change] = []
    for position, change in enumerate(now.changes):
        common, left = index.split(change)
        if common is not None:
            kept[position] = common
        if left is not None:
            new.append(left)
    leftovers = Leftovers(new, now.blocked)
    moved, unneeded = leftovers.sort(index.all)
    for position, why in _unsupported(now.changes, kept, freed, _broken(approved.changes, moved)).items():
        moved.append(Moved(kept.pop(position), (why,)))
    _without_the_uncreated(kept, moved)
    plan = signed(now.model_copy(update={"changes": tuple(kept[at] for at in sorted(kept)), "signature": None}))
    return Narrowed(plan, tuple(moved), tuple(unneeded), tuple(new))


Roll = Mapping[str, tuple[Approved, MemberRef]]
"""Member → the approved change that is about them: lists are split by origin and by what holds them."""


class _Index:
    """The approved changes, to be looked up by what they do."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.all = [Approved(change) for change in changes]
        self._by_key: dict[tuple[str, str], list[Approved]] = {}
        for each in self.all:
            self._by_key.setdefault((each.change.key, family(each.change)), []).append(each)
        self._members = {
            found: self._roll(rows) for found, rows in self._by_key.items() if found[1] in ("add", "remove")
        }

    @staticmethod
    def _roll(rows: Iterable[Approved]) -> Roll:
        return {member.key: (row, member) for row in rows for member in getattr(row.change, "members", ())}

    def split(self, now: Change) -> tuple[Change | None, Change | None]:
        """What of a change was approved, and what of it was not."""
        found = self._by_key.get((now.key, family(now)), [])
        if isinstance(now, BELONGING):
            return self._split_members(now, self._members.get((now.key, family(now)), {}))
        if isinstance(now, (*WRITING, DeactivateUser)) and now.set:
            return _split_paths(now, [row for row in found if same_id(row.change.id, now.id)])
        for row in found:
            if is_the_same(row.change, now):
                row.whole = True
                return now, None
        return None, now

    @staticmethod
    def _split_members(now: Belonging, roll: Roll) -> tuple[Change | None, Change | None]:
        common, left = [], []
        for member in now.members:
            row, approved = roll.get(member.key, (None, member))
            if row is None or not same_id(row.change.id, now.id) or not same_id(approved.id, member.id):
                left.append(member)
            else:
                row.members.add(member.key)
                common.append(member)
        return _of_members(now, common), _of_members(now, left)


def _of_members(change: Belonging, members: list[MemberRef]) -> Change | None:
    if len(members) == len(change.members):
        return change
    return change.model_copy(update={"members": tuple(members)}) if members else None


def _split_paths(now: Sets, found: list[Approved]) -> tuple[Change | None, Change | None]:
    common: dict[str, Difference] = {}
    rows = []
    for path, difference in now.set.items():
        for row in found:
            approved = getattr(row.change, "set", {}).get(path)
            if approved is not None and same(approved, difference):
                row.paths.add(path)
                rows.append(row)
                common[path] = difference
                break
    left = {path: difference for path, difference in now.set.items() if path not in common}
    return _of_paths(now, common, rows[0].change if rows else now), _of_paths(now, left, now)


def _of_paths(now: Sets, part: dict[str, Difference], approved: Change) -> Change | None:
    """A part of a change: of the kind that was approved, if it is that one; else a plain update."""
    if not part:
        return None
    if len(part) == len(now.set):
        return now
    if type(approved) is type(now):
        return now.model_copy(update={"set": part})
    kind = UpdateUser if now.key.startswith(("user:", "account:")) else UpdateGroup
    facts = now.model_dump(exclude={"action", "set", "temporary", "candidates", "groups"})
    return kind.model_validate(facts | {"set": part})


def _unsupported(
    now: tuple[Change, ...],
    kept: Mapping[int, Change],
    freed: Mapping[str, Collection[Name]] | None,
    broken: Collection[str],
) -> dict[int, str]:
    """Position → why, of kept changes that rely on one that is not there: who takes a name needs whoever gives it up,
    and who exchange names need one another. `broken`: keys of those whose exchange moved since it was approved.
    """
    needs = dependencies(now, freed)
    waiting: dict[int, list[int]] = {}
    for position, part in kept.items():
        for each in needs.get(position, ()):
            if _relies(part, now[each]):
                waiting.setdefault(each, []).append(position)
    missing = [each for each in waiting if not _does_its_part(now[each], kept.get(each))]
    for circle in exchanges(now, needs):
        if any(naming_paths(kept[n]) for n in circle if n in kept):
            ring = sorted(circle)
            for position, after in zip(ring, [*ring[1:], ring[0]], strict=True):
                if position in kept:
                    waiting.setdefault(after, []).append(position)
            missing += [n for n in ring if kept.get(n) != now[n]]
    gone = {n: EXCHANGE for n, part in kept.items() if part.key in broken and naming_paths(part)}
    missing += gone
    while missing:
        giver = missing.pop()
        for position in waiting.get(giver, ()):
            if position not in gone:
                gone[position] = f"it needs {now[giver].action} {now[giver].key}, which is not run"
                missing.append(position)
    return gone


def _broken(approved: tuple[Change, ...], moved: Iterable[Moved]) -> set[str]:
    """The keys of those who were to exchange names, where something of that moved."""
    no_longer = {each.change.key for each in moved if isinstance(each.change, WRITING)}
    if not no_longer:
        return set()
    circles = ({approved[n].key for n in circle} for circle in exchanges(approved, dependencies(approved)))
    return {key for keys in circles if keys & no_longer for key in keys}


def _relies(part: Change, before: Change) -> bool:
    """Whether what is left of a change still needs the other one: a part without its names does not."""
    own = part.key == before.key and not getattr(before, "temporary", False)
    return own or bool(naming_paths(part)) or before.key in awaited(part) or isinstance(part, CREATING)


def _does_its_part(whole: Change, part: Change | None) -> bool:
    return part is not None and set(naming_paths(whole)) <= set(naming_paths(part))


def _without_the_uncreated(kept: dict[int, Change], moved: list[Moved]) -> None:
    """Groups and accounts that only an unapproved creation would make have no members, and are none."""
    created = {change.key for change in kept.values() if isinstance(change, CREATING)}
    for position, change in list(kept.items()):
        if not isinstance(change, AddMembers):
            continue
        alone = change.id is None and change.key not in created
        missing = [m for m in change.members if alone or (m.id is None and m.key not in created)]
        if not missing:
            continue
        makers = [f"createGroup {change.key}"] if alone else [f"createUser {m.key}" for m in missing]
        what = tuple(f"it needs {maker}, which is not run" for maker in makers)
        moved.append(Moved(change.model_copy(update={"members": tuple(missing)}), what))
        without = {member.key for member in missing}
        left = tuple(m for m in change.members if m.key not in without)
        del kept[position]
        if left:
            kept[position] = change.model_copy(update={"members": left})
