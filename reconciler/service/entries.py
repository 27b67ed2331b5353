"""Entries of the history as text, JSON and CSV. Lines come one by one: a log may be longer than the memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import orjson

from reconciler.model.history import Entry, EntryStatus, StepName
from reconciler.render.safe import quoted, safe, width
from reconciler.render.style import Style

FORMAT: Final = "reconciler.log/1"
COLUMNS: Final = (
    "at", "app", "key", "name", "action", "group", "status", "id", "origin", "modified", "import", "scope", "match",
    "actionText", "category", "message", "recommendedAction", "verified", "commit", "cycle",
)  # fmt: skip
_COLOURS: Final[dict[EntryStatus, str]] = {"success": "green", "failure": "red", "skipped": "dim", "warning": "yellow"}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_LONGEST: Final = 300
_AHEAD: Final = 200
"""Entries that are looked at before the first of them is shown."""
_ALIGNED: Final = (20, 7, 32, 32, 32)
"""As wide as a column gets for others' sake: app, status, key, name, action."""


def text(entries: Iterable[Entry], style: Style, *, steps: bool) -> Iterator[str]:
    """A line an entry; with `steps`, all four of each below it. Columns are as wide as what stands in them, as far as
    was looked ahead, and never narrower again.
    """
    widths = [0] * len(_ALIGNED)
    ahead = iter(entries)
    while lot := list(islice(ahead, _AHEAD)):
        rows = [_cells(entry) for entry in lot]
        widths = [
            max(before, min(max(width(row[at]) for row in rows), _ALIGNED[at])) for at, before in enumerate(widths)
        ]
        for entry, row in zip(lot, rows, strict=True):
            said = "" if steps or entry.status == "success" else safe(_of(entry, StepName.ACTION), _LONGEST)
            padded = [cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)]
            padded[1] = style(padded[1], _COLOURS[entry.status])
            yield "  ".join([moment(entry.at), *padded, said]).rstrip() + "\n"
            if steps:
                yield from _below(entry, style)


def _cells(entry: Entry) -> list[str]:
    what = entry.action + (f" {safe(entry.group)}" if entry.group else "")
    return [safe(entry.app), entry.status, safe(entry.key), safe(entry.name), what]


def _below(entry: Entry, style: Style) -> Iterator[str]:
    for step in entry.steps:
        name = style(step.name.upper().ljust(6), "bold")
        yield f"  {name}  {_sign(step.status, style)} {safe(step.text, _LONGEST)}\n"
    if entry.trouble is not None and entry.trouble.recommended_action:
        yield f"          → {safe(entry.trouble.recommended_action, _LONGEST)}\n"
    widest = max((width(each.path) for each in entry.modified), default=0)
    for each in entry.modified:
        path = safe(each.path) + " " * (widest - width(each.path))
        yield f"          {path}  {quoted(each.before)} → {quoted(each.after)}\n"
    facts = [f"cycle {entry.cycle}", *([f"commit {entry.commit[:12]}"] if entry.commit else [])]
    if entry.id:
        facts.insert(
            0, f"account {safe(entry.id)}" if not entry.key.startswith("group:") else f"group {safe(entry.id)}"
        )
    yield f"          {style(', '.join(facts), 'dim')}\n"


def _sign(status: EntryStatus, style: Style) -> str:
    signs = {"success": "✓", "failure": "✗", "skipped": "-", "warning": "!"}
    return style(signs[status], _COLOURS[status])


def document(entries: Iterable[Entry]) -> Iterator[str]:
    """One document, a line an entry."""
    yield f'{{"format": "{FORMAT}", "entries": ['
    before = "\n"
    for entry in entries:
        yield before + orjson.dumps(_document(entry)).decode()
        before = ",\n"
    yield "\n]}\n"


def _document(entry: Entry) -> dict[str, Any]:
    trouble = entry.trouble
    return {
        "at": entry.at,
        "cycle": entry.cycle,
        "app": entry.app,
        "key": entry.key,
        "name": entry.name,
        "id": entry.id,
        "action": entry.action,
        "group": entry.group,
        "status": entry.status,
        "origin": entry.origin,
        "modified": [{"path": each.path, "before": each.before, "after": each.after} for each in entry.modified],
        "steps": [{"name": str(each.name), "status": each.status, "text": each.text} for each in entry.steps],
        "trouble": None
        if trouble is None
        else {
            "category": trouble.category,
            "message": trouble.message,
            "recommendedAction": trouble.recommended_action or None,
        },
        "commit": entry.commit,
        "verified": entry.verified,
    }


def table(entries: Iterable[Entry]) -> Iterator[str]:
    """CSV (RFC 4180) with a head. What a spreadsheet would take for a formula has an apostrophe before it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for entry in entries:
        writer.writerow([_cell(each) for each in _row(entry)])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _row(entry: Entry) -> Iterator[object]:
    trouble = entry.trouble
    modified = {each.path: {"before": each.before, "after": each.after} for each in entry.modified}
    yield from (entry.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"), entry.app,
                entry.key, entry.name, entry.action, entry.group, entry.status, entry.id, entry.origin)  # fmt: skip
    yield orjson.dumps(modified).decode() if modified else ""
    yield from (_of(entry, name) for name in StepName)
    yield from ("", "", "") if trouble is None else (trouble.category, trouble.message, trouble.recommended_action)
    yield from ("yes" if entry.verified else "no", entry.commit, entry.cycle)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _of(entry: Entry, name: StepName) -> str:
    return next((each.text for each in entry.steps if each.name is name), "")


def moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
