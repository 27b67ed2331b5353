"""One YAML file, built from libyaml's events into plain values that know where they stand.

Everything that could cost more than the file is long is refused on the event, before anything is built: depth,
aliases, long scalars. What other readers decide differently is refused too: duplicate keys, tags, several documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from sys import intern
from typing import Any, NoReturn, Protocol

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.desired.core import MAX_DIGITS, MAY_RESOLVE, resolve
from reconciler.desired.findings import LONGEST, shown
from reconciler.errors import Place, Problem

MAX_DEPTH = 50
_TOO_DEEP = f"nested more than {MAX_DEPTH} deep"
MAX_BYTES = 10_000_000
MAX_SCALAR = 100_000
"""Characters of one scalar."""
MAX_KEY = 1024
"""Characters; libyaml's own limit for keys without a question mark."""
MAX_ALIASED = 10_000
"""Values that all aliases of one file may stand for together."""

_BOM = "\ufeff"
_SAFE = bytes(range(0x20, 0x7F)) + b"\t\n\r"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Outside of YAML 1.2's printable characters (section 5.1), or a byte order mark; and what only YAML 1.1 took for line
breaks: libyaml still does, so that what a reviewer sees in a comment would be read.
"""
_NO_BREAKS = "\x85\u2028\u2029"

_REMEDIES = (
    ("cannot start any token", "indent with spaces, not tabs; text that begins with @, ` or % needs quotes"),
    ("mapping values are not allowed", "text that contains `: ` needs quotes; check the indentation"),
    ("did not find expected <document start>", "one document a file: check the indentation of this line"),
    ("could not find expected ':'", "a key is followed by `: `; check the indentation and open quotes"),
    ("did not find expected key", "check the indentation, and quotes inside text"),
    ("did not find expected '-' indicator", "entries of one list begin in the same column with `- `"),
    ("did not find expected ',' or", "a bracket that is opened must be closed"),
    ("did not find expected node content", "a bracket that is opened must be closed; values stand between commas"),
    ("found unexpected end of stream", "a quote that is opened must be closed"),
    ("unknown escape character", "in double quotes a backslash is written twice; single quotes keep it as it is"),
)


_ENDS_NO_NAME = frozenset("?:%@`")


class Mark(Protocol):
    """libyaml's position; counts from 0."""

    line: int
    column: int


class Entries(dict[str, Any]):
    """A mapping as it stands in the file."""

    __slots__ = ("key_marks", "mark", "marks")
    mark: Mark
    key_marks: dict[str, Mark]
    marks: dict[str, Mark]
    """Key → where its value stands."""


class Items(list[Any]):
    """A sequence as it stands in the file."""

    __slots__ = ("mark", "marks")
    mark: Mark
    marks: list[Mark]


class BadDocument(Exception):
    """This file can't be read. Carries the one problem; never leaves the package."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True)
class Document:
    """What one file holds. `value` is plain: Entries, Items, text, numbers, booleans, None."""

    file: str
    text: str
    value: Any
    mark: Mark
    _written: dict[tuple[int, int], str] = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list)

    @property
    def start(self) -> Place:
        return self.place(self.mark)

    def place(self, mark: Mark) -> Place:
        return Place(self.file, mark.line + 1, mark.column + 1)

    def inside(self, mark: Mark, text: str) -> Place | None:
        """Where `text` begins behind its quote; None if the file spells it otherwise (escapes, several lines)."""
        if not self._lines:
            self._lines = self.text.splitlines()
        line = self._lines[mark.line] if mark.line < len(self._lines) else ""
        begin = mark.column + (line[mark.column : mark.column + 1] in ("'", '"'))
        found = line.startswith(text, begin)
        return Place(self.file, mark.line + 1, begin + 1) if found else None

    def written(self, mark: Mark) -> str:
        """The scalar at `mark` as the file has it, before it became a number or a boolean; "" if there is none."""
        if not self._written:
            for event in _events(self.text):
                if isinstance(event, ScalarEvent):
                    start: Any = event.start_mark
                    self._written[start.line, start.column] = event.value
        return self._written.get((mark.line, mark.column), "")


def read_document(data: bytes, file: str) -> Document:
    """The one document in `data`. An empty file holds None. Raises BadDocument."""
    text = _decode(data, file)
    builder = _Builder(text, file)
    try:
        value, mark = builder.document()
    except yaml.MarkedYAMLError as error:
        raise BadDocument(_syntax_problem(error, file)) from error
    return Document(file, text, value, mark)


def _events(text: str) -> Iterator[Any]:
    get: Callable[[], Any] = CParser(text).get_event
    while type(event := get()) is not StreamEndEvent:
        yield event


def _decode(data: bytes, file: str) -> str:
    """Strict UTF-8 of printable characters, without a byte order mark."""
    if len(data) > MAX_BYTES:
        raise BadDocument(Problem(Place(file), f"larger than {MAX_BYTES:,} bytes", "split it into several files"))
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        where = _place_of(data[: error.start].decode(errors="replace"), file)
        raise BadDocument(Problem(where, f"byte 0x{data[error.start]:02x} is not UTF-8", "save it as UTF-8")) from error
    if data.translate(None, _SAFE) and (found := _FORBIDDEN.search(text)):
        where = _place_of(text[: found.start()], file)
        if found.group() == _BOM:
            raise BadDocument(Problem(where, "a byte order mark", "save it as UTF-8 without BOM"))
        if found.group() in _NO_BREAKS:
            name, remedy = f"U+{ord(found.group()):04X}", 'remove it, or write it "\\u…" in quotes'
            raise BadDocument(Problem(where, f"a line break that not every reader takes for one ({name})", remedy))
        name = "NUL" if found.group() == "\0" else f"U+{ord(found.group()):04X}"
        raise BadDocument(Problem(where, f"a control character ({name})", 'remove it, or write it "\\u…" in quotes'))
    return text


def _place_of(before: str, file: str) -> Place:
    return Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _syntax_problem(error: yaml.MarkedYAMLError, file: str) -> Problem:
    mark: Any = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    problem = error.problem or "not YAML"
    if "nesting depth" in problem:  # libyaml looks ahead for a colon, and newer ones have a limit of their own
        return Problem(place, _TOO_DEEP)
    context = ""
    if error.context:
        started: Any = error.context_mark
        since = f" that begins in line {started.line + 1}" if started and mark and started.line != mark.line else ""
        context = f" ({error.context}{since})"
    hint = next((remedy for symptom, remedy in _REMEDIES if symptom in problem), "")
    return Problem(place, f"not YAML: {problem}{context}", hint)


class _Builder:
    """Builds values from events. Recursion is bounded by MAX_DEPTH."""

    def __init__(self, text: str, file: str) -> None:
        self.next: Callable[[], Any] = CParser(text).get_event
        self.text, self.file = text, file
        self.built = 0
        self.aliased = 0
        self.keys: dict[str, str] = {}
        """Plain keys that are text. One object each in the whole process: there are few, and they are everywhere."""
        self.texts: dict[str, str] = {}
        """Plain values that are text, likewise one object each: departments and languages repeat."""
        self.anchors: dict[str, tuple[Any, int, int]] = {}
        """Anchor → value, of how many values it consists, and how deep they are nested."""

    def refuse(self, mark: Mark, message: str, hint: str = "") -> NoReturn:
        raise BadDocument(Problem(Place(self.file, mark.line + 1, mark.column + 1), message, hint))

    def document(self) -> tuple[Any, Mark]:
        self.next()  # the stream's start
        event = self.next()
        mark: Mark = event.start_mark
        if type(event) is StreamEndEvent:
            return None, mark
        if event.version not in (None, (1, 2)):
            self.refuse(mark, "a YAML version other than 1.2", "remove the %YAML line")
        event = self.next()
        mark = event.start_mark
        value = self.node(event, 0)
        self.next()  # the document's end
        event = self.next()
        if type(event) is not StreamEndEvent:
            self.refuse(event.start_mark, "a second document", "one document a file: split it, or remove the `---`")
        return value, mark

    def node(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is AliasEvent:
            return self.alias(event, depth)
        if event.tag is not None:
            self.refuse(
                event.start_mark, f"a tag ({shown(event.tag)})", "remove it: values are read by what they look like"
            )
        before = self.built
        value: Any
        if kind is ScalarEvent:
            value = self.scalar(event)
        elif depth >= MAX_DEPTH:
            self.refuse(event.start_mark, _TOO_DEEP)
        elif kind is MappingStartEvent:
            value = self.mapping(event, depth + 1)
        elif kind is SequenceStartEvent:
            value = self.sequence(event, depth + 1)
        if event.anchor is not None:
            self.check_name(event)
            self.anchors[event.anchor] = (value, self.built - before + 1, _height(value))
        return value

    def alias(self, event: Any, depth: int) -> Any:
        if event.anchor not in self.anchors:
            self.refuse(event.start_mark, f"nothing above is called &{shown(event.anchor)}", "write the value out")
        value, size, height = self.anchors[event.anchor]
        if depth + height > MAX_DEPTH:
            self.refuse(event.start_mark, f"nested more than {MAX_DEPTH} deep, with what the alias stands for")
        self.aliased += size
        self.built += size
        if self.aliased > MAX_ALIASED:
            self.refuse(event.start_mark, f"aliases stand for more than {MAX_ALIASED:,} values", "write the values out")
        return value

    def check_name(self, event: Any) -> None:
        """YAML lets any character be in an anchor's name; libyaml ends it early, and reads the rest as the value."""
        end = event.start_mark.index + 1 + len(event.anchor)
        if self.text[end : end + 1] in _ENDS_NO_NAME:
            hint = "rename it, and its aliases"
            self.refuse(event.start_mark, "an anchor is named with letters, digits, _ and -", hint)

    def scalar(self, event: Any) -> Any:
        text = event.value
        if len(text) > MAX_SCALAR:
            self.refuse(event.start_mark, f"text of more than {MAX_SCALAR:,} characters")
        if event.style:
            if "\0" in text:
                self.refuse(event.start_mark, "text with a NUL character", "remove it")
            return text
        if text[:1] in MAY_RESOLVE:
            try:
                return resolve(text)
            except OverflowError:
                self.refuse(event.start_mark, f"a number of more than {MAX_DIGITS} digits", "put it in quotes")
        return text

    def mapping(self, start: Any, depth: int) -> Entries:
        entries = Entries()
        entries.mark = start.start_mark
        key_marks: dict[str, Mark] = {}
        marks: dict[str, Mark] = {}
        entries.key_marks, entries.marks = key_marks, marks
        get, keys, texts = self.next, self.keys, self.texts
        while type(event := get()) is not MappingEndEvent:
            bare = type(event) is ScalarEvent and event.tag is None and event.anchor is None
            key = (keys.get(event.value) if bare else None) or self.key(event)
            if key in entries:
                first = f"the first is in line {key_marks[key].line + 1}"
                self.refuse(event.start_mark, f"`{shown(key)}` is there twice", first)
            key_marks[key] = event.start_mark
            event = get()
            marks[key] = event.start_mark
            if type(event) is ScalarEvent and event.tag is None and event.anchor is None:
                text = event.value
                if text[:1] in MAY_RESOLVE or event.style or len(text) > MAX_SCALAR:
                    entries[key] = self.scalar(event)
                else:
                    entries[key] = texts.setdefault(text, text)
            else:
                entries[key] = self.node(event, depth)
        self.built += 2 * len(entries)
        if start.flow_style:
            mark: Any
            for key, mark in key_marks.items():
                if self.text[mark.index - 1] == "?":  # libyaml takes it for an indicator, YAML 1.2 for the key's
                    self.refuse(mark, f"`?{shown(key)}` without quotes", "put it in quotes, or a blank after the ?")
        return entries

    def key(self, event: Any) -> str:
        mark = event.start_mark
        if type(event) is not ScalarEvent:
            self.refuse(mark, "a key must be text", "quote text that begins with [, { or *")
        if event.tag is not None or event.anchor is not None:
            self.refuse(mark, "a key with a tag or an anchor", "remove it")
        key: str = event.value
        if len(key) > MAX_KEY:
            self.refuse(mark, f"a key of more than {MAX_KEY:,} characters")
        if key[:1] in MAY_RESOLVE and not event.style and not isinstance(self.scalar(event), str):
            self.refuse(
                mark,
                f"a key must be text, this is read as {shown(key[:LONGEST]) or 'nothing'}",
                f'write "{shown(key)}" in quotes',
            )
        key = intern(key)
        if not event.style:
            self.keys[key] = key
        return key

    def sequence(self, start: Any, depth: int) -> Items:
        items = Items()
        items.mark = start.start_mark
        marks: list[Mark] = []
        items.marks = marks
        get = self.next
        while type(event := get()) is not SequenceEndEvent:
            marks.append(event.start_mark)
            if type(event) is ScalarEvent and event.tag is None and event.anchor is None:
                items.append(self.scalar(event))
            else:
                items.append(self.node(event, depth))
        self.built += len(items)
        return items


def _height(value: Any) -> int:
    """How many mappings and sequences lie inside one another; MAX_DEPTH at most."""
    inside = value.values() if isinstance(value, Entries) else value if isinstance(value, Items) else None
    return 0 if inside is None else 1 + max(map(_height, inside), default=0)
