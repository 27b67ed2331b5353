"""The 14 operators of scoping filters and of `ignore`, over one value. Pure.

The rules are those of Microsoft Entra ID: comparison is case-sensitive, and a clause on a null value is false, NOT ones
included; only IS NULL holds there. Beyond the service: a multi-valued attribute matches if any of its values does, and
the greater-than operators compare dates too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias, assert_never

import regex

from reconciler.errors import ClauseError
from reconciler.model.app import Clause, Operator
from reconciler.model.pattern import BadPattern, from_dotnet
from reconciler.model.values import Value, is_null

Test: TypeAlias = Callable[[Value], bool]

PATTERN_SECONDS: Final = 0.5
"""How long one search may take before the pattern counts as hanging."""


def compile_clause(clause: Clause) -> Test:
    """The test that a clause makes of a value. Raises ClauseError if its own value can't be used."""
    return _compiled(clause.operator, clause.value)


def clause_holds(clause: Clause, value: Value) -> bool:
    """Whether `value` passes. Raises ClauseError, also where a pattern takes too long on this value."""
    return _compiled(clause.operator, clause.value)(value)


def as_text(value: Value) -> str:
    """A value as the service compares it: booleans are True and False, null is the empty text."""
    if isinstance(value, str):
        return value
    if is_null(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


@lru_cache(maxsize=1024, typed=True)
def compile_pattern(pattern: str) -> Any:
    """A .NET pattern, compiled by the regex package. Raises ClauseError with the column."""
    try:
        return regex.compile(from_dotnet(pattern))
    except BadPattern as error:
        message = f"not a regular expression: {error.message} at column {error.position + 1}"
        raise ClauseError(message, column=error.position + 1) from error
    except regex.error as error:
        column = (error.pos or 0) + 1
        message = f"not a regular expression: {error.msg} at column {column}"
        raise ClauseError(message, column=column) from error
    except (RecursionError, OverflowError, MemoryError) as error:
        message = "not a usable regular expression: too large or too deeply nested"
        raise ClauseError(message) from error


@lru_cache(maxsize=4096, typed=True)
def _compiled(operator: Operator, operand: str | bool | int | None) -> Test:
    match operator:
        case Operator.IS_NULL:
            return is_null
        case Operator.IS_NOT_NULL:
            return lambda value: not is_null(value)
        case _:
            return _any_value(_single(operator, operand))


def _any_value(test: Test) -> Test:
    def holds(value: Value) -> bool:
        if is_null(value):
            return False
        if isinstance(value, (tuple, list)):
            return any(test(each) for each in value if not is_null(each))
        return test(value)

    return holds


def _single(operator: Operator, operand: str | bool | int | None) -> Test:
    text = as_text(operand)
    match operator:
        case Operator.AND:
            return lambda value: as_text(value) in text
        case Operator.NOT_AND:
            return lambda value: as_text(value) not in text
        case Operator.ENDS_WITH:
            return lambda value: as_text(value).endswith(text)
        case Operator.INCLUDES:
            return lambda value: text in as_text(value)
        case Operator.EQUALS:
            return _equals(text)
        case Operator.NOT_EQUALS:
            equals = _equals(text)
            return lambda value: not equals(value)
        case Operator.GREATER_THAN:
            return _greater(text, or_equal=False)
        case Operator.GREATER_THAN_OR_EQUALS:
            return _greater(text, or_equal=True)
        case Operator.IS_TRUE:
            return lambda value: as_text(value).lower() == "true"
        case Operator.IS_FALSE:
            return lambda value: as_text(value).lower() == "false"
        case Operator.REGEX_MATCH:
            return _search(text)
        case Operator.NOT_REGEX_MATCH:
            search = _search(text)
            return lambda value: not search(value)
        case Operator.IS_NULL | Operator.IS_NOT_NULL:
            return is_null
        case _:
            assert_never(operator)


def _equals(text: str) -> Test:
    folded = text.lower()

    def equals(value: Value) -> bool:
        # A boolean has no case of its own: `true` in one file is "True" in another.
        return str(value).lower() == folded if isinstance(value, bool) else as_text(value) == text

    return equals


def _greater(text: str, *, or_equal: bool) -> Test:
    bound = _ordered(text)
    if bound is None:
        message = f"{text!r} is neither a whole number nor a date (YYYY-MM-DD)"
        raise ClauseError(message, column=1)

    def greater(value: Value) -> bool:
        own = _ordered(as_text(value))
        if own is None or type(own) is not type(bound):
            return False
        return bool(own >= bound if or_equal else own > bound)  # type: ignore[operator]

    return greater


_INTEGER = re.compile(r"\s*-?[0-9]+\s*\Z")


def _ordered(text: str) -> int | date | None:
    """A whole number, else the day of an ISO 8601 date or time, else nothing."""
    if _INTEGER.match(text) and len(text) <= 4000:
        return int(text)
    try:
        return datetime.fromisoformat(text.strip()).date()
    except ValueError:
        return None


def _search(text: str) -> Test:
    pattern = compile_pattern(text)

    def search(value: Value) -> bool:
        try:
            return pattern.search(as_text(value), timeout=PATTERN_SECONDS) is not None
        except TimeoutError as error:
            message = f"the regular expression {text!r} takes too long: it backtracks on some values"
            raise ClauseError(message) from error

    return search
