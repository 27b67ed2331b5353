"""What became of each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reconciler.model.plan import Change
from reconciler.model.values import Value


class Status(StrEnum):
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not tried: what it depends on failed, or the run was ended."""
    NOT_STORED = "notStored"
    """The server said yes, and does not hold what was sent."""
    HELD = "held"


@dataclass(slots=True)
class Step:
    """One change of the plan on its way."""

    number: int
    change: Change
    status: Status | None = None
    id: str | None = None
    """The resource, once it is known."""
    message: str = ""
    code: str = ""
    """A Verdict, of what failed or was not stored."""
    recommended_action: str = ""
    """What a person should do about it."""
    values: dict[str, Value] = field(default_factory=dict, repr=False)
    """Path → what is written there, known from when it is written. Never told: some of it may be redacted."""
    hides: bool = False
    """Some of it is: what the application says of this step is not told either."""
    taken_back: bool = False
    """It was done, and its names are the old ones again."""
    unproven: bool = False
    """Created, and the answer told an id and nothing else."""
    paths: tuple[str, ...] = ()
    """What the server did not store."""
    found: Mapping[str, Value] = field(default_factory=dict, repr=False)
    """Of these paths what it holds instead. Never told by itself: it may be redacted."""
    verified: bool = False
    """It was read again, whatever came of it."""
    tries: int = 1
    """How often it was written, as far as that was answered."""
    skipped_members: dict[str, str] = field(default_factory=dict)
    """Member key → why it could not be added."""


@dataclass(slots=True)
class Outcome:
    steps: list[Step]
    interrupted: bool = False
    stale: bool = False
    """Something that was approved no longer fits, and was not done."""
    ended: str = ""
    """Why the run was ended early, if it was."""
    unverified: str = ""
    """Why what was written could not be read again, if it could not."""
    learned: list[str] = field(default_factory=list)
    """What the run found out about the application, as sentences."""
    correction: dict[str, Any] = field(default_factory=dict)
    """What `profile:` of the app would have to say for what was not stored to be no difference any more."""
    requests: int = 0

    def count(self, status: Status) -> int:
        return sum(1 for step in self.steps if step.status is status)

    @property
    def exit_code(self) -> int:
        """The first that fits of 130, 5, 4, 3, 0."""
        if self.interrupted:
            return 130
        if self.stale:
            return 5
        if self.unverified or any(
            s.status in (Status.FAILED, Status.NOT_STORED, Status.SKIPPED) or s.skipped_members for s in self.steps
        ):
            return 4
        return 3 if self.count(Status.HELD) else 0
