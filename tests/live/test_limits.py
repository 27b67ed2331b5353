"""A profile's rates become limits of requests."""

from __future__ import annotations

from reconciler.http import Limit
from reconciler.live import limits_of
from reconciler.model.rate import Rate

READS = frozenset({"GET", "HEAD"})
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def test_every_rate_becomes_its_limit_and_the_day_becomes_none() -> None:
    rate = Rate.model_validate(
        {
            "perSecond": 20,
            "perDay": 100_000,
            "reads": {"perMinute": 1000},
            "writes": {"perSecond": 2.5, "perMinute": 600},
            "buckets": [
                {"methods": ["PATCH"], "path": "/Groups", "largerThan": 500, "count": 5, "seconds": 30},
                {"count": 90, "seconds": 7},
            ],
        }
    )
    assert limits_of(rate) == (
        Limit(20, 1.0),
        Limit(1000, 60.0, READS),
        Limit(2.5, 1.0, WRITES),
        Limit(600, 60.0, WRITES),
        Limit(5, 30, frozenset({"PATCH"}), "/Groups", 500),
        Limit(90, 7),
    )


def test_without_rates_there_are_no_limits() -> None:
    assert limits_of(Rate()) == ()
