"""The one layout of a desired state's files: keys in their order, two blanks of indentation, comments where they were.

    keys        in the order of `desired.order`; a file with anchors keeps its own
    indentation two blanks a level, lists inside of mappings too
    brackets    stay on one line if they are on one; else entries get a line each
    quotes      double, unless the text has double quotes or backslashes; plain text stays plain
    comments    above what they were above; behind what they were behind, in the same column; those on the file on top
    blank lines one at a time; always between long entries of a file's list, and below a remark on the file if another
                follows that is not on it

Scalars are taken over as they are written, never made anew from values. That nothing changes its meaning is proven
afterwards, by reading both (`desired.tidy`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from reconciler.desired.order import ANY, Shape
from reconciler.desired.outline import BLANK, Block, Entry, Node, Outline, Scalar, outline

_STEP: Final = 2


def laid_out(text: str, shape: Shape = ANY) -> str:
    """Of a text that `read_document` accepts. What holds neither mapping nor list is left as it is."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = outline(text)
    if isinstance(found.root, Scalar):
        return text
    return _Writer(found, shape).text()


class _Writer:
    def __init__(self, found: Outline, shape: Shape) -> None:
        self.found, self.shape = found, shape
        self.lines: list[str] = []
        self.wanted = False
        """A blank line before the next."""
        self.glued = True
        """None may stand there: at the top, below a key, or where it would belong to the text above."""

    def text(self) -> str:
        found, root = self.found, self.found.root
        self.remarks(found.above, 0)
        if isinstance(root, Block):
            if root.one_line:
                self.put(f"{_anchored(root)}{self.flow(root, self.shape)}", root.behind)
            else:
                top = len(self.lines)
                if root.anchor:
                    self.put(f"&{root.anchor}")
                self.block(root, 0, "", self.shape)
                if top and self.lines[top].startswith("#"):
                    self.lines.insert(top, "")  # else the entry's remark would become one on the file
        self.remarks(found.tail, 0)
        return "\n".join((*self.lines, "")) if self.lines else ""

    def put(self, line: str, behind: tuple[int, str] | None = None) -> None:
        if self.wanted and not self.glued:
            self.lines.append("")
        self.wanted = self.glued = False
        if behind:
            column, comment = behind
            line = f"{line.ljust(max(column, len(line) + 2))}{comment}"
        self.lines.append(line)

    def remarks(self, above: Iterable[str], indent: int) -> None:
        for each in above:
            if each == BLANK:
                self.wanted = True
            else:
                self.put(f"{' ' * indent}{each}")

    def block(self, block: Block, indent: int, lead: str, shape: Shape) -> None:
        """`lead`: what stands before the first entry on its line, such as `  - `."""
        before = False
        for number, entry in enumerate(self.sorted(block, shape)):
            long = not _is_line(entry.value)
            if number and shape.apart and not block.mapping and (long or before):
                self.wanted = True
            before = long
            self.remarks(entry.above, indent)
            if entry.behind and entry.key is None:
                self.put(f"{' ' * indent}{entry.behind[1]}")
            start = lead or " " * indent
            lead = ""
            if entry.key is not None:
                self.value(entry.value, f"{start}{_key(entry.key)}:", indent, entry, shape.of(entry.key.value))
            else:
                self.item(entry.value, f"{start}-", indent, shape)
        self.remarks(block.tail, indent)

    def sorted(self, block: Block, shape: Shape) -> list[Entry]:
        if not block.mapping or self.found.aliases or not shape.ranks:
            return block.entries
        return sorted(block.entries, key=lambda entry: shape.rank(entry.key.value) if entry.key else 0)

    def value(self, value: Node, start: str, indent: int, entry: Entry, shape: Shape) -> None:
        if _is_line(value):
            self.leaf(value, start, indent, shape)
            return
        assert isinstance(value, Block)
        self.put(f"{start} &{value.anchor}" if value.anchor else start, entry.behind)
        self.glued = True
        self.block(value, indent + _STEP, "", shape)

    def item(self, value: Node, start: str, indent: int, shape: Shape) -> None:
        """An entry of a list: a mapping begins on the line of its dash, with what stands above its first key above."""
        if _is_line(value):
            self.leaf(value, start, indent, shape)
            return
        assert isinstance(value, Block)
        if value.anchor:
            self.put(f"{start} &{value.anchor}")
            self.glued = True
            self.block(value, indent + _STEP, "", shape)
            return
        first = self.sorted(value, shape)[0]
        above, first.above = self.above_all(first, shape), []
        self.remarks(above, indent)
        self.block(value, indent + _STEP, f"{start} ", shape)

    def above_all(self, first: Entry, shape: Shape) -> list[str]:
        """What stands above an entry, and above all that begins on its line."""
        above, entry = list(first.above), first
        if entry.key is None and entry.behind:
            above.append(entry.behind[1])
            entry.behind = None
        while entry.key is None and isinstance(entry.value, Block) and not entry.value.one_line:
            if entry.value.anchor:
                break
            entry = self.sorted(entry.value, shape)[0]
            above += entry.above
            entry.above = []
            if entry.key is None and entry.behind:
                above.append(entry.behind[1])
                entry.behind = None
        return above

    def leaf(self, value: Node, start: str, indent: int, shape: Shape) -> None:
        """What begins on the line of its key or dash and has no entries of its own."""
        anchor = _anchored(value)
        if isinstance(value, Block):
            self.put(f"{start} {anchor}{self.flow(value, shape)}", value.behind)
            return
        if value.style in ("|", ">"):
            self.lines_of(value, f"{start} {anchor}", indent)
            return
        first, *more = _folded(value)
        lines = [f"{start} {anchor}{first}".rstrip(" ") if not first else f"{start} {anchor}{first}"]
        lines += [f"{' ' * (indent + _STEP)}{line}" if line else "" for line in more]
        for line in lines[:-1]:
            self.put(line)
        self.put(lines[-1], value.behind)

    def lines_of(self, scalar: Scalar, start: str, indent: int) -> None:
        header, *lines = scalar.text.split("\n")
        margin = " " * (indent + (scalar.given or _STEP))
        self.put(f"{start}{header.rstrip()}")
        self.lines += [f"{margin}{line[scalar.indent :]}" if len(line) > scalar.indent else "" for line in lines]
        self.glued = scalar.keeps

    def flow(self, value: Node, shape: Shape) -> str:
        """On one line."""
        if isinstance(value, Scalar):
            return f"{_anchored(value)}{_written(value)}"
        entries = []
        for entry in self.sorted(value, shape):
            if entry.key is None:
                entries.append(self.flow(entry.value, shape))
            else:
                inner = self.flow(entry.value, shape.of(entry.key.value)) or "null"
                entries.append(f"{_key(entry.key)}: {inner}")
        joined = ", ".join(entries)
        return f"{_anchored(value) if value is not self.found.root else ''}" + (
            f"{{{joined}}}" if value.mapping else f"[{joined}]"
        )


def _is_line(value: Node) -> bool:
    return isinstance(value, Scalar) or value.one_line


def _anchored(value: Node) -> str:
    return f"&{value.anchor} " if value.anchor else ""


def _key(key: Scalar) -> str:
    if "\n" in key.text or key.style in ("|", ">"):
        return json.dumps(key.value)
    return _written(key)


def _folded(scalar: Scalar) -> list[str]:
    """The lines of a scalar that is no block; blanks around line breaks mean nothing, but for an escaped one."""
    if "\n" not in scalar.text:
        return [_written(scalar)]
    first, *more = scalar.text.split("\n")
    lines = [first, *(line.lstrip(" \t") for line in more)]
    return [line if line.rstrip(" \t").endswith("\\") else line.rstrip(" \t") for line in lines[:-1]] + lines[-1:]


def _written(scalar: Scalar) -> str:
    """On one line, in the quotes that are meant for it."""
    text, value = scalar.text, scalar.value
    if scalar.style == "'" and '"' not in value and "\\" not in value:
        return f'"{value}"'
    if scalar.style == '"' and "\\" in text and "'" not in value:
        plain = text[1:-1].replace("\\\\", "\x00").replace('\\"', "\x00")
        if "\\" not in plain and "\x00" not in value:
            return f"'{value}'"
    return text
