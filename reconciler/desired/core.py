"""What a plain scalar means: the core schema of YAML 1.2.2, section 10.3.2."""

from __future__ import annotations

import re
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

MAX_DIGITS = 64
"""Longer numbers are refused: turning digits into an integer takes quadratic time."""

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?[0-9]+\Z|0o(?P<octal>[0-7]+)\Z|0x(?P<hex>[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")

MAY_RESOLVE = frozenset(("", *"0123456789+-.~nNtTfF"))
"""The first characters of plain scalars that may be anything but text; "" stands for the empty scalar."""


def resolve(text: str) -> Scalar:
    """The value of a plain scalar: null, a boolean, a number, or the text itself.

    `no`, `1_000`, `0b11` and dates are text, and 010 is ten: they were something else in YAML 1.1.
    Raises OverflowError for numbers of more than MAX_DIGITS characters.
    """
    if text in _WORDS:
        return _WORDS[text]
    if integer := _INTEGER.match(text):
        _bounded(text)
        if integer["octal"]:
            return int(integer["octal"], 8)
        return int(integer["hex"], 16) if integer["hex"] else int(text)
    if _FLOAT.match(text):
        _bounded(text)
        return float(text)
    return text


def _bounded(text: str) -> None:
    if len(text) > MAX_DIGITS:
        raise OverflowError
