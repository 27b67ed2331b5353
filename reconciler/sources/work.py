"""What one import is going to do, before it is text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.adoption import Adoption
from reconciler.sources.existing import Existing, Kept
from reconciler.sources.revision import Revision, Where


@dataclass(slots=True)
class Work:
    there: Existing
    adoption: Adoption = field(default_factory=Adoption)
    revisions: dict[str, dict[Where, Revision]] = field(default_factory=dict)
    """By file."""
    gone: dict[str, set[int]] = field(default_factory=dict)
    """File that is a list → records that leave it."""

    def revision(self, kept: Kept) -> Revision:
        return self.revisions.setdefault(kept.file, {}).setdefault(kept.where, Revision())


def whom(member: Any) -> str:
    """An entry of `members` in one word: an id, or `group:ID`."""
    if isinstance(member, Mapping):
        return str(member["user"]) if member.get("user") else f"group:{member.get('group')}"
    return str(member)
