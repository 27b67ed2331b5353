"""What a change does to the rules that guard an application: each one that it loosens, by name, before and after.

The stricter rules of both revisions hold meanwhile (see `strict`); a reviewer must see the change all the same, since
from the next apply on they hold no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.app import App, Clause, Guardrails, Limit
from reconciler.model.plan import Note
from reconciler.plan.guard import LIMIT, REMOVE_MEMBERS

_NOT_THERE = "nothing"


def change_notes(app: App, before: App | None) -> list[Note]:
    """`before`: the app at the revision that the plan is compared with."""
    if before is None:
        return []
    notes = []
    if before.tenant_url != app.tenant_url:
        text = f"tenantUrl was {before.tenant_url} and is {app.tenant_url}: another place, maybe of another owner"
        notes.append(Note(code="tenantChanged", key=app.name, text=text))
    rails = before.guardrails, app.guardrails
    for name, was, now in (*_limits(*rails), *_kept(*rails), *_ignored(before, app), *_policies(before, app)):
        text = f"{name}: {was} → {now}"
        if name.startswith("guardrails."):
            text += ". Until this is applied, the stricter one holds"
        notes.append(Note(code="guardrailLoosened", key=app.name, text=text))
    return notes


def _limits(before: Guardrails, after: Guardrails) -> Iterator[tuple[str, str, str]]:
    for name, limit in LIMIT.items():
        was, now = limit(before), limit(after)
        if looser(was, now):
            yield f"guardrails.{name}", shown(was), shown(now)
    if before.remove_members != after.remove_members:
        was, now = before.remove_members or REMOVE_MEMBERS, after.remove_members or REMOVE_MEMBERS
        if looser(was, now):
            yield "guardrails.removeMembers", shown(was), shown(now)


def looser(before: Limit, after: Limit) -> bool:
    """Whether something breaks `before` that does not break `after`."""
    counts = before.count is not None and (after.count is None or after.count > before.count)
    percents = before.percent is not None and (after.percent is None or after.percent > before.percent)
    limits = before.count is not None or before.percent is not None
    return counts or percents or (limits and after.ignore_below > before.ignore_below)


def shown(limit: Limit) -> str:
    parts = [
        *([f"count {limit.count}"] if limit.count is not None else []),
        *([f"{limit.percent:g} %"] if limit.percent is not None else []),
    ]
    below = f", ignoreBelow {limit.ignore_below}" if parts and limit.ignore_below else ""
    return (" and ".join(parts) or "no limit") + below


def _kept(before: Guardrails, after: Guardrails) -> Iterator[tuple[str, str, str]]:
    for group, count in sorted(before.minimum_members.items()):
        least = after.minimum_members.get(group, 0)
        if least < count:
            yield f"guardrails.minimumMembers.{group}", str(count), str(least or _NOT_THERE)
    yield from _gone("guardrails.protected.users", before.protected.users, after.protected.users)
    yield from _gone("guardrails.protected.groups", before.protected.groups, after.protected.groups)
    if before.acts_as is not None and after.acts_as != before.acts_as:
        yield "guardrails.actsAs", before.acts_as, after.acts_as or _NOT_THERE


def _ignored(before: App, after: App) -> Iterator[tuple[str, str, str]]:
    """Whoever is ignored no more can lose something; whoever is ignored from now on keeps what they have."""
    for kind in ("users", "groups"):
        was, now = getattr(before.ignore, kind), getattr(after.ignore, kind)
        yield from _gone(f"ignore.{kind}", was, now)
        yield from ((f"ignore.{kind}", _NOT_THERE, _entry(each)) for each in now if each not in was)


def _gone(name: str, before: Sequence[str | Clause], after: Sequence[str | Clause]) -> Iterator[tuple[str, str, str]]:
    yield from ((name, _entry(each), _NOT_THERE) for each in before if each not in after)


def _entry(entry: str | Clause) -> str:
    if isinstance(entry, str):
        return entry
    value = "" if entry.value is None else f" {entry.value}"
    return f"{entry.attribute} {entry.operator}{value}"


def _policies(before: App, after: App) -> Iterator[tuple[str, str, str]]:
    """What is done to leavers and to strangers: who takes more away is loose, and so is who leaves more there."""
    for part, keys in (("deprovision", ("users", "groups")), ("unmanaged", ("users", "groups", "members"))):
        for key in keys:
            was, now = (getattr(getattr(app, part), key) for app in (before, after))
            if was != now:
                yield f"{part}.{key}", was, now
    if (before.drift.taken_away, after.drift.taken_away) == ("hold", "repair"):
        yield "drift.takenAway", "hold", "repair"
    if before.drift.given != after.drift.given:
        yield "drift.given", before.drift.given, after.drift.given
    if after.canary < before.canary:
        yield "canary", str(before.canary), str(after.canary)
