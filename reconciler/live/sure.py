"""Writes whose answer may be lost: look before sending again, and send a bounded number of times."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from reconciler.errors import AnswerLost, BodyTooLarge, ServerFailed

TRIES: Final = 3

UNSURE: Final = (AnswerLost, BodyTooLarge, ServerFailed)
"""The server may have acted."""
Send: TypeAlias = Callable[[str, str, Any], Awaitable[Any]]
"""(method, path, body) → the JSON of a success; raises what a refusal means."""


async def write(
    send: Send, method: str, path: str, body: Callable[[], Any], look: Callable[[], Awaitable[bool]]
) -> Any:
    """Send until it is done: the JSON of the answer, None if it had none or was lost and `look` found it done.

    `look` reads the resource after a lost answer or a 5xx and says whether nothing is left to do; it may change what
    `body` gives next. Raises what the last of three tries brought, and at once every refusal (ScimError, NotScim).
    """
    for last in (False,) * (TRIES - 1) + (True,):
        try:
            return await send(method, path, body())
        except UNSURE:
            if await look():
                return None
            if last:
                raise
    raise AssertionError("the last try returns or raises")
