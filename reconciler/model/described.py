"""What the files and the memory say already of an application that is being imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.directory import Directory
from reconciler.model.values import GroupId, UserId


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
