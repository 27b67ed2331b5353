"""A plan as text for a terminal: losses first, then gains, changes, questions, what can't be done."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Final

from reconciler.model.plan import Plan
from reconciler.render.asked import TOLD, limit, worth_telling
from reconciler.render.figures import Figures, plural
from reconciler.render.lines import Line, Telling
from reconciler.render.marks import plain
from reconciler.render.review import Elsewhere, Kind, Part, Review, moment, review
from reconciler.render.safe import safe, width
from reconciler.render.style import Style

COLOURS = re.compile("\x1b\\[[0-9;]*m")
_WORDS: Final = re.compile("( *)([^ ]+)")
FOLD = 30
"""Rows of a section that are shown without --verbose."""
_LEAST: Final = 28
"""Columns that facts and what stands before them take at least."""
NAMED = 8
"""Names beside a question, without --verbose."""
_HEADINGS: Final = {
    Kind.UNUSUAL: ("UNUSUAL", "yellow"),
    Kind.SENSITIVE: ("GAINS SENSITIVE ACCESS", "green"),
    Kind.RENAMES: ("CHANGES SIGN-IN NAME", "yellow"),
    Kind.LOSES: ("LOSES ACCESS", "red"),
    Kind.GAINS: ("GAINS ACCESS", "green"),
    Kind.CHANGES: ("CHANGES", "blue"),
    Kind.LATER: ("ON ANOTHER DAY, BY THIS CHANGE", "yellow"),
    Kind.HELD: ("HELD", "yellow"),
    Kind.BLOCKED: ("CAN NOT BE DONE", "magenta"),
    Kind.SOON: ("SOON", "yellow"),
    Kind.NOTES: ("NOTES", "yellow"),
}
_TABLES: Final = (Kind.SENSITIVE, Kind.RENAMES, Kind.LOSES, Kind.GAINS, Kind.CHANGES, Kind.LATER, Kind.SOON)
"""Parts with names and places in columns; the others are sentences."""
_COLOURS: Final = {"gain": "green", "lose": "red"}


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
    told = review(plan, Telling(title, effect, everybody=verbose, whole=whole))
    aside = {part.kind: part for part in told.aside}
    lines = _head(plan, style)
    for part in told.parts:
        lines += _part(part, style, verbose=verbose)
    if told.elsewhere:
        lines += ["", *(f"  {style(row, 'bold')}" for row in _flowing(_folded(told.elsewhere, verbose), style, 2))]
        for each in told.elsewhere if verbose else ():
            for part in each.parts:
                lines += _part(part, style, verbose=True, also=f": {each.words}")
    for kind in (Kind.SOON, Kind.BLOCKED):
        lines += _part(aside[kind], style, verbose=verbose) if kind in aside else []
    noticed = (*(aside[Kind.NOTES].lines if Kind.NOTES in aside else ()), *told.read)
    lines += _part(Part(Kind.NOTES, noticed, len(noticed)), style, verbose=verbose)
    lines += ["", *_summary(told, style, used)]
    return "\n".join(lines) + "\n"


def _head(plan: Plan, style: Style) -> list[str]:
    facts = [
        f"{style(safe(plan.app), 'bold')}  {safe(plan.tenant_url)}",
        f"commit {safe(plan.desired.commit[:7])}" if plan.desired.commit else "",
        f"against {safe(plan.desired.base[:7])}" if plan.desired.base else "",
        f"as of {safe(moment(plan.as_of))}",
    ]
    if plan.live.source == "snapshot":
        facts.append(style(f"on a snapshot of {safe(moment(plan.live.read_at))}", "yellow"))
    elif plan.live.source == "files":
        facts.append(style("on files alone", "yellow"))
    if plan.profile.verified == "never":
        facts.append(style(f"profile {safe(plan.profile.name)}, verified: never", "dim"))
    return _packed([fact for fact in facts if fact], style, between="   ", indent=2)


def _folded(elsewhere: Sequence[Elsewhere], verbose: bool) -> str:
    more = ":" if verbose else " (--verbose lists them)"
    return f"NOT OF THIS CHANGE: {', '.join(each.sentence for each in elsewhere)}{more}"


def _part(part: Part, style: Style, *, verbose: bool, also: str = "") -> list[str]:
    """`also` follows the heading."""
    if not part.lines:
        return []
    heading, colour = _HEADINGS[part.kind]
    out = ["", *(f"  {style(row, 'bold')}" for row in _flowing(f"{heading}{also}", style, 2))]
    if part.kind in _TABLES:
        return out + _table(part.lines, colour, style, verbose=verbose)
    for line in part.lines:
        out += _sentence(line, colour, style, verbose=verbose)
    return out


def _table(lines: Sequence[Line], colour: str, style: Style, *, verbose: bool) -> list[str]:
    shown = lines if verbose else lines[:FOLD]
    names, places = [plain(line.who) for line in shown], [plain(line.place) for line in shown]
    wide = min(max(map(width, names)), 44)
    if style.columns and style.columns < wide + _LEAST:
        wide = 0  # facts stand behind the names, not in a column
    facts = [
        f"{name}{' ' * max(wide - width(name), 0)}  {plain(line.text)}"
        for name, line in zip(names, shown, strict=True)
    ]  # fmt: skip
    edge = min(max(width(fact) for fact in facts), 110)
    aside = max(map(width, places)) + 3
    if style.columns:
        edge = min(edge, style.columns - 4 - aside)
    beside = not style.columns or edge >= wide + 24  # else the places stand below, each on its own line
    out = []
    for line, fact, where in zip(shown, facts, places, strict=True):
        rows = _wrapped(fact, edge if where and beside else style.columns - 4, wide + 2) if style.columns else [fact]
        padding = " " * (max(edge - width(rows[0]), 0) + 3) if where and beside else ""
        out.append(f"  {style(line.sign, colour)} {rows[0]}{padding}{style(where, 'dim') if beside else ''}")
        out += [f"    {row}" for row in rows[1:]]
        for below in (*line.below, *line.everybody):
            out += [f"      {style(row, 'dim')}" for row in _flowing(plain(below), style, 6)]
        if where and not beside:
            out.append(f"      {style(where, 'dim')}")
    if len(lines) > len(shown):
        out.append(style(f"    … and {len(lines) - len(shown):,} more (--verbose lists them)", "dim"))
    return out


def _sentence(line: Line, colour: str, style: Style, *, verbose: bool) -> list[str]:
    """A question, or something noticed; whom it is about beside it, or below."""
    listed = plain(line.listed(len(line.names) if verbose else NAMED))
    told = plain(f"{line.who}  {line.text}" if line.who else line.text)
    below = bool(line.names) and line.sign in "?x"
    rows = _flowing(told if below or not line.names else f"{told}: {listed}", style, 4)
    out = [f"  {style(line.sign, colour)} {rows[0]}", *(f"    {row}" for row in rows[1:])]
    if line.answer:
        out.append(f"      {style(f'--allow {shlex.quote(safe(line.answer, 200))}', 'yellow')}")
    return [*out, *(f"      {style(row, 'dim')}" for row in _flowing(listed, style, 6))] if below else out


def _wrapped(fact: str, columns: int, indent: int) -> list[str]:
    """Rows of at most `columns`, broken at blanks, hanging under the first one's fact."""
    rows, row = [], ""
    for blanks, word in _WORDS.findall(fact):
        longer = f"{row}{blanks}{word}"
        if row.strip() and width(longer) > max(columns, indent + 20):
            rows.append(row)
            longer = f"{' ' * indent}{word}"
        row = longer
    return [*rows, row]


def _flowing(text: str, style: Style, indent: int = 0) -> list[str]:
    """Rows that fit beside an indentation."""
    return _wrapped(text, style.columns - indent, 0) if style.columns else [text]


def _summary(whole: Review, style: Style, used: int | None) -> list[str]:
    plan, told = whole.plan, whole.figures
    out = _packed([s for s in _counts(whole, told, style) if s], style)
    extra = _extra(plan)
    if extra:
        out.append(style(f"Also: {', '.join(extra)} (--verbose lists them).", "dim"))
    if told.changes and plan.budget.per_day:
        needs = f"An apply needs about {plan.budget.requests:,} of the {plan.budget.per_day:,} requests a day"
        needs += f"; {used:,} are used today." if used is not None else "."
        scarce = used is not None and used + plan.budget.requests > plan.budget.per_day
        out += [style(row, "yellow" if scarce else "dim") for row in _flowing(needs, style)]
    rails = [f"{safe(g.name)} {g.value:,} of {g.of:,}, allowed {limit(g)}" for g in plan.guardrails if worth_telling(g)]
    if rails:
        out += [style(row, "dim") for row in _flowing(f"Guardrails: {'; '.join(rails)}.", style)]
    return out


def _counts(whole: Review, told: Figures, style: Style) -> list[str]:
    parts = [style(words, _COLOURS[kind]) if kind in _COLOURS else words for kind, words in told.parts]
    nothing = "Nothing is done by this change" if whole.compared else "Nothing to do"
    figure = f"{told.changes:,} {plural(told.changes, 'change', 'changes')}" if told.changes else nothing
    head = [f"{figure}: {parts[0]}", *parts[1:]] if parts else [figure]
    return [
        *(f"{part}," for part in head[:-1]),
        f"{head[-1]}.",
        style(f"{told.held:,} held.", "yellow") if told.held else "0 held.",
        f"{told.blocked:,} can not be done." if told.blocked else "",
        f"{told.unchanged:,} {plural(told.unchanged, 'account', 'accounts')} unchanged.",
        f"{told.unmanaged:,} unmanaged.",
    ]


def _extra(plan: Plan) -> list[str]:
    counts = Counter(n.code for n in plan.notes)
    extra = [
        f"{counts[c]:,} {TOLD[c]}{plural(counts[c], '', 's')}"
        for c in ("unmanagedGroup", "unmanagedMember")
        if counts[c]
    ]
    if counts["adopted"]:
        extra.append(f"{counts['adopted']:,} adopted")
    return extra + [f"{counts[c]:,} {TOLD[c]}" for c in ("ignored", "leftOut", "noReference") if counts[c]]


def _packed(facts: Sequence[str], style: Style, between: str = " ", indent: int = 0) -> list[str]:
    """As many on a row as fit; colours take no room."""
    rows: list[str] = []
    for fact in facts:
        together = f"{rows[-1]}{between}{fact}" if rows else fact
        if rows and (not style.columns or width(COLOURS.sub("", together)) <= style.columns):
            rows[-1] = together
        else:
            rows.append(f"{' ' * indent if rows else ''}{fact}")
    return rows
