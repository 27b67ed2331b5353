"""What a server really does with a throw-away user and group. Nothing real is ever written to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from reconciler.apply.probe.bulk import look_at_bulk
from reconciler.apply.probe.changes import Changes
from reconciler.apply.probe.creation import Creation
from reconciler.apply.probe.forms import Forms
from reconciler.apply.probe.leaving import Leaving
from reconciler.apply.probe.names import PREFIX, Names, is_leftover
from reconciler.apply.probe.people import People
from reconciler.apply.probe.teams import Teams
from reconciler.apply.probe.versions import look_at_versions
from reconciler.apply.probe.yard import Yard
from reconciler.errors import UsageError
from reconciler.http import Client
from reconciler.live.probe import Ask, Progress, Report

_USUAL: Final = 100
"""Requests of a probe, about; it ends by itself whatever their number."""
_DOMAIN: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)


def intention(domain: str) -> str:
    """What a probe will do, in the words of a question."""
    return (
        f"It makes two to four users {PREFIX}…@{domain} and one or two groups `reconciler probe …, may be deleted`,\n"
        "changes them, deactivates and deletes them, and says what can't be deleted. What an earlier probe left is\n"
        "removed too. Nobody else is touched. Some applications count users, or write to the address of a new one."
    )


async def write_probe(
    client: Client,
    report: Report,
    *,
    targets: Sequence[str],
    domain: str = "example.invalid",
    progress: Progress | None = None,
) -> None:
    """Fills the report, and cleans up whatever happens. `targets` are those of the mappings of users.

    Raises ReconcilerError where there is no server or no token.
    """
    if not _DOMAIN.fullmatch(domain):
        raise UsageError(f"--domain {domain}: not a domain", hint="as in test.example.com")
    names = Names(domain)
    yard = Yard(Ask(client, progress, most=_USUAL, what="requests"), report, names)
    people = People(yard, Forms(yard), targets)
    try:
        await yard.sweep()
        await _steps(yard, people)
    finally:
        await _to_the_end(yard.clean())


async def _to_the_end(cleaning: Coroutine[Any, Any, None]) -> None:
    """An interruption waits until everything is clean; a second one does not."""
    task = asyncio.ensure_future(cleaning)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _steps(yard: Yard, people: People) -> None:
    creation, changes = Creation(people), Changes(people)
    first = await creation.first()
    if first is None:
        return
    leaving = Leaving(yard, people, first)
    yard.deactivate = leaving.deactivate
    second = await creation.second()
    await creation.duplicates(first)
    await changes.updates(first)
    await changes.lists(first)
    await changes.clearing(first)
    await look_at_versions(people, first)
    if yard.profile.groups.supported:
        teams = Teams(yard, people.forms, first, second)
        await teams.look()
        await look_at_bulk(yard, people)
        await teams.delete()
    await leaving.look(second or first)


__all__ = ["Names", "intention", "is_leftover", "write_probe"]
