"""Values as the text of a file: what `read_document` reads back as the same, in the layout of `fmt`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from reconciler.desired.core import MAY_RESOLVE, resolve

_PLAIN: Final = re.compile(r"[\w.@/+~'()%-](?:[\w .@/+~'()%&-]|:(?=[\w/@.]))*\Z")
_STARTS: Final = re.compile(r"[-?:,\[\]{}#&*!|>'\"%@`.=~]")
"""What means something at the beginning of a plain scalar, or looks as if it did."""
_LIKE_OTHER_READERS: Final = re.compile(
    r"(?:y|n|yes|no|on|off|true|false|null|~|[-+.]?[0-9][0-9_.:eE+xob,-]*|\d{4}-\d{1,2}-\d{1,2}.*)\Z", re.IGNORECASE
)
"""Text that readers of YAML 1.1 take for something else: editors do."""
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d\Z")
"""Dates stand plain, as people write them; they are text all the same."""
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def scalar(value: object) -> str:
    """Text, a number, a boolean or None; plain where it reads as itself in any place, else in double quotes.

    A lone surrogate can't stand in a file: it becomes U+FFFD.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    if _DATE.match(value):
        return value
    plain = _PLAIN.match(value) and not value.endswith(" ") and not _STARTS.match(value) and value.isprintable()
    if plain and not _LIKE_OTHER_READERS.match(value) and " #" not in value and _is_text(value):
        return value
    if ('"' in value or "\\" in value) and value.isprintable() and not _has_surrogate(value):
        return "'" + value.replace("'", "''") + "'"
    return f'"{"".join(map(_escaped, value))}"'


def flow(value: object) -> str:
    """On one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def entry(key: str, value: object, indent: int) -> list[str]:
    """The lines of a key and its value."""
    start = f"{' ' * indent}{scalar(key)}:"
    if isinstance(value, list | tuple) and value:
        return [start, *items(value, indent + 2)]
    return [f"{start} {flow(value)}"]


def items(values: Sequence[object], indent: int) -> list[str]:
    """The lines of a list's entries, a mapping's keys below each other."""
    return [line for value in values for line in _item(value, indent)]


def mapping(values: Mapping[str, Any], indent: int = 0) -> list[str]:
    return [line for key, value in values.items() if value is not None for line in entry(key, value, indent)]


def remarks(lines: Sequence[str], indent: int = 0) -> list[str]:
    """As comments; what a name brings with it stays on its line."""
    return [f"{' ' * indent}# {_printable(line)}".rstrip() for whole in lines for line in whole.splitlines() or [""]]


def _item(value: object, indent: int) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        first, *more = mapping(value, indent + 2)
        yield f"{' ' * indent}- {first[indent + 2 :]}"
        yield from more
    else:
        yield f"{' ' * indent}- {flow(value)}"


def _is_text(value: str) -> bool:
    if value[:1] not in MAY_RESOLVE:
        return True
    try:
        return isinstance(resolve(value), str)
    except OverflowError:
        return False


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def _escaped(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    if "\ud800" <= c <= "\udfff" or c == "\0":
        return "\ufffd"
    if c.isprintable():
        return c
    code = ord(c)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in line)
