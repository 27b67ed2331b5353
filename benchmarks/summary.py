"""All figures that are promised, in one table: what was measured, what it is measured against, what is aimed at."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.table import Row

Line = tuple[str, Mapping[int, str], str, str]
"""What, people → figure, the growth from the last size but one to the last, the aim."""


def markdown(figures: Mapping[str, Any], sizes: Sequence[int]) -> str:
    """Of the benches that ran: a table with a column for each size."""
    lines = list(_lines(figures))
    heads = [f"{size:,}" for size in sizes]
    rows = [["figure", *heads, "exponent", "aim"]]
    rows += [[what, *(by.get(size, "") for size in sizes), growth, aim] for what, by, growth, aim in lines]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    right = [n not in (0, len(widths) - 1) for n in range(len(widths))]
    shown = [
        "| " + " | ".join(_cell(text, width, at) for text, width, at in zip(row, widths, right, strict=True)) + " |"
        for row in rows
    ]
    rule = (
        "|" + "|".join("-" * (width + 1) + (":" if at else "-") for width, at in zip(widths, right, strict=True)) + "|"
    )
    return "\n".join((_machine(), "", shown[0], rule, *shown[1:]))


def _cell(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{datetime.now(UTC):%d %B %Y}, {cores} cores, {pages:.0f} GiB, Python {platform.python_version()}"


def _lines(figures: Mapping[str, Any]) -> Iterator[Line]:
    yield from _plans(figures.get("plan", ()))
    yield from _files(figures.get("files", ()))
    yield from _few(figures.get("few", ()))
    applied = figures.get("apply", {})
    for row in applied.get("latency", ()):
        what = f"apply: creations at 50 ms, {row['side by side']} at a time, % of the ideal"
        yield what, {row["creations"]: f"{row['% of the ideal']:.1f}"}, "", "≥ 85"
    for row in applied.get("limit", ()):
        size = f"{row['creations']:,} creations at 20 a second"
        yield f"apply: {size}, % of the limit: {row['% of the limit']:.1f}", {}, "", "≥ 95"
        yield f"apply: {size}, % answers 429: {row['% answers 429']:.2f}", {}, "", "≤ 1"
    for row in figures.get("members", ()):
        what = f"members into one group, {row['gallery']}: requests, to the fewest"
        yield what, {row["members"]: f"{row['to the fewest']:.2f}"}, "", "1"
    for row in figures.get("start", ()):
        yield f"`--help`, to a bare click program: {row['to bare click']:.2f}", {}, "", "≤ 1.3"


def _plans(rows: Sequence[Row]) -> Iterator[Line]:
    for gallery in dict.fromkeys(row["gallery"] for row in rows):
        own = [row for row in rows if row["gallery"] == gallery]
        for what, key, form, aim in (
            ("CPU, to the floor", "to the floor", ".2f", "≤ 2"),
            ("the same, files known already", "warm", ".2f", ""),
            ("wall, to the floor's", "wall, to the floor's", ".2f", "≤ 2"),
            ("the same, files known already", "warm ", ".2f", ""),
            ("CPU, to scim2-client's listing alone", "to scim2-client's listing", ".2f", ""),
            ("µs a user", "µs a user", ".0f", "linear"),
            ("memory, MB", "memory MB", ".0f", "≤ 600"),
            ("requests", "requests", ",", ""),
        ):
            growth = own[-1]["exponent"] if key == "µs a user" else None
            shown = {row["people"]: format(row[key], form) for row in own}
            yield f"plan, nothing to change, {gallery}: {what}", shown, f"{growth:.2f}" if growth else "", aim


def _files(rows: Sequence[Row]) -> Iterator[Line]:
    for shape in dict.fromkeys(row["files"] for row in rows):
        own = [row for row in rows if row["files"] == shape]
        growth = own[-1]["exponent"]
        for key in ("cold", "warm", "ten changed"):
            shown = {row["people"]: f"{row[key]:.2f}" for row in own}
            exponent = f"{growth:.2f}" if growth and key == "cold" else ""
            yield f"validate, {shape}, {key}: wall, to the YAML reader", shown, exponent, ""


def _few(rows: Sequence[Row]) -> Iterator[Line]:
    for what in dict.fromkeys(row["what"] for row in rows):
        own = [row for row in rows if row["what"] == what]
        if what != "plan":
            yield f"ten change, `{what}`: CPU, to `plan`", {row["people"]: f"{row['CPU']:.2f}" for row in own}, "", ""
        aim = "a few for each of the 10" if "--only" in what else "0" if "--snapshot" in what else ""
        yield f"ten change, `{what}`: requests", {row["people"]: f"{row['requests']:,}" for row in own}, "", aim
