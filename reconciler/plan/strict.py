"""Guardrails of several revisions: whatever one of them holds is held, whatever one of them protects is protected.

Nobody gets past a guardrail by merging a change to it together with what it would have stopped.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.app import App, Guardrails, Limit, Protected
from reconciler.model.directory import Directory
from reconciler.model.values import UserId, user_key


def protected(app: App, stricter: Sequence[Guardrails]) -> Protected:
    """The union."""
    every = (app.guardrails, *stricter)
    return Protected(
        users=tuple({repr(each): each for rails in every for each in rails.protected.users}.values()),
        groups=tuple({repr(each): each for rails in every for each in rails.protected.groups}.values()),
    )


def pinned(guarded: Protected, directory: Directory, app: str) -> frozenset[str]:
    """The accounts that the files of people who are protected by id name as theirs."""
    people = (directory.users.get(UserId(each)) for each in guarded.users if isinstance(each, str))
    return frozenset(user.accounts[app] for user in people if user is not None and app in user.accounts)


def people(guarded: Protected, directory: Directory) -> frozenset[str]:
    """The keys of those who are protected by id. Another id in the file (`formerly`) sheds no protection."""
    ids = {each for each in guarded.users if isinstance(each, str)}
    gone = {each for each in ids if UserId(each) not in directory.users}
    heirs = (u.id for u in directory.users.values() if any(f.get("id") in gone for f in u.formerly)) if gone else ()
    return frozenset(user_key(UserId(each)) for each in (*ids, *heirs))


def tightest(limits: Sequence[Limit]) -> Limit:
    """To be shown: the smallest count and percentage of all."""
    counts = [limit.count for limit in limits if limit.count is not None]
    percents = [limit.percent for limit in limits if limit.percent is not None]
    return Limit(
        count=min(counts, default=None),
        percent=min(percents, default=None),
        ignore_below=min(limit.ignore_below for limit in limits),
    )


def minimum(rails: Sequence[Guardrails]) -> dict[str, int]:
    """Group → the most that any of them asks for."""
    found: dict[str, int] = {}
    for each in rails:
        for group, least in each.minimum_members.items():
            found[group] = max(found.get(group, 0), least)
    return found


__all__ = ["minimum", "people", "pinned", "protected", "tightest"]
