"""Writes whose answer may be lost: look before sending again, and send a bounded number of times."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from reconciler.errors import AnswerLost, BodyTooLarge, ServerFailed
from reconciler.http import Client
from reconciler.live.judge import accept

TRIES: Final = 3

UNSURE: Final = (AnswerLost, BodyTooLarge, ServerFailed)
"""The server may have acted."""


def never_done(error: Exception) -> bool:
    """501 says of itself that nothing happened (RFC 9110 section 15.6.2)."""
    return isinstance(error, ServerFailed) and error.status == 501


async def write(
    client: Client,
    method: str,
    path: str,
    body: Callable[[], Any],
    look: Callable[[], Awaitable[bool]],
) -> Any:
    """Send until it is done: the JSON of the answer, None if it had none or was lost and `look` found it done.

    `look` reads the resource after a lost answer or a 5xx and says whether nothing is left to do; it may change what
    `body` gives next. Raises what the last of three tries brought, and at once every refusal (ScimError, NotScim).
    """
    for last in (False,) * (TRIES - 1) + (True,):
        try:
            return accept(await client.send(method, path, body=body()))
        except UNSURE as error:
            if never_done(error):
                raise
            if await look():
                return None
            if last:
                raise
    raise AssertionError("the last try returns or raises")
