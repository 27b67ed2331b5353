"""Replace, which is five functions under one name. Patterns are .NET's; the regex package reads them."""

from __future__ import annotations

from typing import Any, Final

import regex

from reconciler.errors import ClauseError
from reconciler.model.clauses import PATTERN_SECONDS, compile_pattern
from reconciler.model.values import UNSET, Flow, Value, is_null
from reconciler.project.expressions.registry import Unusable, function, text_of

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
)
def replace(
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
    compiled = _pattern(text_of(pattern, 3))
    name = "" if is_null(group) else text_of(group, 4)
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
        return text_of(template, 7).replace(old, text_of(source, 1))
    if replacement is UNSET:
        raise Unusable(0, "has oldValue, and needs replacementValue or template")
    return text_of(source, 1).replace(old, text_of(replacement, 5))


def _matches(pattern: Any, source: Value, new: str) -> str:
    try:
        return str(pattern.sub(lambda found: _expand(found, new), text_of(source, 1), timeout=PATTERN_SECONDS))
    except TimeoutError:
        raise _slow() from None


def _group(pattern: Any, name: str, source: Value, new: str) -> str:
    key, text = _known(pattern, name), text_of(source, 1)
    parts: list[str] = []
    end = 0
    try:
        for found in pattern.finditer(text, timeout=PATTERN_SECONDS):
            start, stop = found.span(key)
            if start >= end:
                parts += (text[end:start], new)
                end = stop
    except TimeoutError:
        raise _slow() from None
    return "".join((*parts, text[end:]))


def _caught(pattern: Any, name: str, other: Value) -> Flow:
    key = _known(pattern, name)
    if is_null(other):
        return None
    try:
        found = pattern.search(text_of(other, 6), timeout=PATTERN_SECONDS)
    except TimeoutError:
        raise _slow() from None
    return found[key] if found else None


def _expand(found: Any, template: str) -> str:
    """A replacement in .NET's notation: $1, ${name}, $$, $&, $`, $', $_, $+. What names no group stays."""

    def one(reference: Any) -> str:
        sign = reference["sign"]
        if sign:
            return _sign(found, sign)
        key = int(reference["number"]) if reference["number"] else reference["name"]
        key = int(key) if isinstance(key, str) and key.isdigit() else key
        known = key in found.re.groupindex if isinstance(key, str) else key <= found.re.groups
        return (found[key] or "") if known else str(reference[0])

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
            return str(found[found.re.groups] or "") if found.re.groups else ""
        case _:
            return whole


def _pattern(text: str) -> Any:
    try:
        return compile_pattern(text)
    except ClauseError as error:
        raise Unusable(3, f"is {error.message}") from error


def _known(pattern: Any, name: str) -> str | int:
    if name in pattern.groupindex:
        return name
    if name.isdigit() and int(name) <= pattern.groups:
        return int(name)
    raise Unusable(4, f"names a group that the pattern does not have: {name!r}")


def _slow() -> Unusable:
    return Unusable(3, "takes too long: the pattern backtracks on some values")
