"""The plan document, `reconciler.plan/1`: what would be done, what is held, what can't be done, what was noticed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

FORMAT: Literal["reconciler.plan/1"] = "reconciler.plan/1"


SLIM = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")
"""Of what a plan may hold a million of: as models they would take ten times the memory."""


class Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Origin(StrEnum):
    THIS_CHANGE = "thisChange"
    PENDING = "pending"
    CLOCK = "clock"
    DRIFT = "drift"


class Reason(StrEnum):
    """Why a change is there: a closed list."""

    NEW_IN_SCOPE = "newInScope"
    BACK_IN_SCOPE = "backInScope"
    ATTRIBUTE_DIFFERS = "attributeDiffers"
    MATCHING_DIFFERS = "matchingDiffers"
    LEFT_SCOPE = "leftScope"
    GONE_FROM_GIT = "goneFromGit"
    DISABLED = "disabled"
    OUTSIDE_WINDOW = "outsideWindow"
    """Before `from` or after `until` of the person."""
    REVOKED = "revoked"
    UNMANAGED = "unmanaged"
    MEMBER_ADDED = "memberAdded"
    MEMBER_REMOVED = "memberRemoved"
    MEMBER_LEAVES = "memberLeaves"
    """The member is deprovisioned in the same plan."""
    FOUND = "found"
    """An account that was there before us."""
    REPLACES_DELETE = "replacesDelete"
    """Wanted was a deletion, which the application can't do."""
    UNDONE = "undone"
    """An apply is reversed."""


class Suspect(StrEnum):
    """Who or what probably moved the application, where the pattern tells."""

    JUST_IN_TIME = "justInTime"
    """An account that signing in made, or changed."""
    OTHER_PROVISIONER = "otherProvisioner"
    ADMINISTRATOR = "administrator"
    SERVER = "server"
    """The application computes the value by itself."""


class Source(Part):
    file: str
    line: int


class Held(Part):
    by: str
    """whoIsThis, takenAwayInApp, stateMissing, givenInApp, minimumMembers, or guardrail:NAME[:KEY]."""
    release: str
    """The `--allow` that lets it run."""


@dataclass(frozen=True, slots=True, kw_only=True, config=SLIM)
class Difference:
    """Of a creation only `after` is there.

    What no document holds stands as {"redacted": true} or {"generated": FUNCTION}; a person whose account is meant as
    {"key": "user:ID", "id": …}, without `id` if the account is yet to be created.
    """

    before: Any = None
    after: Any = None


class Candidate(Part):
    id: str
    name: str
    active: bool
    bound: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=SLIM)
class MemberRef:
    key: str
    id: str | None = None
    """None: the account is yet to be created."""
    name: str
    via: tuple[str, ...] = ()
    until: str | None = None
    """The last day, or the moment, until which the membership holds, as the files write it."""


class _Change(Part):
    key: str
    id: str | None = None
    name: str
    origin: Origin = Origin.PENDING
    reasons: tuple[Reason, ...] = ()
    source: Source | None = None
    held: tuple[Held, ...] = ()
    suspect: Suspect | None = None
    """Who probably did it: of drift, and of somebody who has another account than the one that was theirs."""


class _Sets(_Change):
    set: dict[str, Difference] = {}


class _Members(_Change):
    members: tuple[MemberRef, ...] = ()
    sensitive: bool = False
    """Of a group whose gains are always shown first."""


class CreateUser(_Sets):
    action: Literal["createUser"] = "createUser"


class UpdateUser(_Sets):
    action: Literal["updateUser"] = "updateUser"


class RenameUser(_Sets):
    """A matching attribute changes: the name that the person signs in with, or the e-mail."""

    action: Literal["renameUser"] = "renameUser"
    temporary: bool = False
    """The new name is given up again in the same plan: people who exchange names need a third one on the way."""


class ReactivateUser(_Sets):
    action: Literal["reactivateUser"] = "reactivateUser"


class DeactivateUser(_Sets):
    action: Literal["deactivateUser"] = "deactivateUser"
    groups: tuple[str, ...] = ()
    """Names of the app's groups that the account is in: what is lost with it."""


class DeleteUser(_Change):
    action: Literal["deleteUser"] = "deleteUser"
    groups: tuple[str, ...] = ()


class AdoptUser(_Sets):
    """An account that was there before us, and must be written; or, held, the question whose it is."""

    action: Literal["adoptUser"] = "adoptUser"
    candidates: tuple[Candidate, ...] = ()


class CreateGroup(_Sets):
    action: Literal["createGroup"] = "createGroup"


class UpdateGroup(_Sets):
    action: Literal["updateGroup"] = "updateGroup"


class RenameGroup(_Sets):
    action: Literal["renameGroup"] = "renameGroup"
    temporary: bool = False


class AdoptGroup(_Sets):
    action: Literal["adoptGroup"] = "adoptGroup"
    candidates: tuple[Candidate, ...] = ()


class EmptyGroup(_Members):
    action: Literal["emptyGroup"] = "emptyGroup"


class DeleteGroup(_Members):
    """`members`: who loses the membership with it."""

    action: Literal["deleteGroup"] = "deleteGroup"


class AddMembers(_Members):
    action: Literal["addMembers"] = "addMembers"


class RemoveMembers(_Members):
    action: Literal["removeMembers"] = "removeMembers"


Change: TypeAlias = (
    CreateUser | UpdateUser | RenameUser | ReactivateUser | DeactivateUser | DeleteUser | AdoptUser
    | CreateGroup | UpdateGroup | RenameGroup | AdoptGroup | EmptyGroup | DeleteGroup | AddMembers | RemoveMembers
)  # fmt: skip
"""The closed union. `match` statements over it end in assert_never."""


class Guardrail(Part):
    name: str
    """deprovisionUsers, removeMembers:GROUP, minimumMembers:GROUP, …"""
    value: int
    """What the plan has of it; of minimumMembers, how many members it leaves."""
    earlier: int = 0
    """What applies did of it in the 24 hours before, and counts too."""
    unknown: bool = False
    """It is broken because nobody remembers what applies did of it in those 24 hours."""
    count: int | None = None
    percent: float | None = None
    of: int
    broken: bool
    released: bool = False


BlockedReason: TypeAlias = Literal["appCannot", "protected", "actsAs", "ignored", "unmanagedMembers", "nameTaken"]


class Blocked(Part):
    """Wanted, and impossible or forbidden. No pending change."""

    key: str
    id: str | None = None
    name: str
    wanted: str
    reason: BlockedReason
    text: str


class Note(Part):
    code: Literal[
        "adopted", "unmanagedUser", "unmanagedGroup", "unmanagedMember", "ignored", "notKept", "looksLikeRename",
        "provisioningOff", "tokenExpires", "noState", "heldCandidate", "leftOut", "noReference", "partial",
        "membersUnread", "unknownAttribute", "revoked", "trailer", "asOf", "stricter",
        "noBase", "tenantChanged", "guardrailLoosened", "grantsWiden", "settingsChanged", "claimed",
        "offline", "snapshotAge", "snapshotLacks", "ssoMetadata", "ssoNameId", "ssoCase", "ssoNoAccount",
        "ssoFirstSignIn", "ssoNobody",
    ]  # fmt: skip
    key: str
    id: str | None = None
    text: str


class Soon(Part):
    """What starts or ends within `soonDays`."""

    key: str
    """Of a person, or of a group whose members all gain or lose it."""
    name: str
    group: str | None = None
    """The group whose membership starts or ends; None: the whole access to the application."""
    group_name: str | None = None
    from_: str | None = Field(default=None, alias="from")
    until: str | None = None
    reason: str | None = None
    source: Source | None = None


class Later(Part):
    """What this change causes on another day, whatever the day: only of a plan that is compared with a revision."""

    what: Literal["gain", "endRemoved", "endLater", "startEarlier"]
    """Access that starts in the future; or access that is there, and loses its end, gets a later one, or starts
    earlier than was merged.
    """
    key: str
    """Of a person, or of a group whose members all are meant."""
    name: str
    group: str | None = None
    """The group whose membership it is; None: the whole access to the application."""
    group_name: str | None = None
    from_: str | None = Field(default=None, alias="from")
    until: str | None = None
    before: str | None = None
    """The end or start that there was, as the files wrote it."""
    reason: str | None = None
    sensitive: bool = False
    source: Source | None = None


class Signature(Part):
    """Ed25519 (RFC 8032) over the bytes of `digest`."""

    key_id: str
    """SHA-256 of the public key's 32 bytes, as `sha256:HEX`."""
    value: str
    """Base64 (RFC 4648 section 4)."""


class DesiredFacts(Part):
    commit: str | None = None
    base: str | None = None
    digest: str
    users: int
    groups: int


class LiveFacts(Part):
    digest: str
    users: int
    groups: int
    read_at: str
    source: Literal["application", "snapshot", "files"] = "application"
    """Read now; read earlier and kept; or never: the files at `desired.base`, as if all of it were applied."""


class Override(Part):
    """One key of the profile that is not as the gallery has it."""

    key: str
    value: Any
    source: Literal["app", "discovery"]


class ProfileFacts(Part):
    name: str
    verified: str
    overrides: tuple[Override, ...] = ()


class Budget(Part):
    requests: int
    per_day: int | None = None


class Plan(Part):
    format: Literal["reconciler.plan/1"] = FORMAT
    digest: str = ""
    changes_digest: str = ""
    tool_version: str
    app: str
    tenant_url: str
    as_of: str
    partial: bool = False
    desired: DesiredFacts
    live: LiveFacts
    profile: ProfileFacts
    budget: Budget
    guardrails: tuple[Guardrail, ...] = ()
    changes: tuple[Annotated[Change, Field(discriminator="action")], ...] = ()
    blocked: tuple[Blocked, ...] = ()
    soon: tuple[Soon, ...] = ()
    later: tuple[Later, ...] = ()
    notes: tuple[Note, ...] = ()
    signature: Signature | None = None
    """Of `digest`; not part of what it covers."""

    @property
    def pending(self) -> tuple[Change, ...]:
        return tuple(c for c in self.changes if not c.held)

    @property
    def held(self) -> tuple[Change, ...]:
        return tuple(c for c in self.changes if c.held)

    @property
    def empty(self) -> bool:
        """Blocked lines and notes are no changes."""
        return not self.changes
