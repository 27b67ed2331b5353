"""YAML text of values that may be hostile, in the layout of `fmt`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, Final

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9._@/-]*(?: [A-Za-z0-9._@/-]+)*\Z")
_URL: Final = re.compile(r"https?://[A-Za-z0-9._:@/~-]*[A-Za-z0-9/]\Z")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""What some readers take for something else than text."""
WIDTH: Final = 110


def scalar(value: Any) -> str:
    """On one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if (_PLAIN.match(text) and text.lower() not in _WORDS) or _URL.match(text):
        return text
    if text.isprintable() and ('"' in text or "\\" in text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def flow(value: Any) -> str:
    """Mappings and lists in brackets."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def comment(lines: Iterable[str], indent: int = 0, deeper: int = 0) -> list[str]:
    """Each line as a comment, whatever is in it; long ones go on in the next, `deeper` in."""
    made: list[str] = []
    for line in lines:
        text = "".join(c if c.isprintable() else _escaped(c) for c in line)
        folded = textwrap.wrap(text, WIDTH - indent, subsequent_indent=" " * deeper, break_on_hyphens=False) or [""]
        made += [f"{' ' * indent}# {each}".rstrip() for each in folded]
    return made
