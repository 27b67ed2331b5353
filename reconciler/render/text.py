"""A plan as text for a terminal: losses first, then gains, changes, questions, what can't be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reconciler.model.plan import Blocked, DeleteGroup, EmptyGroup, Guardrail, Plan
from reconciler.render.alike import grouped
from reconciler.render.held import held_rows, limit
from reconciler.render.lines import Line, ahead, sections, who
from reconciler.render.origins import apart, folded
from reconciler.render.rows import flowing, plural, sentences, wrapped
from reconciler.render.safe import quoted, safe, width
from reconciler.render.style import Style

NOT = {
    "createUser": "not created",
    "updateUser": "not updated",
    "renameUser": "not renamed",
    "adoptUser": "not adopted",
    "reactivateUser": "not reactivated",
    "deactivateUser": "not deactivated",
    "deleteUser": "not deleted",
    "createGroup": "not created",
    "updateGroup": "not updated",
    "renameGroup": "not renamed",
    "adoptGroup": "not adopted",
    "emptyGroup": "not emptied",
    "deleteGroup": "not deleted",
    "removeMembers": "not removed",
}
"""What was wanted → what a reader has to know."""
FOLD = 30
"""Rows of a section that are shown without --verbose."""
TOLD = {
    "adopted": "adopted",
    "unmanagedUser": "unmanaged account",
    "unmanagedGroup": "unmanaged group",
    "unmanagedMember": "unmanaged member",
    "ignored": "ignored",
    "leftOut": "left out",
    "noReference": "not referred to",
}
"""Notes that are counted, and listed by --verbose; all others are always told."""

ALIKE = ("notKept",)
"""Notes of which one line is enough, whomever they are about."""


def text(
    plan: Plan,
    style: Style,
    *,
    title: str = "",
    effect: str = "deactivated",
    used: int | None = None,
    verbose: bool = False,
    whole: bool = False,
) -> str:
    """The whole plan. `title` is the application's name as people say it, `effect` what deactivation does there, `used`
    how many requests were made there today, if that is known. `whole`: it is about to run, so that nothing is folded
    because it is not of this change.
    """
    ours, others = (plan, None) if whole or plan.desired.base is None else apart(plan)
    lines = [_head(plan, style), *_changes(ours, style, title or plan.app, effect, verbose=verbose)]
    if others is not None and others.changes:
        lines += ["", *(f"  {style(row, 'bold')}" for row in flowing(folded(others, verbose=verbose), style, 2))]
        if verbose:
            lines += _changes(others, style, title or plan.app, effect, verbose=True)
    lines += _section("SOON", "yellow", ahead(plan), style, verbose=verbose)
    lines += _blocked(plan, style, verbose=verbose)
    lines += _notes(plan, style, verbose=verbose)
    lines += ["", *_summary(ours, style, used, whole=whole)]
    return "\n".join(lines) + "\n"


def _changes(plan: Plan, style: Style, title: str, effect: str, *, verbose: bool) -> list[str]:
    """What runs, and what is held."""
    found = sections(plan.pending, effect)
    lines: list[str] = []
    for heading, sign_style, part in (
        ("GAINS SENSITIVE ACCESS", "green", found.sensitive),
        ("LOSES ACCESS", "red", found.loses),
        ("GAINS ACCESS", "green", found.gains),
        ("CHANGES", "blue", found.changes),
    ):
        shown = grouped(part, plan.pending, verbose=verbose) if part is found.changes else list(part.values())
        lines += _section(heading, sign_style, shown, style, verbose=verbose)
    return lines + held_rows(plan, style, title, verbose=verbose)


def _head(plan: Plan, style: Style) -> str:
    commit = f"   commit {plan.desired.commit[:7]}" if plan.desired.commit else ""
    commit += f"   against {plan.desired.base[:7]}" if plan.desired.base else ""
    moment = plan.as_of.replace("T", " ")[:16]
    head = f"{style(plan.app, 'bold')}  {safe(plan.tenant_url)}{commit}   as of {moment} UTC"
    if plan.profile.verified == "never":
        head += style(f"   profile {plan.profile.name}, verified: never", "dim")
    return head


def _section(heading: str, colour: str, lines: Sequence[Line], style: Style, *, verbose: bool) -> list[str]:
    if not lines:
        return []
    shown = lines if verbose else lines[:FOLD]
    wide = min(max(width(line.who) for line in shown), 44)
    facts = [f"{line.who}{' ' * max(wide - width(line.who), 0)}  {line.text}" for line in shown]
    edge = min(max(width(fact) for fact in facts), 110)
    aside = max(width(line.source) for line in shown) + 3
    if style.columns:
        edge = min(edge, style.columns - 4 - aside)
    beside = edge >= wide + 24  # else the places stand below, each on its own line
    out = ["", f"  {style(heading, 'bold')}"]
    for line, fact in zip(shown, facts, strict=True):
        rows = wrapped(fact, style.columns - 4 if not beside else edge, wide + 2) if style.columns else [fact]
        padding = " " * (max(edge - width(rows[0]), 0) + 3) if line.source and beside else ""
        out.append(f"  {style(line.sign, colour)} {rows[0]}{padding}{style(line.source, 'dim') if beside else ''}")
        out += [f"    {row}" for row in rows[1:]]
        out += [f"      {style(below, 'dim')}" for below in line.below]
        if line.source and not beside:
            out.append(f"      {style(line.source, 'dim')}")
    if len(lines) > len(shown):
        out.append(style(f"    … and {len(lines) - len(shown):,} more (--verbose lists them)", "dim"))
    return out


def _worth_telling(rail: Guardrail) -> bool:
    """Not the broken ones, which are questions, nor those without a limit, nor each group's."""
    return not rail.broken and limit(rail) != "none" and ":" not in rail.name


def _blocked(plan: Plan, style: Style, *, verbose: bool) -> list[str]:
    if not plan.blocked:
        return []
    out = ["", f"  {style('CAN NOT BE DONE', 'bold')}"]
    alike: dict[tuple[str, str], list[Blocked]] = {}
    for blocked in plan.blocked:
        alike.setdefault((blocked.wanted, blocked.text), []).append(blocked)
    for (wanted, why), each in alike.items():
        names = [who(b.key) for b in each]
        shown = names if verbose else names[:8]
        more = f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else ""
        if len(names) == 1:
            rows = flowing(f"{names[0]}  {NOT.get(wanted, wanted)}: {safe(why, 300)}", style, 4)
        else:
            rows = flowing(f"{len(names):,} {NOT.get(wanted, wanted)}: {safe(why, 300)}", style, 4)
        out += [f"  {style('x', 'magenta')} {rows[0]}", *(f"    {row}" for row in rows[1:])]
        if len(names) > 1:
            out += [f"      {style(row, 'dim')}" for row in flowing(", ".join(shown) + more, style, 6)]
    return out


def _notes(plan: Plan, style: Style, *, verbose: bool) -> list[str]:
    told = [n for n in plan.notes if n.code not in ("heldCandidate", *ALIKE) and (verbose or n.code not in TOLD)]
    alike = _alike(plan)
    if not told and not alike and not (verbose and plan.profile.overrides):
        return []
    out = ["", f"  {style('NOTES', 'bold')}"]
    for text_, names in alike.items():
        shown = names if verbose else names[:8]
        more = f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else ""
        rows = flowing(f"{safe(text_, 300)}: {', '.join(shown) + more}", style, 4)
        out += [f"  {style('!', 'yellow')} {rows[0]}", *(f"    {row}" for row in rows[1:])]
    if verbose:
        out += _decided(plan, style)
    for note in told:
        label = TOLD.get(note.code, "")
        about = f"{label} " if label else ""
        name = f"{who(note.key)}  " if ":" in note.key else ""
        rows = flowing(f"{name}{about}{safe(note.text, 300)}", style, 4)
        out += [f"  {style('!', 'yellow')} {rows[0]}", *(f"    {row}" for row in rows[1:])]
    return out


def _alike(plan: Plan) -> dict[str, list[str]]:
    """What is said of many in the same words → of whom."""
    found: dict[str, list[str]] = {}
    for note in plan.notes:
        if note.code in ALIKE:
            found.setdefault(note.text, []).append(who(note.key))
    return found


def _decided(plan: Plan, style: Style) -> list[str]:
    """Which keys of the profile are not the gallery's, and who says so."""
    return [
        f"  {style('!', 'yellow')} profile {row}"
        for each in plan.profile.overrides
        for row in flowing(f"{each.key} is {quoted(each.value)}: {each.source}", style, 12)
    ]


def _summary(plan: Plan, style: Style, used: int | None, *, whole: bool) -> list[str]:
    found = sections(plan.pending)
    going = {key for key in found.loses if key.startswith(("group:", "appGroup:"))}
    with_group = {m.key for c in plan.pending if isinstance(c, (EmptyGroup, DeleteGroup)) for m in c.members}
    loses = len((found.loses.keys() - going) | with_group)
    gains = len(found.gains.keys() | found.sensitive.keys())
    groups = sum(1 for key in found.changes if key.startswith("group:"))
    people = len(found.changes) - groups
    parts = []
    if gains:
        parts.append(style(f"{gains:,} {plural(gains, 'person gains', 'people gain')} access", "green"))
    if loses:
        parts.append(style(f"{loses:,} {plural(loses, 'person loses', 'people lose')} access", "red"))
    if people:
        parts.append(f"{people:,} {plural(people, 'person changes', 'people change')}")
    if groups:
        parts.append(f"{groups:,} {plural(groups, 'group changes', 'groups change')}")
    if going:
        parts.append(style(f"{len(going):,} {plural(len(going), 'group goes', 'groups go')}", "red"))
    total = len(plan.pending)
    nothing = "Nothing to do" if whole or plan.desired.base is None else "Nothing is done by this change"
    figure = f"{total:,} {plural(total, 'change', 'changes')}" if total else nothing
    head = [f"{figure}: {parts[0]}", *parts[1:]] if parts else [figure]
    held = len(plan.held)
    touched = {c.id for c in plan.changes if c.id and c.action.endswith("User")}
    counts = Counter(n.code for n in plan.notes)
    unmanaged = counts["unmanagedUser"]
    same = max(plan.live.users - len(touched) - unmanaged - counts["ignored"], 0)
    told = [
        *(f"{part}," for part in head[:-1]),
        f"{head[-1]}.",
        style(f"{held:,} held.", "yellow") if held else "0 held.",
        f"{len(plan.blocked):,} can not be done." if plan.blocked else "",
        f"{same:,} {plural(same, 'account', 'accounts')} unchanged.",
        f"{unmanaged:,} unmanaged.",
    ]
    extra = [
        f"{counts[c]:,} {TOLD[c]}{plural(counts[c], '', 's')}"
        for c in ("unmanagedGroup", "unmanagedMember")
        if counts[c]
    ]
    if counts["adopted"]:
        extra.append(f"{counts['adopted']:,} adopted")
    extra += [f"{counts[c]:,} {TOLD[c]}" for c in ("ignored", "leftOut", "noReference") if counts[c]]
    out = sentences([s for s in told if s], style)
    if extra:
        out.append(style(f"Also: {', '.join(extra)} (--verbose lists them).", "dim"))
    if plan.pending and plan.budget.per_day:
        needs = f"An apply needs about {plan.budget.requests:,} of the {plan.budget.per_day:,} requests a day"
        needs += f"; {used:,} are used today." if used is not None else "."
        scarce = used is not None and used + plan.budget.requests > plan.budget.per_day
        out += [style(row, "yellow" if scarce else "dim") for row in flowing(needs, style)]
    rails = [f"{g.name} {g.value:,} of {g.of:,}, allowed {limit(g)}" for g in plan.guardrails if _worth_telling(g)]
    if rails:
        out += [style(row, "dim") for row in flowing(f"Guardrails: {'; '.join(rails)}.", style)]
    return out
