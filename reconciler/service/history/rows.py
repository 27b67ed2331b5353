"""Records ↔ rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import RowMapping

from reconciler.model.history import (
    Backoff,
    Cycle,
    Entry,
    Held,
    LogStep,
    Modified,
    Notice,
    Quarantine,
    StepName,
    Trouble,
)


def cycle_row(cycle: Cycle) -> dict[str, Any]:
    row = {each.name: getattr(cycle, each.name) for each in fields(cycle)}
    row["trouble"] = None if cycle.trouble is None else asdict(cycle.trouble)
    return row


def cycle_of(row: RowMapping) -> Cycle:
    given = {str(name): value for name, value in row.items()}
    given["counts"] = given["counts"] or {}
    given["trouble"] = _trouble(given["trouble"])
    return Cycle(**given)


def entry_row(entry: Entry) -> dict[str, Any]:
    row = {each.name: getattr(entry, each.name) for each in fields(entry)}
    row["modified"] = [[each.path, each.before, each.after] for each in entry.modified]
    row["steps"] = [[each.name.value, each.status, each.text] for each in entry.steps]
    row["trouble"] = None if entry.trouble is None else asdict(entry.trouble)
    return row


def entry_of(row: RowMapping) -> Entry:
    given = {str(name): value for name, value in row.items() if name != "number"}
    given["modified"] = tuple(Modified(*each) for each in given["modified"] or ())
    given["steps"] = tuple(LogStep(StepName(name), status, text) for name, status, text in given["steps"] or ())
    given["trouble"] = _trouble(given["trouble"])
    return Entry(**given)


def plain_row(record: Quarantine | Backoff | Held | Notice) -> dict[str, Any]:
    return {each.name: getattr(record, each.name) for each in fields(record)}


def _trouble(given: Mapping[str, str] | None) -> Trouble | None:
    return None if given is None else Trouble(**given)
