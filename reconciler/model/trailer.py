"""A release that a commit carries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trailer:
    """`Reconciler-Allow: RELEASE` in a commit. What it says is not judged here."""

    release: str
    commit: str
    authored: int | None = None
    """Seconds since 1970. A rebase, an amendment, or a cherry-pick makes another commit, and keeps this."""
