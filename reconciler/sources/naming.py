"""Ids and file names from names that others chose: readable, stable, and never a path."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Container
from typing import Final

LONGEST: Final = 64
"""Characters of an id that is made from a name."""
_LONGEST_FILE: Final = 80
"""Bytes, without `.yaml`."""
_NOT_IN_IDS: Final = re.compile(r"[^\w.@+~'-]+")
_NOT_IN_FILES: Final = re.compile(r"[^a-z0-9.@+_-]+")
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)")
"""Names of devices on Windows, whatever follows the first dot."""
_LETTERS: Final = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ð": "d", "þ": "th", "ł": "l",
    "đ": "d", "ı": "i",
})  # fmt: skip


def id_of(name: str, own: str, taken: Container[str]) -> str:
    """A usable id for what is called `name`, lower case. `own` is what the source itself tells it apart by: where
    `taken` has the id already, or nothing usable is left of the name, it decides, so that the same source gives the
    same ids whatever stands beside it.
    """
    slug = _slug(name)
    if slug and slug not in taken:
        return slug
    mark = hashlib.sha256(own.encode(errors="surrogatepass")).hexdigest()
    for length in (6, 12, 40):
        found = f"{slug[: LONGEST - length - 1] or 'id'}-{mark[:length]}"
        if found not in taken:
            return found
    raise ValueError("two things of a source have the same own id")


def _slug(name: str) -> str:
    text = unicodedata.normalize("NFC", name[:1000]).lower().translate(_LETTERS)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = unicodedata.normalize("NFC", text)
    return _NOT_IN_IDS.sub("-", text)[: 2 * LONGEST].strip("-.@+~'_")[:LONGEST].strip("-.@+~'_")


def file_of(identity: str, taken: Container[str]) -> str:
    """A file name, without folder and `.yaml`, for an id. The id itself where it is usable as one. `taken`: names that
    are there already, in lower case: file systems differ in what they tell apart.
    """
    plain = _NOT_IN_FILES.sub("-", _slug(identity)).strip("-.@+_").encode("ascii", "ignore")[:_LONGEST_FILE].decode()
    if identity == plain or (identity.lower() == plain and identity.isascii()):
        plain = identity
    mark = hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()
    if not plain or _RESERVED.match(plain.lower()):
        plain = f"{plain or 'file'}-{mark[:6]}" if not plain else f"_{plain}"
    found = plain
    for length in (6, 12, 40):
        if found.lower() not in taken:
            break
        found = f"{plain}-{mark[:length]}"
    return found
