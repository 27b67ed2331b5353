"""Stretches of time: joined, met, and taken from one another. Sorted, apart, and never empty."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from reconciler.model.window import Window

_EVER: Final = datetime.min.replace(tzinfo=UTC)
NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""When that ends which has no end."""
Span: TypeAlias = tuple[datetime, datetime]
"""From the first moment to the one that is not in it any more."""
Spans: TypeAlias = tuple[Span, ...]
FOREVER: Final[Spans] = ((_EVER, NEVER),)


def ahead(windows: Iterable[Window], now: datetime) -> Spans:
    """What these windows, any of them, cover from `now` on."""
    return joined((max(w.opens or now, now), w.closes or NEVER) for w in windows)


def joined(spans: Iterable[Span]) -> Spans:
    found: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def met(one: Spans, other: Spans) -> Spans:
    """What is in both."""
    return joined((max(a[0], b[0]), min(a[1], b[1])) for a in one for b in other)


def without(one: Spans, other: Spans) -> Spans:
    """What is in `one` and not in `other`."""
    left = list(one)
    for start, end in other:
        left = [part for a, b in left for part in ((a, min(b, start)), (max(a, end), b)) if part[0] < part[1]]
    return tuple(left)
