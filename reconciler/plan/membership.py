"""Who is in which group: compared as sets of account numbers."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.desired import DesiredGroup
from reconciler.model.plan import (
    AddMembers,
    CreateUser,
    Held,
    MemberRef,
    Note,
    Origin,
    Reason,
    RemoveMembers,
    Source,
)
from reconciler.model.state import Binding
from reconciler.model.values import user_key
from reconciler.plan.context import Context

Sorted = tuple[Origin, tuple[Held, ...], Reason]


@dataclass(slots=True)
class _Entry:
    member: MemberRef
    origin: Origin
    held: tuple[Held, ...]
    reason: Reason
    source: Source | None = None


class Membership:
    """Made after people are settled: who leaves, who is created, who is in question."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.held_people: dict[str, tuple[Held, ...]] = {
            c.key: c.held for c in context.changes if c.held and c.key.startswith("user:")
        }
        self.created = {c.key for c in context.changes if isinstance(c, CreateUser)}

    def plan(self, group: DesiredGroup, key: str, at: int | None, held: tuple[Held, ...]) -> None:
        """The additions and removals of one group; `held` is the group's own question, which covers its members."""
        if not self.context.desired.maps_members:
            return
        wanted: dict[int, int] = {}
        gains: list[_Entry] = []
        have = self.context.snapshot.groups[at].members if at is not None else set()
        binding = self.context.binding(key)
        left_there = self._left_there(binding) if binding is not None and at is not None else set()
        for number in group.members:
            account = self.context.users.found.get(number)
            if account is not None:
                wanted[account] = number
                if account in have:
                    continue
            gain = self._gain(group, number, account, left_there, held)
            if gain is not None:
                gains.append(gain)
        losses = self._losses(key, have - wanted.keys(), left_there) if at is not None else []
        id_ = self.context.snapshot.groups[at].id if at is not None else None
        self._emit(AddMembers, group, key, id_, gains)
        self._emit(RemoveMembers, group, key, id_, losses)

    def _left_there(self, binding: Binding) -> set[str]:
        """The user ids that the state has in a group, by today's ids."""
        moved = self.context.users.moved
        return {moved.get(f"user:{user}", f"user:{user}")[5:] for user in binding.get("members", ())}

    def _gain(
        self, group: DesiredGroup, number: int, account: int | None, left_there: set[str], held: tuple[Held, ...]
    ) -> _Entry | None:
        context = self.context
        person = context.desired.people[number]
        key = f"user:{person.user.id}"
        question = self.held_people.get(key, ())
        if account is not None and account in context.users.contested:
            question = self._asked_for(account)
            if not question:
                return None
        if account is None and not question and key not in self.created:
            return None  # blocked: told where it is blocked
        if account is not None and (account in context.ignored_accounts or account == context.acts_as):
            return None
        origin = Origin.PENDING
        if person.user.id in left_there:
            origin = Origin.DRIFT
            release = f"takenAwayInApp:{key}"
            if not question and context.app.drift.taken_away == "hold" and release not in context.releases:
                question = (Held(by="takenAwayInApp", release=release),)
        file, line = group.lines.get(number, (group.group.file, group.group.line))
        member = MemberRef(
            key=key,
            id=context.snapshot.accounts[account].id if account is not None else None,
            name=person.user.name,
            via=group.via.get(number, ()),
            until=group.until.get(number),
        )
        return _Entry(
            member, origin, tuple(dict.fromkeys((*held, *question))), Reason.MEMBER_ADDED, Source(file=file, line=line)
        )

    def _asked_for(self, account: int) -> tuple[Held, ...]:
        """The questions whose it is: until they are answered nobody gains by it."""
        people = self.context.desired.people
        askers = (user_key(people[n].user.id) for n in self.context.users.contested[account])
        return tuple(dict.fromkeys(hold for key in askers for hold in self.held_people.get(key, ())))

    def _losses(self, key: str, extra: set[int], left_there: set[str]) -> list[_Entry]:
        context = self.context
        known = context.binding(key) is not None
        losses = []
        for at in sorted(extra):
            if at in context.deleting or at in context.ignored_accounts or at in context.left_out:
                continue
            if self._in_question(at):
                continue
            who = context.key_of(at)
            id_ = context.snapshot.accounts[at].id
            held: tuple[Held, ...] = ()
            ours = who.startswith("user:")
            unjudged = context.app.unmanaged.members == "report" or at in context.namesakes or context.snapshot.blind
            if not ours and unjudged:
                context.notes.append(Note(code="unmanagedMember", key=key, id=id_, text=context.account_name(at)))
                continue
            why = context.guarded(who, at)
            if why:
                cause = "the token belongs to this account" if why == "actsAs" else "protected"
                context.block(who, id_, context.who(at), "removeMembers", why, f"stays in {key}: {cause}")
                continue
            drift = known and who[5:] not in left_there if ours else False
            if not ours and context.state.fresh:
                held = (Held(by="stateMissing", release=f"removeMembers:{key.partition(':')[2]}"),)
            elif (drift or (ours and not known)) and self._asks(who):
                held = (Held(by="givenInApp", release=f"givenInApp:{who}"),)
            leaves = at in context.leaving
            losses.append(
                _Entry(
                    MemberRef(key=who, id=id_, name=context.who(at)),
                    Origin.DRIFT if drift and not leaves else Origin.PENDING,
                    held if not leaves else self.held_people.get(who, ()),
                    Reason.MEMBER_LEAVES if leaves or (not held and self._left(who, at)) else Reason.MEMBER_REMOVED,
                )
            )
        return losses

    def _in_question(self, at: int) -> bool:
        """Whether it is not told yet whose it is, so that nobody takes it out of a group. Where the departure of the
        person it is bound to runs all the same, their memberships go with it: nobody else had part in them.
        """
        return at in self.context.users.contested and at not in self.context.leaving

    def _left(self, who: str, at: int) -> bool:
        """Whether a revocation deactivated the account of somebody who is not wanted: what is left of that departure
        belongs to it. That an apply did so, the memory can't tell from finding it so.
        """
        context = self.context
        if context.snapshot.accounts[at].active:
            return False
        number = context.users.owner.get(at)
        if number is not None and context.desired.people[number].wanted:
            return False
        return who in context.revoked

    def _asks(self, who: str) -> bool:
        """Whether what somebody was given in the app, or may have been, is a question first."""
        return self.context.app.drift.given == "hold" and f"givenInApp:{who}" not in self.context.releases

    def removable(self, at: int, *, everybody: bool) -> tuple[set[int], set[int]]:
        """Of a group that goes: the members that leave it, and those that stay because they are not ours."""
        context = self.context
        everybody = everybody or context.app.unmanaged.members == "remove"
        leave: set[int] = set()
        stay: set[int] = set()
        for account in context.snapshot.groups[at].members:
            untouched = account in context.ignored_accounts or account in context.left_out
            untouched = untouched or self._in_question(account)
            ours = account in context.users.owner or account in context.gone
            if untouched or context.guarded(context.key_of(account), account) or not (ours or everybody):
                stay.add(account)
            else:
                leave.add(account)
        return leave, stay

    def _emit(
        self,
        kind: type[AddMembers | RemoveMembers],
        group: DesiredGroup,
        key: str,
        id_: str | None,
        entries: list[_Entry],
    ) -> None:
        """A member list has one origin, one hold state and one reason: otherwise it is split."""
        parts: dict[Sorted, list[_Entry]] = {}
        for entry in entries:
            parts.setdefault((entry.origin, entry.held, entry.reason), []).append(entry)
        for (origin, held, reason), part in parts.items():
            members = tuple(sorted((e.member for e in part), key=lambda m: m.key))
            source = part[0].source if len(part) == 1 else None
            source = source or Source(file=group.group.file, line=group.group.lines.get("members", group.group.line))
            self.context.changes.append(
                kind(
                    key=key,
                    id=id_,
                    name=group.group.name,
                    origin=origin,
                    reasons=(reason,),
                    members=members,
                    source=source,
                    held=held,
                    sensitive=group.group.sensitive and kind is AddMembers,
                )
            )
