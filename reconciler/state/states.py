"""What a place for memories can do, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from reconciler.model.state import State

LOST = "losing it costs convenience, never access"


class States(Protocol):
    """The memories of a desired state's apps.

    Revocations are written by `revise` alone: whatever else is saved keeps those that the store has by then.
    """

    @property
    def folder(self) -> Path:
        """On this machine, ignored by git: where journals go."""

    @property
    def notes(self) -> list[str]:
        """What a person must know of this place, in sentences."""

    def load(self, app: str, tenant_url: str) -> State:
        """The memory of this tenant; a fresh one if there is none. Raises StateError if it can't be had or believed."""

    def foreign(self, app: str, tenant_url: str) -> str | None:
        """The other tenantUrl that this app's memory is about, if it is."""

    def save(self, state: State) -> None:
        """Whole or not at all; to stay when it returns. `state` gets the revocations that the store has.

        Raises StateError where that can't be, Locked where somebody else has written meanwhile.
        """

    def revise(self, app: str, tenant_url: str, change: Callable[[State], object]) -> State:
        """Changes what the store has at this moment, also while an apply runs, and gives what is there then.

        Only revocations, and how the accounts were left that they concern, may be changed so.
        """

    def hold(self, app: str, tenant_url: str) -> AbstractContextManager[None]:
        """The lock of one apply, until the block ends or the process does. Raises Locked if somebody else has it."""

    def busy(self, app: str, tenant_url: str) -> bool:
        """Whether an apply holds the lock."""

    def kept(self, app: str) -> bytes | None:
        """What was last read of the application, as it was kept, of whichever tenant. Raises StateError."""

    def keep(self, app: str, tenant_url: str, content: bytes | None, *, ours: bool = False) -> bool:
        """Keeps what was read beside the memory, in place of what was kept before; None: that is forgotten.

        False, and nothing is kept, where the memory may have moved since it was read here: somebody else wrote it, or
        holds the lock. `ours`: we hold the lock. Raises StateError where it can't be written.
        """

    def where(self, app: str) -> str:
        """The place of one memory, for people to read."""


def mark_revoked(state: State, moment: datetime) -> None:
    """Accounts that a revocation deactivated were left so by us: its end may give them back."""
    ids = {id_ for each in state.revoked(moment).values() for id_ in each.get("accounts", ())}
    for binding in state.bindings.values() if ids else ():
        if binding["id"] in ids:
            binding["active"] = False
