"""Which pull request a report is about."""

from __future__ import annotations

from reconciler.errors import UsageError
from reconciler.forge.nouns import Forge, PullRequest
from reconciler.forge.surroundings import Surroundings


async def meant(forge: Forge, where: Surroundings) -> list[PullRequest]:
    """The pull request that the surroundings name; else those that are open at their commit. Empty: somebody pushed
    again, or it was closed; the report is about what is no longer there.

    A number is never taken from an artifact, which the pull request wrote itself. Raises UsageError if nothing says it.
    """
    if where.number is not None:
        pull = await forge.pull_request(where.number)
        return [pull] if where.head in ("", pull.head) else []
    if where.head:
        return await forge.open_at(where.head, where.source)
    raise UsageError("nothing says which pull request", hint="--pull-request N, or --head SHA")
