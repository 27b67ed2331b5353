"""From resources to the records of a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.live.rows import compile_row, is_active
from reconciler.model.interest import Interest
from reconciler.model.path import member
from reconciler.model.snapshot import Account, LiveGroup
from reconciler.model.values import RemoteId

_REMEMBERED: Final = 10_000


def account_maker(paths: Sequence[str]) -> Callable[[str, dict[str, Any]], Account]:
    cells = compile_row(paths)
    texts: dict[str, str] = {}  # one in memory of each: languages repeat, and addresses are names as well

    def make(id: str, found: dict[str, Any]) -> Account:  # noqa: A002
        active = found.get("active")
        values = tuple([texts.setdefault(v, v) if v.__class__ is str else v for v in cells(found)])
        if len(texts) > _REMEMBERED:
            texts.clear()
        return Account(RemoteId(id), active if active.__class__ is bool else is_active(found), values)

    return make


@dataclass(slots=True)
class Showing:
    """What a list of groups showed of their members."""

    members: bool = False
    """Some group had one."""
    lean: bool = False
    """From some page on members were left out."""
    read: set[str] = field(default_factory=set)
    """Groups that came before that."""

    def leave_out(self, total: int, interest: Interest, count: int) -> bool:
        """Whether to read ours one by one: where that costs no more requests than the list has pages, and the others'
        members would be read for nothing.
        """
        ours = max(len(interest.groups), len(interest.names))
        self.lean = self.lean or (total > count and ours <= total // count)  # what is left out once stays out
        return self.lean


def group_maker(
    paths: Sequence[str], numbers: dict[RemoteId, int] | None, showing: Showing
) -> Callable[[str, dict[str, Any]], LiveGroup]:
    """`numbers` None: members are not looked at. A group without `members` is empty (RFC 7643 section 2.5)."""
    cells = compile_row(paths)

    def make(id: str, found: dict[str, Any]) -> LiveGroup:  # noqa: A002
        group = LiveGroup(RemoteId(id), cells(found), set())
        if showing.lean:
            showing.read.discard(group.id)  # a later pass: what an earlier one saw is forgotten
        elif numbers is not None:
            showing.read.add(group.id)
            ids = member_ids(member(found, "members"))
            showing.members = showing.members or bool(ids)
            group.members, group.others = numbered(ids, numbers)
        return group

    return make


def numbered(ids: Sequence[Any], numbers: dict[RemoteId, int]) -> tuple[set[int], frozenset[RemoteId]]:
    known = {numbers[each] for each in ids if each in numbers}
    others = frozenset(each for each in ids if each not in numbers) if len(known) < len(ids) else frozenset()
    return set(known), others  # a copy takes half the memory of a set that grew


def unread(groups: Iterable[LiveGroup]) -> None:
    """Nobody has looked yet who is in these groups."""
    for group in groups:
        group.members_read = False


def matters(group: LiveGroup, interest: Interest) -> bool:
    """Whether a plan needs to know who is in it."""
    if interest.every_group or group.id in interest.groups:
        return True
    return any(str(value).casefold() in interest.names for value in group.values if isinstance(value, str))


def member_ids(listed: Any) -> list[Any]:
    """The ids (RemoteId) in a `members` attribute, also of servers that send bare ids or numbers."""
    if isinstance(listed, dict):
        listed = [listed]
    if not isinstance(listed, list):
        return []
    ids = [each.get("value") if each.__class__ is dict else each for each in listed]
    return [each if each.__class__ is str else str(each) for each in ids if each is not None and each != ""]
