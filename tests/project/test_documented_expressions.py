"""Every documented example whose functions this version has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.model.cases import Case
from reconciler.project import run_case

_FILE = Path(__file__).parents[1] / "data" / "expressions.yaml"
_LATER = {
    "BitAnd", "CDate", "ConvertFromBase64", "ConvertToBase64", "ConvertToUTF8Hex", "DateAdd", "DateDiff",
    "DateFromNum", "FormatDateTime", "IgnoreObjectFlow", "Now", "NumFromDate", "SelectUniqueValue",
}  # fmt: skip
_OURS: dict[str, Any] = {}
"""Case → what we give instead, where the documentation can't be right. None so far."""


def _cases() -> list[Any]:
    return [pytest.param(entry, id=entry["id"]) for entry in yaml.safe_load(_FILE.read_text(encoding="utf-8"))["cases"]]


def _needs_later(entry: dict[str, Any]) -> bool:
    return any(re.search(rf"\b{name}\b", entry["expression"]) for name in _LATER)


@pytest.mark.parametrize("entry", _cases())
def test_documented(entry: dict[str, Any]) -> None:
    entry = {**entry, "expected": _OURS.get(entry["id"], entry["expected"])}
    if "now" in entry:
        entry["now"] = str(entry["now"])
    result = run_case(Case.model_validate(entry))
    if _needs_later(entry):
        assert "comes with a later version" in result.error
    else:
        assert result.passed, (result.error, result.mismatches)


def test_the_data_are_there() -> None:
    entries = list(yaml.safe_load(_FILE.read_text(encoding="utf-8"))["cases"])
    assert len(entries) == 143
    assert sum(1 for entry in entries if not _needs_later(entry)) == 106
