"""What the history keeps: cycles, what happened to whom, questions that wait, and troubles that last.

Times are aware datetimes in UTC. Values that are redacted, generated or write-only are never in any of these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeAlias

CycleStatus: TypeAlias = Literal["running", "success", "inPart", "failure", "interrupted", "abandoned"]
"""inPart: something failed, was skipped or not stored. abandoned: whoever ran it died; the next one says so."""
Trigger: TypeAlias = Literal["run", "apply", "plan", "drift", "revoke"]
EntryStatus: TypeAlias = Literal["success", "failure", "skipped", "warning"]
"""skipped: held, waiting for its turn, or not tried. warning: blocked, or not stored as it was sent."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong, for people: `category` is a Verdict or the name of an error class."""

    category: str
    message: str
    recommended_action: str = ""


@dataclass(slots=True)
class Cycle:
    id: str
    """Sorts by time: 20261126T175859123Z-1a2b3c4d."""
    app: str
    tenant_url: str
    trigger: Trigger
    kind: Literal["initial", "incremental"]
    """initial: the first for this app, after a change of mappings, scope or connection, or after `restart --full`."""
    started_at: datetime
    ended_at: datetime | None = None
    status: CycleStatus = "running"
    exit_code: int | None = None
    commit: str | None = None
    config_digest: str = ""
    """Of mappings, scope and connection: another one makes the next cycle initial. "" after `restart --full`."""
    desired_digest: str = ""
    plan_digest: str = ""
    changes_digest: str = ""
    tool_version: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    """people, groups, accounts (that were read), planned, done, failed, skipped, notStored, held, blocked, drift,
    gains, losses.
    """
    requests: int = 0
    trouble: Trouble | None = None
    held_digest: str | None = None
    """changesDigest of what was held at its end."""
    journal: str | None = None


class StepName(StrEnum):
    IMPORT = "import"
    SCOPE = "scope"
    MATCH = "match"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class LogStep:
    name: StepName
    status: EntryStatus
    text: str


@dataclass(frozen=True, slots=True)
class Modified:
    """One attribute, or one membership (`path` "members", before or after the group's key)."""

    path: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What one cycle did, or did not do, about one person or group."""

    cycle: str
    at: datetime
    app: str
    key: str
    """user:ID, group:ID or account:REMOTE-ID."""
    name: str
    action: str
    """A verb of plans: createUser, addMembers, …"""
    status: EntryStatus
    id: str | None = None
    """The account or group in the application."""
    group: str | None = None
    """Of a membership: the group's key."""
    origin: str | None = None
    modified: tuple[Modified, ...] = ()
    steps: tuple[LogStep, ...] = ()
    """import, scope, match, action, in this order."""
    trouble: Trouble | None = None
    commit: str | None = None
    verified: bool = False
    """It was read again after it was written, and is as it was sent."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """An app that is tried ever more seldom, until what is wrong ends."""

    app: str
    began: datetime
    reason: str
    """credentials, notScim, failures."""
    message: str
    attempts: int
    """How often it was tried since."""
    next_attempt: datetime | None
    """None: it is switched off until somebody resumes it."""
    desired_digest: str = ""
    """Another one ends it."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """A person or group whose change fails."""

    app: str
    key: str
    failures: int
    first_failed: datetime
    next_attempt: datetime
    removal: bool
    """It is tried in every cycle all the same."""
    message: str = ""
    content: str = ""
    """Digest of the change that failed: another one is tried at once."""


@dataclass(frozen=True, slots=True)
class Held:
    """What waits for an answer, as a plan of its own."""

    app: str
    digest: str
    """changesDigest of `plan`."""
    plan: str
    """The document `reconciler.plan/1` with nothing but the held changes, as JSON."""
    since: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification that was sent, or could not be."""

    app: str
    at: datetime
    event: str
    """quarantined, reasonChanged, recovered, switchedOff, held, removalFailed, breakGlass, …"""
    subject: str
    """What makes it the same as another one: sent once."""
    channel: str
    """email, webhook."""
    error: str = ""
    """Why it was not delivered; empty: it was."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Whatever is left out filters nothing."""

    app: str | None = None
    key: str | None = None
    """One person or group, also as the group of a membership."""
    status: EntryStatus | None = None
    action: str | None = None
    cycle: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    limit: int | None = None
    newest_first: bool = True
