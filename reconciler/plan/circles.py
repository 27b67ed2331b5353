"""Circles in what waits for what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def circles(needs: Mapping[int, Iterable[int]]) -> list[frozenset[int]]:
    """The sets of numbers that all wait for one another, each of two or more (Tarjan's algorithm, in linear time)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    open_: dict[int, None] = {}
    found: list[frozenset[int]] = []
    for start in sorted(needs):
        if start in order:
            continue
        path = [(start, iter(sorted(needs[start])))]
        order[start] = low[start] = len(order)
        open_[start] = None
        while path:
            number, following = path[-1]
            after = next((n for n in following if n not in order or n in open_), None)
            if after is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[number])
                if low[number] == order[number]:
                    found.append(_closed(open_, number))
            elif after in order:
                low[number] = min(low[number], order[after])
            else:
                order[after] = low[after] = len(order)
                open_[after] = None
                path.append((after, iter(sorted(needs.get(after, ())))))
    return [circle for circle in found if len(circle) > 1]


def _closed(open_: dict[int, None], number: int) -> frozenset[int]:
    members = set()
    while number not in members:
        members.add(open_.popitem()[0])
    return frozenset(members)
