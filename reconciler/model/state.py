"""An app's memory, `reconciler.state/1`: whose account is whose, and how we left it.

It can be lost; what is lost with it is convenience. Values of attributes are not in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

from reconciler.model.app import Guardrails

FORMAT: Literal["reconciler.state/1"] = "reconciler.state/1"


class Binding(TypedDict):
    """Ours ↔ theirs. A dictionary, not a model: there may be 100,000."""

    id: str
    since: str
    commit: str | None
    active: NotRequired[bool]
    """As an apply last wrote it, or found it as wanted."""
    wanted: NotRequired[str]
    """Digest of the values that were wanted then: tells drift from a change in git."""
    members: NotRequired[list[str]]
    """Of a group: the user ids whose membership an apply wrote, or found as wanted."""
    name: NotRequired[str]
    """How people called it: for the day on which the file is gone."""
    file: NotRequired[str]


class Spent(TypedDict):
    """What applies did, for the guardrails' 24-hour window."""

    at: str
    name: str
    value: int


class Revocation(TypedDict):
    """Access that was taken away without a pull request."""

    reason: str
    at: str
    by: str
    """Who did it, as far as the machine knows."""
    until: str | None
    """When it ends by itself (RFC 3339, UTC); None: when it is released."""
    accounts: NotRequired[list[str]]
    """Ids of those that it found for a person: they are inactive because of us."""


class NotKept(TypedDict):
    """A value that the application does not keep as it is written."""

    wanted: str
    """Digest of what git wants."""
    live: NotRequired[str]
    """Digest of what the application made of it: anything else is drift. Nobody knows it of what is redacted."""


class Used(TypedDict):
    """A release that a commit's trailer gave and that has been used: it works once."""

    release: str
    commit: str
    at: str
    authored: NotRequired[int]
    """When the commit was written, in seconds since 1970: rewritten, it has another id, and is spent all the same."""


class State(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    format: Literal["reconciler.state/1"] = FORMAT
    app: str
    tenant_url: str
    commit: str | None = None
    """The commit last applied."""
    applied_at: str | None = None
    bindings: dict[str, Binding] = {}
    """Key → binding. A resource with one is managed."""
    not_kept: dict[str, dict[str, NotKept]] = {}
    """Key → path → what the application does not keep."""
    mappings_digest: str = ""
    """What not_kept holds for."""
    spent: list[Spent] = []
    window_from: str | None = None
    """Since when `spent` is all that was done: an earlier memory is lost, or there was none. None: always."""
    held: dict[str, int] = {}
    """Guardrail → the figure that it held: what was held stays so, although what did run moved the percentage."""
    revocations: dict[str, Revocation] = {}
    """user:ID or account:REMOTE-ID → why. Written by `revoke` and `release` alone: no apply changes them."""
    used: list[Used] = []
    guardrails: Guardrails | None = None
    """Those of the commit last applied without remainder, `protected` and `actsAs` among them."""
    fresh: bool = Field(default=False, exclude=True)
    """True: nothing was applied yet, as far as anybody remembers; nobody is managed."""

    def revoked(self, moment: datetime) -> dict[str, Revocation]:
        """The revocations that hold at a moment: those that nobody released, and whose end has not come."""
        return {key: each for key, each in self.revocations.items() if in_force(each, moment)}


def in_force(revocation: Revocation, moment: datetime) -> bool:
    until = revocation["until"]
    return until is None or datetime.fromisoformat(until) > moment
