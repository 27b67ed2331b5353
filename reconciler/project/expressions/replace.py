"""Replace, which is five functions under one name. Patterns are .NET's; the regex package reads them."""

from __future__ import annotations

from typing import Any, Final

import regex

from reconciler.errors import ClauseError
from reconciler.model.clauses import PATTERN_SECONDS, compile_pattern
from reconciler.model.values import UNSET, Flow, Value, is_null
from reconciler.project.expressions.context import Context
from reconciler.project.expressions.registry import Unusable, function, text_of

_LONGEST: Final = 1_000_000
"""Characters of a result."""
_REFERENCE: Final = regex.compile(r"\$(?:(?P<number>\d+)|\{(?P<name>\w+)\}|(?P<sign>[$&`'_+]))")


def _check(literals: tuple[Any, ...]) -> None:
    """A pattern that is written out must be one, and must have the group that is named."""
    padded = (*literals, *[None] * (7 - len(literals)))
    if isinstance(padded[2], str) and padded[2]:
        pattern = _pattern(padded[2])
        if isinstance(padded[3], str) and padded[3]:
            _known(pattern, padded[3])


@function(
    "Replace(source, oldValue, regexPattern, regexGroupName, replacementValue, replacementAttribute, template)",
    least=2,
    check=_check,
    contextual=True,
)
def replace(
    context: Context,
    source: Value,
    old: Value = UNSET,
    pattern: Value = UNSET,
    group: Value = UNSET,
    replacement: Value = UNSET,
    other: Value = UNSET,
    template: Value = UNSET,
) -> Flow:
    """By what is given:

    oldValue, template: each oldValue in the template becomes the source; oldValue, replacementValue: each oldValue in
    the source becomes that; regexPattern, regexGroupName, replacementValue: only what the group caught becomes that;
    regexPattern, replacementValue: each match becomes that, with ${group} in it; regexPattern, regexGroupName,
    replacementAttribute: the source if it has a value, else what the group catches in the other attribute.
    """
    if not is_null(old):
        return _plain(source, text_of(old, 2), replacement, template)
    if is_null(pattern):
        raise Unusable(0, "needs oldValue or regexPattern")
    text, name = text_of(pattern, 3), "" if is_null(group) else text_of(group, 4)
    hanging = context.hanging
    if hanging is not None and text in hanging:
        raise _slow(text)
    try:
        return _by_pattern(_pattern(text), name, source, replacement, other)
    except TimeoutError:
        if hanging is not None:
            hanging.add(text)
        raise _slow(text) from None


def _by_pattern(compiled: Any, name: str, source: Value, replacement: Value, other: Value) -> Flow:
    if replacement is not UNSET:
        if source is None:
            return None
        new = text_of(replacement, 5)
        return _group(compiled, name, source, new) if name else _matches(compiled, source, new)
    if name:
        return source if not is_null(source) else _caught(compiled, name, other)
    raise Unusable(0, "needs replacementValue, or regexGroupName with replacementAttribute")


def _plain(source: Value, old: str, replacement: Value, template: Value) -> Flow:
    if source is None:
        return None
    if not is_null(template):
        return _replaced(text_of(template, 7), old, text_of(source, 1))
    if replacement is UNSET:
        raise Unusable(0, "has oldValue, and needs replacementValue or template")
    return _replaced(text_of(source, 1), old, text_of(replacement, 5))


def _replaced(text: str, old: str, new: str) -> str:
    _bounded(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _bounded(length: int) -> None:
    """A hundred Replaces inside one another could else fill the memory."""
    if length > _LONGEST:
        raise Unusable(0, f"gives a text of more than {_LONGEST} characters")


def _matches(pattern: Any, source: Value, new: str) -> str:
    text = text_of(source, 1)
    length = len(text)

    def one(found: Any) -> str:
        nonlocal length
        expanded = _expand(found, new)
        length += len(expanded)
        _bounded(length)
        return expanded

    return str(pattern.sub(one, text, timeout=PATTERN_SECONDS))


def _group(pattern: Any, name: str, source: Value, new: str) -> str:
    key, text = _known(pattern, name), text_of(source, 1)
    parts: list[str] = []
    end = 0
    for found in pattern.finditer(text, timeout=PATTERN_SECONDS):
        start, stop = found.span(key)
        if start >= end:
            parts += (text[end:start], new)
            end = stop
            _bounded(len(text) + len(parts) * len(new))
    return "".join((*parts, text[end:]))


def _caught(pattern: Any, name: str, other: Value) -> Flow:
    key = _known(pattern, name)
    if is_null(other):
        return None
    found = pattern.search(text_of(other, 6), timeout=PATTERN_SECONDS)
    return found[key] if found else None


def _expand(found: Any, template: str) -> str:
    """A replacement in .NET's notation: $1, ${name}, $$, $&, $`, $', $_, $+. What names no group stays."""

    def one(reference: Any) -> str:
        sign = reference["sign"]
        if sign:
            return _sign(found, sign)
        key = _group_of(found.re, reference["number"] or reference["name"])
        return str(reference[0]) if key is None else found[key] or ""

    return str(_REFERENCE.sub(one, template))


def _sign(found: Any, sign: str) -> str:
    whole = str(found.string)
    match sign:
        case "$":
            return "$"
        case "&":
            return str(found[0])
        case "`":
            return whole[: found.start()]
        case "'":
            return whole[found.end() :]
        case "+":
            return str(found[_numbered(found.re)[-1]] or "")
        case _:
            return whole


def _pattern(text: str) -> Any:
    try:
        return compile_pattern(text)
    except ClauseError as error:
        raise Unusable(3, f"is {error.message}") from error


def _known(pattern: Any, name: str) -> int:
    key = _group_of(pattern, name)
    if key is not None:
        return key
    raise Unusable(4, f"names a group that the pattern does not have: {name!r}")


def _group_of(pattern: Any, name: str) -> int | None:
    """The group with this name or number; None if there is none."""
    if name in pattern.groupindex:
        return int(pattern.groupindex[name])
    order = _numbered(pattern)
    return order[int(name)] if name.isascii() and name.isdigit() and len(name) < 9 and int(name) < len(order) else None


def _numbered(pattern: Any) -> list[int]:
    """The groups as .NET numbers them: 0, those without name from the left, then those with."""
    named = sorted(pattern.groupindex.values())
    return [n for n in range(pattern.groups + 1) if n not in named] + named


def _slow(pattern: str) -> Unusable:
    return Unusable(3, f"takes too long: {pattern!r} backtracks without end on some values")
