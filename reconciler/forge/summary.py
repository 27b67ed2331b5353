"""The summary of a step: the report where no comment can be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reconciler.errors import ForgeError
from reconciler.render import SUMMARY, Report, bodies


def append(path: Path, reports: Sequence[Report], *, values: bool = False) -> None:
    """After what the step has said so far: GitHub takes 1 MiB of a step, and of more nothing at all.

    Raises ForgeError if that can't be written.
    """
    try:
        there = path.stat().st_size if path.exists() else 0
        shown = bodies(reports, values=values, room=max(SUMMARY - there, 0))
        with path.open("a", encoding="utf-8") as file:
            file.write(shown)
    except OSError as error:
        raise ForgeError(f"the step's summary can't be written: {error.strerror}", hint="is its file there?") from error
