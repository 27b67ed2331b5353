"""What people are told of: one event, in words, whatever the channel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconciler.render.marks import plain
from reconciler.render.safe import safe

MOST_LINES: Final = 50
"""Lines of one event that a channel shows; who needs more looks at the report."""
_LONGEST_LINE: Final = 400
_LONGEST_TITLE: Final = 140


@dataclass(frozen=True, slots=True)
class Event:
    """`title`, `lines` and `actions` are sentences of `render.marks`: every name in them is marked, or was made
    harmless. `actions` are what a person can do: commands, or what to change.
    """

    kind: str
    """quarantined, reasonChanged, recovered, switchedOff, held, removalFailed, breakGlass, …"""
    app: str
    at: datetime
    subject: str
    """What makes it the same as another one of its kind: told once."""
    title: str
    lines: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    thread: str = ""
    """Events of one app with the same thread belong together: those of one quarantine. Empty: it stands alone."""
    covers: tuple[str, ...] = ()
    """Subjects that it tells of, where there are several; empty: `subject` alone."""

    @property
    def subjects(self) -> tuple[str, ...]:
        return self.covers or (self.subject,)

    @property
    def id(self) -> str:
        """The same for every try and every channel: letters and digits, by which a receiver knows it again."""
        return _digest(self.app, self.kind, self.subject, self.at.isoformat())

    @property
    def thread_id(self) -> str:
        return _digest(self.app, "thread", self.thread) if self.thread else ""


def one_line(sentence: str, longest: int = _LONGEST_LINE) -> str:
    """A sentence as harmless text on one line: also one that was made without marks."""
    return safe(plain(sentence), longest)


def title_of(event: Event) -> str:
    return one_line(event.title, _LONGEST_TITLE)


def lines_of(event: Event, most: int = MOST_LINES) -> list[str]:
    """At most so many, and how many are left out."""
    lines = [one_line(line) for line in event.lines[:most]]
    left = len(event.lines) - most
    return [*lines, f"… and {left:,} more"] if left > 0 else lines


def actions_of(event: Event) -> list[str]:
    return [one_line(action) for action in event.actions[:MOST_LINES]]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
