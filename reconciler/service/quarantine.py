"""When an app that keeps failing is left alone, for how long, and what ends that. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from reconciler.errors import Forbidden, NotScim, ReconcilerError, SecretError, Unauthorized
from reconciler.model.history import Quarantine

SHARE: Final = 0.4
"""Of the changes that were tried: more failures than that are a quarantine, …"""
FEWEST: Final = 10
"""… if there are at least as many as these."""
SWITCHED_OFF: Final = timedelta(days=28)
"""After the beginning: from then on nothing is tried until somebody resumes the app."""
_TRIES: Final = (timedelta(hours=6), timedelta(hours=12), timedelta(hours=24))
_DAY: Final = timedelta(days=1)


def may_try(quarantine: Quarantine | None, desired_digest: str, now: datetime) -> bool:
    """Whether a cycle may begin: there is no quarantine, its next attempt is due, or git has changed meanwhile."""
    if quarantine is None or quarantine.desired_digest != desired_digest:
        return True
    return quarantine.next_attempt is not None and now >= quarantine.next_attempt


def judge(
    app: str,
    quarantine: Quarantine | None,
    error: ReconcilerError | None,
    tried: int,
    failed: int,
    desired_digest: str,
    now: datetime,
) -> Quarantine | None:
    """What a cycle's end means for its app; None: it is in no quarantine, or no longer.

    `error`: what ended the cycle. `tried` and `failed`: changes; what was skipped because of another one is in neither.
    An error that is neither about credentials nor about the protocol (the network, files, a lock) begins no quarantine
    and ends none. Another desired state than at its beginning begins another series.
    """
    reason = _reason(error, tried, failed)
    if reason is None:
        if error is None:
            return None
        return None if quarantine is None else _again(quarantine, now)
    message = error.message if error is not None else f"{failed} of {tried} changes failed"
    if quarantine is None or quarantine.desired_digest != desired_digest:
        return Quarantine(app, now, reason, message, 0, next_try(now, now), desired_digest)
    return replace(_again(quarantine, now), reason=reason, message=message)


def next_step(began: datetime, now: datetime) -> datetime:
    """6, 12 and 24 hours after the beginning, then daily."""
    for each in _TRIES:
        if began + each > now:
            return began + each
    return began + _DAY * ((now - began) // _DAY + 1)


def next_try(began: datetime, now: datetime) -> datetime | None:
    """The same of an app: None once 28 days are over."""
    moment = next_step(began, now)
    return moment if moment - began <= SWITCHED_OFF else None


def _again(quarantine: Quarantine, now: datetime) -> Quarantine:
    return replace(quarantine, attempts=quarantine.attempts + 1, next_attempt=next_try(quarantine.began, now))


def _reason(error: ReconcilerError | None, tried: int, failed: int) -> str | None:
    match error:
        case Unauthorized() | Forbidden() | SecretError():
            return "credentials"
        case NotScim():
            return "notScim"
        case None if failed >= FEWEST and failed > SHARE * tried:
            return "failures"
        case _:
            return None
