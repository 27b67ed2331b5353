"""Whom and what a plan is about: what a reading has to find, where it can't or need not find everything."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.values import Value

Names = tuple[tuple[str, Value], ...]
"""(matching path, value) of one person or group, today's and former ones."""


@dataclass(frozen=True, slots=True)
class Interest:
    """What git and the memory speak of."""

    accounts: frozenset[str] = frozenset()
    """Ids of accounts that are bound or pinned."""
    people: tuple[Names, ...] = ()
    """Those who have no account yet, as far as is remembered."""
    groups: frozenset[str] = frozenset()
    """Ids of groups that are bound or pinned."""
    teams: tuple[Names, ...] = ()
    """The same of groups that nobody remembers."""
    names: frozenset[str] = frozenset()
    """What groups are called in git, or were, without case."""
    every_group: bool = False
    """Groups that nobody described are judged too."""
    filled: frozenset[str] = frozenset()
    """Ids of groups that are remembered to have members."""
