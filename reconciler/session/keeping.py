"""What was read is kept beside the memory: for plans that are made without the application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.plan import redacted_paths
from reconciler.state.kept import compressed, kept_pieces

if TYPE_CHECKING:
    from reconciler.apply import Run
    from reconciler.model.snapshot import Snapshot
    from reconciler.plan import Proposal
    from reconciler.session.opened import Opened


def written(opened: Opened, snapshot: Snapshot) -> Iterator[bytes]:
    """The snapshot document of one app, in pieces."""
    hidden = redacted_paths(opened.desired)
    return kept_pieces(snapshot, opened.app.name, opened.state, hidden, opened.discovered)


def keep_reading(opened: Opened, proposal: Proposal) -> None:
    """Keeps what a plan was made on, if all of it was just read. That this may fail stops nothing: it is told."""
    snapshot = proposal.context.snapshot
    if snapshot.source == "application" and proposal.context.looked_for is None:
        keep(opened, snapshot)


async def keep_after(opened: Opened, run: Run) -> None:
    """Keeps what the application holds after an apply, whose lock we have. A plan of few people moves on what was kept
    before; where nobody knows what is there now, nothing stays kept that the memory knows better.
    """
    app, context = opened.app, run.proposal.context
    before: Snapshot | None = context.snapshot
    if context.looked_for is not None:
        before = _kept_before(opened)
    moved = None if before is None else await run.after(before)
    if moved is not None:
        keep(opened, moved, ours=True)
        return
    if before is not None:
        opened.settings.tell(f"{app.name}: what is there now is not known, so nothing is kept: `reconciler snapshot`")
    try:
        opened.states.keep(app.name, app.tenant_url, None, ours=True)
    except ReconcilerError as error:
        opened.settings.tell(f"{app.name}: what was read before can't be forgotten: {error.message}")


def _kept_before(opened: Opened) -> Snapshot | None:
    from reconciler.session.reading import BESIDE, kept_of

    try:
        kept = kept_of(opened, BESIDE)
    except ReconcilerError:
        return None
    return kept.snapshot if kept is not None and kept.snapshot.tenant_url == opened.app.tenant_url else None


def keep(opened: Opened, snapshot: Snapshot, *, ours: bool = False) -> None:
    """`ours`: we hold the lock of an apply."""
    app = opened.app
    try:
        content = compressed(written(opened, snapshot))
        if not opened.states.keep(app.name, app.tenant_url, content, ours=ours):
            opened.settings.tell(f"{app.name}: an apply or a revoke came in between: what was read is not kept")
    except ReconcilerError as error:
        opened.settings.tell(f"{app.name}: what was read is not kept: {error.message}")
