"""When an app is left alone: the cases of the service that this replaces, scaled to our thresholds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import (
    DesiredStateError,
    Forbidden,
    IncompleteRead,
    Locked,
    NotScim,
    NotSent,
    ReconcilerError,
    SecretError,
    ServerFailed,
    Unauthorized,
)
from reconciler.model.history import Quarantine
from reconciler.service.quarantine import judge, may_try, next_try

NOW = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DIGEST = "sha256:d"


def judged(error: ReconcilerError | None = None, tried: int = 0, failed: int = 0) -> Quarantine | None:
    return judge("app", None, error, tried, failed, DIGEST, NOW)


@pytest.mark.parametrize(
    ("tried", "failed", "quarantined"),
    [
        # their 4,000 of 4,000: below the number from which failures are judged at all (5,000; here 10)
        (8, 8, False),
        (9, 9, False),
        # their 45,000: over their total
        (90, 90, True),
        # their 30,000 failed and 5,000 went well
        (70, 60, True),
        # their 20,000 failed and 100,000 went well
        (240, 40, False),
        # at the edges: ten of ten; 40 % is not more than 40 %; one more is
        (10, 10, True),
        (25, 10, False),
        (24, 10, True),
        (1000, 400, False),
        (1000, 401, True),
        (0, 0, False),
    ],
)
def test_failures_in_proportion(tried: int, failed: int, quarantined: bool) -> None:
    found = judged(None, tried, failed)
    assert (found is not None) == quarantined
    if found is not None:
        assert (found.reason, found.message) == ("failures", f"{failed} of {tried} changes failed")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unauthorized("the token is refused", request="GET /Users", status=401), "credentials"),
        (Forbidden("not for you", request="GET /Users", status=403), "credentials"),
        (SecretError("no such variable"), "credentials"),
        (NotScim("a web page"), "notScim"),
    ],
)
def test_at_once_whatever_the_count(error: ReconcilerError, reason: str) -> None:
    found = judged(error)
    assert found == Quarantine("app", NOW, reason, error.message, 0, NOW + 6 * HOUR, DIGEST)


@pytest.mark.parametrize(
    "error",
    [
        NotSent("refused", request="GET /Users"),
        ServerFailed("503", request="GET /Users", status=503),
        IncompleteRead("short"),
        Locked("busy"),
        DesiredStateError([]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_passes_by_itself_begins_and_ends_nothing(error: ReconcilerError) -> None:
    assert judged(error) is None
    found = judged(NotScim("a web page"))
    assert found is not None
    later = judge("app", found, error, 0, 0, DIGEST, NOW + 6 * HOUR)
    assert later == replace(found, attempts=1, next_attempt=NOW + 12 * HOUR)


def test_the_series_of_attempts() -> None:
    quarantine: Quarantine | None = judged(NotScim("a web page"))
    tried = []
    while quarantine is not None and quarantine.next_attempt is not None:
        at = quarantine.next_attempt
        assert not may_try(quarantine, DIGEST, at - timedelta(seconds=1))
        assert may_try(quarantine, DIGEST, at)
        tried.append((at - NOW) / HOUR)
        quarantine = judge("app", quarantine, NotScim("a web page"), 0, 0, DIGEST, at)
    assert tried == [6, 12, *range(24, 28 * 24 + 1, 24)]
    assert quarantine is not None
    assert quarantine.attempts == len(tried)
    assert not may_try(quarantine, DIGEST, NOW + timedelta(days=400)), "switched off until somebody resumes it"
    assert may_try(quarantine, "sha256:other", NOW), "git changed"
    assert may_try(None, DIGEST, NOW)


def test_attempts_that_nobody_made_are_not_made_up_for() -> None:
    assert next_try(NOW, NOW + 30 * HOUR) == NOW + 48 * HOUR
    assert next_try(NOW, NOW + timedelta(days=28)) is None
    assert next_try(NOW, NOW - 5 * HOUR) == NOW + 6 * HOUR, "a clock that went back"


def test_success_ends_it() -> None:
    found = judged(NotScim("a web page"))
    assert judge("app", found, None, 30, 3, DIGEST, NOW + 6 * HOUR) is None


def test_another_reason_goes_on_with_the_series() -> None:
    found = judged(NotScim("a web page"))
    other = judge("app", found, Unauthorized("refused", request="GET /Users", status=401), 0, 0, DIGEST, NOW + 6 * HOUR)
    assert other == Quarantine("app", NOW, "credentials", "GET /Users: refused", 1, NOW + 12 * HOUR, DIGEST)


def test_another_desired_state_begins_another_series() -> None:
    found = judged(NotScim("a web page"))
    at = NOW + timedelta(days=20)
    other = judge("app", found, NotScim("a web page"), 0, 0, "sha256:other", at)
    assert other == Quarantine("app", at, "notScim", "a web page", 0, at + 6 * HOUR, "sha256:other")
