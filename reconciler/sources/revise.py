"""Edits of one file: keys, entries of lists and whole records, while comments, order and layout stay.

Places come from the parser, text is put there and taken out there; what comes out is read again and must hold exactly
what was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.desired.document import BadDocument, read_document
from reconciler.desired.order import Shape, shape_of
from reconciler.desired.spans import leaves, line_end, line_start, lines_of, out_of_flow, text_of, value_of
from reconciler.desired.tidy import same
from reconciler.errors import Place, ReconcilerError
from reconciler.sources import text as written
from reconciler.sources.revision import Path, Revision, Where, meant

_Edit: TypeAlias = tuple[int, int, str]
"""Start, end, what stands there instead."""


def revise(text: str, file: str, revisions: dict[Where, Revision], gone: Iterable[int] = ()) -> str:
    """The text with all changes; `gone` are records of a list that go as a whole. Raises ReconcilerError if that can't
    be done without touching what was not meant.
    """
    shape = shape_of(file)
    value = _read(text, file)
    wanted = meant(value, revisions, set(gone))
    after = text
    try:
        for step in (_dropped, _unset, _put, _extended):
            after = step(after, revisions, shape)
        after = _without_records(after, sorted(gone))
        if not same(_read(after, file), wanted):
            raise by_hand(file)
    except (yaml.YAMLError, _Unfit, LookupError) as error:
        raise by_hand(file) from error
    return after


class _Unfit(Exception):
    """The text has a form that is not edited here."""


def by_hand(file: str) -> ReconcilerError:
    """What is said of a file whose form is not edited here."""
    return ReconcilerError(
        "this file can't be edited without touching what was not meant",
        place=Place(file),
        hint="`reconciler fmt` may make it simple enough; nothing was written",
    )


def _read(text: str, file: str) -> Any:
    try:
        return read_document(text.encode(), file).value
    except BadDocument as error:
        raise by_hand(file) from error


# -- the text


def _records(text: str) -> Callable[[Where], MappingNode]:
    root = yaml.compose(text, Loader=yaml.CSafeLoader)

    def record(where: Where) -> MappingNode:
        node = root if where is None or root is None else root.value[where]
        if not isinstance(node, MappingNode):
            raise _Unfit
        return node

    return record


def _found(record: MappingNode, path: Path) -> tuple[MappingNode, Node | None]:
    """The mapping that holds the last key, as deep as there is one, and the value."""
    node: Node | None = record
    for key in path[:-1]:
        node = value_of(node, key) if isinstance(node, MappingNode) else None
    if not isinstance(node, MappingNode):
        raise _Unfit
    return node, value_of(node, path[-1])


def _applied(text: str, edits: list[_Edit]) -> str:
    """Edits that do not overlap; of several at one place the first comes first."""
    parts, at = [], 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        if start < at:
            raise _Unfit
        parts += [text[at:start], new]
        at = end
    return "".join((*parts, text[at:]))


def _dropped(text: str, revisions: dict[Where, Revision], _shape: Shape) -> str:
    """From the last record to the first: what is before stays where it is."""
    if not any(revision.drop for revision in revisions.values()):
        return text
    record = _records(text)
    todo = [
        (_found(record(where), path), numbers)
        for where, revision in revisions.items()
        for path, numbers in revision.drop.items()
        if numbers
    ]
    for (holder, node), numbers in sorted(todo, key=lambda each: _start(each[0][1]), reverse=True):
        if not isinstance(node, SequenceNode):
            raise _Unfit
        text = _thinned(text, holder, node, numbers)
    return text


def _start(node: Node | None) -> int:
    return 0 if node is None else node.start_mark.index


def _thinned(text: str, holder: MappingNode, node: SequenceNode, numbers: set[int]) -> str:
    items: list[Node] = list(node.value)
    if node.flow_style:
        if len(numbers) == 1:
            return out_of_flow(text, items, *numbers)
        if "#" in text[node.start_mark.index : node.end_mark.index]:
            raise _Unfit
        left = [text[each.start_mark.index : each.end_mark.index] for n, each in enumerate(items) if n not in numbers]
        return f"{text[: node.start_mark.index]}[{', '.join(left)}]{text[node.end_mark.index :]}"
    cuts: list[_Edit] = [(*lines_of(text, items[number]), "") for number in numbers]
    if len(numbers) == len(items):
        (key,) = (name for name, value in holder.value if value is node)
        colon = text.index(":", key.end_mark.index) + 1
        cuts.append((colon, colon, " []"))
    return _applied(text, cuts)


def _unset(text: str, revisions: dict[Where, Revision], _shape: Shape) -> str:
    if not any(revision.unset for revision in revisions.values()):
        return text
    record = _records(text)
    edits = []
    for where, revision in revisions.items():
        for path in revision.unset:
            holder, value = _found(record(where), path)
            assert value is not None
            edits.append(_key_cut(text, holder, value))
    return _applied(text, edits)


def _key_cut(text: str, holder: MappingNode, value: Node) -> _Edit:
    number, (key, _) = next((n, pair) for n, pair in enumerate(holder.value) if pair[1] is value)
    start = key.start_mark.index
    if holder.flow_style:
        if number + 1 < len(holder.value):
            return start, holder.value[number + 1][0].start_mark.index, ""
        return (holder.value[number - 1][1].end_mark.index if number else start), value.end_mark.index, ""
    if text[line_start(text, start) : start].strip():  # behind a dash: the next key moves there
        if number + 1 == len(holder.value):
            raise _Unfit
        return start, holder.value[number + 1][0].start_mark.index, ""
    end = _end(text, key, value)
    return line_start(text, start), min(len(text), text.find("\n", end) + 1 or len(text)), ""


def _end(text: str, key: Node, value: Node) -> int:
    """Where the lines of a key and its value end."""
    last = max((each.end_mark.index for each in leaves(value)), default=key.end_mark.index)
    return line_end(text, max(len(text[:last].rstrip()), key.end_mark.index))


def _put(text: str, revisions: dict[Where, Revision], shape: Shape) -> str:
    """Values that are there are replaced, those that are not are added, outer ones first."""
    depth = 0
    deepest = max((len(path) for revision in revisions.values() for path in revision.put), default=0)
    while depth < deepest:
        depth += 1
        record = _records(text)
        edits: list[_Edit] = []
        for where, revision in revisions.items():
            missing: dict[Path, dict[str, Any]] = {}
            for path, value in revision.put.items():
                if len(path) == depth:
                    edits += _value_put(text, record(where), path, value, missing)
            for path, values in missing.items():
                holder = _found(record(where), (*path, ""))[0] if path else record(where)
                edits += _added(text, holder, values, _inner(shape, path))
        text = _applied(text, edits)
    return text


def _inner(shape: Shape, path: Path) -> Shape:
    for key in path:
        shape = shape.of(key)
    return shape


def _value_put(
    text: str, record: MappingNode, path: Path, value: Any, missing: dict[Path, dict[str, Any]]
) -> list[_Edit]:
    """A key that is missing goes to `missing`, with all that is missing around it."""
    node: Node | None = record
    for number, key in enumerate(path):
        if not isinstance(node, MappingNode):
            raise _Unfit
        inner = value_of(node, key)
        if inner is None:
            wanted = value
            for outer in reversed(path[number + 1 :]):
                wanted = {outer: wanted}
            missing.setdefault(path[:number], {}).update({key: wanted})
            return []
        holder, node = node, inner
    assert node is not None
    if isinstance(node, MappingNode | SequenceNode) and not node.flow_style:
        key_node = next(name for name, each in holder.value if each is node)
        column = key_node.start_mark.column
        lines = written.entry(path[-1], value, column)
        return [(key_node.start_mark.index, _end(text, key_node, node), _joined(text, lines)[column:])]
    start, end = node.start_mark.index, node.end_mark.index
    new = written.flow(value)
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        end = start + len(text[start:end].rstrip())
    return [(start, end, new if end > start else f" {new}")]


def _added(text: str, holder: MappingNode, values: dict[str, Any], shape: Shape) -> list[_Edit]:
    pairs = holder.value
    if holder.flow_style or not pairs:
        inner = ", ".join(f"{written.scalar(key)}: {written.flow(value)}" for key, value in values.items())
        if not pairs:
            return [(holder.start_mark.index, holder.end_mark.index, f"{{{inner}}}")]
        end = pairs[-1][1].end_mark.index
        return [(end, end, f", {inner}")]
    edits: list[_Edit] = []
    column = pairs[0][0].start_mark.column
    for key, value in sorted(values.items(), key=lambda each: shape.rank(each[0])):
        lines = written.entry(key, value, column)
        above = [pair for pair in pairs if shape.rank(text_of(pair[0])) <= shape.rank(key)]
        if above:
            end = _end(text, *above[-1])
            edits.append((end, end, _joined(text, ["", *lines])))
        else:
            start = pairs[0][0].start_mark.index
            newline = "\r\n" if "\r\n" in text else "\n"
            edits.append((start, start, f"{_joined(text, lines)[column:]}{newline}{' ' * column}"))
    return edits


def _joined(text: str, lines: Sequence[str]) -> str:
    return ("\r\n" if "\r\n" in text else "\n").join(lines)


def _extended(text: str, revisions: dict[Where, Revision], shape: Shape) -> str:
    if not any(revision.extend for revision in revisions.values()):
        return text
    record = _records(text)
    edits: list[_Edit] = []
    for where, revision in revisions.items():
        missing: dict[Path, dict[str, Any]] = {}
        for path, more in revision.extend.items():
            if not more:
                continue
            try:
                holder, node = _found(record(where), path)
            except _Unfit:
                node = None
            if isinstance(node, SequenceNode):
                edits += _appended(text, holder, node, more)
            else:
                edits += _value_put(text, record(where), path, more, missing)
        for path, values in missing.items():
            holder = _found(record(where), (*path, ""))[0] if path else record(where)
            edits += _added(text, holder, values, _inner(shape, path))
    return _applied(text, edits)


def _appended(text: str, holder: MappingNode, node: SequenceNode, more: list[Any]) -> list[_Edit]:
    if node.flow_style and (node.value or holder.flow_style):
        inner = ", ".join(map(written.flow, more))
        if not node.value:
            return [(node.start_mark.index, node.end_mark.index, f"[{inner}]")]
        end = node.value[-1].end_mark.index
        return [(end, end, f", {inner}")]
    key = next(name for name, value in holder.value if value is node)
    if not node.value:
        column = key.start_mark.column + 2
        colon = text.index(":", key.end_mark.index) + 1
        return [(colon, node.end_mark.index, ""), _behind(text, node.end_mark.index, more, column)]
    end = _end(text, key, node.value[-1])
    return [(end, end, _joined(text, ["", *written.items(more, node.start_mark.column)]))]


def _behind(text: str, index: int, more: list[Any], column: int) -> _Edit:
    end = line_end(text, index)
    return end, end, _joined(text, ["", *written.items(more, column)])


def _without_records(text: str, gone: Sequence[int]) -> str:
    if not gone:
        return text
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    if not isinstance(root, SequenceNode) or root.flow_style:
        raise _Unfit
    return _applied(text, [(*lines_of(text, root.value[number]), "") for number in gone])
