"""What the trailers of commits release, beside the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.errors import UsageError
from reconciler.model.plan import Change, Guardrail, Note
from reconciler.model.state import Used
from reconciler.model.trailer import Trailer
from reconciler.plan.releases import BARE, Releases


def in_force(trailers: Iterable[Trailer], used: Iterable[Used]) -> list[Trailer]:
    """Those that no apply has used yet. A commit that was rewritten is the same one."""
    spent = {(each["release"], name) for each in used for name in (each["commit"], each.get("authored")) if name}
    return [
        each for each in trailers if spent.isdisjoint((each.release, name) for name in (each.commit, each.authored))
    ]


def released(trailers: Iterable[Trailer], app: str) -> tuple[Releases, list[Note]]:
    """What they release, and a note for each that is no release."""
    releases, notes = Releases(), []
    for each in trailers:
        try:
            releases |= Releases.parse([each.release])
        except UsageError:
            text = (
                f"commit {each.commit[:7]}: `Reconciler-Allow: {each.release[:200]}` is no release, and changes nothing"
            )
            notes.append(Note(code="trailer", key=app, text=text))
    return releases, notes


def answered(
    trailers: Iterable[Trailer], changes: Sequence[Change], guardrails: Iterable[Guardrail], app: str
) -> list[Note]:
    """A note for each trailer without which something of this plan would be held or forbidden: whoever wrote the
    change has answered the question themselves.
    """
    rails = {f"{rail.name}={rail.value}" for rail in guardrails if rail.broken and rail.released}
    keys = {change.key for change in changes} | {m.key for c in changes for m in getattr(c, "members", ())}
    notes = []
    for each in trailers:
        name, _, figure = each.release.partition("=")
        key = name.partition(":")[2]
        if each.release in rails if figure else key in keys or (not key and name in BARE):
            text = f"commit {each.commit[:7]} itself answers what would be asked here: {each.release}"
            notes.append(Note(code="trailer", key=app, text=text))
    return notes
