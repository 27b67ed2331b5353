"""What an app's memory holds, as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reconciler.model.state import Binding, State, in_force
from reconciler.render.safe import safe, width
from reconciler.render.style import Style


def memory(state: State, where: str, style: Style, *, now: datetime, only: str | None = None) -> str:
    """`only`: one key. `where`: the place, in words."""
    lines = [f"{style(safe(state.app), 'bold')}  {safe(state.tenant_url, 200)}", f"  in {safe(where, 300)}"]
    if only is None:
        lines += _facts(state)
    lines += _bindings(state, style, only)
    lines += _revocations(state, style, now, only)
    if only is None:
        lines += _used(state)
        lines += _guardrails(state)
    return "\n".join(lines) + "\n"


def _facts(state: State) -> list[str]:
    if state.fresh:
        return ["  nothing was applied yet, as far as is remembered: nobody is managed"]
    commit = f" of commit {state.commit[:12]}" if state.commit else ""
    lines = [f"  last apply {state.applied_at}{commit}" if state.applied_at else "  no apply has ended yet"]
    for name, value in sorted(state.held.items()):
        lines.append(f"  {safe(name)} held {value}: waits for its release")
    if state.window_from is not None:
        lines.append(f"  guardrails know of removals since {safe(state.window_from)}")
    return lines


def _bindings(state: State, style: Style, only: str | None) -> list[str]:
    chosen = {k: b for k, b in sorted(state.bindings.items()) if only in (None, k)}
    if not chosen:
        return ["", f"  {safe(only)} is not bound"] if only is not None else []
    rows = [
        (safe(key), safe(b["id"]), _left(b), f"since {b['since']}", safe(b.get("name", "")))
        for key, b in chosen.items()
    ]
    lines = ["", f"  {style('BOUND', 'bold')}", *_table(rows)]
    for key, binding in chosen.items() if only is not None else ():
        if binding.get("members"):
            lines += ["", f"  {style('WE LEFT IN IT', 'bold')}", *(f"  {safe(m)}" for m in binding["members"])]
        if binding.get("file"):
            lines.append(f"  described in {safe(binding['file'], 200)}")
        for path in sorted(state.not_kept.get(key, {})):
            lines.append(f"  the application does not keep {safe(path)}")
    return lines


def _left(binding: Binding) -> str:
    """How an apply left it, as far as is remembered."""
    if "members" in binding:
        count = len(binding["members"])
        return f"{count} member{'' if count == 1 else 's'}"
    active = binding.get("active")
    return "" if active is None else "active" if active else "inactive"


def _revocations(state: State, style: Style, now: datetime, only: str | None) -> list[str]:
    rows = []
    for key, each in sorted(state.revocations.items()):
        if only in (None, key):
            end = f"until {each['until']}" if each["until"] else "until released"
            end = end if in_force(each, now) else f"ended {each['until']}"
            rows.append((safe(key), f"{each['at']} by {safe(each['by'])}", end, safe(each["reason"], 200)))
    return ["", f"  {style('REVOKED', 'bold')}", *_table(rows)] if rows else []


def _used(state: State) -> list[str]:
    rows = [(safe(each["release"]), f"commit {safe(each['commit'])[:12]}", each["at"]) for each in state.used]
    return ["", "  RELEASES USED", *_table(rows)] if rows else []


def _guardrails(state: State) -> list[str]:
    if state.guardrails is None:
        return []
    written = state.guardrails.model_dump(mode="json", by_alias=True, exclude_none=True)
    rows = [(safe(name), safe(value, 300)) for name, value in sorted(written.items())]
    return ["", "  GUARDRAILS of the last apply without remainder", *_table(rows)]


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    padded = ([cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)] for row in rows)
    return [f"  {'  '.join(cells)}".rstrip() for cells in padded]
