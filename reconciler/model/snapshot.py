"""What an application holds, as read at one moment. Complete, or it does not exist; or it says that it is partial.

Rows are slim: of each resource the id, `active`, and the values at the paths that mappings and matching read.
Members are sets of account numbers (positions in `accounts`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

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
    numbers: dict[RemoteId, int] = field(default_factory=dict)
    """Account id → number; made by number()."""

    def number(self) -> Snapshot:
        """Fills `numbers`. Readers call it once, when all accounts are there."""
        self.numbers = {account.id: number for number, account in enumerate(self.accounts)}
        return self
