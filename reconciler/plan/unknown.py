"""Mapped attributes of which the server itself says something else."""

from __future__ import annotations

from reconciler.model.discovered import Discovered
from reconciler.model.path import parse_path
from reconciler.model.plan import Note
from reconciler.plan.context import Context


def unknown(context: Context, discovered: Discovered | None) -> list[Note]:
    """Mapped attributes that the server's own schemas do not have, or do not let anybody write."""
    if discovered is None:
        return []
    columns = [
        *(("User", c) for c in context.desired.user_columns),
        *(("Group", c) for c in context.desired.group_columns),
    ]
    return [
        Note(code="unknownAttribute", key=context.app.name, text=text)
        for kind, column in columns
        if (text := discovered.doubt(kind, parse_path(column.path)))
    ]
