"""Colour that means something: red loses, green gains, yellow asks. Off where nobody could see it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass

NARROWEST = 40
"""Columns below which lines are left to the terminal."""
_CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "dim": "2", "bold": "1"}


@dataclass(frozen=True, slots=True)
class Style:
    """Wraps text in ANSI codes, or does not; knows how wide the reader's screen is."""

    colour: bool = False
    columns: int = 0
    """0: as wide as it gets, as in a file or a pipe."""

    @classmethod
    def of(cls, environ: Mapping[str, str], *, terminal: bool) -> Style:
        """NO_COLOR wins, then FORCE_COLOR, then whether the output is a terminal that can."""
        columns = max(shutil.get_terminal_size().columns, NARROWEST) if terminal else 0
        if environ.get("NO_COLOR"):
            return cls(False, columns)
        if environ.get("FORCE_COLOR") and environ["FORCE_COLOR"] != "0":
            return cls(True, columns)
        return cls(terminal and environ.get("TERM") != "dumb", columns)

    def __call__(self, text: str, *styles: str) -> str:
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[s] for s in styles)}m{text}\x1b[0m"
