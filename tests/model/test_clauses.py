"""The operators, their null rule, dates, and `not`."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import ClauseError
from reconciler.model.app import Clause, Not, Operator
from reconciler.model.clauses import Kind, clause_holds, compile_clause, compile_condition


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


@pytest.mark.parametrize("operator", [o for o in Operator if o not in (Operator.IS_NULL, Operator.IS_MEMBER_OF)])
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


@pytest.mark.parametrize(
    ("operator", "operand", "value", "holds"),
    [
        ("EQUALS", "2026-01-01", "2026-01-01T09:30:00+02:00", True),
        ("EQUALS", "2026-01-01", "2026-01-02", False),
        ("EQUALS", "2026-01-01T09:30:00+02:00", "2026-01-01T07:30:00Z", True),
        ("NOT EQUALS", "2026-01-01", "2026-01-01T09:30:00Z", False),
        ("NOT EQUALS", "2026-01-01", "2026-01-02", True),
        ("NOT EQUALS", "2026-01-01", "some day", False),
        ("Greater_Than", "2026-01-01", "2026-01-01T09:30:00Z", False),
        ("Greater_Than", "2026-01-01T08:00:00Z", "2026-01-01T09:30:00Z", True),
        ("Greater_Than", "2026-01-01T08:00:00", "2026-01-01", False),
        ("Greater_Than_OR_EQUALS", "2026-01-01T00:00:00Z", "2026-01-01", True),
        ("Greater_Than", "2026-01-01", "20260102", True),
        ("Includes", "2026", "2026-01-01", True),
    ],
)
def test_dates_compare_as_dates(operator: str, operand: str, value: str, holds: bool) -> None:
    assert compile_clause(_clause(operator, operand), "date")(value) is holds


@pytest.mark.parametrize(
    ("operator", "operand", "kind", "message"),
    [
        ("EQUALS", "soon", "date", "'soon' is no date (YYYY-MM-DD)"),
        ("NOT EQUALS", "5", "date", "'5' is no date (YYYY-MM-DD)"),
        ("Greater_Than", 5, "date", "'5' is no date (YYYY-MM-DD)"),
        ("Greater_Than", "2026-01-01", "integer", "'2026-01-01' is no whole number"),
    ],
)
def test_what_compares_with_a_typed_attribute_has_its_type(
    operator: str, operand: Any, kind: Kind, message: str
) -> None:
    with pytest.raises(ClauseError) as caught:
        compile_clause(_clause(operator, operand), kind)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("operator", "operand", "value", "holds"),
    [
        ("EQUALS", "Sales", "Marketing", True),
        ("EQUALS", "Sales", "Sales", False),
        ("EQUALS", "Sales", None, False),
        ("EQUALS", "Sales", (), False),
        ("EQUALS", "Sales", (None, ""), False),
        ("NOT EQUALS", "Sales", None, False),
        ("IS TRUE", None, None, False),
        ("IS TRUE", None, False, True),
        ("IS NULL", None, None, False),
        ("IS NULL", None, "x", True),
        ("IS NOT NULL", None, None, True),
        ("IS NOT NULL", None, "x", False),
        ("ENDS_WITH", ".org", ("a@x.com", "a@x.net"), True),
        ("ENDS_WITH", ".org", ("a@x.com", "a@x.org"), False),
    ],
)
def test_not_keeps_the_null_rule_and_means_no_value(operator: str, operand: Any, value: Any, holds: bool) -> None:
    assert compile_condition(Not(clause=_clause(operator, operand)))(value) is holds


def test_not_equals_and_not_of_equals_differ_for_several_values() -> None:
    values = ("red", "blue")
    assert compile_condition(_clause("NOT EQUALS", "red"))(values)
    assert not compile_condition(Not(clause=_clause("EQUALS", "red")))(values)


def test_a_list_of_nothing_is_null() -> None:
    assert clause_holds(_clause("IS NULL"), ("", None))
    assert not clause_holds(_clause("IS NOT NULL"), ("", None))


def test_membership_is_no_question_about_a_value() -> None:
    with pytest.raises(ClauseError, match="IS MEMBER OF asks about people"):
        compile_clause(Clause(operator=Operator.IS_MEMBER_OF, value="editors"))
