"""A plan about some people and groups alone, with what their changes depend on."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from reconciler.errors import UsageError
from reconciler.model.directory import Directory
from reconciler.model.plan import AddMembers, Change, DeleteGroup, EmptyGroup, Note, Plan, RemoveMembers
from reconciler.plan.document import signed
from reconciler.plan.order import dependencies, exchanges

_KINDS = ("user", "group", "account", "appGroup")


def check_keys(keys: Collection[str], directory: Directory, remembered: Collection[str]) -> None:
    """Raises UsageError for a key of nobody: neither in the files nor `remembered`. Keys of the application's own
    accounts and groups can't be checked before it is read.
    """
    sides = {"user": [str(u) for u in directory.users], "group": [str(g) for g in directory.groups]}
    for key in keys:
        kind, _, name = key.partition(":")
        if kind not in _KINDS or not name:
            near = [f"{side}:{key}" for side, known in sides.items() if key in known]
            hint = f"did you mean `{near[0]}`?" if near else "user:ID, group:ID, or as a plan names it"
            raise UsageError(f"--only {key}: not a key", hint=hint)
        if kind in sides and name not in sides[kind] and key not in remembered:
            close = get_close_matches(name, sides[kind], 1)
            hint = f"did you mean `{kind}:{close[0]}`?" if close else "neither the files nor the memory has it"
            raise UsageError(f"--only {key}: there is none", hint=hint)


def only(plan: Plan, keys: Collection[str]) -> Plan:
    """The changes about `keys`, the memberships of those people in whatever group, and what all these depend on."""
    kept: dict[int, Change] = {}
    for position, change in enumerate(plan.changes):
        part = _about(change, frozenset(keys))
        if part is not None:
            kept[position] = part
    _with_what_they_need(kept, plan.changes)
    text = f"only {', '.join(sorted(keys))}: nothing else was looked for"
    notes = [n for n in plan.notes if n.key in keys or n.code not in ("unmanagedUser", "unmanagedGroup", "adopted")]
    notes = [*(n for n in notes if n.code != "partial"), Note(code="partial", key=plan.app, text=text)]
    return signed(
        plan.model_copy(
            update={
                "changes": tuple(kept[at] for at in sorted(kept)),
                "blocked": tuple(b for b in plan.blocked if b.key in keys),
                "notes": tuple(sorted(notes, key=lambda n: (n.code, n.key, n.id or "", n.text))),
                "later": tuple(each for each in plan.later if each.key in keys or each.group in keys),
                "soon": tuple(s for s in plan.soon if s.key in keys or s.group in keys),
                "partial": True,
            }
        )
    )


def _about(change: Change, keys: frozenset[str]) -> Change | None:
    if change.key in keys:
        return change
    if not isinstance(change, (AddMembers, RemoveMembers, EmptyGroup)):
        return None
    members = tuple(member for member in change.members if member.key in keys)
    return change.model_copy(update={"members": members}) if members else None


def _with_what_they_need(kept: dict[int, Change], changes: tuple[Change, ...]) -> None:
    """Whoever gives up a name that is taken, all who exchange names with somebody, and whatever has to be created."""
    needs = dependencies(changes)
    circle_of = {each: circle for circle in exchanges(changes, needs) for each in circle}
    created = {c.key: at for at, c in enumerate(changes) if c.action in ("createUser", "createGroup")}
    open_ = list(kept)
    while open_:
        position = open_.pop()
        change = kept[position]
        needed = {*needs.get(position, ()), *circle_of.pop(position, ())}
        if not isinstance(change, DeleteGroup):
            new = (m.key for m in getattr(change, "members", ()) if m.id is None)
            needed |= {created[key] for key in new if key in created}
        for each in needed - kept.keys():
            kept[each] = changes[each]
            open_.append(each)
