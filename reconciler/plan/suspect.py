"""Who probably moved the application, where the pattern of drift tells. Better nobody than somebody wrong.

- server: the same path of several accounts holds what git says in another form, or the same value instead of several;
  nothing else of them drifted.
- otherProvisioner: several accounts were overwritten at several paths each.
- administrator: somebody was suspended, or taken out of a group or put into one, and it happened to few.
- justInTime: whoever had an account has another one, which nobody here made.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from reconciler.model.plan import (
    AddMembers,
    AdoptUser,
    Change,
    Difference,
    Origin,
    ReactivateUser,
    RemoveMembers,
    RenameUser,
    Suspect,
    UpdateUser,
)
from reconciler.model.values import is_null
from reconciler.plan.context import Context

SEVERAL = 3
"""Accounts, or paths of one, from which on a pattern is none of chance."""
FEW = 5
"""People whom somebody changes by hand; more at once, and it may be a program."""


def with_suspects(context: Context, changes: Sequence[Change]) -> list[Change]:
    """The changes, those of drift with whom they point at."""
    drift = [c for c in changes if c.origin is Origin.DRIFT]
    overwritten = [c for c in drift if isinstance(c, (UpdateUser, RenameUser))]
    by_server = _computed(overwritten)
    by_program = {c.key for c in overwritten if len(c.set) >= SEVERAL}
    if len(by_program) < 2:
        by_program = set()
    by_hand = len(_people(drift)) <= FEW

    def suspect(change: Change) -> Suspect | None:
        if isinstance(change, (UpdateUser, RenameUser)):
            if change.key in by_program:
                return Suspect.OTHER_PROVISIONER
            return Suspect.SERVER if by_server.issuperset(change.set) else None
        if isinstance(change, (ReactivateUser, AddMembers, RemoveMembers)) and by_hand:
            return Suspect.ADMINISTRATOR
        return None

    return [
        change.model_copy(update={"suspect": suspect(change)})
        if change.origin is Origin.DRIFT
        else change.model_copy(update={"suspect": Suspect.JUST_IN_TIME})
        if _another_account(context, change)
        else change
        for change in changes
    ]


def _people(drift: Sequence[Change]) -> set[str]:
    """Who was suspended, or moved between groups."""
    moved = {m.key for c in drift if isinstance(c, (AddMembers, RemoveMembers)) for m in c.members}
    return moved | {c.key for c in drift if isinstance(c, ReactivateUser)}


def _computed(changes: Sequence[UpdateUser | RenameUser]) -> set[str]:
    """Paths that several accounts hold in another form, or all with one value."""
    seen: defaultdict[str, list[Difference]] = defaultdict(list)
    for change in changes:
        for path, difference in change.set.items():
            seen[path].append(difference)
    return {path for path, differences in seen.items() if len(differences) >= SEVERAL and _alike(differences)}


def _alike(differences: Sequence[Difference]) -> bool:
    if all(_same_but_for_form(d.before, d.after) for d in differences):
        return True
    before = Counter(repr(d.before) for d in differences)
    wanted = {repr(d.after) for d in differences}
    return len(before) == 1 and len(wanted) >= SEVERAL and not is_null(differences[0].before)


def _same_but_for_form(before: Any, after: Any) -> bool:
    """Case, blanks, or cut off."""
    if not (isinstance(before, str) and isinstance(after, str) and before and before != after):
        return False
    one, other = " ".join(before.casefold().split()), " ".join(after.casefold().split())
    return one == other or (len(before) >= FEW and after.startswith(before))


def _another_account(context: Context, change: Change) -> bool:
    binding = context.binding(change.key) if isinstance(change, AdoptUser) else None
    return binding is not None and change.id is not None and binding["id"] != change.id
