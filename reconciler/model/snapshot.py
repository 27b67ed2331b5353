"""What an application holds, as read at one moment. Complete, or it does not exist; or it says that it is partial.

Rows are slim: of each resource the id, `active`, and the values at the paths that mappings and matching read.
Members are sets of account numbers (positions in `accounts`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from reconciler.model.values import RemoteId, Value


@dataclass(slots=True)
class Account:
    id: RemoteId
    active: bool
    """Absent counts as active; strings in any case are understood."""
    values: tuple[Value, ...]
    """Aligned with Snapshot.user_paths."""


@dataclass(slots=True)
class LiveGroup:
    id: RemoteId
    values: tuple[Value, ...]
    """Aligned with Snapshot.group_paths."""
    members: set[int]
    others: frozenset[RemoteId] = frozenset()
    """Members that are no listed account: nested groups, deleted users."""
    members_read: bool = True
    """False: nobody looked who is in it, and `members` says nothing."""


@dataclass(slots=True)
class Snapshot:
    tenant_url: str
    user_paths: tuple[str, ...]
    group_paths: tuple[str, ...]
    accounts: list[Account]
    groups: list[LiveGroup]
    read_at: datetime
    requests: int = 0
    partial: bool = False
    """Only those were looked for whom the plan is about: nobody else can be judged."""
    partial_members: bool = False
    """Members were read of those groups alone that the plan is about."""
    source: Literal["application", "snapshot", "files"] = "application"
    """Read now; read earlier and kept; or never: what files ask for, as if all of it were applied."""
    unread_user_paths: frozenset[str] = frozenset()
    """Of user_paths those that were not asked for when it was read: their values are not known, and stand as None."""
    unread_group_paths: frozenset[str] = frozenset()
    blind: bool = False
    """Something that tells whose an account is was not read: of nobody can it be said that they are nobody's."""
    numbers: dict[RemoteId, int] = field(default_factory=dict)
    """Account id → number; made by number()."""

    @property
    def read_user_paths(self) -> tuple[str, ...]:
        """user_paths, with "" where nobody asked."""
        return tuple("" if path in self.unread_user_paths else path for path in self.user_paths)

    @property
    def read_group_paths(self) -> tuple[str, ...]:
        return tuple("" if path in self.unread_group_paths else path for path in self.group_paths)

    def number(self) -> Snapshot:
        """Fills `numbers`. Readers call it once, when all accounts are there."""
        self.numbers = {account.id: number for number, account in enumerate(self.accounts)}
        return self
