"""Who has access to what, since when, and by whose decision: what an auditor asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class Grant(NamedTuple):
    """One thing that one person has. Sorts by app, person, group."""

    app: str
    key: str
    """user:ID."""
    group: str
    """The key of a group of the app; empty: the account itself."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How a grant stands in the files at one moment."""

    name: str
    """Of the person."""
    group_name: str = ""
    via: tuple[str, ...] = ()
    """The groups on the way, outermost first; empty: by an entry or an assignment of their own."""
    until: str = ""
    """As the files write it; empty: no end."""
    reason: str = ""
    file: str = ""
    line: int = 0
    manager: str = ""
    """The id of the person's manager."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A change of the branch that access is granted from."""

    commit: str
    merged_at: datetime
    """When it came onto the branch."""
    requested_at: datetime
    """When its last change was written."""
    author: str
    approvers: tuple[str, ...] = ()
    """Of the trailers Approved-by, Reviewed-by and Acked-by, and who merged it if that was somebody else."""
    request: str = ""
    """The pull request, as its subject names it: #12 or !12."""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Since:
    """When a grant began, or ended."""

    at: datetime
    decision: Decision | None = None
    """None: the clock did it, a window opened or closed."""
    at_least: bool = False
    """It is older: the history that is here reaches no further back."""


@dataclass(frozen=True, slots=True)
class Access:
    grant: Grant
    detail: Detail
    since: Since | None = None


@dataclass(frozen=True, slots=True)
class Leaver:
    """One person who lost access to one app: intent, and fact beside it."""

    app: str
    key: str
    name: str
    why: Since
    applied_at: datetime | None = None
    """When the application was told, as far as the history knows."""
    verified_at: datetime | None = None
    """When the application was read again, and the access was gone."""
    late: bool = False
    """Longer than allowed, or still there after that."""


@dataclass(frozen=True, slots=True)
class Difference:
    gained: tuple[Access, ...] = ()
    lost: tuple[Access, ...] = field(default=())
    """`since` says when and by whom it ended."""
