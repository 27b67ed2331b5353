"""Regular expressions of .NET, as the regex package reads them. Only what differs is rewritten."""

from __future__ import annotations

import re
from typing import Final

_ESCAPES: Final = {r"\z": r"\Z", r"\Z": r"(?=\n?\Z)", r"\e": r"\x1b"}
_NAMED: Final = re.compile(r"\(\?'(\w+)'")
_REFERENCE: Final = re.compile(r"\\k(?:<(\w+)>|'(\w+)'|\{(\w+)\})")


class BadPattern(ValueError):
    """What .NET would not take either. `position` counts from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


def from_dotnet(pattern: str) -> str:
    r"""The same pattern for the regex package.

    Rewritten are: subtraction in character classes, `[a-z-[aeiou]]`; an opening bracket in a class, which is a
    character; `\z` and `\Z`; `\e`; `(?'name'…)`; `\k<name>`. Raises BadPattern.
    """
    out: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            text, position = _escape(pattern, position)
        elif character == "[":
            text, position = _class(pattern, position)
        elif found := _NAMED.match(pattern, position):
            text, position = f"(?<{found[1]}>", found.end()
        else:
            text, position = character, position + 1
        out.append(text)
    return "".join(out)


def _escape(pattern: str, position: int) -> tuple[str, int]:
    found = _REFERENCE.match(pattern, position)
    if found is not None:
        return rf"\g<{found[1] or found[2] or found[3]}>", found.end()
    text = pattern[position : position + 2]
    return _ESCAPES.get(text, text), position + len(text)


def _class(pattern: str, start: int) -> tuple[str, int]:
    """The class that begins here, and where it ends. One that does not end is left to the regex package's message."""
    position = start + 1
    if pattern.startswith("^", position):
        position += 1
    body = [pattern[start:position]]
    first = position
    while position < len(pattern):
        character = pattern[position]
        if character == "]" and position > first:
            return "".join((*body, "]")), position + 1
        if character == "-" and position > first and pattern.startswith("[", position + 1):
            less, position = _class(pattern, position + 1)
            if not pattern.startswith("]", position):
                raise BadPattern("a subtraction must be the last part of its character class", position)
            return f"(?:(?!{less}){''.join(body)}])", position + 1
        if character == "\\":
            body.append(pattern[position : position + 2])
            position += 2
            continue
        body.append(r"\[" if character == "[" else character)
        position += 1
    return pattern[start:], len(pattern)
