"""A plan as the body of a comment: what a reviewer reads in two minutes, within the size that forges take.

Long plans are first told alike in one line, then gathered by group, then cut; what is least worth reading goes first.
The counts stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from reconciler.model.plan import Plan
from reconciler.render.gather import FEW, MOST, alike, by_group, counted
from reconciler.render.lines import Line, Telling
from reconciler.render.marks import said
from reconciler.render.markup import BLOCK, code, details, inline
from reconciler.render.placed import placed
from reconciler.render.review import HEADINGS, Elsewhere, Kind, Part, Review, review
from reconciler.render.safe import safe

LIMIT: Final = 60_000
"""Characters, counted as UTF-16 does: GitHub takes 65,536 in a comment, and the caller has a marker to add."""
MOST_BYTES: Final = 250_000
"""Of UTF-8: beyond 262,144 GitHub refuses a comment whatever its characters."""
SUMMARY: Final = 1_000_000
"""As `limit`: of a step summary, in bytes too. GitHub drops one of more than 1 MiB."""
_CUTS: Final = (500, 200, 80, 30, 10, 3, 0)
"""Lines of a part that are left, when even gathered ones do not fit."""
_ALIKE, _GATHERED, _CUT = 1, 2, 3
_OPEN, _CLOSE = "\n<details>\n", "\n</details>"
_LAST: Final = _CUT + len(_CUTS) - 1
_SHORT: Final = frozenset({Kind.BLOCKED, Kind.SOON, Kind.NOTES})
_SENTENCES: Final = frozenset({Kind.HELD, Kind.BLOCKED, Kind.NOTES, Kind.UNUSUAL})
_SIGNS: Final = {
    Kind.UNUSUAL: "⚠️", Kind.SENSITIVE: "🔐", Kind.RENAMES: "🪪", Kind.LOSES: "➖", Kind.GAINS: "➕", Kind.CHANGES: "✏️",
    Kind.LATER: "📅", Kind.HELD: "❓", Kind.BLOCKED: "🚫", Kind.SOON: "⏳", Kind.NOTES: "💬",
}  # fmt: skip
_SACRIFICED: Final = (
    Kind.NOTES, Kind.SOON, Kind.BLOCKED, Kind.CHANGES, Kind.HELD, Kind.GAINS, Kind.LATER, Kind.LOSES, Kind.RENAMES,
    Kind.SENSITIVE, Kind.UNUSUAL,
)  # fmt: skip
"""The first is shortened first."""


def markdown(
    plan: Plan,
    *,
    title: str = "",
    effect: str = "deactivated",
    values: bool = False,
    limit: int = LIMIT,
    notices: Sequence[str] = (),
    more: str = "",
    prefix: str = "",
) -> str:
    """The body of a comment of at most `limit` characters and as many bytes as a forge takes. Names and paths;
    attributes' values only with `values`.

    `title` is the application's name as people say it, `effect` what a deactivation does there. `notices` are sentences
    for the very top. `more` is markdown of ours that says where the rest is; it is there when anything was shortened.
    `prefix`: where the desired state lies in its repository.
    """
    plan = placed(plan, prefix)
    telling = Telling(title, effect, values=values)
    brief = replace(telling, values=False, departments=values)
    body = _Body(plan, review(plan, telling), review(plan, brief) if values else None, tuple(notices), more)
    return body.fitted(limit)


@dataclass(slots=True)
class _Slot:
    """One block of the body, at each of its lengths."""

    rank: int
    render: Callable[[int], str]
    level: int = 0
    rendered: dict[int, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        if self.level not in self.rendered:
            self.rendered[self.level] = self.render(self.level)
        return self.rendered[self.level]


@dataclass(slots=True)
class _Body:
    plan: Plan
    whole: Review
    brief: Review | None
    """Without values, which is what many have in common."""
    notices: tuple[str, ...]
    more: str

    def fitted(self, limit: int) -> str:
        slots = list(self._slots())
        for level, slot in _steps(slots):
            if _fits(self._assembled(slots), limit):
                break
            slot.level = level
        return _cut(self._assembled(slots), limit)

    def _assembled(self, slots: Iterable[_Slot]) -> str:
        slots = list(slots)
        shortened = any(slot.level for slot in slots)
        blocks = [*self._head(), *(slot.text for slot in slots), *self._foot(shortened=shortened)]
        return BLOCK.join(block for block in blocks if block) + "\n"

    def _slots(self) -> Iterator[_Slot]:
        short, compared = self.brief or self.whole, self.whole.compared
        for parts, brief in ((self.whole.parts, short.parts), (self.whole.aside, short.aside)):
            for part, other in zip(parts, brief, strict=True):
                yield _Slot(1 + _SACRIFICED.index(part.kind), partial(_part, part, other, compared))
        for each, shorter in zip(self.whole.elsewhere, short.elsewhere, strict=True):
            yield _Slot(0, partial(_elsewhere, each, shorter))

    def _head(self) -> Iterator[str]:
        whole = self.whole
        yield f"### Access to {inline(said(whole.telling.title or self.plan.app))}"
        for notice in filter(str.strip, self.notices):
            yield f"> ⚠️ {inline(safe(notice, 600))}"
        counts = "".join(f" {inline(each)}." for each in whole.asides)
        yield f"**{inline(whole.headline)}.**{counts}"
        yield "\n".join(f"- ℹ️ {inline(line.text)}" for line in whole.read)

    def _foot(self, *, shortened: bool) -> Iterator[str]:
        if shortened:
            yield f"✂️ Not everything fits here. {self.more or 'The plan itself has all of it.'}"
        if self.whole.guardrails:
            yield f"Guardrails: {'; '.join(map(inline, self.whole.guardrails))}."
        facts = " · ".join(map(inline, self.whole.facts))
        digest = f" · changes {code(safe(self.plan.changes_digest))}" if self.plan.changes_digest else ""
        yield f"{facts}{digest}"


def _steps(slots: Sequence[_Slot]) -> Iterator[tuple[int, _Slot]]:
    """(the next level, of which block), until nothing can be shorter."""
    ordered = sorted(slots, key=lambda slot: slot.rank)
    for level in (_ALIKE, _GATHERED):
        yield from ((level, slot) for slot in ordered)
    for slot in ordered:
        yield from ((level, slot) for level in range(_CUT, _LAST + 1))


def size(text: str) -> tuple[int, int]:
    """Characters as UTF-16 counts them, and bytes of UTF-8."""
    return len(text.encode("utf-16-le")) // 2, len(text.encode())


def _fits(text: str, limit: int) -> bool:
    characters, octets = size(text)
    return characters <= limit and octets <= max(limit, MOST_BYTES)


def _cut(text: str, limit: int) -> str:
    """Whole lines only, and nothing left folded open."""
    while text and not (_fits(text, limit) and text.count(_OPEN) == text.count(_CLOSE)):
        text = text[: text.rstrip("\n").rfind("\n") + 1]
    return text


def _part(whole: Part, brief: Part, compared: bool, level: int) -> str:
    part = brief if level else whole
    heading = f"#### {_SIGNS[part.kind]} {HEADINGS[part.kind]} ({part.count:,})"
    rows = _rows(part, level, compared=compared)
    if not rows:
        return heading
    shown = 10 if part.kind in _SHORT else 30
    asked = f"{_how(compared=compared)}{BLOCK}" if part.kind is Kind.HELD else ""
    shown = shown if len(rows) > shown + 1 else len(rows)  # one line is not worth a fold
    body = "\n".join(rows[:shown])
    if len(rows) > shown:
        body += BLOCK + details(f"… and {len(rows) - shown:,} more lines", "\n".join(rows[shown:]))
    return f"{heading}{BLOCK}{asked}{body}"


def _how(*, compared: bool) -> str:
    if compared:
        return "Nothing of this runs until somebody answers. A yes is its line in the message of a commit."
    return "Nothing of this runs until somebody answers. A yes is its option, given to `reconciler apply`."


def _elsewhere(whole: Elsewhere, brief: Elsewhere, level: int) -> str:
    each = brief if level else whole
    summary = f"Not of this change: {each.sentence}"
    if level == _LAST:
        return f"{summary}."
    blocks = []
    for part in each.parts:
        rows = "\n".join(_rows(part, level, compared=True))
        blocks += [f"**{HEADINGS[part.kind]}** ({part.count:,})", *([rows] if rows else [])]
    return details(summary, BLOCK.join(blocks))


def _rows(part: Part, level: int, *, compared: bool) -> list[str]:
    """Each of one line of a list, with the lines below it."""
    lines: Sequence[Line] = part.lines
    if level >= _GATHERED and part.kind not in _SENTENCES:
        lines = by_group(lines)
    elif level >= _ALIKE:
        lines = alike(lines)
    most = FEW if level >= _GATHERED else MOST
    left = _CUTS[level - _CUT] if level >= _CUT else len(lines)
    rows = [_row(line, most, compared=compared) for line in lines[:left]]
    if left and len(lines) > left:
        rows.append(f"- … and {counted(lines[left:]):,} more")
    return rows


def _row(line: Line, most: int, *, compared: bool) -> str:
    who = f"**{inline(line.who)}** " if line.who else ""
    place = f" · {inline(line.place)}" if line.source else ""
    rows = [f"- {who}{inline(line.text)}{place}"]
    rows += [f"  - {inline(below)}" for below in line.below if below.strip()]
    if line.names:
        rows.append(f"  - {inline(line.listed(most))}")
    if line.answer:
        release = safe(line.answer, 400)
        rows.append(f"  - {code(f'Reconciler-Allow: {release}' if compared else f'--allow {release}')}")
    return "\n".join(rows)
