"""Of a tenant those alone who are assigned to an app. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.sources.graph.kept import Kept
from reconciler.sources.graph.reading import Assignment


def assigned_alone(kept: Kept, assigned: Iterable[Assignment]) -> Kept:
    """Whoever is assigned, the groups within assigned groups at any depth, and all members of these. The ids that were
    given are the same ones as in `kept`.
    """
    chosen = {each.principal for each in assigned}
    groups: set[str] = set()
    waiting = [key for key in chosen if key in kept.groups]
    while waiting:
        key = waiting.pop()
        if key in groups:
            continue
        groups.add(key)
        members = kept.groups[key]["members"]
        chosen.update(members)
        waiting += [member for member in members if member in kept.groups]
    return replace(
        kept,
        users={key: row for key, row in kept.users.items() if key in chosen},
        groups={key: row for key, row in kept.groups.items() if key in groups},
    )
