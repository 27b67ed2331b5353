"""Match and action of one person: what a plan looked for, what it found, and what it makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

from reconciler.model.directory import User
from reconciler.model.explanation import Action, Attempt, FoundAccount, Mapped, Matched, plain
from reconciler.model.path import parse_path
from reconciler.model.plan import Change, Difference, Plan
from reconciler.model.values import UNSET, Key, RemoteId, Value, account_key, is_null, user_key
from reconciler.plan.context import Context
from reconciler.plan.difference import EXACT
from reconciler.plan.identity import Identity, normal

Looked: TypeAlias = Sequence[tuple[str, Value]]
"""Matching path and today's value, by precedence."""
_Settled: TypeAlias = tuple[Literal["pin", "binding", "attribute", "ignored", "question", "none", "notTried"], str]


def explain_match(context: Context, user: User, matching: Looked) -> Matched:
    """Pin, binding, and every matching attribute: also those that were not needed any more, and of somebody whom no
    account is looked for (out of scope and never provisioned), so that a reader sees what is there."""
    key, identity = user_key(user.id), context.users
    number = context.desired.numbers.get(user.id)
    at = None if number is None else identity.found.get(number, identity.ignored.get(number))
    binding = context.binding(key)
    by, text = _settled(context, identity, user, number)
    return Matched(
        by=by,
        text=text,
        account=None if at is None else _account(context, at),
        pin=user.accounts.get(context.app.name),
        binding=None if binding is None else binding["id"],
        attempts=tuple(_attempts(context, number, matching)),
    )


def explain_action(context: Context, plan: Plan, user: User, match: Matched, mappings: tuple[Mapped, ...]) -> Action:
    """What of the plan is about this person: or about an account that only their attributes find."""
    found = {account.id for attempt in match.attempts for account in attempt.found}
    keys = {user_key(user.id), *(account_key(id_) for id_ in found)}
    number = context.desired.numbers.get(user.id)
    return Action(
        mappings=mappings,
        groups=tuple(each.group.name for each in context.desired.groups if number in each.members),
        changes=tuple(each for change in plan.changes if (each := _of(change, keys)) is not None),
        blocked=tuple(each for each in plan.blocked if each.key in keys),
        notes=tuple(each for each in plan.notes if each.key in keys),
    )


def _settled(context: Context, identity: Identity, user: User, number: int | None) -> _Settled:
    if number is None and user.id in context.desired.left_out:
        return "notTried", "nothing flows for this person, so no account is looked for"
    if number is None:
        return "notTried", "out of scope and never provisioned by us, so no account is looked for"
    if number in identity.questions:
        return "question", identity.questions[number].why
    if number in identity.ignored:
        return "ignored", "the account is under `ignore`"
    if number not in identity.found:
        lost = "the bound account is gone, and " if number in identity.lost else ""
        return "none", f"{lost}no account fits"
    if context.app.name in user.accounts:
        return "pin", "the file names this account"
    if number in identity.adopted:
        return "attribute", "found for the first time"
    return "binding", "it has been this person's since an earlier apply"


def _attempts(context: Context, number: int | None, matching: Looked) -> Iterator[Attempt]:
    for path, value in matching:
        yield _attempt(context, path, value)
    former = context.desired.people[number].former if number is not None else ()
    for entry in former:
        for (path, _), value in zip(matching, entry, strict=True):
            if value is not UNSET:
                yield _attempt(context, path, value, former=True)


def _attempt(context: Context, path: str, value: Value, *, former: bool = False) -> Attempt:
    found: list[FoundAccount] = []
    column = context.column(path)
    if not is_null(value) and column >= 0:
        exact = parse_path(path).schema_name in EXACT
        wanted = normal(value, exact)
        rows = enumerate(context.snapshot.accounts)
        hits = [at for at, row in rows if not is_null(v := row.values[column]) and normal(v, exact) == wanted]
        found = sorted((_account(context, at) for at in hits), key=lambda account: account.id)
    return Attempt(path=path, value=plain(value), former=former, found=tuple(found))


def _account(context: Context, at: int) -> FoundAccount:
    account = context.snapshot.accounts[at]
    return FoundAccount(id=RemoteId(account.id), name=context.account_name(at), active=account.active)


def _of(change: Change, keys: set[Key]) -> Change | None:
    """The change as far as it is about these keys: its values as documents show them, of its members only them."""
    if change.key in keys:
        given = getattr(change, "set", None)
        if not given:
            return change
        shown = {path: Difference(before=plain(d.before), after=plain(d.after)) for path, d in given.items()}
        return change.model_copy(update={"set": shown})
    members = tuple(each for each in getattr(change, "members", ()) if each.key in keys)
    return change.model_copy(update={"members": members}) if members else None
