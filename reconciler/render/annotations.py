"""A plan, or what is wrong with the files, as remarks at lines of the files: what a forge shows beside a diff."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from reconciler.errors import Problem
from reconciler.model.plan import Change, Plan, Source
from reconciler.render.asked import UNUSUAL, broken, held, notes
from reconciler.render.lines import Line, Telling, later, sections
from reconciler.render.marks import plain
from reconciler.render.origins import apart
from reconciler.render.review import HEADINGS, Kind
from reconciler.render.safe import safe

Level = Literal["error", "warning", "notice"]
LEVELS: Final[tuple[Level, ...]] = ("error", "warning", "notice")
NAMED: Final = 10
"""Sentences in one remark; the others are counted."""
PROBLEM: Final = "problem"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One remark. Its texts are harmless; `message` has several lines where several things come from one line."""

    level: Level
    file: str
    """From the root of the repository; "" where nothing tells."""
    line: int
    """0: the whole file."""
    column: int
    kind: str
    """A `Kind`, or `problem`."""
    title: str
    message: str
    subject: str
    """What it is about, whatever line it stands at: the same from run to run."""

    @property
    def fingerprint(self) -> str:
        """The same for the same remark about the same file, wherever it has moved in it."""
        told = f"{self.kind}\0{self.level}\0{self.file}\0{self.subject}"
        return hashlib.sha256(told.encode()).hexdigest()


def remarks(plan: Plan, prefix: str = "") -> list[Annotation]:
    """The worst first. Of a plan that is compared with a revision only what this change does. No value is in them.

    `prefix`: where the desired state lies in the repository.
    """
    ours = plan if plan.desired.base is None else apart(plan)[0]
    telling = Telling(values=False)
    app = Source(file=f"apps/{plan.app}/app.yaml", line=1)
    return sorted(
        (
            *_guardrails(plan, ours.held, app, prefix),
            *_at_places(Kind.UNUSUAL, "warning", notes(plan, telling, UNUSUAL), plan, prefix, app),
            *_changing(ours, telling, prefix),
            *_at_places(Kind.HELD, "warning", [x for x in held(ours, telling) if "=" not in x.answer], plan, prefix),
        ),
        key=worst,
    )


def remarks_of(problems: Iterable[Problem], prefix: str = "") -> list[Annotation]:
    """What is wrong with the files, the worst first."""
    found = [
        Annotation(
            level="error" if each.severity == "error" else "warning",
            file=_joined(prefix, each.place.file),
            line=each.place.line,
            column=each.place.column,
            kind=PROBLEM,
            title="Desired state",
            message="\n".join(safe(text, 1000) for text in (each.message, each.hint) if text),
            subject=safe(each.message, 1000),
        )
        for each in problems
    ]
    return sorted(found, key=worst)


def _changing(ours: Plan, telling: Telling, prefix: str) -> Iterator[Annotation]:
    found = sections(ours.pending, telling)
    sensitive, others = later(ours)
    moved: Sequence[tuple[Kind, Level, Iterable[Line]]] = (
        (Kind.SENSITIVE, "warning", [*found.sensitive.values(), *sensitive]),
        (Kind.RENAMES, "warning", found.renames.values()),
        (Kind.LOSES, "warning", found.loses.values()),
        (Kind.GAINS, "notice", found.gains.values()),
        (Kind.CHANGES, "notice", found.changes.values()),
        (Kind.LATER, "notice", others),
    )
    for kind, level, lines in moved:
        yield from _at_places(kind, level, lines, ours, prefix)


def _guardrails(plan: Plan, stopped: Sequence[Change], app: Source, prefix: str) -> Iterator[Annotation]:
    """Broken ones, at the line of the first change that they hold; else where they are set."""
    for rail in plan.guardrails:
        if rail.broken and not rail.released:
            by = f"guardrail:{rail.name}"
            first = next((c.source for c in stopped if c.source and any(h.by == by for h in c.held)), None)
            text = f"{plain(broken(rail))} Held until a commit says Reconciler-Allow: {rail.name}={rail.value}"
            yield _annotation("error", Kind.HELD, first or app, plan, prefix, [safe(text, 600)], rail.name)


def _at_places(
    kind: Kind, level: Level, lines: Iterable[Line], plan: Plan, prefix: str, default: Source | None = None
) -> Iterator[Annotation]:
    """One remark for each line of a file that something comes from; `default` stands where that is none."""
    found: dict[tuple[str, int], tuple[Source, list[Line]]] = {}
    for line in lines:
        source = line.source or default
        if source is not None:
            found.setdefault((source.file, source.line), (source, []))[1].append(line)
    for source, together in found.values():
        told = [plain(f"{line.who} {'; '.join(filter(None, (line.text, *line.below)))}".strip()) for line in together]
        yield _annotation(level, kind, source, plan, prefix, told, told[0])


def _annotation(
    level: Level, kind: Kind, source: Source, plan: Plan, prefix: str, told: Sequence[str], subject: str
) -> Annotation:
    more = [f"and {len(told) - NAMED:,} more"] if len(told) > NAMED else []
    return Annotation(
        level=level,
        file=_joined(prefix, source.file),
        line=source.line,
        column=0,
        kind=str(kind),
        title=f"{safe(plan.app)}: {HEADINGS[kind]}",
        message="\n".join([*told[:NAMED], *more]),
        subject=f"{safe(plan.app)}\0{subject}",
    )


def _joined(prefix: str, file: str) -> str:
    """With / between, whatever the system; nothing that climbs out, nothing unprintable."""
    parts = [part for part in safe(f"{prefix}/{file}", 1000).replace("\\", "/").split("/") if part not in ("", ".")]
    return "" if ".." in parts else "/".join(parts)


def worst(each: Annotation) -> tuple[int, int, str, int, str]:
    """A key to sort by: what a reader has to see first."""
    kinds = [str(kind) for kind in Kind]
    rank = kinds.index(each.kind) if each.kind in kinds else -1
    return LEVELS.index(each.level), rank, each.file, each.line, each.message
