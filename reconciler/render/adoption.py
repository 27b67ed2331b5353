"""What an import would do to the files, for somebody who is asked for a yes; and as a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from reconciler.model.adoption import Adoption, Line, Refused, Sign
from reconciler.render.safe import quoted, safe, width
from reconciler.render.style import Style

FORMAT: Final = "reconciler.import/1"
_MOST: Final = 40
"""Lines shown of one kind; the counts are of all."""
_WIDEST: Final = 44
_HEADINGS: Final[dict[Sign, tuple[str, str]]] = {
    "-": ("REMOVES", "red"),
    "+": ("ADDS", "green"),
    "~": ("CHANGES", "yellow"),
    "=": ("KEEPS, WHERE THE SOURCE SAYS OTHERWISE", "dim"),
}
_NOUNS: Final = {"user": "person", "group": "group", "member": "membership", "app": "file of apps",
                 "assigned": "assignment"}  # fmt: skip
_PLURALS: Final = {"user": "people", "group": "groups", "member": "memberships", "app": "files of apps",
                   "assigned": "assignments"}  # fmt: skip


def adoption_text(adoption: Adoption, style: Style) -> str:
    """Names come out harmless."""
    return "\n".join(_lines(adoption, style)) + "\n"


def _lines(adoption: Adoption, style: Style) -> Iterator[str]:
    for sign, (heading, colour) in _HEADINGS.items():
        lines = [line for line in adoption.lines if line.sign == sign]
        if not lines:
            continue
        yield style(heading, "bold", colour)
        yield from _rows([_row(line) for line in lines[:_MOST]], sign, colour, style)
        if len(lines) > _MOST:
            yield f"  … {len(lines) - _MOST:,} more"
        yield ""
    if adoption.refused:
        yield style("REFUSED", "bold", "red")
        for refused in adoption.refused[:_MOST]:
            yield f"  ! {_refused(refused)}"
        if len(adoption.refused) > _MOST:
            yield f"  … {len(adoption.refused) - _MOST:,} more"
        yield ""
    for note in adoption.notes:
        yield f"note: {safe(note, 400)}"
    yield _summary(adoption)


def _rows(rows: Sequence[tuple[str, str]], sign: Sign, colour: str, style: Style) -> Iterator[str]:
    wide = min(_WIDEST, max(width(first) for first, _ in rows))
    for first, second in rows:
        space = " " * max(0, wide - width(first))
        yield f"  {style(sign, colour)} {first}{space}  {second}".rstrip()


def _row(line: Line) -> tuple[str, str]:
    who = f"{line.kind}:{safe(line.id)}"
    match line.kind:
        case "member":
            return f"group:{safe(line.id)}", f"member {safe(line.key)}"
        case "assigned":
            return f"app:{safe(line.id)}", f"assigned {safe(line.key)}"
        case "app":
            return f"app:{safe(line.id)}", safe(line.key)
    if not line.key:
        return who, safe(line.after) if line.after else ""
    if line.sign == "+":
        return who, f"{safe(line.key)}  {quoted(line.after)}"
    if line.sign == "=":
        return who, f"{safe(line.key)}  {quoted(line.before)}, the source says {quoted(line.after)}"
    return who, f"{safe(line.key)}  {quoted(line.before)} → {quoted(line.after)}"


def _refused(refused: Refused) -> str:
    remedy = f"; {safe(refused.remedy, 200)}" if refused.remedy else ""
    return f"{safe(refused.where, 400)}: {safe(refused.why, 300)}{remedy}"


def _summary(adoption: Adoption) -> str:
    if not adoption.changes:
        kept = adoption.count("=")
        other = f"; {kept:,} {'difference stays' if kept == 1 else 'differences stay'}" if kept else ""
        return f"Nothing to write: the files have all of it{other}."
    parts = [f"{word} {_counted(adoption, sign)}" for sign, word in _VERBS if adoption.count(sign)]
    if kept := adoption.count("="):
        parts.append(f"keeps {kept:,} {'difference' if kept == 1 else 'differences'}")
    if adoption.refused:
        parts.append(f"refuses {len(adoption.refused):,}")
    files = len(adoption.writes) + len(adoption.removals)
    return f"{files:,} {'file' if files == 1 else 'files'}: {', '.join(parts)}."


_VERBS: Final[tuple[tuple[Sign, str], ...]] = (("+", "adds"), ("~", "changes"), ("-", "removes"))


def _counted(adoption: Adoption, sign: Sign) -> str:
    counts: dict[tuple[str, bool], int] = {}
    for line in adoption.lines:
        if line.sign == sign:
            value = bool(line.key) and line.kind in ("user", "group")
            counts[line.kind, value] = counts.get((line.kind, value), 0) + 1
    return " and ".join(
        f"{count:,} {'values' if count > 1 else 'value'} of {_PLURALS[kind]}"
        if value
        else f"{count:,} {_NOUNS[kind] if count == 1 else _PLURALS[kind]}"
        for (kind, value), count in counts.items()
    )


def adoption_document(adoption: Adoption) -> dict[str, Any]:
    """`changes`: what is written; `kept`: where files and source differ, and the files stay."""
    return {
        "format": FORMAT,
        "changes": [_line(line) for line in adoption.lines if line.sign != "="],
        "kept": [_line(line) for line in adoption.lines if line.sign == "="],
        "refused": [{"where": one.where, "why": one.why, "remedy": one.remedy} for one in adoption.refused],
        "notes": list(adoption.notes),
        "files": sorted(adoption.writes),
        "removed": sorted(adoption.removals),
    }


def _line(line: Line) -> dict[str, Any]:
    verb = {"+": "add", "~": "change", "-": "remove", "=": "keep"}[line.sign]
    return {
        "do": verb, "kind": line.kind, "id": line.id, "key": line.key or None, "before": line.before,
        "after": line.after,
    }  # fmt: skip
