"""The operators of scoping filters and of `ignore`, over one value. Pure.

The rules are those of Microsoft Entra ID: comparison is case-sensitive, and a clause on a null value is false, NOT ones
included; only IS NULL holds there. Beyond the service: a multi-valued attribute matches if any of its values does;
dates compare as dates; and `not` holds where no value of the attribute does. A filter opens doors, so `not` keeps the
null rule: what is unknown of somebody never gives them access.
"""

from __future__ import annotations

import operator as comparing
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias, assert_never

import regex

from reconciler.errors import ClauseError
from reconciler.model.app import Clause, Not, Operator
from reconciler.model.directory import DATES
from reconciler.model.pattern import BadPattern, from_dotnet
from reconciler.model.values import Value, is_null

Test: TypeAlias = Callable[[Value], bool]
Kind: TypeAlias = Literal["date", "integer", ""]
"""What the attribute is known to be. Empty: each value is what it looks like."""
Compare: TypeAlias = Callable[[Any, Any], bool]

PATTERN_SECONDS: Final = 0.5
"""How long one search may take before the pattern counts as hanging."""


def kinds_of(custom: Mapping[str, str]) -> dict[str, Kind]:
    """The attributes of people whose values compare otherwise than as what they look like. `custom`: name → type."""
    kinds: dict[str, Kind] = dict.fromkeys(DATES, "date")
    for name, kind in custom.items():
        if kind in ("date", "integer"):
            kinds[name] = "date" if kind == "date" else "integer"
    return kinds


def compile_clause(clause: Clause, kind: Kind = "") -> Test:
    """The test that a clause makes of a value. Raises ClauseError if its own value can't be used."""
    return _compiled(clause.operator, clause.value, kind)


def compile_condition(condition: Clause | Not, kind: Kind = "") -> Test:
    """The same of a clause or of `not` around one."""
    if isinstance(condition, Clause):
        return compile_clause(condition, kind)
    test = compile_clause(condition.clause, kind)
    if condition.clause.operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        return lambda value: not test(value)
    return lambda value: not _is_empty(value) and not test(value)


def clause_holds(clause: Clause, value: Value) -> bool:
    """Whether `value` passes. Raises ClauseError, also where a pattern takes too long on this value."""
    return _compiled(clause.operator, clause.value, "")(value)


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
def _compiled(operator: Operator, operand: str | bool | int | None, kind: Kind) -> Test:
    match operator:
        case Operator.IS_NULL:
            return _is_empty
        case Operator.IS_NOT_NULL:
            return lambda value: not _is_empty(value)
        case _:
            return _any_value(_single(operator, operand, kind))


def _is_empty(value: Value) -> bool:
    """Null, or several values that are all null."""
    return is_null(value) or (isinstance(value, (tuple, list)) and all(map(is_null, value)))


def _any_value(test: Test) -> Test:
    def holds(value: Value) -> bool:
        if is_null(value):
            return False
        if isinstance(value, (tuple, list)):
            return any(test(each) for each in value if not is_null(each))
        return test(value)

    return holds


def _single(operator: Operator, operand: str | bool | int | None, kind: Kind) -> Test:
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
            return _on_days(text, comparing.eq) if kind == "date" else _equals(text)
        case Operator.NOT_EQUALS if kind == "date":
            return _on_days(text, comparing.ne)
        case Operator.NOT_EQUALS:
            equals = _equals(text)
            return lambda value: not equals(value)
        case Operator.GREATER_THAN:
            return _ordering(text, kind, comparing.gt)
        case Operator.GREATER_THAN_OR_EQUALS:
            return _ordering(text, kind, comparing.ge)
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
        case Operator.IS_MEMBER_OF:
            message = "IS MEMBER OF asks about people, so it stands in `scope.filters` alone"
            raise ClauseError(message)
        case _:
            assert_never(operator)


def _equals(text: str) -> Test:
    folded = text.lower()

    def equals(value: Value) -> bool:
        # A boolean has no case of its own: `true` in one file is "True" in another.
        return str(value).lower() == folded if isinstance(value, bool) else as_text(value) == text

    return equals


def _ordering(text: str, kind: Kind, compare: Compare) -> Test:
    """Whole numbers with whole numbers, dates with dates. Raises ClauseError if `text` is none that fits."""
    if kind != "date" and _INTEGER.match(text) and len(text) <= _DIGITS:
        return _on_integers(int(text), compare)
    if kind != "integer" and _moment(text) is not None:
        return _on_days(text, compare)
    wanted = {
        "date": "no date (YYYY-MM-DD)",
        "integer": "no whole number",
        "": "neither a whole number nor a date (YYYY-MM-DD)",
    }
    message = f"{text!r} is {wanted[kind]}"
    raise ClauseError(message, column=1)


def _on_integers(bound: int, compare: Compare) -> Test:
    def holds(value: Value) -> bool:
        own = as_text(value)
        return bool(_INTEGER.match(own)) and len(own) <= _DIGITS and compare(int(own), bound)

    return holds


def _on_days(text: str, compare: Compare) -> Test:
    """By the day if `text` is one; by the instant, days beginning at midnight UTC, if it says a time."""
    bound = _moment(text)
    if bound is None:
        message = f"{text!r} is no date (YYYY-MM-DD)"
        raise ClauseError(message, column=1)

    def holds(value: Value) -> bool:
        own = _moment(as_text(value))
        if own is None:
            return False
        if not isinstance(bound, datetime):
            own = own.date() if isinstance(own, datetime) else own
        elif not isinstance(own, datetime):
            own = datetime.combine(own, time(), UTC)
        return compare(own, bound)

    return holds


_INTEGER = re.compile(r"\s*-?[0-9]+\s*\Z")
_DIGITS: Final = 4000


def _moment(text: str) -> date | datetime | None:
    """An ISO 8601 date, or a time, in UTC unless it says otherwise; None for anything else."""
    text = text.strip()
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _search(text: str) -> Test:
    pattern = compile_pattern(text)

    def search(value: Value) -> bool:
        try:
            return pattern.search(as_text(value), timeout=PATTERN_SECONDS) is not None
        except TimeoutError as error:
            message = f"the regular expression {text!r} takes too long: it backtracks on some values"
            raise ClauseError(message) from error

    return search
