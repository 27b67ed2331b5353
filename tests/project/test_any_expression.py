"""Whatever is written and whatever the attributes hold: a value, or an ExpressionError with a column."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import ExpressionError
from reconciler.project import Context, compile_expression
from reconciler.project.expressions.registry import FUNCTIONS

_PIECES = [
    *FUNCTIONS, "Switch", "IIF", "(", ")", ",", "[a]", "[b]", '"x"', '"', "\\", "&", "&HF", "=", "<>", ">=", "1",
    "-2.5", " ", "[", "]", "IgnoreAttributeFlow", "IgnoreObjectFlow", "UTF8", "é", "\n", "\0", "$", "'",
]  # fmt: skip
_VALUES = st.sampled_from([None, "", "x", ("p", "q"), True, 3, 1.5, ({"value": 1},), (), "99999999999999999999"])
_CONTEXT = Context(datetime(2026, 11, 23, 17, tzinfo=UTC), taken="x".__eq__)
_LEAVES = st.sampled_from(
    [
        "[a]",
        "[b]",
        "Now()",
        '"2020-03-16-07:00"',
        '"d"',
        '"yyyy-MM-dd"',
        '"x"',
        '""',
        "0",
        "-1",
        "2",
        "2.5",
        "",
        "&HFF",
        '"(x)(?<n>y)?"',
        '"n"',
        '"${n}$1"',
        '"("',
    ]
)


@st.composite
def _calls(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    function = FUNCTIONS[draw(st.sampled_from(sorted(FUNCTIONS)))]
    count = draw(st.integers(function.least, min(function.most, function.least + 3)))
    return f"{function.name}({','.join(draw(inner) for _ in range(count))})"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=14).map("".join), _VALUES)
def test_any_text(text: str, value: Any) -> None:
    _try(text, value)


@settings(max_examples=300, deadline=None)
@given(st.recursive(_LEAVES, _calls, max_leaves=8), _VALUES)
def test_any_calls(text: str, value: Any) -> None:
    _try(text, value)


def _try(text: str, value: Any) -> None:
    failure = None
    try:
        compile_expression(text).evaluate({"a": value, "b": "xy"}, _CONTEXT)
    except ExpressionError as error:
        failure = error
    assert failure is None or (failure.column > 0 and failure.message)
