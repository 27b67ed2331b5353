"""One app, from the lock to the outcome: what `apply` and `undo` do once they know what is wanted."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.apply import Outcome
from reconciler.cli.interrupts import confirm, handled
from reconciler.cli.notifying import News
from reconciler.cli.outcomes import result, tell, told
from reconciler.cli.plans import show
from reconciler.cli.progress import Progress
from reconciler.cli.recorded import Record
from reconciler.desired import check_reviewed
from reconciler.errors import Interrupted, NotReviewed, ReconcilerError, UsageError
from reconciler.model.plan import Plan
from reconciler.plan import Narrowed, Proposal, given_up, narrow
from reconciler.session.execution import is_here, journal_of, run_of, still_remembers
from reconciler.session.keeping import keep_after

if TYPE_CHECKING:
    from reconciler.apply import Run
    from reconciler.http import Client
    from reconciler.service.history import History
    from reconciler.session import Opened


@dataclass(slots=True)
class Wish:
    """How an apply is to go about it."""

    form: str = "text"
    yes: bool = False
    verbose: bool = False
    journal: Path | None = None
    approved: Path | None = None
    require_signature: Path | None = None
    atomic: bool = False
    branch: str | None = None
    break_glass: str | None = None
    notify: bool = False


def check(wish: Wish) -> None:
    """Raises UsageError for options that say nothing together."""
    if wish.atomic and wish.approved is None:
        raise UsageError("--atomic is about an approved plan", hint="name it with --plan FILE")
    if wish.require_signature is not None and wish.approved is None:
        raise UsageError("--require-signature is about an approved plan", hint="name it with --plan FILE")
    if wish.break_glass is not None and not wish.break_glass.strip():
        raise UsageError("--break-glass needs a reason", hint="say why: it is kept in the journal")


async def apply_one(
    opened: Opened,
    wish: Wish,
    approved: Plan | None = None,
    record: Record | None = None,
    history: History | None = None,
) -> tuple[int, dict[str, object]]:
    """Plans one app, and executes what is not held and, if there is an approved plan, what that has too. Returns the
    exit code, and the outcome for programs, empty if the wish is for text. Whom app.yaml names is told, if that is
    wished; with a history once.
    """
    news = News(opened, wish.notify, history)
    record = record or Record()
    glass = None
    try:
        facts = reviewed(opened, wish)
        if wish.break_glass is not None:  # while the application is read
            glass = asyncio.create_task(news.broke_glass(wish.break_glass, str(facts.get("notReviewed", ""))))
        ended = await _apply_one(opened, wish, approved, facts, record, glass)
    except ReconcilerError as error:
        await news.failed(error, "apply")
        raise
    finally:
        if glass is not None:
            await glass
    if record.proposal is not None:
        await news.applied(record.proposal.plan, record.outcome)
    return ended


async def _apply_one(
    opened: Opened,
    wish: Wish,
    approved: Plan | None,
    facts: dict[str, object],
    record: Record,
    glass: asyncio.Task[None] | None,
) -> tuple[int, dict[str, object]]:
    with opened.states.hold(opened.app.name, opened.app.tenant_url):
        still_remembers(opened)
        async with opened.connect() as client:
            with Progress(opened.app.name) as progress:
                proposal = await opened.propose(client, progress)
            narrowed = None
            if approved is not None:
                narrowed = narrow(approved, proposal.plan, given_up(proposal.context))
                proposal = proposal.reduced(narrowed.plan, whole=narrowed.complete)
                facts = {**facts, "approved": approved.changes_digest}
            if glass is not None:
                await glass  # before anything is written
            return await execute(opened, client, proposal, wish, facts, narrowed, record)


async def execute(
    opened: Opened,
    client: Client,
    proposal: Proposal,
    wish: Wish,
    facts: dict[str, object],
    narrowed: Narrowed | None = None,
    record: Record | None = None,
) -> tuple[int, dict[str, object]]:
    """Shows, asks, and runs. The lock is held. `record` learns how far it got."""
    plan = proposal.plan
    record = record or Record()
    if wish.form == "text":
        show(opened, plan, verbose=wish.verbose, whole=True)
        if narrowed is not None:
            told(narrowed)
    stale = narrowed is not None and bool(narrowed.moved)
    if stale and wish.atomic:
        click.echo(
            f"--atomic: something that was approved no longer fits, so nothing was written to {opened.app.name}",
            err=True,
        )
        nothing = record.outcome = Outcome([], stale=True)
        return nothing.exit_code, _for_programs(wish, plan, nothing, None, narrowed)
    if plan.pending and not wish.yes:
        confirm(f"Apply this to {opened.app.tenant_url}?", "pass --yes to apply without being asked")
    begun, now = time.monotonic(), datetime.now(UTC)
    path = wish.journal or journal_of(opened, now)
    with Progress(opened.app.name) as progress:
        run = run_of(opened, client, proposal, path, now, progress, stale=stale, facts=facts)
        record.proposal, record.journal = proposal, path
        outcome = record.outcome = await _interruptible(run)
    await keep_after(opened, run)
    if wish.form == "text" and (plan.pending or outcome.exit_code):
        tell(outcome, time.monotonic() - begun, path)
    return outcome.exit_code, _for_programs(wish, plan, outcome, path, narrowed)


def _for_programs(
    wish: Wish, plan: Plan, outcome: Outcome, journal: Path | None, narrowed: Narrowed | None
) -> dict[str, object]:
    """It holds the whole plan once more: who reads text does not pay for it."""
    return result(plan, outcome, journal, narrowed) if wish.form == "json" else {}


def reviewed(opened: Opened, wish: Wish) -> dict[str, object]:
    """Refuses what is not committed, or on another branch. Returns what the journal tells of going on nevertheless."""
    if is_here(opened.app):
        return {}
    if wish.break_glass is None:
        check_reviewed(opened.root, wish.branch)
        return {}
    try:
        check_reviewed(opened.root, wish.branch)
    except NotReviewed as error:
        click.secho(f"BREAKING THE GLASS: {error.message}", fg="red", bold=True, err=True)
        click.secho(f"reason: {wish.break_glass}", fg="red", bold=True, err=True)
        return {"breakGlass": wish.break_glass, "notReviewed": error.message}
    click.echo("--break-glass was not needed: everything is committed, on the branch that was said", err=True)
    return {"breakGlass": wish.break_glass}


async def _interruptible(run: Run) -> Outcome:
    """Ctrl-C once: running writes finish, the rest is skipped, what was written is read again, the journal is closed.
    Twice: what is being waited for is given up; memory and journal are closed all the same.
    """
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(run.execute())
    signals = 0

    def stop() -> None:
        nonlocal signals
        signals += 1
        if signals == 1:
            click.echo("\nfinishing what is being written; nothing new is begun. Once more: at once", err=True)
            run.stop()
        else:
            click.echo("\ngiving up what is being waited for", err=True)
            running.cancel()

    with handled(lambda *_: loop.call_soon_threadsafe(stop)):
        try:
            return await running
        except asyncio.CancelledError:
            if not signals:
                raise  # it came before there was anything to finish
            raise Interrupted(
                "interrupted twice: what was being written may have been done, and was not verified",
                hint="the journal tells what was tried; run again, to plan from what is there",
            ) from None
