"""docs/mappings.md, *The functions*: each example gives what stands beside it; no word is missing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.model.values import UNSET, Choice
from reconciler.project import Context, compile_expression, parse_time
from reconciler.project.expressions.compile import CONSTANTS
from reconciler.project.expressions.registry import FUNCTIONS

_PAGE = (
    (Path(__file__).parents[2] / "docs" / "mappings.md").read_text(encoding="utf-8").split("\n## The functions\n")[1]
)
_ROW = re.compile(r"^\| (?P<usage>[^|]+) \| (?:[^|]+) \| `(?P<example>[^|]+)` \| `(?P<result>[^|]*)` \|$", re.MULTILINE)
_ROWS = list(_ROW.finditer(_PAGE))
_ATTRIBUTES: dict[str, Any] = yaml.load(_PAGE.split("```yml\n")[1].split("```")[0], yaml.BaseLoader)


@pytest.mark.parametrize("row", _ROWS, ids=[row["example"] for row in _ROWS])
def test_example(row: re.Match[str]) -> None:
    inputs = {name: tuple(each) if isinstance(each, list) else each for name, each in _ATTRIBUTES["inputs"].items()}
    result = compile_expression(row["example"]).evaluate(inputs, Context(parse_time(_ATTRIBUTES["now"])))
    assert _shown(result) == row["result"]


def _shown(result: Any) -> str:
    if result is UNSET:
        return "__IGNORE_FLOW__"
    if isinstance(result, Choice):
        return result.candidates[0]
    return (
        json.dumps(result, ensure_ascii=False) if result is None or isinstance(result, (bool, tuple)) else str(result)
    )


def test_every_row_of_every_table_is_run() -> None:
    written = [line for line in _PAGE.splitlines() if line.startswith("| ") and not re.match(r"\| \w+ \| \w+ \|", line)]
    assert len(written) == len(_ROWS)


def test_every_function_and_constant_is_there_as_it_is_used() -> None:
    documented = {row["usage"] for row in _ROWS}
    spelled_twice = {"StringFromSID"}
    usages = {each.usage for name, each in FUNCTIONS.items() if name not in spelled_twice}
    forms = {"IIF(condition, valueIfTrue, valueIfFalse)", "Switch(source, default, key, value, …)"}
    assert (usages | forms | set(CONSTANTS)) - documented == set()
    assert all(name in _PAGE for name in spelled_twice)
