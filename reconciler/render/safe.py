"""Names from files and servers as harmless text: no control characters, no invisible or direction-changing ones."""

from __future__ import annotations

import unicodedata
from typing import Any

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {chr(c) for c in range(0xE0100, 0xE01F0)}
"""Letters and marks that show nothing, and variation selectors in which text can be hidden."""
LONGEST = 80
"""Characters shown of one value."""


def safe(value: Any, longest: int = LONGEST) -> str:
    """One line, printable, cut. Whatever is not printable stands as its code point: <U+202E>."""
    text = str(value)
    if text.isascii() and text.isprintable():
        return text if len(text) <= longest else text[: longest - 1] + "…"
    shown = "".join(c if _harmless(c) else f"<U+{ord(c):04X}>" for c in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _harmless(character: str) -> bool:
    return character == " " or (unicodedata.category(character)[0] not in "CZ" and character not in _BLANK)


def width(text: str) -> int:
    """Columns that a terminal takes: two for wide characters, none for combining ones (UAX 11)."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def quoted(value: Any) -> str:
    """A value of an attribute: text in quotes, nothing as "nothing", lists with commas.

    What a plan only names stands as [Redact] or [Guid], and somebody's account by whose it is.
    """
    if value is None or value == "" or value in ([], ()):
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ", ".join(quoted(v) for v in value[:5]) + (", …" if len(value) > 5 else "")
    if isinstance(value, dict):
        return _named(value)
    return f'"{safe(value)}"' if isinstance(value, str) else safe(value)


def _named(value: dict[str, Any]) -> str:
    if value.keys() == {"redacted"}:
        return "[Redact]"
    if value.keys() == {"generated"}:
        return f"[{safe(value['generated'])}]"
    if "key" in value and value.keys() <= {"key", "id"}:
        return safe(str(value["key"]).removeprefix("user:"))
    return safe(value.get("value") or value)
