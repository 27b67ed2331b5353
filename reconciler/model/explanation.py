"""Why one person has, or does not have, what they have in one application: the four steps of `reconciler explain`.

Values are as JSON has them; what is generated, redacted or chosen later stands as in plans.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import Field

from reconciler.model.plan import Blocked, Change, Note, Part, Source
from reconciler.model.values import IGNORE_OBJECT, UNSET, Choice, Flow, Generated, Redacted, Reference, user_key


class Attribute(Part):
    """One source attribute of the file."""

    name: str
    value: Any = None
    line: int
    """0: the file does not say it."""


class Imported(Part):
    file: str
    line: int
    kind: str
    attributes: tuple[Attribute, ...] = ()
    roles: tuple[str, ...] = ()
    """What appRoleAssignments holds."""


class Way(Part):
    """One assignment that reaches the person."""

    group: str | None = None
    """The assigned group; None: assigned by themselves."""
    through: tuple[str, ...] = ()
    """The groups inside of it on the shortest way, outermost first."""
    source: Source
    """The entry that brings the person, or the next group, in."""
    roles: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    """What on the way has a window, from the assignment to the person: `agencies in social-media until 2026-11-30`."""
    holds: bool = True
    """Every window on the way holds at the plan's moment."""


class ClauseOutcome(Part):
    text: str
    value: Any = None
    holds: bool
    source: Source


class FilterOutcome(Part):
    holds: bool
    clauses: tuple[ClauseOutcome, ...]


class Scoped(Part):
    standing: Literal["inScope", "disabled", "outOfScope"]
    why: str = ""
    enabled: bool
    window: str = ""
    """The person's own: `from 2026-12-01 until 2027-03-31`."""
    inside: bool = True
    """The plan's moment is inside of it."""
    everyone: bool
    assigned: tuple[Way, ...] = ()
    excluded: bool
    filters: tuple[FilterOutcome, ...] = ()
    left_out: str = ""
    """Why nothing at all flows for this person, although they are in scope (objectFilter)."""


class FoundAccount(Part):
    id: str
    name: str
    active: bool


class Attempt(Part):
    """One matching attribute with the value that was looked for."""

    path: str
    value: Any = None
    former: bool = False
    """The value stands under `formerly`."""
    found: tuple[FoundAccount, ...] = ()


class Matched(Part):
    by: Literal["pin", "binding", "attribute", "ignored", "question", "none", "notTried"]
    text: str
    account: FoundAccount | None = None
    pin: str | None = None
    binding: str | None = None
    attempts: tuple[Attempt, ...] = ()


class Step(Part):
    text: str
    value: Any = None


Outcome: TypeAlias = Literal["flows", "onCreation", "skipped", "default", "cleared", "leftOut", "notNow", "failed"]


class Mapped(Part):
    """One mapping: `inputs`, the `steps` of its expression, the `result`, what `values` makes of it, what flows."""

    target: str
    kind: Literal["source", "constant", "expression", "implied"]
    """implied: no mapping reads IsSoftDeleted, so deactivation is `active: false`."""
    rule: str
    """The source attribute in brackets, the constant in quotes, or the expression."""
    source: Source
    matching: int = 0
    inputs: dict[str, Any] = Field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    result: Any = None
    table: tuple[str, ...] = ()
    """What `values` did, one entry a value."""
    value: Any = None
    """What flows to the target."""
    outcome: Outcome
    error: str = ""


class Action(Part):
    planned: bool = True
    """False: the files have errors, so that there is no plan."""
    mappings: tuple[Mapped, ...] = ()
    groups: tuple[str, ...] = ()
    """Names of the app's groups that the person belongs into."""
    changes: tuple[Change, ...] = ()
    """Of member lists only this person."""
    blocked: tuple[Blocked, ...] = ()
    notes: tuple[Note, ...] = ()


class Explanation(Part):
    format: Literal["reconciler.explanation/1"] = "reconciler.explanation/1"
    app: str
    key: str
    name: str
    as_of: str
    imported: Imported = Field(alias="import")
    scope: Scoped
    match: Matched
    action: Action


def plain(value: Flow) -> Any:
    """A value as documents show it; what must not be shown as its mark."""
    match value:
        case Generated():
            return {"generated": value.function}
        case Redacted():
            return {"redacted": True}
        case Choice():
            return {"firstFree": list(value.candidates)}
        case Reference():
            return {"key": user_key(value.user)}
        case tuple() | list():
            return [plain(each) for each in value]
        case dict():
            return {name: plain(each) for name, each in value.items()}
        case _:
            return None if value is UNSET or value is IGNORE_OBJECT else value
