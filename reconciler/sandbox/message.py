"""A request and its answer, before and after HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from reconciler.sandbox.refusal import invalid_syntax

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(slots=True)
class Call:
    """`path` is below the base URL, without it: "/Users/1", percent-encoded. Header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    races: bool = False
    """Another write to the same resource is under way."""

    @property
    def is_write(self) -> bool:
        return self.method in WRITES and not self.path.endswith("/.search")

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(unquote(segment) for segment in self.path.split("/") if segment)

    def json(self) -> Any:
        """Raises Refusal invalidSyntax."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise invalid_syntax("the body is not JSON") from error


@dataclass(slots=True)
class Answer:
    """`hang_up`: the connection ends, and the client hears nothing."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    delay: float = 0
    """Seconds that it takes."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One request as it came, and what was answered. Status 0: nothing was."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    status: int

    @property
    def json(self) -> Any:
        """The body; None if there was none, or it was not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None
