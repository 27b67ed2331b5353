"""Which parts of a sentence are names: each form of a report sets them apart in its own way.

A sentence is text in which every name, value, path and key that files or servers brought stands between two control
characters. No name can hold one of them, since `safe` lets no control character through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from reconciler.model.plan import Source
from reconciler.render.safe import LONGEST, quoted, safe

_BEGIN: Final = "\x0e"
_END: Final = "\x0f"
_MARKS: Final = re.compile(f"[{_BEGIN}{_END}]")
_NAMED: Final = re.compile(f"{_BEGIN}([^{_END}]*){_END}")
_NAMELESS: Final = "(no name)"
_OWN: Final = frozenset({"nothing", "true", "false"})


def said(value: Any, longest: int = LONGEST) -> str:
    """A name as harmless text, marked as one. What has none is told to have none."""
    return _marked(safe(value, longest) or _NAMELESS)


def value(value: Any) -> str:
    """A value of an attribute, marked; what is nothing is called so."""
    shown = quoted(value)
    return shown if shown in _OWN else _marked(shown)


def whom(key: str) -> str:
    """The id without its kind; groups and accounts keep theirs."""
    kind, _, name = key.partition(":")
    return said(name) if kind == "user" else f"{'account' if kind == 'account' else 'group'} {said(name)}"


def place(source: Source | None) -> str:
    return said(f"{source.file}:{source.line}", 200) if source else ""


def plain(sentence: str) -> str:
    """Without the marks, as a terminal shows it."""
    return _MARKS.sub("", sentence)


def pieces(sentence: str) -> Iterator[tuple[bool, str]]:
    """(whether it is a name, the text), none of them empty."""
    for number, text in enumerate(_NAMED.split(sentence)):
        if text:
            yield bool(number % 2), _MARKS.sub("", text)


def _marked(text: str) -> str:
    return f"{_BEGIN}{text}{_END}"
