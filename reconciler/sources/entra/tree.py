"""JSON from elsewhere, read with suspicion: bytes → values, and values with the path by which a person finds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from reconciler.desired.findings import shown
from reconciler.errors import ReconcilerError

LARGEST: Final = 32 * 1024 * 1024
"""Bytes of a schema; those of real apps have some hundred thousand."""
PROBLEMS: Final = 50
"""Problems that are told one by one."""
_CUT: Final = ("microsoft.graph.", "system.collections.", "system.object", "@{")
"""How values begin that PowerShell's ConvertTo-Json has cut at its -Depth."""


def decoded(data: bytes) -> Any:
    """The JSON in `data`: UTF-8, or UTF-16 or UTF-32 as their marks or zeros show. Keys are lower-case.

    Raises ReconcilerError for whatever is no JSON, has a key twice in one object, or is too large or too deep.
    """
    if len(data) > LARGEST:
        _refuse(f"it has more than {LARGEST:,} bytes", "a provisioning schema has some hundred thousand")
    if not data.strip():
        _refuse("it is empty", "export the schema once more")
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        _refuse(f"it is no {error.encoding.upper()} text, at byte {error.start + 1}", "save it as UTF-8")
    try:
        return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_pairs, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        end = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        why = "it ends too early" if end else f"it is no JSON: {error.msg}"
        _refuse(f"{why}, in line {error.lineno}, column {error.colno}", "export the schema once more, as a whole")
    except RecursionError:
        _refuse("it is nested too deeply", "a provisioning schema is not")
    except ValueError:  # an integer of thousands of digits
        _refuse("a number in it is too long", "a provisioning schema has none")


def _refuse(what: str, hint: str) -> NoReturn:
    raise ReconcilerError(what, hint=hint)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Keys compare without case: what PowerShell writes begins with capitals."""
    found = {key.lower(): value for key, value in pairs}
    if len(found) < len(pairs):
        last = {key.lower(): number for number, (key, _) in enumerate(pairs)}
        twice = next(
            pairs[last[key.lower()]][0] for number, (key, _) in enumerate(pairs) if last[key.lower()] != number
        )
        _refuse(f"an object in it has the key {shown(twice)!r} twice", "keep the one that is meant")
    return found


def _no_constant(name: str) -> NoReturn:
    _refuse(f"it is no JSON: {name} is no number", "export the schema once more")


@dataclass(slots=True)
class Problems:
    """Everything that is wrong with one document: path and sentence."""

    found: list[str] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        self.found.append(f"{path}: {message}" if path else message)

    def refuse(self) -> None:
        """Raises ReconcilerError if there are any."""
        if self.found:
            rest = len(self.found) - PROBLEMS
            told = [*self.found[:PROBLEMS], *([f"and {rest:,} more"] if rest > 0 else [])]
            _refuse("it is no schema that can be used:\n    " + "\n    ".join(told), "nothing was written")


@dataclass(frozen=True, slots=True)
class Node:
    """An object of the document. What is asked of it and has another form is a problem, and counts as left out."""

    values: dict[str, Any]
    path: str
    problems: Problems

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def text(self, key: str) -> str:
        """ "" if it is null or left out. Numbers and booleans as the service writes them."""
        value = self.values.get(key.lower())
        if isinstance(value, bool | int):
            return str(value)
        if value is not None and not isinstance(value, str):
            self.problems.add(self.at(key), f"text is meant, this is {_kind(value)}")
            return ""
        text = value or ""
        if any("\ud800" <= c <= "\udfff" for c in text):
            self.problems.add(self.at(key), "half a character stands in it (an unpaired surrogate)")
            return ""
        return text

    def number(self, key: str) -> int:
        """0 if it is null or left out."""
        value = self.values.get(key.lower())
        if isinstance(value, str) and value.isdecimal() and len(value) < 10:
            value = int(value)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            self.problems.add(self.at(key), f"a whole number is meant, this is {_kind(value)}")
            return 0
        return value or 0

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.values.get(key.lower())
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if value is not None and not isinstance(value, bool):
            self.problems.add(self.at(key), f"true or false is meant, this is {_kind(value)}")
        return value if isinstance(value, bool) else default

    def node(self, key: str) -> Node | None:
        """None if it is null or left out."""
        value = self.values.get(key.lower())
        if value is None:
            return None
        if not isinstance(value, dict):
            self.problems.add(self.at(key), f"an object is meant, this is {_kind(value)}{_cut(value)}")
            return None
        return Node(value, self.at(key), self.problems)

    def items(self, key: str) -> list[Any]:
        value = self.values.get(key.lower())
        if value is None:
            return []
        if not isinstance(value, list):
            self.problems.add(self.at(key), f"a list is meant, this is {_kind(value)}{_cut(value)}")
            return []
        return value

    def nodes(self, key: str) -> Iterator[Node]:
        for number, value in enumerate(self.items(key)):
            path = f"{self.at(key)}[{number}]"
            if isinstance(value, dict):
                yield Node(value, path, self.problems)
            else:
                self.problems.add(path, f"an object is meant, this is {_kind(value)}{_cut(value)}")


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return "a number"
        case str():
            return f"the text {shown(value)!r}"
        case list():
            return "a list"
        case _:
            return "an object"


def _cut(value: Any) -> str:
    text = value.lower() if isinstance(value, str) else ""
    return ": ConvertTo-Json cut it, give it -Depth 20" if text.startswith(_CUT) else ""
