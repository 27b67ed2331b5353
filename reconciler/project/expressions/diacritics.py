"""NormalizeDiacritics: letters without their marks."""

from __future__ import annotations

import unicodedata
from typing import Final

from reconciler.model.values import Flow, Value
from reconciler.project.expressions.registry import function, text_of

_LETTERS: Final = str.maketrans(
    {"ø": "oe", "Ø": "OE", "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ẞ": "SS"}
    | {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH"}
    | {"ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T", "ı": "i", "ŋ": "ng", "Ŋ": "NG"}
)
"""Letters that Unicode does not take apart. The service's table where it has them, else their usual spelling."""


@function("NormalizeDiacritics(source)", least=1)
def normalize_diacritics(source: Value) -> Flow:
    if source is None:
        return None
    text = text_of(source, 1)
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    bare = "".join(c for c in apart if unicodedata.category(c) != "Mn" or not _latin_mark(c))
    return unicodedata.normalize("NFC", bare.translate(_LETTERS))


def _latin_mark(mark: str) -> bool:
    """Combining Diacritical Marks. Marks of other scripts are part of their letters."""
    return "\u0300" <= mark <= "\u036f"
