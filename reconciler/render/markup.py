"""Sentences as markdown in which no name can be anything but text, on GitHub, on GitLab and in CommonMark.

Forges look for mentions, issues, commits, emoji and addresses in the text that is left after the markup was read, so
neither a backslash nor an entity hides them. In code spans they do not look. Names therefore stand in code spans, and
so does every other word that is not plainly a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from reconciler.render.marks import pieces

_WORD: Final = re.compile(
    r"""[("']*                                                       # what opens
        (?: [^\W\d_]+ (?:['’-][^\W\d_]+)* | \d[\d,]* (?:\.\d+)? %? | [→…·–%] )?
        [)"'.,:;?…]*                                                 # what closes
    """,
    re.VERBOSE,
)
_OPENS, _CLOSES = "(\"'", ")\"'.,:;?…"
_COMMIT: Final = re.compile(r"[0-9a-f]{7,}", re.IGNORECASE)
_ORDINAL: Final = re.compile(r"\d+[.)]")
"""What would begin a list."""
_BLANKS: Final = re.compile("( +)")
_TICKS: Final = re.compile("`+")
BLOCK: Final = "\n\n"


def inline(sentence: str) -> str:
    """A sentence with marks, on one line. Its own plain words stay; all else is code."""
    shown = ""
    for named, text in pieces(sentence):
        for part in (code(text),) if named else _words(text):
            shown += f" {part}" if part[0] == shown[-1:] == "`" else part  # side by side they would be one
    shown = " ".join(shown.split())
    first, _, rest = shown.partition(" ")
    return f"{code(first)} {rest}".rstrip() if _ORDINAL.match(first) else shown


def _words(text: str) -> Iterator[str]:
    for word in filter(None, _BLANKS.split(text)):
        if word.isspace() or (_WORD.fullmatch(word) and not _COMMIT.search(word)):
            yield word
        else:
            yield from _coded(word)


def _coded(word: str) -> Iterator[str]:
    """What is no plain word is code; what opens and closes around it stays outside."""
    inside = word.lstrip(_OPENS).rstrip(_CLOSES) or word
    before, _, after = word.partition(inside)
    yield from filter(None, (before, code(inside), after))


def code(text: str) -> str:
    """A code span around one line of text: closed by as many backticks as stand nowhere in it (CommonMark 6.1)."""
    if not text:
        return ""
    runs = {len(run) for run in _TICKS.findall(text)}
    ticks = "`" * next(n for n in range(1, len(runs) + 2) if n not in runs)
    edge = " " if text[0] == "`" or text[-1] == "`" or (text[0] == text[-1] == " " and text.strip()) else ""
    return f"{ticks}{edge}{text}{edge}{ticks}"


def details(summary: str, body: str) -> str:
    """Folded. `summary` is our own text, without any name: in HTML a name would need other care than here."""
    return f"<details>\n<summary>{summary}</summary>{BLOCK}{body}{BLOCK}</details>"
