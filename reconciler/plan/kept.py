"""What an application does not keep as it is written: told once, and planned again when anybody moves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from reconciler.model.desired import Column
from reconciler.model.state import NotKept
from reconciler.model.values import Value, is_null
from reconciler.plan.difference import as_json, digest


def made(value: Value) -> str:
    """Fingerprint of what an application holds: the order of several values, and how it spells nothing, aside."""
    return digest(_plain(as_json(None if is_null(value) else value)))


def gave_up(refused: Mapping[str, NotKept], column: Column, after: Value, before: Value) -> bool:
    """Whether the application is known to make `before` of what is wanted. Of what is redacted nobody knows."""
    entry = refused.get(column.path)
    if entry is None or entry["wanted"] != digest(after):
        return False
    live = entry.get("live")
    return column.redacts or live is None or live == made(before)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((_plain(each) for each in value), key=orjson.dumps)
    return value
