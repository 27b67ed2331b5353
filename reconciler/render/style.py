"""Colour that means something: red loses, green gains, yellow asks. Off where nobody could see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "dim": "2", "bold": "1"}


@dataclass(frozen=True, slots=True)
class Style:
    """Wraps text in ANSI codes, or does not."""

    colour: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str], *, terminal: bool) -> Style:
        """NO_COLOR wins, then FORCE_COLOR, then whether the output is a terminal that can."""
        if environ.get("NO_COLOR"):
            return cls(False)
        if environ.get("FORCE_COLOR") and environ["FORCE_COLOR"] != "0":
            return cls(True)
        return cls(terminal and environ.get("TERM") != "dumb")

    def __call__(self, text: str, *styles: str) -> str:
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[s] for s in styles)}m{text}\x1b[0m"
