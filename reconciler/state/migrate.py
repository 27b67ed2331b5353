"""Memories that earlier versions wrote under the same format, in the shape that is read today."""

from __future__ import annotations

from typing import Any


def migrated(document: dict[str, Any]) -> dict[str, Any]:
    """A document of `reconciler.state/1` in today's shape; itself where it has that already.

    `notKept` was path → digest of what is wanted: what the application made of it is not known then, and learnt by
    the next apply.
    """
    kept = document.get("notKept")
    if not isinstance(kept, dict):
        return document
    return {**document, "notKept": {key: _paths(paths) for key, paths in kept.items()}}


def _paths(paths: Any) -> Any:
    if not isinstance(paths, dict):
        return paths
    return {path: {"wanted": entry} if isinstance(entry, str) else entry for path, entry in paths.items()}
