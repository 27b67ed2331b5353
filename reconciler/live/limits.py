"""A profile's rates in the words of `http`."""

from __future__ import annotations

from typing import Final

from reconciler.http import Limit
from reconciler.model.rate import Quota, Rate

_READS: Final = frozenset({"GET", "HEAD"})
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def limits_of(rate: Rate) -> tuple[Limit, ...]:
    """Every limit but that of the day, which is not waited for."""
    buckets = (Limit(one.count, one.seconds, frozenset(one.methods), one.path, one.larger_than) for one in rate.buckets)
    return (
        *_quota(rate, frozenset()),
        *_quota(rate.reads, _READS),
        *_quota(rate.writes, _WRITES),
        *buckets,
    )


def _quota(quota: Quota, methods: frozenset[str]) -> list[Limit]:
    given = ((quota.per_second, 1.0), (quota.per_minute, 60.0))
    return [Limit(count, seconds, methods) for count, seconds in given if count is not None]
