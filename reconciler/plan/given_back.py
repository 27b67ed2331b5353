"""What a plan gives back that somebody took away in the application: on request, so that its undo asks again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.model.plan import AddMembers, Change, CreateUser, ReactivateUser
from reconciler.plan.context import Context


@dataclass(frozen=True, slots=True)
class GivenBack:
    accounts: frozenset[str] = frozenset()
    """Keys of people."""
    memberships: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Key of a group → keys of people."""

    def __bool__(self) -> bool:
        return bool(self.accounts or self.memberships)


def given_back(context: Context, changes: Iterable[Change]) -> GivenBack:
    """Of these changes, by what the memory holds before they are made."""
    accounts: set[str] = set()
    memberships: dict[str, frozenset[str]] = {}
    for change in changes:
        binding = context.binding(change.key)
        if isinstance(change, ReactivateUser):
            ours = binding is not None and binding["id"] == change.id and binding.get("active") is False
            accounts |= set() if ours else {change.key}
        elif isinstance(change, CreateUser) and binding is not None and binding.get("active", True):
            accounts.add(change.key)
        elif isinstance(change, AddMembers) and binding is not None and binding.get("members"):
            left = {f"user:{user}" for user in binding["members"]}
            if again := left.intersection(member.key for member in change.members):
                memberships[change.key] = memberships.get(change.key, frozenset()) | again
    return GivenBack(frozenset(accounts), memberships)
