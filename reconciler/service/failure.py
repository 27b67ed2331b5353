"""What of a run failed, and what of that is about the app as a whole. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Final

from reconciler.apply import Outcome, Status, Step, is_lost
from reconciler.errors import Forbidden, NotScim, ReconcilerError, Unauthorized, Verdict
from reconciler.model.plan import DeactivateUser, DeleteGroup, DeleteUser, EmptyGroup, RemoveMembers

REMOVALS: Final = (DeactivateUser, DeleteUser, RemoveMembers, EmptyGroup, DeleteGroup)
_OUTAGE: Final = frozenset({Verdict.NOT_SENT, Verdict.ANSWER_LOST})
_NOT_PERSONAL: Final = frozenset({Verdict.NOT_SENT, Verdict.RATE_LIMITED, Verdict.UNAUTHORIZED, Verdict.NOT_SCIM})


def is_failed(step: Step) -> bool:
    """Refused; or answered with success, and access is not as it should be, or nothing is there. One attribute that is
    not kept is no failure: that is told once, and not planned again.
    """
    if step.status is Status.NOT_STORED:
        return isinstance(step.change, REMOVALS) or is_lost(step)
    return step.status is Status.FAILED


def is_about_it(step: Step) -> bool:
    """Whether a failure tells something about this person or group. Whoever happened to come first when the network
    went away, the token ended or the day's requests were used up need not wait for that. A removal always counts.
    """
    return isinstance(step.change, REMOVALS) or step.code not in _NOT_PERSONAL


def tally(outcome: Outcome) -> tuple[int, int]:
    """How many changes were tried, and how many of these failed. What was held, or skipped because of another one, is
    in neither; nor is what the network lost.
    """
    tried = [step for step in outcome.steps if step.status in (Status.DONE, Status.NOT_STORED, Status.FAILED)]
    tried = [step for step in tried if step.code not in _OUTAGE]
    return len(tried), sum(map(is_failed, tried))


def of_outcome(outcome: Outcome) -> ReconcilerError | None:
    """What is wrong with the app as a whole, by what its writes were answered: every one that was tried was refused for
    the credentials, or the run was ended by such answers. 403 may be about one account: a run has to be ended by it,
    and nothing to be done. None: nothing is.
    """
    codes = Counter(step.code for step in outcome.steps if step.status is Status.FAILED)
    if not codes:
        return None
    first = next(step for step in outcome.steps if step.status is Status.FAILED)
    done = any(step.status in (Status.DONE, Status.NOT_STORED) for step in outcome.steps)
    request, message = first.change.action, outcome.ended or first.message
    most = codes.most_common(1)[0][0] if outcome.ended else None
    if most == Verdict.UNAUTHORIZED or (set(codes) == {Verdict.UNAUTHORIZED} and not done):
        return Unauthorized(message, request=request, status=401)
    if most == Verdict.NOT_SCIM:
        return NotScim(message)
    if most == Verdict.FORBIDDEN and set(codes) == {Verdict.FORBIDDEN} and not done:
        return Forbidden(message, request=request, status=403)
    return None
