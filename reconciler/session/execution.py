"""What everything that applies a plan has in common: `apply`, `undo`, and the cycles of `run`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.apply import Progress, Run
from reconciler.errors import Locked
from reconciler.http.address import is_loopback

if TYPE_CHECKING:
    from reconciler.http import Client
    from reconciler.model.app import App
    from reconciler.plan import Proposal
    from reconciler.session.opened import Opened


def is_here(app: App) -> bool:
    """Whether the application is on this machine: a trial, to which uncommitted files may be applied."""
    return is_loopback(urlsplit(app.tenant_url).hostname or "")


def still_remembers(opened: Opened) -> None:
    """The memory was read before the lock was ours: another apply, or a `revoke`, may have ended in between."""
    if opened.states.load(opened.app.name, opened.app.tenant_url) != opened.state:
        raise Locked(
            f"another apply to {opened.app.tenant_url} has just ended, or somebody was revoked or released",
            hint="run again, to plan from there",
        )


def journal_of(opened: Opened, now: datetime) -> Path:
    """Where an apply that begins at this moment writes down what it tries."""
    return opened.states.folder / "journals" / f"{opened.app.name}-{now:%Y%m%dT%H%M%S%f}Z.jsonl"


def run_of(
    opened: Opened,
    client: Client,
    proposal: Proposal,
    journal: Path,
    now: datetime,
    progress: Progress,
    *,
    stale: bool = False,
    facts: Mapping[str, object],
) -> Run:
    """Executes a plan, saves the memory, takes note of the releases that commits gave. The lock is held."""
    return Run(
        proposal, client, opened.profile, opened.state, journal, opened.states.save, now, progress,
        trailers=opened.trailers, stale=stale, facts=facts,
    )  # fmt: skip
