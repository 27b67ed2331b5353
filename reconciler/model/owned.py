"""Who has to approve a change of a file, before it can be merged."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, product
from math import comb, prod
from typing import Final, NamedTuple, TypeAlias

Together: TypeAlias = frozenset[str]
"""Owners who can merge something when each of them agrees. Empty: anybody who may merge."""

_MOST: Final = 1_000
"""Ways to choose that are told apart; of more, all are taken as one that nobody else has."""


class Approval(NamedTuple):
    """One line of CODEOWNERS that must be satisfied: so many of these owners."""

    owners: tuple[str, ...]
    least: int = 1
    section: str = ""
    line: int = 0


class Owned(NamedTuple):
    """All approvals that a file needs. None: anybody who may merge can change it."""

    approvals: tuple[Approval, ...] = ()

    @property
    def owners(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(owner for each in self.approvals for owner in each.owners))

    @property
    def needs(self) -> tuple[Approval, ...]:
        """The same, wherever in CODEOWNERS it is said."""
        return tuple(each._replace(line=0) for each in self.approvals)

    def together(self) -> frozenset[Together]:
        """The smallest sets of owners who suffice."""
        ways = [(sorted(set(each.owners)), min(each.least, len(set(each.owners)))) for each in self.approvals]
        if prod(comb(len(owners), count) for owners, count in ways) > _MOST:
            return frozenset({frozenset(f"{count} of {' '.join(owners)}" for owners, count in ways)})
        chosen = product(*(combinations(owners, count) for owners, count in ways))
        return smallest(frozenset(owner for part in each for owner in part) for each in chosen)


def smallest(sets: Iterable[Together]) -> frozenset[Together]:
    """Those that contain no other."""
    found = set(sets)
    return frozenset(each for each in found if not any(other < each for other in found))
