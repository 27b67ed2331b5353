"""The 14 operators, and their null rule."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import ClauseError
from reconciler.model.app import Clause, Operator
from reconciler.model.clauses import clause_holds, compile_clause


def _clause(operator: str, value: Any = None) -> Clause:
    return Clause(attribute="department", operator=Operator(operator), value=value)


@pytest.mark.parametrize(
    ("operator", "operand", "value", "holds"),
    [
        ("EQUALS", "Sales", "Sales", True),
        ("EQUALS", "Sales", "sales", False),
        ("NOT EQUALS", "Sales", "sales", True),
        ("NOT EQUALS", "Sales", "Sales", False),
        ("EQUALS", 7, "7", True),
        ("EQUALS", "7", 7, True),
        ("EQUALS", True, True, True),
        ("EQUALS", "true", True, True),
        ("EQUALS", "True", "true", False),
        ("IS TRUE", None, True, True),
        ("IS TRUE", None, "True", True),
        ("IS TRUE", None, False, False),
        ("IS FALSE", None, False, True),
        ("IS FALSE", None, "x", False),
        ("IS NOT NULL", None, "x", True),
        ("IS NULL", None, "x", False),
        ("REGEX MATCH", r".*\@contoso\.com", "ada@contoso.com", True),
        ("REGEX MATCH", "ntos", "ada@contoso.com", True),
        ("REGEX MATCH", "CONTOSO", "ada@contoso.com", False),
        ("REGEX MATCH", "(?<year>20[0-9]{2})", "since 2024", True),
        ("REGEX MATCH", "(1[0-9]{6})", "1234567", True),
        ("NOT REGEX MATCH", "^x", "ada", True),
        ("NOT REGEX MATCH", "^a", "ada", False),
        ("&", "Sales, Marketing", "Sales", True),
        ("&", "Sales, Marketing", "sales", False),
        ("!&", "Sales, Marketing", "Finance", True),
        ("!&", "Sales, Marketing", "Sales", False),
        ("ENDS_WITH", "@contoso.com", "ada@contoso.com", True),
        ("ENDS_WITH", "@Contoso.com", "ada@contoso.com", False),
        ("Includes", "ark", "Marketing", True),
        ("Includes", "Ark", "Marketing", False),
        ("Greater_Than", "10", "9", False),
        ("Greater_Than", "10", "11", True),
        ("Greater_Than", "10", "10", False),
        ("Greater_Than_OR_EQUALS", "10", "10", True),
        ("Greater_Than", "10", "eleven", False),
        ("Greater_Than", "2026-01-01", "2026-06-30", True),
        ("Greater_Than", "2026-01-01", "2025-12-31T23:00:00Z", False),
        ("Greater_Than", "2026-01-01", "20260630x", False),
    ],
)
def test_operators(operator: str, operand: Any, value: Any, holds: bool) -> None:
    assert clause_holds(_clause(operator, operand), value) is holds


@pytest.mark.parametrize("operator", [each for each in Operator if each is not Operator.IS_NULL])
@pytest.mark.parametrize("null", [None, "", ()])
def test_a_clause_on_null_is_false(operator: Operator, null: Any) -> None:
    operand = None if operator.startswith("IS ") else "1"
    assert clause_holds(_clause(operator, operand), null) is False


@pytest.mark.parametrize("null", [None, "", (), []])
def test_only_is_null_holds_there(null: Any) -> None:
    assert clause_holds(_clause("IS NULL"), null) is True


def test_several_values_match_if_one_does() -> None:
    assert clause_holds(_clause("ENDS_WITH", ".org"), ("a@x.com", "a@x.org"))
    assert not clause_holds(_clause("ENDS_WITH", ".net"), ("a@x.com", "a@x.org"))
    assert not clause_holds(_clause("NOT EQUALS", "x"), ("x", None))


def test_true_and_one_are_different_operands() -> None:
    assert clause_holds(_clause("EQUALS", True), "True")
    assert clause_holds(_clause("EQUALS", 1), "1")


def test_a_pattern_that_is_none_says_where() -> None:
    with pytest.raises(ClauseError, match="not a regular expression: missing \\)") as caught:
        compile_clause(_clause("REGEX MATCH", "ab(cd"))
    assert caught.value.column > 0


def test_a_pattern_that_hangs_is_stopped() -> None:
    with pytest.raises(ClauseError, match="takes too long"):
        clause_holds(_clause("REGEX MATCH", "^(a|aa)+$"), "a" * 60 + "!")


def test_greater_than_needs_a_number_or_a_date() -> None:
    with pytest.raises(ClauseError, match="neither a whole number nor a date"):
        compile_clause(_clause("Greater_Than", "many"))
