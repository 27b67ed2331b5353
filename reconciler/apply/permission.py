"""Whether the token may write: an update of the account behind it that changes nothing."""

from __future__ import annotations

from reconciler.errors import PlanError
from reconciler.http import Client
from reconciler.live import Reader, Writer, row
from reconciler.model.profile import Profile
from reconciler.model.values import RemoteId

HARMLESS = ("displayName", "name.familyName", "userName")
"""Written with the value that is there; the first that there is."""


async def prove_write(client: Client, profile: Profile, acts_as: str) -> str:
    """Updates `acts_as` (a userName) with what it holds, and returns the path. Raises PlanError if there is no such
    account, and the refusals of `live`.
    """
    reader = Reader(client, profile)
    found = await reader.find_user("userName", acts_as)
    if len(found) != 1:
        raise PlanError(
            f"guardrails.actsAs: {len(found)} accounts have the userName {acts_as}",
            hint="name the account that the token belongs to",
        )
    values = dict(zip(HARMLESS, row(found[0], HARMLESS), strict=True))
    path = next(path for path, value in values.items() if value)
    await Writer(client, profile, reader).update_user(RemoteId(str(found[0]["id"])), {path: values[path]})
    return path
