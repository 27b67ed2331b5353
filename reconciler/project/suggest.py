"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(given: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known name that was probably meant, whatever its case; empty if none is near. `cutoff`: 1 is the same."""
    names = sorted(known)
    same = [name for name in names if name.lower() == given.lower()]
    return next(iter(same or get_close_matches(given, names, n=1, cutoff=cutoff)), "")


def suggestion(given: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The same as a hint."""
    name = nearest(given, known, cutoff)
    return f"did you mean {name}?" if name else ""
