"""Which pull request a report is about."""

from __future__ import annotations

from reconciler.errors import ForgeError, UsageError
from reconciler.forge.nouns import Forge, PullRequest
from reconciler.forge.surroundings import Surroundings


async def meant(forge: Forge, where: Surroundings) -> PullRequest | None:
    """The pull request that the surroundings name; else the one that is open at their commit. None: somebody pushed
    again, or it was closed; the report is about what is no longer there.

    A number is never taken from an artifact, which the pull request wrote itself. Raises ForgeError where it may be
    another one's plan, and UsageError if nothing says which.
    """
    if where.number is not None:
        pull = await forge.pull_request(where.number)
        return pull if where.head in ("", pull.head) else None
    if where.head:
        found = await forge.open_at(where.head, where.source)
        if len(found) > 1:
            numbers = " and ".join(str(pull.number) for pull in found)
            raise ForgeError(
                f"pull requests {numbers} end with the same commit, and nothing says which of them was planned",
                hint="close all but one, or push to the one that counts",
            )
        return found[0] if found else None
    raise UsageError("nothing says which pull request", hint="--pull-request N, or --head SHA")
