"""One answer to a list request, before it is bytes; and cursors (RFC 9865)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.sandbox.refusal import Refusal
from reconciler.sandbox.store import Resource


@dataclass(slots=True)
class Page:
    """Faults change it."""

    total: int
    start: int
    rows: Sequence[Resource]
    by_cursor: bool = False
    next_cursor: str | None = None


def write_cursor(position: int) -> str:
    return base64.urlsafe_b64encode(b"after:%d" % position).decode()


FIRST_CURSOR: Final = write_cursor(0)


def read_cursor(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        if word != "after":
            raise ValueError(word)
        return int(number)
    except (ValueError, binascii.Error) as error:
        raise Refusal(400, "this server never gave that cursor", "invalidCursor") from error
