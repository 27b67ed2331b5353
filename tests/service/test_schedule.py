"""When a cycle is due, and what is an interval."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.history import Cycle, CycleStatus, Quarantine
from reconciler.model.interval import interval_of
from reconciler.service.schedule import due, pause

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
INTERVAL = timedelta(minutes=40)


def cycle(before: timedelta, status: CycleStatus = "success") -> Cycle:
    return Cycle("c", "app", "https://x", "run", "incremental", NOW - before, status=status)


@pytest.mark.parametrize(
    ("ago", "wait"),
    [
        (timedelta(minutes=10), timedelta(minutes=30)),
        (timedelta(minutes=39, seconds=59), timedelta(seconds=1)),
        (timedelta(minutes=40), timedelta()),
        (timedelta(days=400), timedelta()),
        (-timedelta(minutes=10), INTERVAL),  # the clock was set back: no longer than an interval
        (-timedelta(days=400), INTERVAL),
    ],
)
def test_after_a_start_the_interval_goes_on(ago: timedelta, wait: timedelta) -> None:
    assert due(cycle(ago), INTERVAL, None, NOW) == NOW + wait


@pytest.mark.parametrize("status", ["running", "abandoned", "interrupted"])
def test_what_was_not_finished_goes_on_at_once(status: CycleStatus) -> None:
    assert due(cycle(timedelta(minutes=1), status), INTERVAL, None, NOW) == NOW


def test_the_first_one_is_due_at_once_and_so_is_a_look_at_a_quarantined_app() -> None:
    assert due(None, INTERVAL, None, NOW) == NOW
    quarantine = Quarantine("app", NOW, "credentials", "401", 1, NOW + timedelta(hours=6))
    assert due(cycle(timedelta(minutes=1)), INTERVAL, quarantine, NOW) == NOW


@pytest.mark.parametrize(
    ("began", "ended", "wait"),
    [(0, 0, 60), (0, 10, 50), (0, 60, 0), (0, 61, 59), (0, 150, 30), (100, 90, 60)],
)
def test_a_cycle_that_takes_long_is_not_overtaken(began: float, ended: float, wait: float) -> None:
    assert pause(began, ended, 60.0) == pytest.approx(wait)


@pytest.mark.parametrize(
    ("text", "seconds"), [("40m", 2400), ("1h30m", 5400), ("30s", 30), ("1d", 86400), ("7d", 604800), ("1h0m5s", 3605)]
)
def test_intervals(text: str, seconds: int) -> None:
    assert interval_of(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", "40", "m", "40 m", "40M", "-5m", "1.5h", "30s1h", "5m5m", "0s", "8d", "169h", "40m\n", "٤m", "9" * 30 + "d"],
)
def test_what_is_no_interval(text: str) -> None:
    with pytest.raises(ValueError, match="interval"):
        interval_of(text)
