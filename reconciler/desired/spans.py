"""Places in the text of a YAML file, for edits that leave everything else as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_BEHIND: Final = re.compile(r"[ \t]*(?P<comma>,)?[ \t]*(?:(?<=[ \t,])#.*)?")
"""What may stand on the line behind an entry of a list in brackets that has the line for itself."""


def value_of(entry: MappingNode, key: str) -> Node | None:
    return next((value for name, value in entry.value if text_of(name) == key), None)


def text_of(node: Node | None) -> str:
    return str(node.value) if isinstance(node, ScalarNode) else ""


def lines_of(text: str, item: Node) -> tuple[int, int]:
    """Where the lines of one entry of a block begin and end."""
    last = max(each.end_mark.index for each in leaves(item))
    end = line_end(text, len(text[item.start_mark.index : last].rstrip()) + item.start_mark.index)
    for newline in ("\r\n", "\n"):  # a block of text ends where the next thing begins
        if text.startswith(newline, end):
            end += len(newline)
            break
    return line_start(text, item.start_mark.index), end


def out_of_block(text: str, item: Node, since: int) -> str:
    """What follows `since` without the lines of one entry."""
    start, end = lines_of(text, item)
    return text[since:start] + text[end:]


def out_of_flow(text: str, items: list[Node], number: int) -> str:
    """An entry that has a line for itself goes with that line; elsewhere a comment beside it stays."""
    start, end = items[number].start_mark.index, items[number].end_mark.index
    is_last = number + 1 == len(items)
    first, last = line_start(text, start), line_end(text, end)
    behind = _BEHIND.fullmatch(text[end:last])
    if not text[first:start].strip() and behind and (behind["comma"] or is_last) and last < len(text):
        return text[:first] + text[text.index("\n", last) + 1 :]
    if not is_last:
        following = items[number + 1].start_mark.index
        between = text[end:following]
        kept = "#" in between and between.lstrip().startswith(",")
        end = end + between.index(",") + 1 if kept else following
    elif number and "#" not in text[items[number - 1].end_mark.index : start]:
        start = items[number - 1].end_mark.index
    return text[:start] + text[end:]


def leaves(node: Node) -> Iterator[Node]:
    """What ends where it is written; a block ends only where the next thing begins."""
    if isinstance(node, MappingNode) and not node.flow_style:
        for _, value in node.value:
            yield from leaves(value)
    elif isinstance(node, SequenceNode) and not node.flow_style:
        for value in node.value:
            yield from leaves(value)
    else:
        yield node


def line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    if end < 0:
        return len(text)
    return end - 1 if text[end - 1 : end] == "\r" else end
