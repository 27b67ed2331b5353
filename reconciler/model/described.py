"""An application that is being imported: its mappings, ready to be inverted, and what files and memory say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.model.comparison import Rule
from reconciler.model.directory import Directory
from reconciler.model.mapping import Mapping as Written
from reconciler.model.path import AttributePath
from reconciler.model.values import Flow, GroupId, UserId, Value

Source: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Way:
    """One effective mapping, with what runs it forwards."""

    path: AttributePath
    written: Written
    flow: Callable[[Source], tuple[bool, Flow]]
    """Whether the result fits its target, and the result."""
    reads: tuple[str, ...]
    rule: Rule
    """How the application's value is compared with the result."""
    redacts: bool = False


@dataclass(slots=True)
class Described:
    """What the files and the memory say already. Numbers are those of the snapshot."""

    directory: Directory
    people: Mapping[int, UserId] = field(default_factory=dict)
    """Account → whose it is."""
    groups: Mapping[int, GroupId] = field(default_factory=dict)
    untouched: Mapping[int, str] = field(default_factory=dict)
    """Accounts that are left alone → why, in words; "" where nothing needs to be said of it."""
    untouched_groups: frozenset[int] = frozenset()
    members: Mapping[GroupId, frozenset[UserId]] = field(default_factory=dict)
    """Group → who is in it by the files, in whatever way."""
    in_scope: frozenset[UserId] = frozenset()
    """Who has access by the files, or would have if enabled."""
    revoked: frozenset[UserId] = frozenset()
    """Whose access was taken without a pull request: what the application says of it is no one's wish."""
    app_groups: frozenset[GroupId] = frozenset()
    """The groups that are the application's by the files."""
