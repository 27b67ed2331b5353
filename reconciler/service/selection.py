"""Which changes a cycle makes: what nothing holds, and exactly what was approved; without those who wait. Pure.

Approved is a set of held changes, by its digest. It is not the figure of a guardrail that is released by that: whoever
came to the set afterwards stays held.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from reconciler.errors import PlanError
from reconciler.model.history import Held
from reconciler.model.plan import Change, Plan
from reconciler.model.plan import Held as Hold
from reconciler.plan import Narrowed, Proposal, Releases, given_up, narrow, ordered, read_plans, signed
from reconciler.service.failure import REMOVALS

_UNANSWERABLE = "whoIsThis"
"""A question with more answers than yes: a pin, or a release that names the person, answers it."""


@dataclass(frozen=True, slots=True)
class Selected:
    proposal: Proposal
    """To be run. What stays held is in its plan; what waits is not."""
    approved: bool = False
    """Something of it was held, and was approved."""
    left: tuple[str, ...] = ()
    """Of what was approved, what is not run, in words."""
    waiting: tuple[Change, ...] = ()
    """Left out until their time."""


def select(
    first: Proposal, again: Callable[[Releases], Proposal], held: Held | None, waiting: Collection[str]
) -> Selected:
    """`again`: the plan on the same reading, with these releases. `waiting`: keys of those who are not tried now.

    Nothing runs that `first` holds and `held` does not have, nor anything that `held` has in another form.
    """
    late = tuple(c for c in first.plan.pending if c.key in waiting and not isinstance(c, REMOVALS))
    approval, useless = _approved(held, first.plan)
    if approval is None and not late:
        return Selected(first, left=useless)
    here = {(change.key, change.action) for change in approval.changes} if approval is not None else set()
    releases = {each.release for c in first.plan.held if (c.key, c.action) in here for each in _answered(c)}
    then = again(Releases.parse(sorted(releases))) if releases else first
    skipped = {id(change) for change in late}
    pending = [change for change in first.plan.pending if id(change) not in skipped]
    wanted = [*pending, *(approval.changes if approval is not None else ())]
    target = first.plan.model_copy(update={"changes": tuple(c.model_copy(update={"held": ()}) for c in wanted)})
    narrowed = narrow(target, then.plan, given_up(then.context))
    if late and _a_removal_waits(first.plan, narrowed):
        return select(first, again, held, ())
    last = first.context.app.order == "leaversLast"
    changes = ordered([*narrowed.plan.changes, *_still_held(first.plan, narrowed)], leavers_last=last)
    plan = signed(then.plan.model_copy(update={"changes": tuple(changes)}))
    runs = {(change.key, change.action) for change in narrowed.plan.pending}
    return Selected(
        then.reduced(plan, whole=narrowed.complete and not late),
        bool(here & runs),
        tuple(_left(approval, narrowed)) if approval is not None else useless,
        late,
    )


def _a_removal_waits(first: Plan, narrowed: Narrowed) -> bool:
    """Whether one that nothing holds is not run: it needs a name of somebody who waits. So nobody does."""
    removals = {(c.key, c.action) for c in first.pending if isinstance(c, REMOVALS)}
    return any((moved.change.key, moved.change.action) in removals for moved in narrowed.moved)


def _approved(held: Held | None, now: Plan) -> tuple[Plan | None, tuple[str, ...]]:
    """What was approved; or why that can't be used: a damaged history must not stop everything else."""
    if held is None or held.approved_at is None:
        return None, ()
    try:
        plan = read_plans(held.plan.encode(), "the plan that was kept")[0]
    except PlanError as error:
        return None, (error.message,)
    if plan.changes_digest != held.digest:
        return None, (f"the plan that was kept is not the one that was approved, {held.digest}",)
    if (plan.app, plan.tenant_url) != (now.app, now.tenant_url):
        return None, (f"approved for {plan.app} at {plan.tenant_url}",)
    return plan, ()


def as_approved(kept: Plan) -> Plan:
    """What was held, as a yes would let it run. What a yes does not answer is held in it still."""
    freed = (c.model_copy(update={"held": ()}) if _answered(c) else c for c in kept.changes)
    return signed(kept.model_copy(update={"changes": tuple(freed), "signature": None}))


def _answered(change: Change) -> tuple[Hold, ...]:
    """What holds a change; nothing, if something of it can't be answered by an approval."""
    return () if any(each.by == _UNANSWERABLE for each in change.held) else change.held


def _still_held(first: Plan, narrowed: Narrowed) -> Iterator[Change]:
    """What nobody approved, with what held it in the first plan, although it may be released in the second."""
    held: dict[tuple[str, str], tuple[Hold, ...]] = {}
    for change in first.held:
        held.setdefault((change.key, change.action), change.held)
    for change in narrowed.new:
        reasons = change.held or held.get((change.key, change.action), ())
        if reasons:
            yield change.model_copy(update={"held": reasons})


def _left(approval: Plan, narrowed: Narrowed) -> Iterator[str]:
    approved = {(change.key, change.action) for change in approval.changes}
    for moved in narrowed.moved:
        if (moved.change.key, moved.change.action) in approved:
            yield f"{moved.change.action} {moved.change.key}: {'; '.join(moved.what)}"
    for change in narrowed.unneeded:
        if (change.key, change.action) in approved:
            yield f"{change.action} {change.key}: no longer needed"
    for change in narrowed.plan.held:
        if (change.key, change.action) in approved:
            yield f"{change.action} {change.key}: held by {', '.join(each.by for each in change.held)}"
