"""What became of a plan, for a terminal: never hides what failed or is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.render.lines import who
from reconciler.render.safe import safe
from reconciler.render.style import Style


@dataclass(frozen=True, slots=True)
class Failure:
    """One change that was not done, or not kept."""

    action: str
    key: str
    status: str
    message: str


def summary(
    counts: dict[str, int],
    failures: Sequence[Failure],
    style: Style,
    *,
    requests: int,
    seconds: float,
    journal: str,
    ended: str = "",
) -> str:
    """`counts`: status → changes, in the order to be shown."""
    lines = []
    if failures:
        lines += ["", f"  {style('NOT DONE', 'bold')}"]
        for failure in failures:
            lines.append(f"  {style('✗', 'red')} {who(failure.key)}  {failure.action} {failure.status}")
            lines.append(f"      {style(safe(failure.message, 300), 'dim')}")
    if ended:
        lines += ["", style(safe(ended, 300), "red")]
    colours = {"done": "green", "failed": "red", "skipped": "red", "not stored": "red", "held": "yellow"}
    parts = [style(f"{count:,} {name}", colours.get(name, "bold")) for name, count in counts.items() if count]
    lines += ["", f"{', '.join(parts) or 'nothing to do'}   {requests:,} requests in {seconds:.1f} s"]
    lines.append(style(f"journal: {journal}", "dim"))
    return "\n".join(lines) + "\n"
