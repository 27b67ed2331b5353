"""How the functions of the language are declared, and what they have in common."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from reconciler.model.clauses import as_text
from reconciler.model.values import Flow, Value, is_null

MANY: Final = 10_000
_WHOLE: Final = re.compile(r"\s*[-+]?[0-9]{1,40}\s*")
_DECIMAL: Final = re.compile(r"\s*[-+]?[0-9]{1,40}(\.[0-9]{1,40})?\s*")


class Unusable(Exception):
    """A function can't use an argument. `argument` counts from 1; 0: the call as a whole."""

    def __init__(self, argument: int, message: str) -> None:
        super().__init__(message)
        self.argument = argument
        self.message = message


@dataclass(frozen=True, slots=True)
class Function:
    """`parameters` as documentation writes them; the last may end in `…`. The body gets values, in that order."""

    name: str
    parameters: tuple[str, ...]
    body: Callable[..., Flow]
    least: int
    most: int
    check: Callable[[tuple[Any, ...]], None] | None = None
    """Looks at the arguments that are literals (others are None) when the expression is read."""
    contextual: bool = False
    """The body gets the Context before the values."""

    @property
    def usage(self) -> str:
        return f"{self.name}({', '.join(self.parameters)})"


FUNCTIONS: Final[dict[str, Function]] = {}


def function(
    usage: str,
    *,
    least: int,
    most: int | None = None,
    check: Callable[[tuple[Any, ...]], None] | None = None,
    contextual: bool = False,
) -> Callable[[Callable[..., Flow]], Callable[..., Flow]]:
    """Declares a function under its name in the language: `@function("Left(source, length)", least=2)`."""
    name, _, rest = usage.removesuffix(")").partition("(")
    parameters = tuple(part.strip() for part in rest.split(",") if part.strip())
    many = bool(parameters) and parameters[-1].endswith("…")

    def declare(body: Callable[..., Flow]) -> Callable[..., Flow]:
        limit = most if most is not None else MANY if many else len(parameters)
        FUNCTIONS[name] = Function(name, parameters, body, least, limit, check, contextual)
        return body

    return declare


def text_of(value: Value, argument: int) -> str:
    """One value as text; null is "". Raises Unusable for several values and for complex ones."""
    if isinstance(value, str):
        return value
    if isinstance(value, (tuple, list)) and len(value) == 1:
        return text_of(value[0], argument)
    if isinstance(value, (tuple, list, dict)) and not is_null(value):
        message = "has several values where one text is needed; pick one with Item, or put them together with Join"
        raise Unusable(argument, message)
    return as_text(value)


def integer_of(value: Value, argument: int) -> int:
    """A whole number, given as a number or as text. Raises Unusable for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Unusable(argument, "is not a whole number")
    try:
        # a file time is more than a float holds
        whole = isinstance(value, int) or (isinstance(value, str) and _WHOLE.fullmatch(value))
        number = int(value) if whole else float(value)
    except ValueError:
        raise Unusable(argument, f"is not a whole number: {value!r}") from None
    if number != number or number in (float("inf"), float("-inf")) or number != int(number):
        raise Unusable(argument, f"is not a whole number: {value!r}")
    return int(number)


def number_of(value: Value, argument: int) -> Fraction:
    """A number, exactly, given as a number or as text. Raises Unusable for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Unusable(argument, "is not a number")
    try:
        if isinstance(value, str) and not _DECIMAL.fullmatch(value):  # Fraction would also read 1/3 and 1e999999999
            raise ValueError
        return Fraction(value)
    except (ValueError, OverflowError):
        raise Unusable(argument, f"is not a number: {value!r}") from None


def elements_of(value: Value) -> tuple[Value, ...]:
    """Several values as they are, one value as one, null as none."""
    if is_null(value):
        return ()
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)
