"""What is told about several applications, one after the other: a step's summary, a job's log, `--format markdown`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.model.plan import Plan
from reconciler.render.markdown import LIMIT, SUMMARY, markdown


@dataclass(frozen=True, slots=True)
class Report:
    """A plan, with what people call the application, and what a deactivation does there. `prefix`: where the desired
    state lies in the repository, so that files are named from its root.
    """

    plan: Plan
    title: str = ""
    effect: str = "deactivated"
    prefix: str = ""


def bodies(reports: Sequence[Report], *, values: bool = False, room: int = SUMMARY) -> str:
    """All of them in at most `room` bytes together."""
    limit = min(LIMIT, room // max(len(reports), 1) - 1)
    return "\n".join(
        markdown(each.plan, title=each.title, effect=each.effect, values=values, limit=limit, prefix=each.prefix)
        for each in reports
    )
