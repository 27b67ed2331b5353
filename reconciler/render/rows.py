"""Rows that fit a terminal's columns, and the plural."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from reconciler.render.safe import width
from reconciler.render.style import Style

COLOURS = re.compile("\x1b\\[[0-9;]*m")


def wrapped(fact: str, columns: int, indent: int) -> list[str]:
    """Rows of at most `columns`, broken at blanks, hanging under the first one's fact."""
    return textwrap.wrap(
        fact, max(columns, indent + 20), subsequent_indent=" " * indent, break_long_words=False, drop_whitespace=True,
        break_on_hyphens=False, replace_whitespace=False, expand_tabs=False,
    ) or [fact]  # fmt: skip


def flowing(text: str, style: Style, indent: int = 0) -> list[str]:
    """Rows that fit beside an indentation."""
    return wrapped(text, style.columns - indent, 0) if style.columns else [text]


def sentences(sentences: Sequence[str], style: Style) -> list[str]:
    """As many on a row as fit; colours take no room."""
    rows: list[str] = []
    for sentence in sentences:
        together = f"{rows[-1]} {sentence}" if rows else sentence
        if rows and (not style.columns or width(COLOURS.sub("", together)) <= style.columns):
            rows[-1] = together
        else:
            rows.append(sentence)
    return rows


def plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
