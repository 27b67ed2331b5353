"""Guardrails: too much never happens. A broken one holds what it counts, all of it, and the rest goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import assert_never

from reconciler.errors import IncompleteRead, PlanError
from reconciler.model.app import Guardrails, Limit
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
    Note,
    ReactivateUser,
    Reason,
    RemoveMembers,
    RenameGroup,
    RenameUser,
    UpdateGroup,
    UpdateUser,
)
from reconciler.model.values import GroupId, is_null
from reconciler.plan.context import SIGN_IN, Context
from reconciler.plan.minimum import remaining
from reconciler.plan.order import awaited
from reconciler.plan.strict import minimum, tightest
from reconciler.plan.waiting import hold_what_waits

WINDOW = timedelta(hours=24)
REMOVE_MEMBERS = Limit(percent=40, ignore_below=3)
REMOVE_MEMBERS_SMALL = Limit(percent=50, ignore_below=3)
SMALL = 10
"""Members below which a group counts as small."""
REMOVALS = frozenset({"deprovisionUsers", "deleteGroups", "removeMembers"})
"""Those that count access which is taken away."""
LIMIT: dict[str, Callable[[Guardrails], Limit]] = {
    "deprovisionUsers": lambda rails: rails.deprovision_users,
    "deleteGroups": lambda rails: rails.delete_groups,
    "renameUsers": lambda rails: rails.rename_users,
    "updateUsers": lambda rails: rails.update_users,
    "clearAttributes": lambda rails: rails.clear_attributes,
    "createUsers": lambda rails: rails.create_users,
}


def check(context: Context) -> None:
    """What makes a plan impossible: an app that suddenly looks empty, a scope that holds nobody, a missing actsAs."""
    about = context.looked_for
    bindings = context.state.bindings.items()
    bound = [b["id"] for k, b in bindings if k.startswith("user:") and (about is None or k in about)]
    present = sum(1 for id_ in bound if id_ in context.snapshot.numbers)
    if (
        bound
        and about is None
        and "emptyApp" not in context.releases
        and (not context.snapshot.accounts or 2 * present < len(bound))
    ):
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
    judge = Judge(context)
    base = _base(context)
    tally = _tally(context.changes)
    for name, of in (
        ("deprovisionUsers", base + _unmanaged(context)),
        ("deleteGroups", _groups(context)),
        ("renameUsers", base),
        ("updateUsers", base),
        ("clearAttributes", base),
        ("createUsers", base),
    ):
        judge.count(name, [LIMIT[name](rails) for rails in judge.rails], *tally(name, of))
    for key, (value, counted, of) in sorted(_losses(context).items()):
        usual = REMOVE_MEMBERS_SMALL if of < SMALL else REMOVE_MEMBERS
        limits = [rails.remove_members or usual for rails in judge.rails]
        judge.count(f"removeMembers:{key}", limits, value, of, counted)
    judge.settle()
    for group, least in sorted(minimum(judge.rails).items()):
        if (left := remaining(context, group)) is not None:
            judge.least(f"minimumMembers:{group}", left.members, least, left.before, left.counted)
    judge.settle()
    hold_what_waits(context)
    _memberships_follow(context)
    return judge.found


class Judge:
    """Figures against limits. What breaks one is held when `settle` is called."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.rails = (context.app.guardrails, *context.stricter)
        """Today's first."""
        self.found: list[Guardrail] = []
        self._forgotten = is_window_lost(context)
        self._held: dict[int, list[Held]] = {}

    def count(self, name: str, limits: Sequence[Limit], value: int, of: int, counted: Sequence[int]) -> None:
        """A guardrail that says how much is too much. `limits`: of all revisions, today's first."""
        context, earlier = self.context, _spent(self.context, name)
        over = [_broken(limit, value + earlier, of) for limit in limits]
        before = 0 < context.state.held.get(name, 0) <= value
        unknown = False
        if self._forgotten and value and not any(over) and name.partition(":")[0] in REMOVALS:
            over = [_may_be_broken(limit, value + earlier) for limit in limits]
            unknown = any(over)
        broken = bool(value) and (before or any(over))
        released = context.releases.figure(name, value)
        if value or name == "deprovisionUsers":
            limit = tightest(limits)
            self.found.append(
                Guardrail(
                    name=name, value=value, earlier=earlier, unknown=unknown, count=limit.count,
                    percent=limit.percent, of=of, broken=broken, released=released,
                )
            )  # fmt: skip
        _complete(context.changes, counted, name, value, released=released)
        if broken and not released:
            self._hold(name, value, counted)
            if not (before or over[0]):
                self._note(name)

    def least(self, name: str, value: int, least: int, of: int, counted: Sequence[int]) -> None:
        """A guardrail that says how little is too little, where something is taken away at all."""
        broken, released = bool(counted) and value < least, self.context.releases.figure(name, value)
        self.found.append(Guardrail(name=name, value=value, count=least, of=of, broken=broken, released=released))
        if broken and not released:
            self._hold(name, value, counted)
            if value >= self.context.app.guardrails.minimum_members.get(GroupId(name.partition(":")[2]), 0):
                self._note(name)

    def _hold(self, name: str, value: int, counted: Sequence[int]) -> None:
        """But nobody who was revoked: a person named them, one by one."""
        for number in (n for n in counted if Reason.REVOKED not in self.context.changes[n].reasons):
            self._held.setdefault(number, []).append(Held(by=f"guardrail:{name}", release=f"{name}={value}"))

    def _note(self, name: str) -> None:
        text = f"{name}: today's files allow it, and an earlier revision does not"
        self.context.notes.append(Note(code="stricter", key=self.context.app.name, text=text))

    def settle(self) -> None:
        changes = self.context.changes
        for number, reasons in self._held.items():
            change = changes[number]
            unique = tuple({h.release: h for h in (*change.held, *reasons)}.values())
            changes[number] = change.model_copy(update={"held": unique})
        self._held = {}


def _broken(limit: Limit, value: int, of: int) -> bool:
    if value < limit.ignore_below:
        return False
    over = limit.count is not None and value > limit.count
    return over or (limit.percent is not None and value * 100 > limit.percent * of)


def _may_be_broken(limit: Limit, value: int) -> bool:
    """Where what was done before is not known: all that a limit allows may be used up."""
    return value >= limit.ignore_below and not (limit.count is None and limit.percent is None)


def is_window_lost(context: Context) -> bool:
    """Whether applies may have taken access away within the window that this memory knows nothing of: it is new, or
    was new then, and people of ours had accounts already.
    """
    state, users, groups = context.state, context.users, context.groups
    if state.fresh:
        return bool(users.found or users.questions or groups.found or groups.questions)
    return state.window_from is not None and datetime.fromisoformat(state.window_from) > context.as_of - WINDOW


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


def _groups(context: Context) -> int:
    """The groups that are bound or matched, and others where `unmanaged` removes them."""
    if context.snapshot.partial:
        return len(context.desired.groups)
    known = context.groups.owner
    if context.app.unmanaged.groups not in ("delete", "empty"):
        return len(known)
    spared = {*known, *context.ignored_groups, *context.namesake_groups}
    return len(known) + sum(1 for at in range(len(context.snapshot.groups)) if at not in spared)


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
    """Adoptions and reactivations count as renames only; of a rename through a temporary name
    the final one counts."""
    if isinstance(change, RenameUser) and change.temporary:
        return {}
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
    """A leaver's memberships are held, released and executed with the leaver; a newcomer's wait with the account, made
    or taken over, and so does what refers to the newcomer.
    """
    leaving = {c.key: c.held for c in context.changes if isinstance(c, (DeactivateUser, DeleteUser))}
    coming = {c.key: c.held for c in context.changes if isinstance(c, (AdoptUser, CreateUser)) and c.held}
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
