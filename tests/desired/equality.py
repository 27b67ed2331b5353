"""What ruamel.yaml reads, resolved as we do: values and where each stands. Another parser than libyaml, in Python."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.desired.core import resolve
from reconciler.desired.document import Document, Entries, Items

Path: TypeAlias = tuple[Any, ...]
Marks: TypeAlias = dict[Path, tuple[int, int]]


class Other(Exception):
    """ruamel.yaml takes it for something that our files can't hold: a tag, two documents, a key twice, …"""


def by_ruamel(text: str) -> tuple[Any, Marks]:
    """The value, and of all that is written (empty values are not) where it begins. Raises whatever ruamel raises."""
    events = list(YAML(typ="safe", pure=True).parse(text))
    if sum(isinstance(event, DocumentStartEvent) for event in events) > 1:
        raise Other
    marks: Marks = {}
    stream = iter(events[2:-2])
    value = _node(next(stream), stream, (), marks, {}) if len(events) > 2 else None
    return value, marks


def _node(event: Any, events: Iterator[Any], path: Path, marks: Marks, anchors: dict[str, Any]) -> Any:
    if not isinstance(event, ScalarEvent) or event.value or event.style:
        marks[path] = event.start_mark.line, event.start_mark.column
    if isinstance(event, AliasEvent):
        return anchors[event.anchor]
    if event.tag is not None and str(event.tag):
        raise Other
    value: Any
    if isinstance(event, ScalarEvent):
        value = event.value if event.style else resolve(event.value)
    elif isinstance(event, SequenceStartEvent):
        value = []
        while not isinstance(item := next(events), SequenceEndEvent):
            value.append(_node(item, events, (*path, len(value)), marks, anchors))
    else:
        assert isinstance(event, MappingStartEvent)
        value = {}
        while not isinstance(item := next(events), MappingEndEvent):
            if not isinstance(item, ScalarEvent) or item.anchor or item.value in value:
                raise Other
            key = _node(item, events, (*path, "key", item.value), marks, anchors)
            value[key] = _node(next(events), events, (*path, key), marks, anchors)
    if event.anchor:
        anchors[event.anchor] = value
    return value


def marks_of(document: Document) -> Marks:
    found: Marks = {(): (document.mark.line, document.mark.column)}
    _walk(document.value, (), found)
    return found


def _walk(value: Any, path: Path, found: Marks) -> None:
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, Entries):
        found.update({(*path, "key", key): (mark.line, mark.column) for key, mark in value.key_marks.items()})
        inner = list(value.items())
    elif isinstance(value, Items):
        inner = list(enumerate(value))
    for key, one in inner:
        mark = value.marks[key]
        if found.setdefault((*path, key), (mark.line, mark.column)):
            _walk(one, (*path, key), found)


def same(one: Any, other: Any, *, ordered: bool = True) -> bool:
    """Equal, of the same types, keys in the same order; NaN is itself."""
    if isinstance(one, dict):
        alike = isinstance(other, dict) and (list(one) == list(other) if ordered else one.keys() == other.keys())
        return alike and all(same(one[key], other[key], ordered=ordered) for key in one)
    if isinstance(one, list):
        alike = isinstance(other, list) and len(one) == len(other)
        return alike and all(same(a, b, ordered=ordered) for a, b in zip(one, other, strict=True))
    if type(one) is not type(other):
        return False
    return bool(one == other) or (isinstance(one, float) and math.isnan(one) and math.isnan(other))
