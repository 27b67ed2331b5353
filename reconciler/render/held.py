"""What is held, as questions with the `--allow` that answers them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

from reconciler.model.plan import (
    AddMembers,
    AdoptGroup,
    AdoptUser,
    Change,
    Guardrail,
    Plan,
    Reason,
    RemoveMembers,
)
from reconciler.render.lines import questions, who
from reconciler.render.origins import suspected
from reconciler.render.rows import flowing, plural
from reconciler.render.safe import quoted, safe
from reconciler.render.style import Style


def held_rows(plan: Plan, style: Style, title: str, *, verbose: bool) -> list[str]:
    asked = questions(plan)
    if not asked:
        return []
    rails = {f"{g.name}={g.value}": g for g in plan.guardrails}
    doubts = {n.key: n.text for n in plan.notes if n.code == "heldCandidate"}
    along = _leaving(plan)
    out = ["", f"  {style('HELD', 'bold')}"]
    for release, changes in asked.items():
        question = _question(release, changes, rails, doubts, title)
        rows = flowing(question, style, 4)
        out += [f"  {style('?', 'yellow')} {rows[0]}", *(f"    {row}" for row in rows[1:])]
        out.append(f"      {style(f'--allow {shlex.quote(safe(release, 200))}', 'yellow')}")
        if release in rails or len(changes) > 1:
            named = flowing(_named(changes, along, verbose=verbose), style, 6)
            out += [f"      {style(row, 'dim')}" for row in named]
    return out


def _named(changes: Sequence[Change], along: Counter[str], *, verbose: bool) -> str:
    """Who is held. One group is named once, with how many it loses besides. `along`: how many leave each group with
    their account.
    """
    moving = [c for c in changes if Reason.MEMBER_LEAVES not in c.reasons]  # the others are named as people
    group = moving[0] if moving and len({c.key for c in moving}) == 1 else None
    one = group is not None and all(isinstance(c, (AddMembers, RemoveMembers)) for c in moving)
    names = list(dict.fromkeys(_names(moving, in_group=not one)))
    shown = names if verbose else names[:8]
    text = ", ".join(shown) + (f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else "")
    if group is None or not one:
        return text
    besides = along[group.key] if isinstance(group, RemoveMembers) else 0
    return f"{safe(group.name)}: {text}" + (f"; {besides:,} more leave with their account" if besides else "")


def _names(changes: Iterable[Change], *, in_group: bool) -> Iterable[str]:
    for change in changes:
        if isinstance(change, (AddMembers, RemoveMembers)):
            yield from (f"{who(m.key)} in {safe(change.name)}" if in_group else who(m.key) for m in change.members)
        else:
            yield who(change.key)


def _leaving(plan: Plan) -> Counter[str]:
    """Group's key → how many leave it with their account."""
    counts: Counter[str] = Counter()
    for change in plan.changes:
        if isinstance(change, RemoveMembers) and Reason.MEMBER_LEAVES in change.reasons:
            counts[change.key] += len(change.members)
    return counts


def _question(
    release: str, changes: Sequence[Change], rails: dict[str, Guardrail], doubts: dict[str, str], title: str
) -> str:
    first = changes[0]
    rail = rails.get(release)
    if any(h.by == "stateMissing" and h.release == release for h in first.held):
        return f"there is no memory yet, so nothing here is known to be ours: remove {_figure(release)} all the same?"
    if rail is not None:
        return _broken(rail)
    if isinstance(first, (AdoptUser, AdoptGroup)):
        named = ", ".join(
            f"{safe(c.name)} ({safe(c.id)}{'' if c.active else ', inactive'}{f', {safe(c.bound)}' if c.bound else ''})"
            for c in first.candidates
        )
        return f"{who(first.key)}  whose is {named or 'this'}? {safe(doubts.get(first.key, ''), 120)}"
    reason = first.held[0].by
    if reason == "takenAwayInApp":
        return f"{who(release.partition(':')[2])}  {_taken(first, title)}: who did that?{suspected(first)}"
    if reason == "givenInApp":
        return (
            f"{who(release.partition(':')[2])}  got this in {safe(title)}, not in git: who did that?{suspected(first)}"
        )
    return f"{who(first.key)}  {reason}: is that meant?"


def _broken(rail: Guardrail) -> str:
    name, _, group = rail.name.partition(":")
    if name == "minimumMembers":
        return (
            f"{safe(group)} keeps {rail.value:,} of {rail.of:,} members, and is to have {rail.count:,}: is that meant?"
        )
    together = f"{(rail.value + rail.earlier) * 100 / rail.of:.3g} %" if rail.of else ""
    if rail.earlier:
        counted = f", after {rail.earlier:,} within a day{f': together {together}' if together else ''}"
    else:
        counted = f" ({together})" if together else ""
    figure = f"{safe(rail.name)}: {rail.value:,} of {rail.of:,}{counted}"
    return f"{figure}, allowed are {limit(rail)}: is that meant?"


def _figure(release: str) -> str:
    name, _, value = release.partition("=")
    kind, _, group = name.partition(":")
    figure = int(value or 0)
    if kind == "deprovisionUsers":
        return f"{figure:,} {plural(figure, 'account', 'accounts')}"
    if kind == "deleteGroups":
        return f"{figure:,} {plural(figure, 'group', 'groups')}"
    return f"{figure:,} {plural(figure, 'member', 'members')} of {safe(group)}"


def _taken(change: Change, title: str) -> str:
    if change.action == "reactivateUser":
        return f"is suspended in {safe(title)}, git says active"
    if change.action == "createUser":
        return f"was deleted in {safe(title)}, git says active"
    if change.action == "createGroup":
        return f"was deleted in {safe(title)}, git has it"
    return f"was taken out of {quoted(change.name)} in {safe(title)}, git has them in it"


def limit(rail: Guardrail) -> str:
    parts = [] if rail.count is None else [f"{rail.count:,}"]
    if rail.percent is not None:
        parts.append(f"{rail.percent:g} %")
    return " or ".join(parts) or "none"
