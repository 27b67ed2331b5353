"""In which encoding a file of text is: what it says of itself, else what all of its bytes allow."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO, Final

from reconciler.errors import Place, ReconcilerError, UsageError

_CHUNK: Final = 1 << 20
MAX_BYTES: Final = 1_000_000_000
_BEGINNINGS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How files of spreadsheets begin: ZIP archives (xlsx, ods), and compound files (xls)."""
_IN_UTF_8: Final = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
"""Characters of several bytes: nobody writes such a sequence in Windows-1252."""
_EXPORT: Final = "export it again as UTF-8, or name the encoding with --encoding"
TITLES: Final = {
    "utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16",
    "utf-32": "UTF-32", "cp1252": "Windows-1252",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Encoding:
    codec: str
    """As Python names it."""
    guessed: bool = False
    """True: the bytes allow it, and others too."""

    @property
    def title(self) -> str:
        return TITLES.get(self.codec, self.codec)


def named(name: str) -> Encoding:
    """The encoding of this name. Raises UsageError if there is none."""
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)
    except (LookupError, ValueError, UnicodeError) as error:
        hint = "such as utf-8, utf-16, cp1252, iso8859-15 or mac-roman"
        raise UsageError(f"--encoding: there is no encoding `{name[:80]}`", hint=hint) from error
    return Encoding("utf-8-sig" if codec == "utf-8" else codec)


def encoding_of(stream: BinaryIO, name: str) -> Encoding:
    """Of all that `stream` holds, which is at its beginning then. `name` is for messages.

    Raises ReconcilerError for what is too large, mixed, cut off in a character, or neither UTF-8, UTF-16, UTF-32 nor
    Windows-1252.
    """
    stream.seek(0, 2)
    if stream.tell() > MAX_BYTES:
        raise ReconcilerError(f"larger than {MAX_BYTES:,} bytes", hint="split it", place=Place(name))
    stream.seek(0)
    begins = stream.read(4096)
    stream.seek(0)
    if begins.startswith(_WORKBOOKS):
        message, hint = "is a workbook of a spreadsheet, not a CSV", "save the sheet as CSV (UTF-8) and import that"
        raise ReconcilerError(message, hint=hint, place=Place(name))
    for mark, codec in _BEGINNINGS:
        if begins.startswith(mark):
            return Encoding(codec)
    even, odd = begins[::2].count(0), begins[1::2].count(0)
    if max(even, odd) * 5 > len(begins):  # every other byte of Latin text
        return Encoding("utf-16-le" if odd > even else "utf-16-be", guessed=True)
    bad = _first_bad(stream, "utf-8")
    if bad is None:
        return Encoding("utf-8")
    if _mixed(stream):
        if bad.last:
            message, hint = "ends in the middle of a character: it was cut off", "export it again, whole"
        else:
            message = f"byte 0x{bad.byte:02x} is not UTF-8, while other characters are: the file has two encodings"
            hint = _EXPORT
        raise ReconcilerError(message, hint=hint, place=Place(name, bad.line))
    worse = _first_bad(stream, "cp1252")
    if worse is not None:
        message = f"byte 0x{worse.byte:02x} is neither UTF-8 nor Windows-1252"
        raise ReconcilerError(message, hint=_EXPORT, place=Place(name, worse.line))
    return Encoding("cp1252", guessed=True)


@dataclass(frozen=True, slots=True)
class _Bad:
    byte: int
    line: int
    last: bool = False
    """True: it begins a character that the end of the file cuts off."""


def _first_bad(stream: BinaryIO, codec: str) -> _Bad | None:
    """The first byte that the encoding does not know."""
    decoder = codecs.getincrementaldecoder(codec)()
    line = 1
    try:
        while chunk := stream.read(_CHUNK):
            decoder.decode(chunk)
            line += chunk.count(b"\n")
        if begun := decoder.getstate()[0]:
            return _Bad(begun[0], line, last=True)
    except UnicodeDecodeError as error:
        before: bytes = error.object[: error.start]
        return _Bad(error.object[error.start], line + before.count(b"\n"))
    finally:
        stream.seek(0)
    return None


def _mixed(stream: BinaryIO) -> bool:
    """Whether there are whole characters of UTF-8 in it too. One that two chunks share is missed."""
    try:
        while chunk := stream.read(_CHUNK):
            if _IN_UTF_8.search(chunk):
                return True
    finally:
        stream.seek(0)
    return False
