"""What the trailers of commits release, beside the command line."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.errors import UsageError
from reconciler.model.plan import Note
from reconciler.model.state import Used
from reconciler.model.trailer import Trailer
from reconciler.plan.releases import Releases


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
