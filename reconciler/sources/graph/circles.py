"""Groups within groups, without circles: Microsoft allows them, a desired state does not. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def without_circles(nested: Mapping[str, Sequence[str]]) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """(group → groups in it, those left out as (outer, inner)): which ones depends on the ids alone.

    Walks from each group in the order of ids; a nesting that leads back to where the walk came from closes a circle.
    """
    kept: dict[str, list[str]] = {group: [] for group in nested}
    closing: list[tuple[str, str]] = []
    done: set[str] = set()
    for start in sorted(nested):
        if start in done:
            continue
        way = {start}
        stack = [(start, iter(sorted(set(nested[start]))))]
        while stack:
            outer, rest = stack[-1]
            inner = next(rest, None)
            if inner is None:
                stack.pop()
                way.discard(outer)
                done.add(outer)
            elif inner in way:
                closing.append((outer, inner))
            else:
                kept[outer].append(inner)
                if inner not in done:
                    way.add(inner)
                    stack.append((inner, iter(sorted(set(nested.get(inner, ()))))))
    return kept, closing
