"""A plan whose files are named from the root of the repository, as a reviewer sees them there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar, cast

from reconciler.model.plan import Change, Later, Plan, Soon, Source

Sourced = TypeVar("Sourced", bound=Change | Later | Soon)


def placed(plan: Plan, prefix: str) -> Plan:
    """`prefix`: where the desired state lies in its repository, with or without / at its end; "": at the top."""
    prefix = prefix.strip("/")
    if not prefix:
        return plan
    return plan.model_copy(
        update={
            "changes": _placed(plan.changes, prefix),
            "later": _placed(plan.later, prefix),
            "soon": _placed(plan.soon, prefix),
        }
    )


def _placed(rows: Iterable[Sourced], prefix: str) -> tuple[Sourced, ...]:
    return tuple(_moved(row, row.source, prefix) for row in rows)


def _moved(row: Sourced, source: Source | None, prefix: str) -> Sourced:
    if source is None:
        return row
    moved = source.model_copy(update={"file": f"{prefix}/{source.file}"})
    return cast("Sourced", row.model_copy(update={"source": moved}))
