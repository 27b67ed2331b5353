"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(given: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, whatever its case; empty if none is near."""
    names = sorted(known)
    same = [name for name in names if name.lower() == given.lower()]
    return next(iter(same or get_close_matches(given, names, n=1)), "")


def suggestion(given: str, known: Iterable[str]) -> str:
    """The same as a hint."""
    name = nearest(given, known)
    return f"did you mean {name}?" if name else ""
