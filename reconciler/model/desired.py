"""What an application should hold: the result of projecting the directory through an app's scope and mappings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from reconciler.errors import Place, Problem
from reconciler.model.directory import Directory, Group, User
from reconciler.model.plan import Soon
from reconciler.model.values import Flow, GroupId, UserId, Value


class Standing(StrEnum):
    """Why a person has, or does not have, access."""

    IN_SCOPE = "inScope"
    DISABLED = "disabled"
    """Otherwise in scope, and disabled, outside their own window, or revoked."""
    OUT_OF_SCOPE = "outOfScope"


class Cause(StrEnum):
    """What takes access away from somebody, the strongest first."""

    REVOKED = "revoked"
    """In the state, without a pull request; also of people who are out of scope."""
    DISABLED = "disabled"
    """accountEnabled is false."""
    OUTSIDE_WINDOW = "outsideWindow"
    OUT_OF_SCOPE = "outOfScope"


@dataclass(slots=True)
class Column:
    """One mapping as the plan sees it: a position in every row of values."""

    path: str
    """As the mapping spells it."""
    matching: int = 0
    """Precedence, 1 first; 0: does not match."""
    on_create: bool = False
    """Written on creation and never compared."""
    default: Flow = None
    """Flows on creation where the value is null."""
    soft: bool = False
    """Reads IsSoftDeleted: written when somebody is deactivated."""
    source: str = ""
    """The source attribute of a direct mapping, to point at its line."""
    redacts: bool = False
    """No output shows what it holds, nor what the application held there."""
    additive: bool = False
    """Values are added to those that the application has, and none is taken away: see model.roles."""


@dataclass(slots=True)
class Person:
    """One person who is in scope, or disabled and otherwise in scope, or out of scope and managed."""

    user: User
    standing: Standing
    values: tuple[Flow, ...]
    """Aligned with Desired.user_columns; UNSET: nothing flows. Of people not in scope only the soft columns flow."""
    match: tuple[Value, ...]
    """Today's values of the matching columns, by precedence."""
    former: tuple[tuple[Flow, ...], ...] = ()
    """The same for each entry of `formerly`; UNSET where the entry says nothing of it."""
    why: str = ""
    """In words, for the plan: "left scope", "disabled", "excluded", "until 2026-11-20", "revoked: a lost laptop"."""
    cause: Cause | None = None
    """None: in scope. `deprovision.users` decides only where it is OUT_OF_SCOPE: all others are deactivated."""

    @property
    def wanted(self) -> bool:
        return self.standing is Standing.IN_SCOPE


@dataclass(slots=True)
class DesiredGroup:
    group: Group
    values: tuple[Flow, ...]
    match: tuple[Value, ...]
    former: tuple[tuple[Flow, ...], ...]
    members: set[int]
    """Positions in Desired.people of the effective members who are in scope."""
    via: Mapping[int, tuple[GroupId, ...]] = field(default_factory=dict)
    """For members through nesting only: the groups on the way, outermost first."""
    lines: Mapping[int, tuple[str, int]] = field(default_factory=dict)
    """Member → file and line of the entry that brings them in."""
    until: Mapping[int, str] = field(default_factory=dict)
    """Member → the end of the way that holds longest, as the files write it. Who has a way without end is not in it."""


class Reach(Protocol):
    """Who could have access at some time: everything that decides on it but windows."""

    groups: frozenset[GroupId]
    """The app's, at whatever time."""
    giving: frozenset[GroupId]
    """These, and those that give scope."""
    assigned: dict[str, Place]
    """`users.N` and `groups.N` → where that assignment stands."""

    def may(self, user: User) -> bool:
        """Whether nothing but windows and memberships keeps somebody out."""

    def by_rule(self, group: Group) -> Iterable[UserId]:
        """Whom the rules of a group bring in."""


@dataclass(slots=True)
class Desired:
    app: str
    directory: Directory
    user_columns: tuple[Column, ...]
    group_columns: tuple[Column, ...]
    """Without `members`, which is compared as a set."""
    people: list[Person]
    groups: list[DesiredGroup]
    off: tuple[Flow, ...]
    """What a deactivated account holds if nothing is known of the person: aligned with user_columns."""
    maps_members: bool = True
    in_scope: int = 0
    numbers: dict[UserId, int] = field(default_factory=dict)
    """User id → position in people."""
    mappings_digest: str = ""
    """sha256 over mappings and profile: what `notKept` depends on."""
    left_out: dict[UserId, str] = field(default_factory=dict)
    """Who is in scope and in none of the rows, because the mapping of objectFilter gives IgnoreObjectFlow → why, in
    words. Neither they nor their accounts and memberships are touched."""
    left_out_match: dict[UserId, tuple[Value, ...]] = field(default_factory=dict)
    """Their values of the matching columns, by precedence."""
    revoked: Mapping[UserId, str] = field(default_factory=dict)
    """Who has no access without a pull request having said so → the reason, in words."""
    soon: tuple[Soon, ...] = ()
    """What starts and ends within `soonDays`, the first first."""
    reach: Reach | None = field(default=None, repr=False, compare=False)
    warnings: tuple[Problem, ...] = ()
    """What `validate` tells of the app, and what stops nothing."""
