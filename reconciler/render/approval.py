"""What an approved plan and the plan of now do not have in common, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.render.lines import who
from reconciler.render.safe import safe
from reconciler.render.style import Style

_SHOWN = 20
"""Rows of what is only told; what moved is shown whole."""


def approval(
    moved: Sequence[tuple[str, str, Sequence[str]]],
    unneeded: Sequence[tuple[str, str]],
    new: Sequence[tuple[str, str]],
    style: Style,
) -> str:
    """Each by action and key; `moved` with what moved, in words."""
    lines: list[str] = []
    if moved:
        lines += ["", f"  {style('APPROVED, AND NO LONGER FITS: NOT DONE', 'bold')}"]
        for action, key, what in moved:
            lines.append(f"  {style('✗', 'red')} {who(key)}  {action}")
            lines += [f"      {style(safe(each, 300), 'dim')}" for each in what]
    for title, rows in (("APPROVED, AND NO LONGER NEEDED", unneeded), ("NEW, LEFT FOR THE NEXT TIME", new)):
        if rows:
            lines += ["", f"  {style(title, 'bold')}"]
            lines += [f"    {who(key)}  {action}" for action, key in rows[:_SHOWN]]
            lines += [f"    and {len(rows) - _SHOWN:,} more"] if len(rows) > _SHOWN else []
    return "\n".join(lines) + "\n" if lines else ""
