"""A log as text, JSON and CSV; what files and servers call people is harmless in all of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from reconciler.model.history import Entry, LogStep, Modified, StepName, Trouble
from reconciler.render.safe import width
from reconciler.render.style import Style
from reconciler.service.entries import COLUMNS, document, table, text

PLAIN = Style.of({"NO_COLOR": "1"}, terminal=False)
ENTRY = Entry(
    "c1", datetime(2026, 11, 26, 17, 0, 1, tzinfo=UTC), "app", "user:ada", "Ada Lovelace", "updateUser", "failure",
    id="17", origin="drift", commit="4f2c0000000000000000", modified=(Modified("displayName", "A", "Ada"),),
    steps=(LogStep(StepName.IMPORT, "success", "users/ada.yaml:1"), LogStep(StepName.SCOPE, "success", "in scope"),
           LogStep(StepName.MATCH, "success", "17"), LogStep(StepName.ACTION, "failure", "the name is taken")),
    trouble=Trouble("conflict", "the name is taken", "rename it"),
)  # fmt: skip
HOSTILE = Entry("c1", ENTRY.at, "app", "user:x", '=HYPERLINK("http://x")\x1b[31m\n', "updateUser", "success")


def test_a_line_an_entry() -> None:
    assert list(text([ENTRY], PLAIN, steps=False)) == [
        "2026-11-26 17:00:01  app  failure  user:ada  Ada Lovelace  updateUser  the name is taken\n"
    ]


def test_columns_are_aligned_by_what_is_wide_on_a_screen() -> None:
    names = ("Ada", "김민준", "Constantinos Papadopoulos", "x" * 500)
    written = [replace(ENTRY, name=name, status="success") for name in names]
    lines = [line.rstrip("\n") for line in text(written, PLAIN, steps=False)]
    columns = {width(line[: line.index("updateUser")]) for line in lines[:3]}
    assert len(columns) == 1
    assert columns.pop() < 110  # nobody's long name moves all others off the screen
    assert all("xxx" not in line for line in lines[:3])


def test_a_long_log_is_shown_before_it_is_read_to_its_end() -> None:
    def endless() -> Iterator[Entry]:
        while True:
            yield ENTRY

    assert len(list(islice(text(endless(), PLAIN, steps=False), 1000))) == 1000


def test_the_four_steps() -> None:
    assert "".join(text([ENTRY], PLAIN, steps=True)) == (
        "2026-11-26 17:00:01  app  failure  user:ada  Ada Lovelace  updateUser\n"
        "  IMPORT  ✓ users/ada.yaml:1\n"
        "  SCOPE   ✓ in scope\n"
        "  MATCH   ✓ 17\n"
        "  ACTION  ✗ the name is taken\n"
        "          → rename it\n"
        '          displayName  "A" → "Ada"\n'
        "          account 17, cycle c1, commit 4f2c00000000\n"
    )


def test_json_is_one_document() -> None:
    found = json.loads("".join(document([ENTRY, HOSTILE])))
    assert found["format"] == "reconciler.log/1"
    first, second = found["entries"]
    assert first["steps"][3] == {"name": "action", "status": "failure", "text": "the name is taken"}
    assert first["trouble"] == {
        "category": "conflict",
        "message": "the name is taken",
        "recommendedAction": "rename it",
    }
    assert first["modified"] == [{"path": "displayName", "before": "A", "after": "Ada"}]
    assert second["name"] == HOSTILE.name
    assert json.loads("".join(document([])))["entries"] == []


def test_csv_has_a_head_and_no_formulas() -> None:
    rows = list(csv.DictReader(io.StringIO("".join(table([ENTRY, HOSTILE])), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["actionText"] == "the name is taken"
    assert json.loads(rows[0]["modified"]) == {"displayName": {"before": "A", "after": "Ada"}}
    assert (rows[0]["at"], rows[0]["recommendedAction"]) == ("2026-11-26T17:00:01.000Z", "rename it")
    assert rows[1]["name"].startswith("'=HYPERLINK")


def test_names_can_not_move_the_terminal() -> None:
    (line,) = text([HOSTILE], PLAIN, steps=False)
    assert "\x1b" not in line
    assert line.count("\n") == 1
