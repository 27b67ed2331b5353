"""What a context found, as a plan: deterministic, with the digests that name it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import orjson

from reconciler import __version__
from reconciler.model.desired import Column
from reconciler.model.path import parse_path
from reconciler.model.plan import (
    Budget,
    DesiredFacts,
    Guardrail,
    Later,
    LiveFacts,
    Plan,
    ProfileFacts,
)
from reconciler.model.profile import Profile
from reconciler.model.values import Value
from reconciler.plan.context import VERSION, Context
from reconciler.plan.order import ordered
from reconciler.plan.written import changes_digest, digest_of_plan


def instant(moment: datetime) -> str:
    """Whole seconds, UTC, as plans write them. `moment` knows its offset."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def assemble(
    context: Context, guardrails: Iterable[Guardrail], base: str | None = None, later: Sequence[Later] = ()
) -> Plan:
    """The findings of a context as a plan with its digests. `base`: the commit that it is compared with; `later`: what
    the change against that causes on another day.
    """
    app, profile, desired, snapshot = context.app, context.profile, context.desired, context.snapshot
    changes = ordered(context.changes, leavers_last=app.order == "leaversLast")
    plan = Plan(
        tool_version=__version__,
        app=app.name,
        tenant_url=app.tenant_url,
        as_of=instant(context.as_of),
        partial=snapshot.partial,
        desired=DesiredFacts(
            commit=desired.directory.commit,
            base=base,
            digest=desired.directory.digest,
            users=desired.in_scope,
            groups=len(desired.groups),
        ),
        live=LiveFacts(
            digest=_live_digest(context),
            users=len(snapshot.accounts),
            groups=len(snapshot.groups),
            read_at=instant(snapshot.read_at),
            source=snapshot.source,
        ),
        profile=ProfileFacts(name=profile.name, verified=profile.verified, overrides=tuple(context.overrides)),
        budget=Budget(requests=_requests(context), per_day=profile.rate.per_day),
        guardrails=tuple(guardrails),
        changes=tuple(changes),
        blocked=tuple(sorted(context.blocked, key=lambda b: (b.key, b.wanted, b.text))),
        soon=desired.soon,
        later=tuple(later),
        notes=tuple(sorted(context.notes, key=lambda n: (n.code, n.key, n.id or "", n.text))),
    )
    return signed(plan)


def signed(plan: Plan) -> Plan:
    """With `changesDigest` and `digest` computed anew."""
    plan = plan.model_copy(update={"changes_digest": changes_digest(plan)})
    return plan.model_copy(update={"digest": digest_of_plan(plan)})


def _live_digest(context: Context) -> str:
    """Over ids, activity, values and members, whatever the order of the answer. Nothing redacted is in it."""
    snapshot = context.snapshot
    accounts = _shown(snapshot.user_paths, context.desired.user_columns)
    groups = _shown(snapshot.group_paths, context.desired.group_columns)
    hashed = hashlib.sha256()
    for account in sorted(snapshot.accounts, key=lambda a: a.id):
        hashed.update(orjson.dumps([account.id, account.active, accounts(account.values)], option=orjson.OPT_SORT_KEYS))
    ids = [account.id for account in snapshot.accounts]
    for group in sorted(snapshot.groups, key=lambda g: g.id):
        members = sorted([ids[m] for m in group.members] + list(group.others))
        hashed.update(orjson.dumps([group.id, groups(group.values), members], option=orjson.OPT_SORT_KEYS))
    return f"sha256:{hashed.hexdigest()}"


def _shown(paths: Sequence[str], columns: Sequence[Column]) -> Callable[[Sequence[Value]], Sequence[Value]]:
    """A row without the values of paths that a mapping redacts, and without versions."""
    redacted = {VERSION, *(parse_path(column.path).canonical for column in columns if column.redacts)}
    kept = [n for n, path in enumerate(paths) if parse_path(path).canonical not in redacted]
    if len(kept) == len(paths):
        return lambda row: row
    return lambda row: [row[n] for n in kept]


def _requests(context: Context) -> int:
    """How many requests an apply costs, about: reading again, writing in the application's chunks, verifying."""
    profile, snapshot = context.profile, context.snapshot
    pending = [c for c in context.changes if not c.held]
    pages = _pages(len(snapshot.accounts), profile) + _pages(len(snapshot.groups), profile)
    chunk = profile.groups.max_members
    writes = bulk = 0
    for change in pending:
        members = len(getattr(change, "members", ())) if change.action != "deleteGroup" else 0
        writes += max(1, -(-members // chunk))
    if profile.bulk is not None:
        bulk = -(-writes // profile.bulk.operations)
    return pages + (bulk or writes) + min(len({c.key for c in pending}), pages)


def _pages(rows: int, profile: Profile) -> int:
    return 1 if profile.paging.style == "none" else max(1, -(-rows // profile.paging.count))


__all__ = ["assemble", "instant", "signed"]
