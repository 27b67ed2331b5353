"""`reconciler fmt`'s layout of any document: values stay, and comments stay with what they are about."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reconciler.desired.document import BadDocument, read_document
from reconciler.desired.layout import laid_out
from reconciler.desired.order import Shape, shape_of
from reconciler.desired.outline import comments
from reconciler.desired.tidy import same

ANYONE = shape_of("users/a.yaml")
_COMMENT = re.compile(r" *(# c\d+)\b")


class Writer:
    """Draws a document in as many ways as YAML has, and writes it as people do who were never told how."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.comments = 0

    def one_of(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def rarely(self) -> bool:
        return self.draw(st.integers(0, 4)) == 4

    def comment(self) -> str:
        self.comments += 1
        return f"# c{self.comments}{self.one_of('', ' - x: y', ' [', ' &a #', '  ')}"

    def between(self, indent: int) -> str:
        """What may stand before a line: blank lines and comments, in any column."""
        lines = ""
        while self.rarely():
            lines += self.one_of("\n", "   \n", f"{' ' * self.draw(st.integers(0, indent + 3))}{self.comment()}\n")
        return lines

    def end(self) -> str:
        return (f"{self.one_of(' ', '     ')}{self.comment()}" if self.rarely() else self.one_of("", "", "  ")) + "\n"

    def plain(self) -> str:
        return self.one_of(
            "a", "word", "two words", "007", "1.0", "true", "null", "a#b", "it's", "http://x/y", "é", "-1"
        )

    def quoted(self) -> str:
        return self.one_of(
            "''", '""', "'a'", '"a"', "'it''s'", '"it\'s"', "'say \"hi\"'", '"say \\"hi\\""', "'a\\b'", '"a\\\\b"',
            '"\\t"', "'# no comment'", '"a: b"', '"007"', "'true'", '"\\u00e9"', "' '", "'x\\\\'", '"\\"\'"',
        )  # fmt: skip

    def key(self, taken: set[str]) -> str:
        keys = (
            "id",
            "kind",
            "mail",
            "members",
            "displayName",
            "manager",
            "x",
            "'quoted: key'",
            '"007"',
            "two words",
            "y",
        )
        key = self.one_of(*[k for k in keys if k not in taken])
        taken.add(key)
        return key

    def flow(self, depth: int, *, lines: bool) -> str:
        gap = self.one_of("", " ")
        if lines and self.rarely():
            gap = f"{self.one_of('', ' ' + self.comment())}\n{self.one_of('', '  ', '        ')}{gap} "
        kind = self.draw(st.integers(0, 3)) if depth < 3 else 0
        if kind < 2:
            return f"{gap}{self.plain() if self.rarely() else self.quoted()}{self.one_of('', ' ')}"
        several = self.draw(st.integers(0, 3))
        if kind == 2:
            return f"{gap}[{','.join(self.flow(depth + 1, lines=lines) for _ in range(several))}]"
        taken: set[str] = set()
        pairs = [f"{gap}{self.key(taken)}: {self.flow(depth + 1, lines=lines)}" for _ in range(several)]
        return f"{gap}{{{','.join(pairs)}{self.one_of('', ' ')}}}"

    def leaf(self, indent: int) -> str:
        """With the line's end."""
        margin = " " * (indent + self.draw(st.integers(1, 4)))
        match self.draw(st.integers(0, 7)):
            case 0:
                return f" {self.quoted()}{self.end()}"
            case 1:
                return f" {self.flow(0, lines=False).strip()}{self.end()}"
            case 2:
                inside = self.flow(0, lines=True).strip().replace("\n", f"\n{margin}")
                return f" {inside}{self.end()}"
            case 3:
                head = self.one_of("|", ">", "|-", ">-", "|+", ">+") + self.one_of("", "", f" {self.comment()}")
                lines = self.draw(st.lists(st.sampled_from(("a", "# no", "", "  b", "- x: 1", "c  ")), max_size=4))
                if not any(line.strip() for line in lines) or next(line for line in lines if line)[0] == " ":
                    lines = ["t", *lines]
                return f" {head}\n" + "".join(f"{margin}{line}\n" if line else "\n" for line in lines)
            case 4:
                return f" one\n{margin}two{self.one_of('', chr(10))}\n{margin}three{self.end()}"
            case 5:
                return f' "one\n{margin}two\\\n{margin}\\ x  \n\n{margin}it"{self.end()}'
            case 6:
                return self.end()
            case _:
                return f" {self.plain()}{self.end()}"

    def node(self, indent: int, depth: int, *, mapping: bool) -> str:
        """A block whose lines begin at `indent`; the first line without its indentation."""
        text, taken = "", set[str]()
        for number in range(self.draw(st.integers(1, 4))):
            explicit = "? " if mapping and self.rarely() else ""
            child = self.draw(st.booleans())
            if number:
                text += self.between(indent) + " " * indent
            text += f"{explicit}{self.key(taken)}" if mapping else "-"
            text += f"{self.end()}{' ' * indent}:" if explicit else ":" if mapping else ""
            if depth >= 3 or not self.draw(st.booleans()):
                text += self.leaf(indent)
            elif not mapping and self.rarely():
                text += f" {self.node(indent + 2, depth + 1, mapping=child)}"
            else:
                inner = indent + self.draw(st.integers(1 if child or not mapping else 0, 4))
                inside = self.node(inner, depth + 1, mapping=child)
                text += f"{self.end()}{self.between(inner)}{' ' * inner}{inside}"
        return text


@st.composite
def documents(draw: st.DrawFn) -> str:
    writer = Writer(draw)
    text = (
        writer.one_of("", "", "---\n", "--- # c\n", "%YAML 1.2\n---\n")
        + (f"{writer.comment()}\n\n" if draw(st.booleans()) else "")
        + (f"{writer.comment()}\n" if draw(st.booleans()) else "")
        + writer.between(0)
        + writer.node(0, 0, mapping=draw(st.booleans()))
    )
    text += writer.between(0) + writer.one_of("", "...\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


# -- which comment is about what, without the layout's own reader


def keys(text: str) -> Iterator[tuple[int, int, tuple[str | int, ...]]]:
    """Of each key and entry of what is not in brackets: its line, its column and its path."""

    def inside(node: yaml.Node, path: tuple[str | int, ...]) -> Iterator[tuple[int, int, tuple[str | int, ...]]]:
        if isinstance(node, yaml.MappingNode) and not node.flow_style:
            for key, value in node.value:
                yield key.start_mark.line, key.start_mark.column, (*path, key.value)
                yield from inside(value, (*path, key.value))
        elif isinstance(node, yaml.SequenceNode) and not node.flow_style:
            for number, value in enumerate(node.value):
                yield from inside(value, (*path, number))

    if root := yaml.compose(text, yaml.CSafeLoader):
        yield from inside(root, ())


def parted(text: str) -> dict[str, tuple[str | int, ...]]:
    """Each comment that stands behind a blank line and directly above a key → that key.

    At the top of the file only if there is something before the blank line; else it may be a remark on the file.
    """
    lines = text.split("\n")
    found: dict[str, tuple[str | int, ...]] = {}
    for at, column, path in keys(text):
        if lines[at][:column].strip():
            continue  # on the line of a dash or question mark
        block = []
        above = at - 1
        while above >= 0 and (comment := _COMMENT.match(lines[above])):
            block.append((comment[1], comment.start(1)))
            above -= 1
        if above < 0 or lines[above].strip() or not any("#" in line or ":" in line for line in lines[:above]):
            continue
        if all(where <= column for _, where in block):  # else it may belong to the end of what stands before
            found.update((comment, path) for comment, _ in block)
    return found


def above(text: str) -> dict[str, set[tuple[str | int, ...]]]:
    """Each comment on a line of its own → all keys that begin on the next line that is none."""
    lines = text.split("\n")
    found: dict[str, set[tuple[str | int, ...]]] = defaultdict(set)
    for at, column, path in keys(text):
        line = at - 1
        while not lines[at][:column].strip(" -") and line >= 0 and (comment := _COMMENT.match(lines[line])):
            found[comment[1]].add(path)
            line -= 1
    return found


@settings(max_examples=400, deadline=None)
@given(documents(), st.booleans())
def test_values_and_comments_stay_and_twice_is_once(text: str, ordered: bool) -> None:
    shape = ANYONE if ordered else Shape()
    try:
        before = read_document(text.encode(), "users/a.yaml")
    except BadDocument:
        return
    after = laid_out(before.text, shape)
    assert same(before.value, read_document(after.encode(), "users/a.yaml").value), after
    assert comments(text.replace("\r\n", "\n")) == comments(after), after
    assert laid_out(after, shape) == after


@settings(max_examples=200, deadline=None)
@given(documents())
def test_another_reader_finds_the_same_values(text: str) -> None:
    """ruamel.yaml, which shares no line with ours: what it takes before, it takes afterwards, for the same."""
    try:
        before = read_document(text.encode(), "users/a.yaml").text
        meant = YAML(typ="safe", pure=True).load(before)
    except (BadDocument, YAMLError):
        return
    assert same(meant, YAML(typ="safe", pure=True).load(laid_out(before, ANYONE)))


@settings(max_examples=400, deadline=None)
@given(documents())
def test_a_comment_behind_a_blank_line_stays_above_its_key(text: str) -> None:
    try:
        before = read_document(text.encode(), "users/a.yaml").text.replace("\r\n", "\n")
    except BadDocument:
        return
    after = laid_out(before, ANYONE)
    were, are = above(before), above(after)
    for comment, key in parted(before).items():
        assert key in are[comment], (comment, after)
    for comment, key in parted(after).items():
        assert key in were.get(comment, {key}), (comment, after)
