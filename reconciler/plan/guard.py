"""Guardrails: too much never happens. A broken one holds what it counts, all of it, and the rest goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import assert_never

from reconciler.errors import IncompleteRead, PlanError
from reconciler.model.app import Limit
from reconciler.model.desired import Cause
from reconciler.model.path import parse_path
from reconciler.model.plan import (
    AddMembers,
    AdoptGroup,
    AdoptUser,
    Change,
    CreateGroup,
    CreateUser,
    DeactivateUser,
    DeleteGroup,
    DeleteUser,
    EmptyGroup,
    Guardrail,
    Held,
    ReactivateUser,
    Reason,
    RemoveMembers,
    RenameGroup,
    RenameUser,
    UpdateGroup,
    UpdateUser,
)
from reconciler.model.values import is_null
from reconciler.plan.context import SIGN_IN, Context
from reconciler.plan.order import awaited

WINDOW = timedelta(hours=24)
REMOVE_MEMBERS = Limit(percent=40, ignore_below=3)
REMOVE_MEMBERS_SMALL = Limit(percent=50, ignore_below=3)
SMALL = 10
"""Members below which a group counts as small."""


def check(context: Context) -> None:
    """What makes a plan impossible: an app that suddenly looks empty, a scope that holds nobody, a missing actsAs."""
    bound = [b["id"] for k, b in context.state.bindings.items() if k.startswith("user:")]
    present = sum(1 for id_ in bound if id_ in context.snapshot.numbers)
    if bound and "emptyApp" not in context.releases and (not context.snapshot.accounts or 2 * present < len(bound)):
        raise IncompleteRead(
            f"{context.app.tenant_url} lists {len(context.snapshot.accounts)} accounts, and only {present} of the "
            f"{len(bound)} that belong to people of ours",
            hint="a wrong tenant, or a list that lies? If the accounts are really gone: --allow emptyApp",
        )
    revoked = any(person.cause is Cause.REVOKED for person in context.desired.people)
    flowing = context.desired.in_scope or context.desired.left_out or revoked
    if bound and not flowing and "emptyScope" not in context.releases:
        raise PlanError(
            f"nobody is in scope of {context.app.name} any more, and {len(bound)} people have access",
            hint="check `scope` in app.yaml; if the application is being wound down: --allow emptyScope",
        )
    if context.app.guardrails.acts_as is not None and context.acts_as is None:
        raise PlanError(
            f"guardrails.actsAs: {context.app.guardrails.acts_as} is no account of {context.app.name}",
            hint="name the userName of the account that the token belongs to, so that it can't be locked out",
        )


def guard(context: Context) -> list[Guardrail]:
    """Holds what breaks a guardrail. Returns the guardrails with their figures."""
    rails = context.app.guardrails
    base = _base(context)
    changes = context.changes
    held: dict[int, list[Held]] = {}
    found: list[Guardrail] = []

    def judge(name: str, limit: Limit, value: int, of: int, counted: Sequence[int], *, always: bool = False) -> None:
        released = context.releases.figure(name, value)
        spent = _spent(context, name)
        held_before = 0 < context.state.held.get(name, 0) <= value
        broken = bool(value) and (held_before or _broken(limit, value + spent, of))
        if value or always:
            found.append(
                Guardrail(
                    name=name,
                    value=value,
                    count=limit.count,
                    percent=limit.percent,
                    of=of,
                    broken=broken,
                    released=released,
                )
            )
        _complete(changes, counted, name, value, released=released)
        if broken and not released:
            for number in (n for n in counted if Reason.REVOKED not in changes[n].reasons):
                held.setdefault(number, []).append(Held(by=f"guardrail:{name}", release=f"{name}={value}"))

    tally = _tally(changes)
    judge(
        "deprovisionUsers", rails.deprovision_users, *tally("deprovisionUsers", base + _unmanaged(context)), always=True
    )
    judge("deleteGroups", rails.delete_groups, *tally("deleteGroups", len(context.snapshot.groups)))
    judge("renameUsers", rails.rename_users, *tally("renameUsers", base))
    judge("updateUsers", rails.update_users, *tally("updateUsers", base))
    judge("clearAttributes", rails.clear_attributes, *tally("clearAttributes", base))
    judge("createUsers", rails.create_users, *tally("createUsers", base))
    for key, (value, counted, of) in sorted(_losses(context).items()):
        limit = rails.remove_members or (REMOVE_MEMBERS_SMALL if of < SMALL else REMOVE_MEMBERS)
        judge(f"removeMembers:{key}", limit, value, of, counted)
    for number, reasons in held.items():
        change = changes[number]
        unique = tuple({h.release: h for h in (*change.held, *reasons)}.values())
        changes[number] = change.model_copy(update={"held": unique})
    _memberships_follow(context)
    return found


def _broken(limit: Limit, value: int, of: int) -> bool:
    if value < limit.ignore_below:
        return False
    over = limit.count is not None and value > limit.count
    return over or (limit.percent is not None and value * 100 > limit.percent * of)


def _base(context: Context) -> int:
    """The active accounts that are bound or matched; those whom the files want, where not everybody was read."""
    if context.snapshot.partial:
        return context.desired.in_scope
    accounts = context.snapshot.accounts
    return sum(1 for at in {*context.users.owner, *context.gone, *context.left_out} if accounts[at].active)


def _unmanaged(context: Context) -> int:
    """Others count only where `unmanaged` removes them."""
    if context.app.unmanaged.users != "deprovision":
        return 0
    known = {*context.users.owner, *context.gone, *context.left_out, *context.ignored_accounts}
    return sum(1 for at, a in enumerate(context.snapshot.accounts) if a.active and at not in known)


def _spent(context: Context, name: str) -> int:
    since = context.as_of - WINDOW
    return sum(s["value"] for s in context.state.spent if s["name"] == name and datetime.fromisoformat(s["at"]) > since)


def weigh(change: Change) -> dict[str, int]:
    """How much each guardrail counts of a change: guardrail → figure."""
    match change:
        case DeactivateUser() | DeleteUser():
            return {"deprovisionUsers": 1}
        case DeleteGroup() | EmptyGroup():
            return {"deleteGroups": 1}
        case CreateUser():
            return {"createUsers": 1}
        case RemoveMembers():
            return {f"removeMembers:{change.key.partition(':')[2]}": len(change.members)}
        case UpdateUser() | RenameUser() | AdoptUser() | ReactivateUser():
            return _weigh_update(change)
        case CreateGroup() | UpdateGroup() | RenameGroup() | AdoptGroup() | AddMembers():
            return {}
        case _:
            assert_never(change)


def _weigh_update(change: UpdateUser | RenameUser | AdoptUser | ReactivateUser) -> dict[str, int]:
    """Adoptions and reactivations count as renames only."""
    weights: dict[str, int] = {}
    if any(parse_path(path).schema_name in SIGN_IN for path in change.set):
        weights["renameUsers"] = 1
    if isinstance(change, (UpdateUser, RenameUser)) and not awaited(change):
        weights["updateUsers"] = 1
        clears = sum(1 for d in change.set.values() if is_null(d.after))
        if clears:
            weights["clearAttributes"] = clears
    return weights


def _tally(changes: Sequence[Change]) -> Callable[[str, int], tuple[int, int, list[int]]]:
    """Guardrail, base → (figure, base, positions of the changes that it counts)."""
    figures: Counter[str] = Counter()
    counted: dict[str, list[int]] = {}
    for number, change in enumerate(changes):
        for name, weight in weigh(change).items():
            figures[name] += weight
            counted.setdefault(name, []).append(number)
    return lambda name, of: (figures[name], of, counted.get(name, []))


def _losses(context: Context) -> dict[str, tuple[int, list[int], int]]:
    """Group id → (everybody it loses, the changes about those who stay, its active members)."""
    lost: Counter[str] = Counter()
    counted: dict[str, list[int]] = {}
    for number, change in enumerate(context.changes):
        if isinstance(change, RemoveMembers):
            lost[change.key] += len(change.members)
            if Reason.MEMBER_LEAVES not in change.reasons:
                counted.setdefault(change.key, []).append(number)
    found = {}
    for at, number in context.groups.owner.items():
        if number < 0:
            continue
        group = context.desired.groups[number].group
        members = context.snapshot.groups[at].members
        value = lost[f"group:{group.id}"] + len(members & context.deleting)
        if value:
            of = sum(1 for m in members if context.snapshot.accounts[m].active)
            found[str(group.id)] = (value, counted.get(f"group:{group.id}", []), of)
    return found


def _complete(changes: list[Change], counted: Sequence[int], name: str, value: int, *, released: bool) -> None:
    """Gives holds for want of a state their figure, and lifts them where that figure was released."""
    for number in counted:
        change = changes[number]
        if any(h.release == name for h in change.held):
            left = tuple(
                h if h.release != name else Held(by=h.by, release=f"{name}={value}")
                for h in change.held
                if h.release != name or not released
            )
            changes[number] = change.model_copy(update={"held": left})


def _memberships_follow(context: Context) -> None:
    """A leaver's memberships are held, released and executed with the leaver; a newcomer's wait with the account, and
    so does what refers to the newcomer.
    """
    leaving = {c.key: c.held for c in context.changes if isinstance(c, (DeactivateUser, DeleteUser))}
    coming = {c.key: c.held for c in context.changes if isinstance(c, CreateUser) and c.held}
    context.changes[:] = [part for change in context.changes for part in _by_person(change, leaving, coming)]


def _by_person(
    change: Change, leaving: dict[str, tuple[Held, ...]], coming: dict[str, tuple[Held, ...]]
) -> Iterator[Change]:
    waits = [hold for key in awaited(change) for hold in coming.get(key, ())] if coming else []
    if waits:
        every = {h.release: h for h in (*change.held, *waits)}
        yield change.model_copy(update={"held": tuple(every.values())})
        return
    leaves = isinstance(change, RemoveMembers) and Reason.MEMBER_LEAVES in change.reasons
    if not (leaves or (coming and isinstance(change, AddMembers))):
        yield change
        return
    assert isinstance(change, (AddMembers, RemoveMembers))
    parts: dict[tuple[Held, ...], list[object]] = {}
    for member in change.members:
        held = leaving.get(member.key, ()) if leaves else (*change.held, *coming.get(member.key, ()))
        parts.setdefault(tuple({h.release: h for h in held}.values()), []).append(member)
    for held, members in parts.items():
        yield change.model_copy(update={"members": tuple(members), "held": held})
