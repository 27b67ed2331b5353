"""What an import would do to the files: what it adds, changes and removes, told line by line, and as edits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Sign: TypeAlias = Literal["+", "~", "-", "="]
"""Added, changed, removed; `=`: the source says otherwise, and the file keeps what it has."""
Kind: TypeAlias = Literal["user", "group", "member", "app", "assigned"]


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that was not taken over: where it is in the source, why, and what to do. All may be hostile."""

    where: str
    why: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that differs. `key`: of a user or group, "" for the whole; the member; a file of an app."""

    sign: Sign
    kind: Kind
    id: str
    key: str = ""
    before: Any = None
    after: Any = None


@dataclass(slots=True)
class Adoption:
    lines: list[Line] = field(default_factory=list)
    writes: dict[str, str] = field(default_factory=dict)
    """File, relative to the desired state → its text: new files and changed ones."""
    removals: list[str] = field(default_factory=list)
    """Files that go."""
    refused: list[Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    """users, groups → a draft's id → the id in the files."""

    @property
    def changes(self) -> bool:
        return bool(self.writes or self.removals)

    def count(self, sign: Sign) -> int:
        return sum(line.sign == sign for line in self.lines)
