"""What was refused, as a table that can be corrected and imported again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from reconciler.sources.csv.rows import Refusal

_MORE: Final = ("refused: line", "refused: why", "refused: what to do")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def as_table(headings: Sequence[str], refusals: Iterable[Refusal], delimiter: str) -> bytes:
    """The rows as they stood in the table, each with its line and why; UTF-8 with a mark, for spreadsheets.

    What a spreadsheet would run stands behind an apostrophe (OWASP, CSV injection), which an import takes away.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    width = len(headings)
    writer.writerow([_harmless(cell) for cell in (*headings, *_MORE)])
    for one in refusals:
        row = [*one.cells[:width], *("" for _ in range(width - len(one.cells)))]
        writer.writerow([_harmless(cell) for cell in (*row, str(one.line), one.why, one.remedy)])
    return b"\xef\xbb\xbf" + out.getvalue().encode(errors="replace")


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell
