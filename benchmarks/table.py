"""Results as aligned tables: ratios first, absolute figures after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]


def table(title: str, rows: Sequence[Row]) -> str:
    """All rows have the same keys, which are the headings. Text stands left, figures right."""
    headings = list(rows[0])
    cells = [headings, *([_shown(row[heading]) for heading in headings] for row in rows)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(headings))]
    left = [isinstance(rows[0][heading], str) for heading in headings]
    lines = [
        "  ".join(
            text.ljust(width) if is_left else text.rjust(width)
            for text, width, is_left in zip(line, widths, left, strict=True)
        ).rstrip()
        for line in cells
    ]
    return "\n".join([title, "", lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
