"""The plan as a document: deterministic to the byte, with the digests that name it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from reconciler import __version__
from reconciler.model.desired import Column
from reconciler.model.path import parse_path
from reconciler.model.plan import (
    Budget,
    DesiredFacts,
    Guardrail,
    LiveFacts,
    Plan,
    ProfileFacts,
)
from reconciler.model.profile import Profile
from reconciler.model.values import Value
from reconciler.plan.context import VERSION, Context
from reconciler.plan.order import ordered

_UNAPPROVED = ("origin", "reasons", "source", "held", "suspect")
"""What may move without changing what was approved."""
_ORDER = ("action", "key", "id", "name", "origin", "suspect", "reasons", "temporary", "sensitive", "set", "members",
          "groups", "candidates", "source", "held")  # fmt: skip
"""In which the keys of a change are read best."""
_UNSAID = {
    "changes": ("id", "source", "suspect", "sensitive", "temporary", "groups", "candidates"),
    "guardrails": ("earlier", "released"),
    "blocked": ("id",),
    "soon": ("group", "groupName", "from", "until", "reason", "source"),
    "notes": ("id",),
}
"""Part of a plan → keys that are left out where they would say nothing: null, false, or an empty list."""


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def sha256(value: bytes) -> str:
    return f"sha256:{hashlib.sha256(value).hexdigest()}"


def instant(moment: datetime) -> str:
    """Whole seconds, UTC, as plans write them. `moment` knows its offset."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def assemble(context: Context, guardrails: Iterable[Guardrail], base: str | None = None) -> Plan:
    """The findings of a context as a plan with its digests. `base`: the commit that it is compared with."""
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
        ),
        profile=ProfileFacts(name=profile.name, verified=profile.verified, overrides=tuple(context.overrides)),
        budget=Budget(requests=_requests(context), per_day=profile.rate.per_day),
        guardrails=tuple(guardrails),
        changes=tuple(changes),
        blocked=tuple(sorted(context.blocked, key=lambda b: (b.key, b.wanted, b.text))),
        soon=desired.soon,
        notes=tuple(sorted(context.notes, key=lambda n: (n.code, n.key, n.id or "", n.text))),
    )
    return signed(plan)


def signed(plan: Plan) -> Plan:
    """With `changesDigest` and `digest` computed anew."""
    plan = plan.model_copy(update={"changes_digest": changes_digest(plan)})
    return plan.model_copy(update={"digest": digest_of(document(plan))})


def digest_of(written: Mapping[str, Any]) -> str:
    """Of a whole document: everything in it but `digest` and `signature`."""
    return sha256(canonical({key: value for key, value in written.items() if key not in ("digest", "signature")}))


def changes_digest(plan: Plan) -> str:
    """Names what was approved: app, tenant and changes, without origin, reasons, source and held.

    Those four also order changes and split member lists, so lists are joined again and the order is that of the bytes.
    """
    whole: dict[tuple[str, str | bytes], dict[str, Any]] = {}
    for change in document(plan)["changes"]:
        for key in _UNAPPROVED:
            change.pop(key, None)
        one = change["key"] if "members" in change else canonical(change)
        first = whole.setdefault((change["action"], one), change)
        if first is not change:
            first["members"] += change["members"]
    for change in whole.values():
        change.get("members", []).sort(key=lambda member: (member["key"], canonical(member)))
    changes = sorted(whole.values(), key=canonical)
    return sha256(canonical({"app": plan.app, "tenantUrl": plan.tenant_url, "changes": changes}))


def document(plan: Plan) -> dict[str, Any]:
    """The plan as it is written. Of a creation `set` has `after` alone."""
    written: dict[str, Any] = plan.model_dump(mode="json", by_alias=True)
    for part, keys in _UNSAID.items():
        for each in written[part]:
            for key in keys:
                if key in each and not each[key]:
                    del each[key]
    written["changes"] = [{**{key: c[key] for key in _ORDER if key in c}, **c} for c in written["changes"]]
    for change in written["changes"]:
        if change["action"].startswith("create"):
            for difference in change["set"].values():
                del difference["before"]
    for guardrail in written["guardrails"]:
        guardrail["percent"] = _whole(guardrail["percent"])
    if plan.signature is None:
        del written["signature"]
    return written


def _whole(percent: float | None) -> float | None:
    """10 rather than 10.0: other languages know one number only, and must find the same digest."""
    return int(percent) if percent is not None and percent.is_integer() else percent


def to_json(plan: Plan) -> bytes:
    """The document as bytes: the same for equal plans."""
    return orjson.dumps(document(plan), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


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


__all__ = ["assemble", "canonical", "changes_digest", "digest_of", "document", "instant", "sha256", "signed", "to_json"]
