"""Evidence as rows: for tables, for spreadsheets, for programs. The same columns everywhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from reconciler.model.access import Access, Difference, Leaver, Since
from reconciler.render.markup import inline
from reconciler.render.safe import safe, width
from reconciler.render.style import Style

Row = Mapping[str, str]
ACCESS: Final = (
    "person", "name", "app", "group", "groupName", "via", "until", "reason", "since", "decidedBy", "author",
    "approvers", "request", "requestedAt", "commit", "file", "line", "manager",
)  # fmt: skip
CHANGES: Final = ("change", *ACCESS)
LEAVERS: Final = (
    "person", "name", "app", "requested", "merged", "applied", "verifiedAbsent", "late", "author", "approvers",
    "request", "commit",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_SHORT: Final = 7


def access_rows(found: Iterable[Access]) -> list[Row]:
    return [_row(each) for each in found]


def change_rows(found: Difference) -> list[Row]:
    """What was lost stands first; its `since` is when it ended."""
    lost = ({"change": "lost", **_row(each)} for each in found.lost)
    return [*lost, *({"change": "gained", **_row(each)} for each in found.gained)]


def leaver_rows(found: Iterable[Leaver]) -> list[Row]:
    rows: list[Row] = []
    for each in found:
        decision = each.why.decision
        rows.append({
            "person": each.key, "name": each.name, "app": each.app,
            "requested": "" if decision is None else instant(decision.requested_at),
            "merged": instant(each.why.at), "applied": instant(each.applied_at),
            "verifiedAbsent": instant(each.verified_at), "late": "yes" if each.late else "no", **_who(each.why),
        })  # fmt: skip
    return rows


def _row(each: Access) -> dict[str, str]:
    detail, since = each.detail, each.since
    row = {
        "person": each.grant.key, "name": detail.name, "app": each.grant.app, "group": each.grant.group,
        "groupName": detail.group_name, "via": " > ".join(detail.via), "until": detail.until, "reason": detail.reason,
        "file": detail.file, "line": str(detail.line or ""), "manager": detail.manager,
        "since": "", "decidedBy": "", "author": "", "approvers": "", "request": "", "requestedAt": "", "commit": "",
    }  # fmt: skip
    if since is not None:
        row["since"] = instant(since.at)
        row["decidedBy"] = "before" if since.at_least else "commit" if since.decision is not None else "window"
        row["requestedAt"] = "" if since.decision is None else instant(since.decision.requested_at)
        row |= _who(since)
    return row


def _who(since: Since) -> dict[str, str]:
    decision = since.decision
    if decision is None:
        return {"author": "", "approvers": "", "request": "", "commit": ""}
    return {
        "author": decision.author,
        "approvers": ", ".join(decision.approvers),
        "request": decision.request,
        "commit": decision.commit,
    }


def instant(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def as_csv(rows: Iterable[Row], columns: Sequence[str]) -> str:
    """RFC 4180. What a spreadsheet would take for a formula stands behind an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name, "")) for name in columns] for row in rows)
    return out.getvalue()


def as_document(rows: Iterable[Row], columns: Sequence[str], **facts: Any) -> dict[str, Any]:
    return {**facts, "rows": [{name: row.get(name, "") or None for name in columns} for row in rows]}


def _cell(value: str) -> str:
    plain = safe(value, 1000)
    return f"'{plain}" if plain.startswith(_FORMULA) else plain


def access_text(rows: Sequence[Row], style: Style) -> str:
    heads = ("PERSON", "HAS", "SINCE", "BY", "UNTIL")
    return aligned(heads, [(_person(r), _has(r), _since(r), _by(r), safe(r["until"])) for r in rows], style)


def changes_text(rows: Sequence[Row], style: Style) -> str:
    colours = {"lost": "red", "gained": "green"}
    signs = {"lost": "- lost", "gained": "+ gained"}
    body = [(signs[r["change"]], _person(r), _has(r), _since(r), _by(r)) for r in rows]
    return aligned(("", "PERSON", "WHAT", "WHEN", "BY"), body, style, lambda n: colours[rows[n]["change"]])


def leavers_text(rows: Sequence[Row], style: Style, sla: timedelta | None) -> str:
    heads = ("", "PERSON", "APP", "MERGED", "APPLIED", "GONE", "BY")
    body = []
    for r in rows:
        sign = "✗ late" if r["late"] == "yes" else "✓" if r["applied"] else "?"
        applied = _short(r["applied"]) or "not known"
        body.append(
            (sign, _person(r), safe(r["app"]), _short(r["merged"]), applied, _short(r["verifiedAbsent"]), _by(r))
        )
    late = sum(1 for r in rows if r["late"] == "yes")
    text = aligned(heads, body, style, lambda n: "red" if rows[n]["late"] == "yes" else "")
    total = f"{len(rows):,} lost access"
    return f"{text}\n{total}, {late:,} of them late\n" if sla is not None else f"{text}\n{total}\n"


def review_text(rows: Sequence[Row], on: str) -> str:
    """A list to tick for each manager, in Markdown; people whose manager nobody names stand at the end."""
    lines = [f"# Review of access on {_short(on)} UTC", ""]
    by_manager: dict[str, list[Row]] = {}
    for row in rows:
        by_manager.setdefault(row["manager"], []).append(row)
    for manager in sorted(by_manager, key=lambda each: (not each, each)):
        lines += [f"## {_marked(manager) if manager else 'Without a manager'}", ""]
        for row in by_manager[manager]:
            until = f", until {_marked(row['until'])}" if row["until"] else ", without an end"
            reason = f" ({_marked(row['reason'])})" if row["reason"] else ""
            has = _marked(_has(row))
            lines.append(f"- [ ] {_marked(row['name'])} ({_marked(row['person'])}): {has}, since "
                         f"{_since(row)}{until}{reason}")  # fmt: skip
        lines.append("")
    return "\n".join(lines)


def _marked(value: str) -> str:
    return inline(safe(value, 200))


def aligned(
    heads: Sequence[str], rows: Sequence[Sequence[str]], style: Style, colour: Callable[[int], str] = lambda _: ""
) -> str:
    """A table; `colour`: of the first column of a row."""
    widths = [max(width(row[n]) for row in (heads, *rows)) for n in range(len(heads))]
    lines = [style(_line(heads, widths), "bold")]
    for number, row in enumerate(rows):
        line = _line(row, widths)
        shade = colour(number)
        first = len(row[0])
        lines.append(style(line[:first], shade) + line[first:] if shade else line)
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell + " " * (wide - width(cell)) for cell, wide in zip(cells, widths, strict=True)).rstrip()


def _person(row: Row) -> str:
    return safe(row["person"].removeprefix("user:"))


def _has(row: Row) -> str:
    if not row["group"]:
        return safe(row["app"])
    via = f" (in {safe(row['via'])})" if row["via"] else ""
    return f"{safe(row['app'])}: {safe(row['groupName'])}{via}"


def _since(row: Row) -> str:
    return f"before {_short(row['since'])}" if row["decidedBy"] == "before" else _short(row["since"])


def _by(row: Row) -> str:
    if not row["commit"]:
        return "its window"
    author = safe(row["author"].partition(" <")[0], 40)
    approvers = ", ".join(safe(each.partition(" <")[0], 40) for each in row["approvers"].split(", ") if each)
    request = f" {safe(row['request'])}" if row["request"] else ""
    return f"{author}{f', approved by {approvers}' if approvers else ''}{request} {row['commit'][:_SHORT]}"


def _short(moment: str) -> str:
    return moment[:16].replace("T", " ")
