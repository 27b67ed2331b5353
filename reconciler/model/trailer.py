"""A release that a commit carries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trailer:
    """`Reconciler-Allow: RELEASE` in a commit. What it says is not judged here."""

    release: str
    commit: str
