"""The sandbox's memory on disk: one JSON file, replaced as a whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import orjson

from reconciler.errors import ReconcilerError
from reconciler.sandbox.store import Resource, Store

FORMAT: Final = "reconciler.sandbox/1"


def load(store: Store, path: Path) -> bool:
    """Fills an empty store. False if there is no such file; ReconcilerError if it can't be used."""
    try:
        document = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return False
    except (OSError, orjson.JSONDecodeError) as error:
        raise ReconcilerError(
            f"{path}: the sandbox's state can't be read: {error}", hint="remove the file to begin anew"
        ) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ReconcilerError(f"{path}: not a state file of the sandbox ({FORMAT})", hint="choose another --state")
    if document.get("habits") != store.habits.name:
        raise ReconcilerError(
            f"{path} was written by the sandbox as {document.get('habits')}, not as {store.habits.name}",
            hint=f"--gallery {document.get('habits')}, or another --state",
        )
    try:
        created, rows = int(document["created"]), [_row(raw) for raw in document["resources"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ReconcilerError(f"{path} is damaged: {error!r}", hint="remove the file to begin anew") from error
    for row, _ in rows:
        store.put_back(row)
    for row, members in rows:
        store.join_all(row, members)
    store.created = created
    return True


def save(store: Store, path: Path) -> None:
    """Atomic: readers, and whoever starts after a crash, see the old file or the new one. Raises ReconcilerError."""
    document = {
        "format": FORMAT,
        "habits": store.habits.name,
        "created": store.created,
        "resources": [_raw(row) for kind in ("User", "Group") for row in store.tables[kind].values()],
    }
    beside = path.with_name(f"{path.name}.new")
    try:
        with beside.open("wb") as file:
            file.write(orjson.dumps(document))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        message = f"{path}: the sandbox's state can't be written: {error.strerror}"
        raise ReconcilerError(message, hint="choose another --state") from error


def _raw(row: Resource) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "data": row.data,
        "created": row.created,
        "modified": row.modified,
        "number": row.number,
        "version": row.version,
        "members": list(row.members),
    }


def _row(raw: dict[str, Any]) -> tuple[Resource, list[str]]:
    members = raw.pop("members")
    return Resource(**raw), members
