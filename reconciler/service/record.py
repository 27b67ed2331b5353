"""What a cycle did, as the history keeps it: a plan and its outcome → counts, and entries of each person. Pure.

Values come from the plan document alone, which holds none that are redacted, generated or write-only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from reconciler.apply import Outcome, Status
from reconciler.apply.outcome import Step
from reconciler.model.history import Cycle, Entry, EntryStatus, LogStep, Modified, StepName, Trigger, Trouble
from reconciler.model.plan import (
    AddMembers,
    AdoptGroup,
    AdoptUser,
    Blocked,
    Change,
    CreateGroup,
    CreateUser,
    DeleteGroup,
    EmptyGroup,
    Held,
    MemberRef,
    Origin,
    Reason,
    RemoveMembers,
)
from reconciler.plan import Proposal
from reconciler.render.figures import figures
from reconciler.render.lines import Telling, sections

LARGEST: Final = 1000
"""Bytes of JSON that are kept of one value; of a larger one its size."""
LONGEST: Final = 500
"""Characters that are kept of a sentence."""
_FIRST = 20
"""Keys named in one sentence."""

_SCOPE: Final[dict[Reason, str]] = {
    Reason.NEW_IN_SCOPE: "new in scope",
    Reason.BACK_IN_SCOPE: "in scope again",
    Reason.LEFT_SCOPE: "not in scope any more",
    Reason.GONE_FROM_GIT: "gone from git",
    Reason.DISABLED: "disabled in git",
    Reason.OUTSIDE_WINDOW: "outside of its days in git",
    Reason.REVOKED: "revoked",
    Reason.UNMANAGED: "no file wants it",
    Reason.MEMBER_ADDED: "a member in git",
    Reason.MEMBER_REMOVED: "no member in git",
    Reason.MEMBER_LEAVES: "leaves the application",
    Reason.UNDONE: "an apply is reversed",
    Reason.REPLACES_DELETE: "the application can't delete: deactivated instead",
}
_UNTRIED: Final[dict[Trigger, str]] = {
    "plan": "planned, and not tried: this only compared",
    "drift": "planned, and not tried: this only compared",
    "run": "planned, and not tried: provisioning is off",
    "apply": "given up before the outcome was known: the journal tells what was tried",
    "revoke": "given up before the outcome was known: the journal tells what was tried",
}
"""Of a cycle without an outcome."""
_STATUS: Final[dict[Status, EntryStatus]] = {
    Status.DONE: "success",
    Status.FAILED: "failure",
    Status.SKIPPED: "skipped",
    Status.NOT_STORED: "warning",
    Status.HELD: "skipped",
}


def counts(proposal: Proposal, outcome: Outcome | None) -> dict[str, int]:
    """What `Cycle.counts` names. Without an outcome nothing was done; `gains` and `losses` are people."""
    plan, snapshot = proposal.plan, proposal.context.snapshot
    found = figures(plan, sections(plan.pending, Telling(values=False, whole=True)))
    done = dict.fromkeys(("done", "failed", "skipped", "notStored"), 0)
    if outcome is not None:
        done = {
            "done": outcome.count(Status.DONE),
            "failed": outcome.count(Status.FAILED),
            "skipped": outcome.count(Status.SKIPPED),
            "notStored": outcome.count(Status.NOT_STORED),
        }
    return {
        "people": plan.desired.users,
        "groups": plan.desired.groups,
        "accounts": len(snapshot.accounts),
        "planned": len(plan.pending),
        **done,
        "held": len(plan.held),
        "blocked": len(plan.blocked),
        "drift": sum(1 for change in plan.changes if change.origin is Origin.DRIFT),
        "gains": found.gain,
        "losses": found.lose,
    }


def entries(proposal: Proposal, outcome: Outcome | None, cycle: Cycle, now: datetime) -> Iterator[Entry]:
    """Each change, each membership and each blocked line. Without an outcome nothing was tried."""
    plan = proposal.plan
    steps = [Step(number, change, id=change.id) for number, change in enumerate(plan.changes)]
    steps = steps if outcome is None else outcome.steps
    created = {step.change.key: step.id for step in steps if step.id and isinstance(step.change, CreateUser)}
    for step in steps:
        yield from _of_step(step, created, cycle, now, untried="" if outcome is not None else _UNTRIED[cycle.trigger])
    for blocked in plan.blocked:
        yield _of_blocked(blocked, cycle, now)


def _of_step(step: Step, created: Mapping[str, str], cycle: Cycle, now: datetime, *, untried: str) -> Iterator[Entry]:
    change = step.change
    if isinstance(change, (AddMembers, RemoveMembers, EmptyGroup, DeleteGroup)):
        for member in change.members:
            yield _of_member(step, change, member, member.id or created.get(member.key), cycle, now, untried=untried)
        if not isinstance(change, (EmptyGroup, DeleteGroup)):
            return
    status = _status(step)
    yield Entry(
        cycle.id, now, cycle.app, change.key, change.name, change.action, status,
        id=step.id,
        origin=str(change.origin),
        modified=_modified(change),
        steps=_steps(step, status, _done(step, untried)),
        trouble=_trouble(step),
        commit=cycle.commit,
        verified=step.verified and step.status is Status.DONE,
    )  # fmt: skip


def _of_member(
    step: Step,
    change: AddMembers | RemoveMembers | EmptyGroup | DeleteGroup,
    member: MemberRef,
    account: str | None,
    cycle: Cycle,
    now: datetime,
    *,
    untried: str,
) -> Entry:
    gains = isinstance(change, AddMembers)
    left_out = step.skipped_members.get(member.key)
    status = "skipped" if left_out is not None else _status(step)
    text = _done(step, untried) if left_out is None else left_out
    modified = Modified("members", after=change.key) if gains else Modified("members", before=change.key)
    return Entry(
        cycle.id, now, cycle.app, member.key, member.name, change.action, status,
        id=account,
        group=change.key,
        origin=str(change.origin),
        modified=(modified,),
        steps=_steps(step, status, text, member, account),
        trouble=_trouble(step),
        commit=cycle.commit,
        verified=step.verified and step.status is Status.DONE and left_out is None,
    )  # fmt: skip


def _of_blocked(blocked: Blocked, cycle: Cycle, now: datetime) -> Entry:
    text = _cut(blocked.text)
    found = f"{blocked.id} in the application" if blocked.id else "nothing in the application yet"
    return Entry(
        cycle.id, now, cycle.app, blocked.key, blocked.name, blocked.wanted, "warning",
        id=blocked.id,
        steps=(
            LogStep(StepName.IMPORT, "success", "read"),
            LogStep(StepName.SCOPE, "success", "a change is wanted"),
            LogStep(StepName.MATCH, "success", found),
            LogStep(StepName.ACTION, "warning", text),
        ),
        trouble=Trouble(blocked.reason, text),
        commit=cycle.commit,
    )  # fmt: skip


def _status(step: Step) -> EntryStatus:
    return "skipped" if step.status is None else _STATUS[step.status]


def _steps(
    step: Step, status: EntryStatus, text: str, member: MemberRef | None = None, account: str | None = None
) -> tuple[LogStep, ...]:
    change = step.change
    source = "no file names it" if change.source is None else f"{change.source.file}:{change.source.line}"
    reasons = [_SCOPE[reason] for reason in change.reasons if reason in _SCOPE]
    if member is not None and member.via:
        reasons.append(f"through {_named(member.via)}")
    if member is not None and member.until:
        reasons.append(f"until {member.until}")
    matched, match = _match(step, member, account)
    return (
        LogStep(StepName.IMPORT, "success", _cut(source)),
        LogStep(StepName.SCOPE, "success", _cut("; ".join(reasons) or "in scope")),
        LogStep(StepName.MATCH, matched, _cut(match)),
        LogStep(StepName.ACTION, status, _cut(text)),
    )


def _match(step: Step, member: MemberRef | None, account: str | None) -> tuple[EntryStatus, str]:
    change = step.change
    if member is not None:
        if member.id is None:
            return "success", f"{account}, created just before" if account else "its account is yet to be created"
        return "success", member.id
    if isinstance(change, (AdoptUser, AdoptGroup)) and change.candidates:
        return "skipped", f"in doubt between {_named([each.id for each in change.candidates])}"
    if isinstance(change, (CreateUser, CreateGroup)):
        return "success", "nothing in the application belongs to it"
    return "success", change.id or "yet to be created"


def _done(step: Step, untried: str) -> str:
    """What became of the change, in a sentence."""
    change = step.change
    if change.held:
        return "held by " + "; ".join(_hold(each) for each in change.held)
    if untried:
        return untried
    match step.status:
        case Status.DONE:
            return "done, and read again" if step.verified else "done"
        case Status.NOT_STORED:
            return step.message or f"the application did not store {_named(step.paths)}"
        case Status.FAILED:
            return step.message or "failed"
        case _:
            return step.message or "not tried"


def _hold(held: Held) -> str:
    return f"{held.by} (--allow {held.release})"


def _trouble(step: Step) -> Trouble | None:
    if step.status not in (Status.FAILED, Status.NOT_STORED):
        return None
    category = step.code or ("notStored" if step.status is Status.NOT_STORED else "failed")
    return Trouble(category, _cut(step.message), _cut(step.recommended_action))


def _modified(change: Change) -> tuple[Modified, ...]:
    differences = getattr(change, "set", {})
    return tuple(Modified(path, _small(each.before), _small(each.after)) for path, each in differences.items())


def _small(value: Any) -> Any:
    """A photograph is not kept."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    size = len(orjson.dumps(value))
    return value if size <= LARGEST else {"bytes": size}


def _named(many: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(many) - _FIRST:,} more" if len(many) > _FIRST else ""
    return ", ".join(many[:_FIRST]) + more


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
