"""What an expression looks like once it is read. Every node knows the column at which it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.model.values import Value


@dataclass(frozen=True, slots=True)
class Literal:
    column: int
    value: Value


@dataclass(frozen=True, slots=True)
class Missing:
    """An argument left out between two commas. Not "", which is a text."""

    column: int


@dataclass(frozen=True, slots=True)
class Reading:
    """[attribute]"""

    column: int
    attribute: str


@dataclass(frozen=True, slots=True)
class Name:
    """A word without brackets: one of the language's constants."""

    column: int
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    column: int
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    column: int
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Concatenation:
    column: int
    parts: tuple[Node, ...]


Node: TypeAlias = Literal | Missing | Reading | Name | Call | Comparison | Concatenation
