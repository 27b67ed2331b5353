"""Of any table: what was written is read, every row is taken or refused, and a second import changes nothing."""

from __future__ import annotations

import contextlib
import csv
import io
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired import load
from reconciler.desired.form import is_identifier
from reconciler.errors import ReconcilerError
from reconciler.sources.adopt import adopt
from reconciler.sources.csv import Found, as_table, choose, described, open_table, people_of, recognized
from reconciler.sources.store import write

HEADINGS = ("Employee ID", "User name", "Mail", "Name", "Status", "Manager", "Hired", "Phone", "Notes")
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff"), max_size=20)
WORDS = st.sampled_from(
    ["", "-", "1", "2", "007", "a@x.com", "b@x.com", "A@X.com", "Ada", "Active", "Terminated", "3/4/2026", "13/4/2026",
     "2026-11-23", "=cmd|' /C calc'!A0", "@x", "+49 30", "'=1", "../../etc/passwd", "CON", "true", "null", "# no",
     "a: b",
     "- x", "*a", "{", "\u202eevil", "\x1b[31m", "Zo\u0308e", "x\ny", '"', "O'Neill"]
)  # fmt: skip
CELLS = st.one_of(WORDS, ANY)
TABLES = st.lists(st.lists(CELLS, min_size=len(HEADINGS), max_size=len(HEADINGS)), max_size=8)


def written(rows: list[list[str]], delimiter: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows([list(HEADINGS), *rows])
    return out.getvalue()


def imported(data: bytes, root: Path | None = None) -> Found:
    there = described(root)
    table = open_table(io.BytesIO(data), "people.csv", lambda row: recognized(row, (), there.custom))
    return people_of(table, choose(table.headings, (), there.custom), there.custom, there.users)


@given(TABLES, st.sampled_from(",;\t|"), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_what_a_program_wrote_is_read(rows: list[list[str]], delimiter: str, encoding: str) -> None:
    data = written(rows, delimiter).encode(encoding)
    table = open_table(io.BytesIO(data), "people.csv", lambda row: recognized(row, (), ()))
    assert (table.delimiter, table.headings) == (delimiter, list(HEADINGS))
    expected = [[cell.lstrip(" ") for cell in row] for row in rows if any(cell.strip() for cell in row)]
    assert [[cell.lstrip(" ") for cell in row] for _, row in table.rows()] == expected


@given(TABLES)
def test_every_row_is_taken_or_refused_and_values_hide_nothing(rows: list[list[str]]) -> None:
    found = imported(written(rows, ",").encode())
    refused = {one.line for one in found.refusals if not one.taken}
    same = sum("twice in the table" in note for note in found.draft.notes)
    assert (len(found.draft.users) + len(refused) == found.rows) or same
    assert found.draft.complete is not bool(refused)
    for identity, record in found.draft.users.items():
        assert is_identifier(identity)
        for value in record.values.values():
            for text in value if isinstance(value, list) else [value]:
                assert not isinstance(text, str) or (text and all(c.isprintable() or c in "\u200c\u200d" for c in text))
                assert not isinstance(text, str) or not text.startswith(("=", "@"))


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_what_is_imported_is_read_again_and_a_second_time_nothing_changes(rows: list[list[str]]) -> None:
    data = written(rows, ",").encode()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "company"
        found = imported(data, root)
        if not found.draft.users:
            return
        write(adopt(root, found.draft), root)
        assert set(load(root).directory.users) == set(found.draft.users)
        again = imported(data, root)
        assert set(again.draft.users) == set(found.draft.users)
        assert not adopt(root, again.draft, update=True, prune=True).changes


@given(st.one_of(st.binary(max_size=300), TABLES.map(lambda rows: written(rows, ",").encode("utf-16")[:-3])))
def test_of_any_bytes_it_is_people_or_an_error(data: bytes) -> None:
    with contextlib.suppress(ReconcilerError):
        imported(data)


@given(TABLES)
def test_what_was_refused_holds_no_formula(rows: list[list[str]]) -> None:
    found = imported(written(rows, ",").encode())
    for row in csv.reader(io.StringIO(as_table(HEADINGS, found.refusals, ",").decode("utf-8-sig"))):
        assert not [cell for cell in row if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))]
