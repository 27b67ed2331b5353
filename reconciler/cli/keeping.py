"""What was read is kept beside the memory: for plans that are made without the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.errors import ReconcilerError
from reconciler.plan import redacted_paths
from reconciler.state.kept import compressed, kept_bytes

if TYPE_CHECKING:
    from reconciler.cli.session import Opened
    from reconciler.model.snapshot import Snapshot
    from reconciler.plan import Proposal


def written(opened: Opened, snapshot: Snapshot) -> bytes:
    """The snapshot document of one app."""
    hidden = redacted_paths(opened.desired)
    return kept_bytes(snapshot, opened.app.name, opened.state, hidden, opened.discovered)


def keep_reading(opened: Opened, proposal: Proposal) -> None:
    """Keeps what a plan was made on, if all of it was just read. That this may fail stops nothing: it is told."""
    snapshot = proposal.context.snapshot
    if snapshot.source == "application" and proposal.context.looked_for is None:
        keep(opened, snapshot)


def keep(opened: Opened, snapshot: Snapshot, *, ours: bool = False) -> None:
    """`ours`: we hold the lock of an apply."""
    app = opened.app
    try:
        content = compressed(written(opened, snapshot))
        if not opened.states.keep(app.name, app.tenant_url, content, ours=ours):
            click.echo(f"{app.name}: an apply or a revoke came in between: what was read is not kept", err=True)
    except ReconcilerError as error:
        click.echo(f"{app.name}: what was read is not kept: {error.message}", err=True)
