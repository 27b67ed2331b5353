"""Functions over one text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from reconciler.model.clauses import as_text
from reconciler.model.values import Flow, Value, is_null
from reconciler.project.expressions.registry import Unusable, elements_of, function, integer_of, text_of

VB_BINARY_COMPARE: Final = 0
VB_TEXT_COMPARE: Final = 1
_CULTURE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


@function("Append(source, suffix)", least=2)
def append(source: Value, suffix: Value) -> Flow:
    """Nothing is appended to nothing: an address without its first part helps nobody."""
    return None if source is None else text_of(source, 1) + text_of(suffix, 2)


@function("Prepend(source, prefix)", least=2)
def prepend(source: Value, prefix: Value) -> Flow:
    return None if source is None else text_of(prefix, 2) + text_of(source, 1)


@function("CStr(value)", least=1)
def cstr(value: Value) -> Flow:
    return None if is_null(value) else text_of(value, 1)


@function("InStr(text, sought, start, compareType)", least=2)
def in_str(text: Value, sought: Value, start: Value = None, compare: Value = None) -> Flow:
    """Where `sought` begins, counted from 1; 0 if it is not there."""
    first = 1 if is_null(start) else integer_of(start, 3)
    if first < 1:
        raise Unusable(3, f"is {first}; texts begin at 1")
    kind = VB_BINARY_COMPARE if is_null(compare) else integer_of(compare, 4)
    if kind not in (VB_BINARY_COMPARE, VB_TEXT_COMPARE):
        raise Unusable(4, "is neither vbBinaryCompare nor vbTextCompare")
    hay, needle = text_of(text, 1), text_of(sought, 2)
    if kind == VB_TEXT_COMPARE:
        hay, needle = _lower(hay), _lower(needle)
    return hay.find(needle, first - 1) + 1


@function("Left(text, length)", least=2)
def left(text: Value, length: Value) -> Flow:
    """A negative length gives the whole text."""
    whole, size = text_of(text, 1), integer_of(length, 2)
    return whole if size < 0 else whole[:size]


@function("Mid(text, start, length)", least=3)
def mid(text: Value, start: Value, length: Value) -> Flow:
    """From `start`, counted from 1; cut where the text ends."""
    first, size = integer_of(start, 2), integer_of(length, 3)
    if first < 1:
        raise Unusable(2, f"is {first}; texts begin at 1")
    if size < 0:
        raise Unusable(3, f"is {size}; a length is not negative")
    return text_of(text, 1)[first - 1 : first - 1 + size]


@function("PCase(source, separators)", least=1)
def pcase(source: Value, separators: Value = None) -> Flow:
    """Every word lower-case with a capital first letter.

    Words end at the separators given; without any where .NET's ToTitleCase ends them: at everything but letters,
    marks, digits and the apostrophe inside a word.
    """
    if source is None:
        return None
    ends = text_of(separators, 2)
    given = frozenset(ends) if ends else None
    out: list[str] = []
    inside = False
    for character in _lower(text_of(source, 1)):
        if given is None:
            letter = unicodedata.category(character)[0] == "L"
            out.append(_title(character) if letter and not inside else character)
            inside = letter or (inside and _continues(character))
        else:
            out.append(character if inside or character in given else _upper(character))
            inside = character not in given
    return "".join(out)


@function("StripSpaces(source)", least=1)
def strip_spaces(source: Value) -> Flow:
    return None if source is None else text_of(source, 1).replace(" ", "")


@function("ToLower(source, culture)", least=1)
def to_lower(source: Value, culture: Value = None) -> Flow:
    """As the culture has it: Turkish and Azeri have two letters i. All others change case like the invariant one."""
    if source is None:
        return None
    text, turkic = text_of(source, 1), _turkic(culture)
    return _lower(text.replace("I", "ı").replace("İ", "i") if turkic else text)


@function("ToUpper(source, culture)", least=1)
def to_upper(source: Value, culture: Value = None) -> Flow:
    if source is None:
        return None
    text, turkic = text_of(source, 1), _turkic(culture)
    return "".join(map(_upper_turkic, text)) if turkic else _upper(text)


@function("Trim(source)", least=1)
def trim(source: Value) -> Flow:
    """White space around it, of several values around each."""
    if isinstance(source, (tuple, list)) and len(source) > 1:
        return tuple(text_of(each, 1).strip() for each in source)
    return None if source is None else text_of(source, 1).strip()


@function("Word(text, number, delimiters)", least=3)
def word(text: Value, number: Value, delimiters: Value) -> Flow:
    """The word with this number, from 1; several delimiters in a row are one. "" if there is none."""
    position, ends = integer_of(number, 2), text_of(delimiters, 3)
    whole = text_of(text, 1)
    for each in ends[1:]:
        whole = whole.replace(each, ends[0])
    words = [part for part in (whole.split(ends[0]) if ends else [whole]) if part]
    return words[position - 1] if 1 <= position <= len(words) else ""


def concatenate(parts: Iterable[Value]) -> str:
    """The & operator: null counts as an empty text."""
    return "".join(as_text(each) for part in parts for each in elements_of(part))


def _lower(text: str) -> str:
    """Character by character, as .NET's invariant culture: the length never changes."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def _upper(text: str) -> str:
    return text.upper() if text.isascii() else "".join(map(_upper_one, text))


def _upper_one(character: str) -> str:
    """The dotless i is no letter of the invariant culture, and stays."""
    up = character.upper()
    return up if len(up) == 1 and character != "ı" else character


def _upper_turkic(character: str) -> str:
    return {"i": "İ", "ı": "I"}.get(character) or _upper_one(character)


def _title(character: str) -> str:
    """Of letters that are two in one, only the first becomes a capital: ǆ, ǅ."""
    title = character.title()
    return title if len(title) == 1 and character != "ı" else character


def _turkic(culture: Value) -> bool:
    """Whether a culture's name (RFC 4646: tr-TR) is Turkish or Azeri. Raises Unusable for what is no name."""
    name = as_text(culture)
    if name and not _CULTURE.fullmatch(name):
        raise Unusable(2, f"is no name of a culture, such as tr-TR: {name!r}")
    return name.lower().partition("-")[0] in ("tr", "az")


def _continues(character: str) -> bool:
    """Whether a word goes on: ToTitleCase ends it at spaces, controls, punctuation and symbols."""
    category = unicodedata.category(character)
    return character == "'" or not (category[0] in "ZPS" or category in ("Cc", "Cf"))
