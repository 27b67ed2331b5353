"""Comments on what came along otherwise, folded so that a reader sees all of them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Final

from reconciler.desired.findings import shown

WIDTH: Final = 110


def comment(lines: Iterable[str], indent: int = 0, deeper: int = 0) -> list[str]:
    """Each line as a comment, whatever is in it; long ones go on in the next, `deeper` in."""
    made: list[str] = []
    for line in lines:
        text = "".join(c if c.isprintable() else shown(c) for c in line)
        folded = textwrap.wrap(text, WIDTH - indent, subsequent_indent=" " * deeper, break_on_hyphens=False) or [""]
        made += [f"{' ' * indent}# {each}".rstrip() for each in folded]
    return made
