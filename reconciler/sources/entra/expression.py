"""The text of an expression: as the schema has it, or made again from its tree; and with our names in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from reconciler.sources.entra.document import Source

_POSITIONS: Final[dict[str, tuple[str, ...]]] = {
    "Replace": (
        "source", "find", "regexPattern", "regexGroupName", "replacement", "replacementAttributeName", "template",
    ),
}  # fmt: skip
"""Functions whose trees leave out what is not given: the places of their parameters, by name."""
_SYNONYMS: Final = {
    "oldvalue": "find",
    "replacementvalue": "replacement",
    "replacementattribute": "replacementattributename",
}
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\[([^\[\]"\n]+)\]|[^"\[]+|.', re.DOTALL)


def expression_of(source: Source) -> str:
    """As it is written in the schema; where that is left out, from the tree."""
    return source.expression.strip() or rebuilt(source)


def rebuilt(source: Source) -> str:
    """From the tree alone: Name(argument, …), with texts in quotes."""
    if source.type == "attribute":
        return f"[{source.name}]"
    if source.type == "constant":
        return source.expression.strip() or quoted(source.name)
    return f"{source.name}({', '.join(_arguments(source))})"


def _arguments(source: Source) -> list[str]:
    given = [(key, value.expression.strip() or rebuilt(value)) for key, value in source.parameters]
    places = _POSITIONS.get(source.name, ())
    names = [place.lower() for place in places]
    by_name = {_SYNONYMS.get(key.lower(), key.lower()): text for key, text in given}
    if not places or len(by_name) != len(given) or not by_name.keys() <= set(names):
        return [text for _, text in given]
    return [by_name.get(name, "") for name in names]


def quoted(text: str) -> str:
    """As a text of the language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def renamed(text: str, rename: Callable[[str], str]) -> str:
    """With every [attribute] outside of texts replaced by what `rename` gives for its name."""
    return _TOKEN.sub(lambda found: rename(found[1].strip()) if found[1] is not None else found[0], text)


def readings(text: str) -> list[str]:
    """The attributes that it reads, each once, in their order."""
    return list(dict.fromkeys(each[1].strip() for each in _TOKEN.finditer(text) if each[1] is not None))


def words(text: str) -> set[str]:
    """Names of functions and constants in it."""
    outside = " ".join(each[0] for each in _TOKEN.finditer(text) if each[1] is None and not each[0].startswith('"'))
    return set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", outside))


def plain(text: str) -> str:
    """Without blanks outside of texts: two expressions that are the same are equal so."""
    return "".join(each[0] if each[0].startswith('"') else "".join(each[0].split()) for each in _TOKEN.finditer(text))


def single_reading(text: str) -> str:
    """The attribute, where the whole expression is [attribute]; else ""."""
    found = _TOKEN.fullmatch(text.strip())
    return found[1].strip() if found and found[1] is not None else ""
