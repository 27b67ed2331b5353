"""What changed inside of a value: of lists and complex values only what came and what went."""

from __future__ import annotations

from typing import Any

from reconciler.render.safe import quoted


def explain(before: Any, after: Any) -> str:
    """`before → after`; for lists and complex values "adds … removes …", if that is shorter to read."""
    if isinstance(before, (list, tuple, dict)) and isinstance(after, (list, tuple, dict)) and before and after:
        parts = _inside(before, after)
        if parts:
            return ", ".join(parts)
    return f"{quoted(before)} → {quoted(after)}"


def _inside(before: Any, after: Any) -> list[str]:
    from deepdiff import DeepDiff  # late: it costs more than the rest of the start

    found = DeepDiff(_plain(before), _plain(after), ignore_order=True, view="tree")
    parts = []
    for kind, verb in (
        ("iterable_item_added", "adds"),
        ("dictionary_item_added", "adds"),
        ("iterable_item_removed", "removes"),
        ("dictionary_item_removed", "removes"),
    ):
        for item in found.get(kind, ()):
            where = item.path(output_format="list")
            name = f"{where[-1]} " if where and isinstance(where[-1], str) else ""
            parts.append(f"{verb} {name}{quoted(item.t2 if verb == 'adds' else item.t1)}")
    for kind in ("values_changed", "type_changes"):
        for item in found.get(kind, ()):
            where = ".".join(str(part) for part in item.path(output_format="list") if isinstance(part, str))
            parts.append(f"{where + ' ' if where else ''}{quoted(item.t1)} → {quoted(item.t2)}")
    return sorted(parts)


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value
