"""A YAML file as it is laid out: which entries, which text each scalar has, and which comment belongs to what.

libyaml's events say where each token stands; what lies between two tokens is indicators, blank lines and comments.
A comment on a line of its own belongs to the entry below it, or, if it is indented further than that entry, to the end
of the list or mapping that it is indented like. Above the first entry of a file, what stands before the last blank line
belongs to the file, and without a blank line all of it does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
    StreamStartEvent,
)

_IN_A_GAP: Final = re.compile("(#[^\n\x85\u2028\u2029]*)|(\n)|[^\\s#]+")
BLANK: Final = ""
"""Stands for a blank line among comments."""
_FOR_EDITORS: Final = re.compile(r"#\s*(?:yaml-language-server:|-\*-|vim:)")
"""A comment that means the whole file, wherever it stands."""

_SPACE: Final = re.compile("(?:\\s|#[^\n\x85\u2028\u2029]*)*")
_HEADER: Final = re.compile(r"[|>](?=[+-]?([1-9])?)(?=[1-9]?([+-])?)")
"""Of a block scalar: the indentation that it gives, and what becomes of the line breaks at its end."""
_NOT_A_COLUMN: Final = 1 << 30


@dataclass(slots=True)
class Scalar:
    """A scalar or an alias."""

    text: str
    """As it is written, without its anchor."""
    value: str
    style: str
    """`'`, `"`, `|`, `>`; "" if plain, `*` for an alias."""
    anchor: str = ""
    indent: int = 0
    """Of a block scalar: of its lines."""
    given: int = 0
    """Of a block scalar: the indentation that its first line gives; 0: none."""
    keeps: bool = False
    """Of a block scalar: the line breaks at its end count."""
    behind: tuple[int, str] | None = None
    """The comment on its last line, with the column."""


@dataclass(slots=True)
class Entry:
    """One of a mapping, or with no key, of a list."""

    key: Scalar | None
    value: Node
    above: list[str]
    """Comments on lines of their own, and BLANK."""
    behind: tuple[int, str] | None = None
    """The comment on the line of the key, where the value follows below."""


@dataclass(slots=True)
class Block:
    """A mapping or a list."""

    mapping: bool
    column: int
    """Where its entries begin; -1 if it is in brackets."""
    anchor: str = ""
    one_line: bool = False
    """In brackets, all on one line, or empty."""
    entries: list[Entry] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    """What stands below the last entry, as `Entry.above`."""
    behind: tuple[int, str] | None = None
    """Where it is on one line: the comment behind it."""


Node = Scalar | Block


@dataclass(slots=True)
class Outline:
    above: list[str]
    """What stands at the top of the file, but for what belongs to the first entry."""
    root: Node | None
    tail: list[str]
    """What stands below the root, unless its own tail has it."""
    aliases: bool
    """There are anchors: something may refer to what is above it, so entries can't change places."""


def outline(text: str) -> Outline:
    """Of a text that `read_document` accepts, with line feeds alone."""
    return _Reader(text).document()


def comments(text: str) -> list[str]:
    """All comments of a text that `read_document` accepts, sorted."""
    get: Callable[[], Any] = CParser(text).get_event
    found: list[str] = []
    last = 0
    while type(event := get()) is not StreamEndEvent:
        if type(event) not in (ScalarEvent, AliasEvent):
            continue
        begin, end = _content(text, event)
        if "#" in (gap := text[last:begin]):
            found += _hashes(gap)
        if type(event) is ScalarEvent and event.style in ("|", ">"):
            found += _hashes(text[begin:end].partition("\n")[0])
        last = max(last, end)
    return sorted(found + _hashes(text[last:]))


def _hashes(gap: str) -> list[str]:
    return [comment.rstrip() for comment, _ in _IN_A_GAP.findall(gap) if comment]


def _content(text: str, event: Any) -> tuple[int, int]:
    """Where a scalar or alias begins behind its anchor, and where it ends."""
    begin, end = event.start_mark.index, event.end_mark.index
    if type(event) is ScalarEvent and event.anchor:
        found = _SPACE.match(text, begin + 1 + len(event.anchor), end)
        begin = found.end() if found else begin
    return begin, end


def _shared(column: int, closed: list[Block]) -> bool:
    """Whether the innermost begins in this column, and one around it too: then that one is meant."""
    return column == closed[0].column and any(each.column == column for each in closed[1:])


def _taken(above: list[str]) -> list[str]:
    """Takes from the top of a file what belongs to its first entry: the comments behind the last blank line.

    If no comment stands before that line, nothing parts a remark on the file from one on the entry: it is the file's.
    """
    at = len(above) - above[::-1].index(BLANK) if BLANK in above else 0
    taken = above[at:]
    if not any(above[:at]) or any(map(_FOR_EDITORS.match, taken)):
        return []
    del above[at:]
    return taken


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.next: Callable[[], Any] = CParser(text).get_event
        self.last = 0
        """Where the last token ended."""
        self.leaf: Scalar | Block | Entry | None = None
        """What a comment behind the last token belongs to."""
        self.closed: list[Block] = []
        """Collections that ended since, the innermost first."""
        self.aliases = False

    def document(self) -> Outline:
        event = self.next()
        while type(event) in (StreamStartEvent, DocumentStartEvent):
            event = self.next()
        if type(event) is StreamEndEvent:
            return Outline(self.above(len(self.text), -1), None, [], aliases=False)
        above = self.above(event.start_mark.index, -1)
        whole = Entry(None, _NOTHING, above)
        self.node(event, -1, whole)
        end = self.above(len(self.text), -1)
        root = whole.value
        if whole.behind is not None:
            above.append(whole.behind[1])
        if isinstance(root, Block) and not root.one_line:
            root.tail += end
            end = []
            if root.column >= 0 and not root.anchor:
                root.entries[0].above[:0] = _taken(above)
        return Outline(above, root, end, self.aliases)

    def above(self, start: int, column: int) -> list[str]:
        """The comments before the token at `start`, but for those that belong to what ended before it.

        `column`: where the entry begins that the token is the first of.
        """
        closed, self.closed = self.closed, []
        leaf, self.leaf = self.leaf, None
        begin, self.last = self.last, max(start, self.last)
        gap = self.text[begin:start]
        if "#" not in gap and gap.count("\n") < 2:
            return []
        closed = [each for each in closed if each.column >= column]
        found: list[str] = []
        lines, blank, inner = 0, False, False
        for match in _IN_A_GAP.finditer(gap):
            comment, newline = match.groups()
            if newline:
                lines += 1
                blank = blank or lines > 1
                continue
            if not comment:
                inner = inner or bool(lines) or match[0][0] not in ":,]}"
                continue
            where = begin + match.start()
            where -= self.text.rfind("\n", 0, where) + 1
            comment = comment.rstrip()
            if not lines and not inner and leaf is not None and leaf.behind is None:
                leaf.behind = (where, comment)
                continue
            while closed and (inner or where <= column or where < closed[0].column or _shared(where, closed)):
                del closed[0]
            into = closed[0].tail if closed else found
            into += [BLANK, comment] if blank else [comment]
            lines, blank = 0, False
        if blank:
            found.append(BLANK)
        return found

    def node(self, event: Any, parent: int, entry: Entry) -> None:
        """Makes what begins with `event` the value of the entry. `parent`: the column of what that stands in."""
        kind = type(event)
        if kind is ScalarEvent or kind is AliasEvent:
            entry.value = self.scalar(event, parent, entry)
            return
        entry.value = block = Block(kind is MappingStartEvent, event.start_mark.column, event.anchor or "")
        begin = event.start_mark.index
        if block.anchor:
            self.aliases = True
            self.last = begin + 1 + len(block.anchor)
            block.column = -1  # of the anchor; the first entry says where they begin
        if not event.flow_style:
            self.entries(block)
            self.closed.append(block)
            return
        block.column = -1
        self.last = max(self.last, event.end_mark.index)
        end = self.entries(block, in_brackets=True)
        block.tail += self.above(end.start_mark.index, _NOT_A_COLUMN)
        self.last = max(self.last, end.end_mark.index)
        block.one_line = not block.entries or "\n" not in self.text[begin : self.last]
        if block.one_line:
            entry.above += [each for each in block.tail if each != BLANK]
            block.tail = []
        self.leaf = block if block.one_line else entry

    def entries(self, block: Block, *, in_brackets: bool = False) -> Any:
        """Fills the block; the answer is the event that ends it."""
        over = MappingEndEvent if block.mapping else SequenceEndEvent
        while type(event := self.next()) is not over:
            start = event.start_mark
            above = self.above(start.index, block.column)
            if block.column < 0 and not in_brackets and not block.entries:
                dash = start.index if block.mapping else self.text.rfind("-", 0, start.index)
                block.column = dash - self.text.rfind("\n", 0, dash) - 1
            entry = Entry(None, _NOTHING, above)
            if block.mapping:
                entry.key = self.scalar(event, block.column, entry)
                self.leaf = entry
                event = self.next()
                between = self.above(event.start_mark.index, _NOT_A_COLUMN)
                self.leaf = entry
                self.node(event, block.column, entry)
                self.settle(entry, between)
            else:
                self.node(event, block.column, entry)
            block.entries.append(entry)
        return event

    def settle(self, entry: Entry, between: list[str]) -> None:
        """What stood between a key and its value: above the first entry of the value, or else above the key."""
        value = entry.value
        if isinstance(value, Block) and not value.one_line:
            value.entries[0].above[:0] = between
            return
        between = [each for each in between if each != BLANK]
        if entry.behind is not None:
            if value.behind is None and not (isinstance(value, Scalar) and value.style in ("|", ">")):
                value.behind = entry.behind
            else:
                between.insert(0, entry.behind[1])
            entry.behind = None
        entry.above += between

    def scalar(self, event: Any, parent: int, entry: Entry) -> Scalar:
        begin, end = _content(self.text, event)
        if type(event) is AliasEvent:
            self.aliases = True
            found = Scalar(self.text[begin:end], "", "*")
        else:
            found = Scalar(self.text[begin:end], event.value, event.style or "", event.anchor or "")
            if found.anchor:
                self.aliases = True
                self.last = event.start_mark.index + 1 + len(found.anchor)
                entry.above += [each for each in self.above(begin, _NOT_A_COLUMN) if each != BLANK]
            if found.style in ("|", ">"):
                end = begin + self.block_scalar(found, parent)
        self.last = max(self.last, end)
        self.leaf = found
        return found

    def block_scalar(self, scalar: Scalar, parent: int) -> int:
        """Sets what is known of its lines, and cuts off what follows them; how long it is then."""
        header = _HEADER.match(scalar.text)
        given, chomping = header.groups() if header else (None, None)
        scalar.keeps, scalar.given = chomping == "+", int(given or 0)
        first, *lines = scalar.text.removesuffix("\n").split("\n")
        if scalar.given:
            scalar.indent = max(parent, 0) + scalar.given
        else:
            scalar.indent = next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip(" ")), 0)
        if not scalar.keeps:
            while lines and not lines[-1].strip(" ") and len(lines[-1]) <= scalar.indent:
                lines.pop()
        scalar.text = "\n".join((first, *lines))
        return len(scalar.text)


_NOTHING: Final = Scalar("", "", "")
