"""GitHub's expressions, as far as our workflows use them. What is not known here fails: a test must not guess."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+)|(?P<name>[A-Za-z_][\w-]*)|(?P<sign>&&|\|\||==|!=|[!().,\[\]*]))"
)
_PLACE: Final = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
Contexts = Mapping[str, Any]
Functions = Mapping[str, Callable[..., Any]]


class Unknown(Exception):
    """An expression that this does not know."""


def evaluate(text: str, contexts: Contexts, functions: Functions | None = None) -> Any:
    """The value of one expression, without `${{ }}`."""
    return _Parser(text, contexts, functions or {}).whole()


def filled(value: Any, contexts: Contexts, functions: Functions | None = None) -> Any:
    """A value of YAML with its `${{ }}` replaced; a scalar that is nothing but one becomes what that gives."""
    if isinstance(value, dict):
        return {key: filled(each, contexts, functions) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, contexts, functions) for each in value]
    if not isinstance(value, str):
        return value
    whole = _PLACE.fullmatch(value.strip())
    if whole and "${{" not in whole[1]:
        return evaluate(whole[1], contexts, functions)
    return _PLACE.sub(lambda found: as_text(evaluate(found[1], contexts, functions)), value)


def holds(condition: Any, contexts: Contexts, functions: Functions) -> bool:
    """An `if:`. One that asks nothing about what came before means: if all went well."""
    text = str(condition if condition is not None else "success()")
    text = text.strip().removeprefix("${{").removesuffix("}}") if text.strip().startswith("${{") else text
    asked: list[str] = []
    watched = {name: _watched(name, each, asked) for name, each in functions.items()}
    value = truth(evaluate(text, contexts, watched))
    return value if asked or _names_status(text) else value and truth(functions["success"]())


def _names_status(text: str) -> bool:
    return any(f"{name}()" in text for name in ("success", "failure", "always", "cancelled"))


def _watched(name: str, function: Callable[..., Any], asked: list[str]) -> Callable[..., Any]:
    def called(*arguments: Any) -> Any:
        asked.append(name)
        return function(*arguments)

    return called


def truth(value: Any) -> bool:
    return value not in (None, False, 0, "")


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def _equal(one: Any, other: Any) -> bool:
    """Without regard to case; of two kinds, as numbers."""
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    if type(one) is type(other):
        return bool(one == other)
    return _number(one) == _number(other)


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


class _Parser:
    def __init__(self, text: str, contexts: Contexts, functions: Functions) -> None:
        self.text, self.contexts, self.functions = text, contexts, functions
        self.tokens: list[tuple[str, str]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            found = _TOKEN.match(text, position)
            if found is None:
                raise Unknown(text)
            self.tokens.append((str(found.lastgroup), str(found[str(found.lastgroup)])))
            position = found.end()

    def whole(self) -> Any:
        value = self.either()
        if self.tokens:
            raise Unknown(self.text)
        return value

    def _sign(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return None

    def _due(self, sign: str) -> None:
        if self._sign(sign) is None:
            raise Unknown(self.text)

    def either(self) -> Any:
        value = self.both()
        while self._sign("||"):
            other = self.both()
            value = value if truth(value) else other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self._sign("&&"):
            other = self.compared()
            value = other if truth(value) else value
        return value

    def compared(self) -> Any:
        value = self.denied()
        while sign := self._sign("==", "!="):
            value = _equal(value, self.denied()) == (sign == "==")
        return value

    def denied(self) -> Any:
        if self._sign("!"):
            return not truth(self.denied())
        return self.reached(self.single())

    def single(self) -> Any:
        if self._sign("("):
            value = self.either()
            self._due(")")
            return value
        if not self.tokens:
            raise Unknown(self.text)
        kind, text = self.tokens.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return int(text)
        if kind != "name":
            raise Unknown(self.text)
        if self._sign("("):
            return self.called(text)
        if text in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text]
        if text not in self.contexts:
            raise Unknown(f"{text} in {self.text}")
        return self.contexts[text]

    def called(self, name: str) -> Any:
        arguments = []
        while not self._sign(")"):
            arguments.append(self.either())
            self._sign(",")
        if name not in self.functions:
            raise Unknown(f"{name}() in {self.text}")
        return self.functions[name](*arguments)

    def reached(self, value: Any) -> Any:
        """What is behind dots and brackets; of nothing, nothing."""
        while True:
            if self._sign("."):
                key: Any = self.tokens.pop(0)[1]
            elif self._sign("["):
                key = self.either()
                self._due("]")
            else:
                return value
            if isinstance(value, Mapping):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int):
                value = value[key] if key < len(value) else None
            else:
                value = None
