"""Every documented example, and cases of our own in the same form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.desired import read_cases
from reconciler.project import run_case

_DATA = Path(__file__).parents[1] / "data"
_DOCUMENTED = read_cases(_DATA / "expressions.yaml")
_OURS = read_cases(_DATA / "our_expressions.yaml")


@pytest.mark.parametrize("case", [pytest.param(each, id=each.id) for each in (*_DOCUMENTED, *_OURS)])
def test_gives_what_is_expected(case: Any) -> None:
    result = run_case(case)
    assert result.passed, (result.error, result.mismatches)


def test_the_data_are_there() -> None:
    assert len(_DOCUMENTED) == 143
    assert len(_OURS) > 40
