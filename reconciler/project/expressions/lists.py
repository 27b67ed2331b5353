"""Functions over several values."""

from __future__ import annotations

from reconciler.model.values import Flow, Value, is_null
from reconciler.project.expressions.registry import Unusable, elements_of, function, integer_of, text_of


@function("Count(attribute)", least=1)
def count(values: Value) -> Flow:
    return len(elements_of(values))


@function("Item(attribute, index)", least=2)
def item(values: Value, index: Value) -> Flow:
    """The value at `index`, counted from 1. An attribute without any value has none there either."""
    elements, position = elements_of(values), integer_of(index, 2)
    if not elements and position > 0:
        return None
    if not 1 <= position <= len(elements):
        raise Unusable(2, f"is {position}, and there {_are(len(elements))}")
    return elements[position - 1]


@function("Join(separator, source, …)", least=1)
def join(separator: Value, *sources: Value) -> Flow:
    """Several values count one by one; what is null or empty is left out, with its separator."""
    parts = [
        text_of(each, position)
        for position, source in enumerate(sources, start=2)
        for each in elements_of(source)
        if not is_null(each)
    ]
    return text_of(separator, 1).join(parts)


@function("RemoveDuplicates(attribute)", least=1)
def remove_duplicates(values: Value) -> Flow:
    """In the order in which they are first seen; upper and lower case differ."""
    elements = elements_of(values)
    try:
        return tuple(dict.fromkeys(elements))
    except TypeError:
        raise Unusable(1, "has complex values, which can't be compared") from None


@function("Split(source, delimiter)", least=2)
def split(source: Value, delimiter: Value) -> Flow:
    """The parts without spaces around them; empty ones are no values."""
    by = text_of(delimiter, 2)
    if not by:
        raise Unusable(2, "is empty")
    return tuple(stripped for part in text_of(source, 1).split(by) if (stripped := part.strip()))


def _are(length: int) -> str:
    return "is 1 value" if length == 1 else f"are {length} values"
