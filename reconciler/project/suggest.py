"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(given: str, known: Iterable[str]) -> str:
    """The known name nearest to what was written, as a hint; empty if none is near."""
    names = sorted(known)
    near = [name for name in names if name.lower() == given.lower()] or get_close_matches(given, names, n=1)
    return f"did you mean {near[0]}?" if near else ""
