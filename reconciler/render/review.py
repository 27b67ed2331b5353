"""A plan as every report shows it: the same parts, sentences and counts, computed once.

What this change does comes first, and of that what is unusual, then losses. What it did not cause is kept apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reconciler.model.plan import Guardrail, Origin, Plan
from reconciler.render.alike import grouped
from reconciler.render.asked import READ, UNUSUAL, blocked, decided, held, limit, notes, worth_telling
from reconciler.render.figures import Figures, figures, plural
from reconciler.render.lines import Line, Sections, Telling, ahead, later, sections
from reconciler.render.marks import said
from reconciler.render.origins import CAME, apart


class Kind(StrEnum):
    """What a part of a plan means to people, the first that a reviewer reads first."""

    UNUSUAL = "unusual"
    SENSITIVE = "sensitive"
    RENAMES = "renames"
    LOSES = "loses"
    GAINS = "gains"
    CHANGES = "changes"
    LATER = "later"
    HELD = "held"
    BLOCKED = "blocked"
    SOON = "soon"
    NOTES = "notes"


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of one kind. `count`: people, groups, questions; never fewer than are shown."""

    kind: Kind
    lines: tuple[Line, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What has another origin than this change."""

    origin: Origin
    words: str
    parts: tuple[Part, ...]
    count: int
    held: int

    @property
    def sentence(self) -> str:
        return f"{self.count:,} {self.words}" + (f" ({self.held:,} held)" if self.held else "")


@dataclass(frozen=True, slots=True)
class Review:
    """The whole plan. Every text in it is a sentence with marks."""

    plan: Plan
    telling: Telling
    parts: tuple[Part, ...]
    """Of this change, if the plan is compared with a revision; else all of it."""
    elsewhere: tuple[Elsewhere, ...]
    aside: tuple[Part, ...]
    """What can't be done, what comes soon, what was noticed: whatever caused it."""
    figures: Figures
    read: tuple[Line, ...]
    """What the plan was made from, where that is not the application as it is now."""

    @property
    def compared(self) -> bool:
        return self.plan.desired.base is not None and not self.telling.whole

    @property
    def headline(self) -> str:
        """Who loses and who gains, in one sentence."""
        if not self.figures.changes:
            return "Nothing is done by this change" if self.compared else "Nothing to do"
        parts = sorted(self.figures.parts, key=lambda part: part[0] != "lose")
        return _joined([words for _, words in parts]) or f"{self.figures.changes:,} changes"

    @property
    def asides(self) -> list[str]:
        """The other counts, each a sentence."""
        told = self.figures
        found = (
            (told.held, "change waits for an answer", "changes wait for an answer"),
            (told.blocked, "can not be done", "can not be done"),
        )
        return [f"{count:,} {plural(count, one, many)}" for count, one, many in found if count]

    @property
    def guardrails(self) -> list[str]:
        """How far those are used that have a limit and are not broken."""
        return [_rail(rail) for rail in self.plan.guardrails if worth_telling(rail)]

    @property
    def facts(self) -> list[str]:
        """Which files, against what, for when."""
        plan = self.plan
        return [
            *([f"commit {said(plan.desired.commit[:7])}"] if plan.desired.commit else []),
            *([f"against {said(plan.desired.base[:7])}"] if plan.desired.base else []),
            f"as of {said(moment(plan.as_of))}",
            said(plan.tenant_url, 200),
            *([f"profile {said(plan.profile.name)}, verified: never"] if plan.profile.verified == "never" else []),
        ]


def review(plan: Plan, telling: Telling) -> Review:
    ours, others = (plan, None) if plan.desired.base is None or telling.whole else apart(plan)
    found = sections(ours.pending, telling)
    sensitive_later, other_later = later(plan)
    unusual = notes(plan, telling, UNUSUAL)
    aside = (
        _part(Kind.BLOCKED, blocked(plan), len(plan.blocked)),
        _part(Kind.SOON, ahead(plan)),
        _part(Kind.NOTES, [*(decided(plan) if telling.everybody else ()), *notes(plan, telling, told_last(plan))]),
    )
    parts = (
        _part(Kind.UNUSUAL, unusual),
        *changing(ours, found, telling, sensitive_later),
        _part(Kind.LATER, other_later),
        asking(ours, telling),
    )
    return Review(
        plan=plan,
        telling=telling,
        parts=_there(parts),
        elsewhere=() if others is None else tuple(elsewhere(others, telling)),
        aside=_there(aside),
        figures=figures(ours, found),
        read=tuple(notes(plan, telling, READ)),
    )


def figures_of(plan: Plan) -> Figures:
    """Of this change, if the plan is compared with a revision; else of all of it."""
    ours = plan if plan.desired.base is None else apart(plan)[0]
    return figures(ours, sections(ours.pending, Telling(values=False)))


def told_last(plan: Plan) -> frozenset[str]:
    """The codes of what is noticed and stands nowhere else."""
    return frozenset(note.code for note in plan.notes) - {*UNUSUAL, *READ}


def changing(plan: Plan, found: Sections, telling: Telling, first: Iterable[Line] = ()) -> tuple[Part, ...]:
    """What runs. `first`: what begins later in sensitive groups."""
    changes = plan.pending
    return (
        _part(Kind.SENSITIVE, [*found.sensitive.values(), *first]),
        _part(Kind.RENAMES, grouped(found.renames, changes, telling), len(found.renames)),
        _part(Kind.LOSES, found.loses.values()),
        _part(Kind.GAINS, found.gains.values()),
        _part(Kind.CHANGES, grouped(found.changes, changes, telling), len(found.changes)),
    )


def asking(plan: Plan, telling: Telling) -> Part:
    return _part(Kind.HELD, held(plan, telling))


def elsewhere(others: Plan, telling: Telling) -> Iterator[Elsewhere]:
    for origin, words in CAME.items():
        changes = tuple(c for c in others.changes if c.origin is origin)
        if changes:
            plan = others.model_copy(update={"changes": changes})
            parts = (*changing(plan, sections(plan.pending, telling), telling), asking(plan, telling))
            yield Elsewhere(origin, words, _there(parts), len(changes), len(plan.held))


def _part(kind: Kind, lines: Iterable[Line], count: int | None = None) -> Part:
    lines = tuple(lines)
    return Part(kind, lines, len(lines) if count is None else count)


def _there(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(part for part in parts if part.lines)


def moment(text: str) -> str:
    """2026-11-23T17:00:00Z → 2026-11-23 17:00 UTC"""
    return f"{text.replace('T', ' ')[:16]} UTC"


def _rail(rail: Guardrail) -> str:
    return f"{said(rail.name)} {rail.value:,} of {rail.of:,}, allowed {limit(rail)}"


def _joined(parts: list[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


HEADINGS: Final[Mapping[Kind, str]] = {
    Kind.UNUSUAL: "Unusual",
    Kind.SENSITIVE: "Gains sensitive access",
    Kind.RENAMES: "Changes sign-in name",
    Kind.LOSES: "Loses access",
    Kind.GAINS: "Gains access",
    Kind.CHANGES: "Changes",
    Kind.LATER: "On another day, by this change",
    Kind.HELD: "Waits for an answer",
    Kind.BLOCKED: "Can not be done",
    Kind.SOON: "Soon",
    Kind.NOTES: "Notes",
}
