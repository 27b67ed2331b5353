"""A mapping from one or several files laid over each other, with the place of every key and value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from reconciler.desired.document import Document, Entries, Items
from reconciler.errors import Place

_ALTERNATIVES = (("everyone", "assigned"), ("env", "file", "command", "keyring"))
"""Keys of which a mapping has one: a file that gives one of them lifts the others that lie below it."""


@dataclass(slots=True)
class Sheet:
    """`tree` holds plain values. Dotted keys name what is in it: `scope.filters.0.1.value`.

    An expression that the file spells as it is has a second place, `….expression#text`: that of its first character.
    """

    tree: dict[str, Any]
    whole: Place
    values: dict[str, Place] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    """Numbers and booleans as the files spell them."""
    withheld: set[str] = field(default_factory=set)
    """Values that were wrong enough to be taken out of the tree, and have been reported."""

    @classmethod
    def of(cls, document: Document, node: Entries | None = None) -> Sheet:
        """All of a document, or one mapping in it."""
        entries = document.value if node is None else node
        sheet = cls(plain(entries), document.place(entries.mark))
        sheet._note(document, entries, "")
        return sheet

    @classmethod
    def part(cls, document: Document, node: Entries, key: str) -> Sheet:
        """One key of a mapping, with what is in it."""
        sheet = cls({key: plain(node[key])}, document.place(node.mark))
        sheet.values[key], sheet.keys[key] = document.place(node.marks[key]), document.place(node.key_marks[key])
        sheet._note(document, node[key], key)
        return sheet

    def over(self, below: Sheet) -> Sheet:
        """This laid over another: mappings are merged, everything else replaces."""
        return Sheet(
            merge(plain(below.tree), self.tree),
            self.whole,
            below.values | self.values,
            below.keys | self.keys,
            below.written | self.written,
            below.withheld | self.withheld,
        )

    def place(self, dotted: str) -> Place:
        """Of a value; of the nearest mapping around it if the value is not there."""
        while dotted:
            if dotted in self.values:
                return self.values[dotted]
            dotted = dotted.rpartition(".")[0]
        return self.whole

    def withhold(self, dotted_keys: Iterable[str]) -> None:
        """Takes values out of the tree, so that the rest can be checked and nothing repeats them."""
        for dotted in dotted_keys:
            _drop(self.tree, dotted.split("."))
            self.withheld.add(dotted)

    def _note(self, document: Document, node: Any, above: str) -> None:
        for key, value, mark in _children(node):
            dotted = f"{above}.{key}" if above else str(key)
            self.values[dotted] = document.place(mark)
            if isinstance(node, Entries):
                self.keys[dotted] = document.place(node.key_marks[str(key)])
            if isinstance(value, Entries | Items):
                self._note(document, value, dotted)
            elif key == "expression" and isinstance(value, str):
                begin = document.inside(mark, value)
                if begin is not None:
                    self.values[f"{dotted}#text"] = begin
            elif isinstance(value, bool | int | float):
                self.written[dotted] = document.written(mark)


def plain(node: Any) -> Any:
    """Dictionaries and lists that may be changed."""
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items()}
    return [plain(value) for value in node] if isinstance(node, list) else node


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    lifted = {key for keys in _ALTERNATIVES if above.keys() & set(keys) for key in keys}
    merged = {key: value for key, value in below.items() if key not in lifted}
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _drop(tree: Any, parts: list[str]) -> None:
    """Mappings that hold nothing else go with the key."""
    *above, last = parts
    node = tree
    for part in above:
        node = node[int(part)] if isinstance(node, list) else node.get(part, {})
    if isinstance(node, dict):
        node.pop(last, None)
        if not node and above:
            _drop(tree, above)


def _children(node: Any) -> Iterator[tuple[str | int, Any, Any]]:
    if isinstance(node, Entries):
        yield from ((key, value, node.marks[key]) for key, value in node.items())
    elif isinstance(node, Items):
        yield from zip(range(len(node)), node, node.marks, strict=True)
