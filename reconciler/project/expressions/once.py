"""Functions for creation only: values that are drawn, or that nobody else may have."""

from __future__ import annotations

from typing import Any, Final

from reconciler.model.values import Choice, Flow, Value, choose, is_null
from reconciler.project.expressions.context import Context, Random, Undrawn
from reconciler.project.expressions.registry import Unusable, function, integer_of, text_of

DRAWING: Final = frozenset({"Guid", "RandomString"})
SELECTING: Final = "SelectUniqueValue"

_LONGEST: Final = 256
_DIGITS: Final = "0123456789"
_SPECIAL: Final = "!#$%&*+-./:;<=>?@^_~"
_CAPITALS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SMALL: Final = "abcdefghijklmnopqrstuvwxyz"


@function("Guid()", least=0, contextual=True)
def guid(context: Context) -> Flow:
    """A random identifier (RFC 9562, version 4)."""
    if context.random is None:
        raise Undrawn("Guid")
    number = context.random.randrange(1 << 128)
    number = number & ~(0xF << 76) | 4 << 76
    number = number & ~(0b11 << 62) | 0b10 << 62
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _check_random(literals: tuple[Any, ...]) -> None:
    if None not in literals[:5]:
        _recipe(literals)


@function(
    "RandomString(length, minimumNumbers, minimumSpecialCharacters, minimumCapitals, minimumLowerCase, avoid)",
    least=5,
    check=_check_random,
    contextual=True,
)
def random_string(context: Context, *arguments: Value) -> Flow:
    """So many characters, with at least so many of each kind, and none of those to avoid."""
    length, needed = _recipe(arguments)
    if context.random is None:
        raise Undrawn("RandomString")
    draw = context.random
    drawn = [_one(draw, kind) for kind, count in needed for _ in range(count)]
    every = "".join(kind for kind, _ in needed)
    drawn += [_one(draw, every) for _ in range(length - len(drawn))]
    for last in range(len(drawn) - 1, 0, -1):  # else the kinds would stand in order
        other = draw.randrange(last + 1)
        drawn[last], drawn[other] = drawn[other], drawn[last]
    return "".join(drawn)


def _recipe(arguments: tuple[Value, ...]) -> tuple[int, list[tuple[str, int]]]:
    length = integer_of(arguments[0], 1)
    if not 1 <= length <= _LONGEST:
        raise Unusable(1, f"is {length}; 1 to {_LONGEST} are possible")
    avoid = text_of(arguments[5], 6) if len(arguments) > 5 else ""
    needed: list[tuple[str, int]] = []
    for position, kind in enumerate((_DIGITS, _SPECIAL, _CAPITALS, _SMALL), start=2):
        count = 0 if is_null(arguments[position - 1]) else integer_of(arguments[position - 1], position)
        left = "".join(character for character in kind if character not in avoid)
        if count < 0:
            raise Unusable(position, f"is {count}; a count is not negative")
        if count and not left:
            raise Unusable(6, "leaves no character of a kind that is needed")
        needed.append((left, count))
    if sum(count for _, count in needed) > length:
        raise Unusable(1, f"is {length}, and the minimums together are more")
    if not any(kind for kind, _ in needed):
        raise Unusable(6, "leaves no character")
    return length, needed


def _one(draw: Random, characters: str) -> str:
    return characters[draw.randrange(len(characters))]


@function("SelectUniqueValue(value, …)", least=2, contextual=True)
def select_unique_value(context: Context, *values: Value) -> Flow:
    """The first that nobody has. Who has what is known when it is planned: until then it is a Choice."""
    candidates = tuple(dict.fromkeys(text_of(v, n) for n, v in enumerate(values, 1) if not is_null(v)))
    if not candidates:
        return None
    if context.taken is None:
        return Choice(candidates)
    chosen = choose(candidates, context.taken)
    if chosen is None:
        raise Unusable(0, f"finds all of its values taken: {', '.join(candidates)}")
    return chosen
