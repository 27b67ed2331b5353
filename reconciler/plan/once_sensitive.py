"""A group that was sensitive at the revision that a plan is compared with still counts as such: nobody gets in unseen
by a change that takes the word away, or gives the group another id or name.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.desired import Desired
from reconciler.model.plan import AddMembers, Change
from reconciler.model.values import Key, Value, group_key


def sensitive_groups(now: Desired, before: Desired | None) -> frozenset[Key]:
    """The keys of today's groups that are, or were, or call themselves what one was. `before`: what the files wanted
    then; None where there is nothing to compare with.
    """
    earlier = {} if before is None else before.directory.groups
    once = {_plain(name) for g in earlier.values() if g.sensitive for name in (g.id, g.name)}
    return frozenset(
        group_key(group.id)
        for group in now.directory.groups.values()
        if group.sensitive
        or _plain(group.id) in once
        or _plain(group.name) in once
        or any(_plain(value) in once for was in group.formerly for value in was.values())
    )


def marked(changes: Iterable[Change], sensitive: frozenset[Key]) -> list[Change]:
    """Who joins those groups is told first."""
    return [
        change.model_copy(update={"sensitive": True})
        if isinstance(change, AddMembers) and change.key in sensitive and not change.sensitive
        else change
        for change in changes
    ]


def _plain(value: Value) -> str:
    return str(value).casefold()
