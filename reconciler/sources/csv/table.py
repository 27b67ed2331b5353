"""A file of separated values as rows with their lines: encoding, separator and headings found, nothing repaired.

Quotes are those of RFC 4180. Where one is wrong, nobody can tell any more where a row begins, so the whole file is
refused, with the line. It is read as a stream: memory holds one row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from reconciler.errors import Place, ReconcilerError
from reconciler.sources.csv.encodings import Encoding, encoding_of

DELIMITERS: Final = (",", ";", "\t", "|")
MAX_RECORD: Final = 1_000_000
"""Characters of one row."""
_SAMPLE: Final = 100_000
"""Characters by which separator and headings are found."""
_ABOVE: Final = 20
"""Rows among which the headings are: reports have a title above them."""

Recognized = Callable[[Sequence[str]], int]
"""How many cells of a row are headings that somebody knows."""


@dataclass(slots=True)
class Table:
    name: str
    """Of the file, for messages."""
    encoding: Encoding
    delimiter: str
    headings: list[str]
    line: int
    """That of the headings."""
    above: int
    """Rows above the headings, which were left out."""
    ended: bool = True
    """False, once all rows are read: the last line has no line break."""
    _rows: Iterator[tuple[int, list[str]]] = field(default_factory=lambda: iter(()))

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The line and the cells of each row below the headings, but for those without any text. Once.

        Raises ReconcilerError, with the line, for wrong quotes, a row that is too long, and bytes that are no text.
        """
        for line, cells in self._rows:
            if any(cells) and any(cell.strip() for cell in cells):
                yield line, cells


def open_table(
    stream: BinaryIO, name: str, recognized: Recognized, *, encoding: Encoding | None = None, delimiter: str = ""
) -> Table:
    """The table in a stream that can go back. Headings are the row, of the first few, of which most is `recognized`.

    Raises ReconcilerError if it is empty, or of no encoding.
    """
    codec = encoding or encoding_of(stream, name)
    stream.seek(0)
    lines = _Lines(io.TextIOWrapper(_Unclosed(stream), codec.codec, newline=""), name)
    sample, ended = lines.sample()
    told, begin = _told(sample)
    chosen = delimiter or told or _delimiter(sample[begin:], ended, recognized)
    rows = _records(sample[begin:], ended, chosen)
    if not any(cell.strip(" \ufeff") for row in rows for cell in row):
        message = "holds no headings and no people"
        raise ReconcilerError(message, hint="name a table whose first row has headings", place=Place(name))
    known = [recognized(row) for row in rows[:_ABOVE]]
    best = known.index(max(known)) if any(known) else next((n for n, row in enumerate(rows) if any(row)), 0)
    reading = lines.records(chosen, skip=begin)
    for number in range(best + 1):
        line, headings = next(reading)
        if number == best:
            break
    table = Table(name, codec, chosen, [heading.strip().lstrip("\ufeff") for heading in headings], line, best)
    table._rows = _watched(reading, lines, table)
    return table


def _watched(reading: Iterator[tuple[int, list[str]]], lines: _Lines, table: Table) -> Iterator[tuple[int, list[str]]]:
    yield from reading
    table.ended = lines.ended


def _told(sample: list[str]) -> tuple[str, int]:
    """What a first line such as `sep=;` says, which Excel writes and reads; and how many lines that are."""
    first = sample[0].rstrip("\r\n") if sample else ""
    return (first[4], 1) if len(first) == 5 and first.lower().startswith("sep=") else ("", 0)


def _delimiter(sample: list[str], ended: bool, recognized: Recognized) -> str:
    """By which most headings are recognized, then most rows have the same number of cells, and then most cells."""

    def weight(delimiter: str) -> tuple[int, float, int]:
        rows = _records(sample, ended, delimiter)
        widths = [len(row) for row in rows if any(row)]
        usual = max(widths, key=widths.count, default=0)
        even = widths.count(usual) / len(widths) if usual > 1 else 0.0
        return max((recognized(row) for row in rows[:_ABOVE]), default=0), even, usual if usual > 1 else 0

    return max(DELIMITERS, key=weight)


def _records(sample: list[str], ended: bool, delimiter: str) -> list[list[str]]:
    """As far as they can be read; without the last, if the sample ends somewhere in it."""
    rows: list[list[str]] = []
    try:
        rows.extend(csv.reader(iter(sample), delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        return rows
    return rows if ended else rows[:-1] or rows


class _Unclosed(io.BufferedIOBase):
    """A stream that whoever reads text from it does not close."""

    name = ""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._stream.read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        return self._stream.read(size)


class _Lines:
    """Lines of text of a bounded length, counted."""

    def __init__(self, text: io.TextIOWrapper, name: str) -> None:
        self._text, self._name = text, name
        self._ahead: list[str] = []
        self.given = 0
        """Lines that were handed on."""
        self.ended = True
        self._length = 0

    def sample(self) -> tuple[list[str], bool]:
        """The first lines, which come again, and whether they are all."""
        length = 0
        while length < _SAMPLE:
            line = self._read()
            if not line:
                return list(self._ahead), True
            self._ahead.append(line)
            length += len(line)
        return list(self._ahead), False

    def records(self, delimiter: str, *, skip: int) -> Iterator[tuple[int, list[str]]]:
        """(the line in which it begins, the cells)."""
        lines = self._lines()
        for _ in range(skip):
            next(lines)
        reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
        while True:
            begin = self.given + 1
            self._length = 0
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise self._wrong(str(error), begin) from error
            yield begin, cells

    def _lines(self) -> Iterator[str]:
        ahead = iter(self._ahead)
        self._ahead = []
        for line in ahead:
            yield self._counted(line)
        while line := self._read():
            yield self._counted(line)

    def _counted(self, line: str) -> str:
        self.given += 1
        self.ended = line.endswith(("\n", "\r"))
        self._length += len(line)
        if self._length > MAX_RECORD:
            raise self._error(self.given, f"a row of more than {MAX_RECORD:,} characters", "is it the right file?")
        return line

    def _read(self) -> str:
        try:
            return self._text.readline(MAX_RECORD + 1)
        except UnicodeError as error:
            number = self.given + len(self._ahead) + 1
            hint = "name the encoding with --encoding, or export it again as UTF-8"
            message = f"not {self._text.encoding} from here on, or cut off: {str(error)[:200]}"
            raise self._error(number, message, hint) from error

    def _wrong(self, said: str, begin: int) -> ReconcilerError:
        if "unexpected end of data" in said or "field larger" in said:
            message = "a quote that is opened in this row is never closed: was the file cut off?"
            return self._error(begin, message, "export it again; inside quotes a quote is written twice")
        message = f"text behind a closing quote: where this row ends can't be told ({said[:100]})"
        return self._error(begin, message, 'inside quotes a quote is written twice: "the ""new"" desk"')

    def _error(self, line: int, message: str, hint: str) -> ReconcilerError:
        return ReconcilerError(message, hint=hint, place=Place(self._name, line))
