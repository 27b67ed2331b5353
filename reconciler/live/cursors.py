"""Walking a list to its end by cursor (RFC 9865): opaque, all other parameters unchanged, no nextCursor is the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from reconciler.errors import ScimError
from reconciler.live.page import Page

_RESTARTS: Final = 3
_BARREN: Final = 3
"""Pages in a row without a new resource: a walk without an end."""
_SPENT: Final = frozenset({"expiredcursor", "invalidcursor"})  # RFC 9865 section 2.4, lower-case


class Endless(Exception):
    """The cursors go round in a circle, or lead to nothing new."""


async def walk(page: Callable[[str], Awaitable[Page]], take: Callable[[Page], bool], begin: Callable[[], Any]) -> None:
    """Every page from the empty cursor on: `take` keeps it and says whether something was new.

    A cursor that has expired begins the walk anew, with `begin`, a few times. Raises Endless, and what `page` raises.
    """
    for last in (False,) * _RESTARTS + (True,):
        try:
            await _once(page, take)
            return
        except ScimError as error:
            if last or error.scim_type.lower() not in _SPENT:
                raise
        begin()


async def _once(page: Callable[[str], Awaitable[Page]], take: Callable[[Page], bool]) -> None:
    cursor, seen, barren = "", {""}, 0
    while True:
        found = await page(cursor)
        barren = 0 if take(found) else barren + 1
        following = found.next_cursor
        if not following:
            return
        if following in seen or barren >= _BARREN:
            raise Endless
        seen.add(following)
        cursor = following
