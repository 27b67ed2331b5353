"""What an undo leaves as it is, and which files have to go with it, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.render.lines import who
from reconciler.render.safe import safe
from reconciler.render.style import Style


def undoing(left: Sequence[tuple[str, str, str]], files: Sequence[str], style: Style, commit: str | None = None) -> str:
    """`left`: action, key, why. `commit`: what was applied."""
    lines: list[str] = []
    if left:
        lines += ["", f"  {style('LEFT AS IT IS', 'bold')}"]
        lines += [f"    {who(key)}  {action}: {safe(why, 300)}" for action, key, why in left]
    if files:
        lines += ["", f"  {style('REVERT THESE FILES TOO', 'bold')}"]
        lines.append("    or the next apply makes it so again" + (f"; applied was {commit[:7]}" if commit else ""))
        lines += [f"    {safe(file)}" for file in files]
    return "\n".join(lines) + "\n" if lines else ""
