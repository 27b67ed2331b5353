"""The runner of the tests understands expressions as GitHub documents them; what it does not know, it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.expressions import Unknown, evaluate, filled, holds

CONTEXTS: dict[str, Any] = {
    "github": {"event_name": "push", "event": {"pulls": [{"base": {"ref": "main"}}]}},
    "needs": {"a": {"result": "success", "outputs": {"any": "true"}}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("github.event_name == 'push'", True), ("github.event_name == 'PUSH'", True), ("1 == '1'", True),
        ("github.event_name != 'push' || 'x'", "x"), ("'' && 'never' || 'else'", "else"),
        ("github.event.pulls[0].base.ref", "main"), ("github.event.pulls[1]", None), ("!github.event.pulls[1]", True),
        ("github.nothing.at.all", None), ("null == ''", True), ("(true && false) || 'it''s'", "it's"),
        ("needs.a.outputs.any == 'true' && needs.b.result != 'success'", True), ("github['event_name']", "push"),
    ],
)  # fmt: skip
def test_values(text: str, value: Any) -> None:
    assert evaluate(text, CONTEXTS) == value


@pytest.mark.parametrize("text", ["other.name", "hashFiles('x')", "a ++ b", "(true", "true false", "'open", ""])
def test_what_is_not_known_fails(text: str) -> None:
    with pytest.raises(Unknown):
        evaluate(text, CONTEXTS)


def test_in_text() -> None:
    assert filled("a-${{ github.event_name }}-${{ github.nothing }}", CONTEXTS) == "a-push-"
    assert filled({"x": ["${{ true }}", 1]}, CONTEXTS) == {"x": [True, 1]}


@pytest.mark.parametrize(
    ("condition", "failed", "value"),
    [
        (None, False, True), (None, True, False), ("always()", True, True), ("!cancelled()", True, True),
        ("github.event_name == 'push'", False, True), ("github.event_name == 'push'", True, False),
        ("!cancelled() && github.event_name == 'pull'", True, False), ("failure()", True, True),
    ],
)  # fmt: skip
def test_a_condition_that_asks_nothing_of_what_came_before_needs_its_success(
    condition: str | None, failed: bool, value: bool
) -> None:
    functions = {
        "success": lambda: not failed, "failure": lambda: failed, "always": lambda: True, "cancelled": lambda: False,
    }  # fmt: skip
    assert holds(condition, CONTEXTS, functions) is value
