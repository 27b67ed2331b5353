"""`reconciler apply`: plan, show, ask, execute, verify."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.apply import Outcome, Run
    from reconciler.cli.session import Opened, Settings
    from reconciler.plan import Proposal


@click.command()
@options.directory
@options.apps
@options.state
@options.releases
@options.outgoing
@options.output
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--verbose", "-v", is_flag=True, help="Every row, and what is unmanaged, ignored or adopted.")
@click.option(
    "--journal",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to write what was tried and what came of it; a new file beside the state if left out.",
)
@options.settings
@click.pass_context
def apply(
    context: click.Context,
    settings: Settings,
    form: str,
    yes: bool,
    verbose: bool,
    journal: Path | None,
) -> None:
    """Plan, show the plan, ask, and make it so. What is held stays held; the rest goes on.

    Exit code 0: done; 3: the rest was done and something is held; 4: in part; 130: interrupted.
    """
    context.exit(asyncio.run(applied(settings, form=form, yes=yes, verbose=verbose, journal=journal)))


async def applied(settings: Settings, *, form: str, yes: bool, verbose: bool, journal: Path | None) -> int:
    """Applies every app; one that fails does not hold the others up. Returns the exit code of all."""
    from reconciler.cli.session import open_apps, together
    from reconciler.errors import ReconcilerError, UsageError

    opened = open_apps(settings)
    off = [o for o in opened if not o.app.provisioning]
    if off and settings.apps:
        raise UsageError(
            f"provisioning of {', '.join(o.app.name for o in off)} is off", hint="set `provisioning: true` in app.yaml"
        )
    codes, results = [], []
    for one in opened:
        if one in off:
            click.echo(f"{one.app.name}: provisioning is off, skipped", err=True)
            continue
        try:
            code, result = await _one(one, form=form, yes=yes, verbose=verbose, journal=journal)
        except UsageError:
            raise
        except ReconcilerError as error:
            if len(opened) == 1:
                raise
            click.echo(f"{one.app.name}: {error}", err=True)
            code, result = error.exit_code, {"app": one.app.name, "error": error.message}
        codes.append(code)
        results.append(result)
    if form == "json":
        import orjson

        document = results[0] if len(results) == 1 else results
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    return together(codes)


async def _one(
    opened: Opened, *, form: str, yes: bool, verbose: bool, journal: Path | None
) -> tuple[int, dict[str, object]]:
    from reconciler.apply import Run
    from reconciler.cli.plans import show
    from reconciler.cli.progress import Progress

    with opened.states.hold(opened.app.name, opened.app.tenant_url):
        _still_remembers(opened)
        async with opened.connect() as client:
            with Progress(opened.app.name) as progress:
                proposal = await opened.propose(client, progress)
            plan = proposal.plan
            if form == "text":
                show(opened, plan, verbose=verbose)
            if plan.pending and not yes:
                _ask(opened)
            begun = time.monotonic()
            now = datetime.now(UTC)
            path = journal or opened.states.folder / "journals" / f"{plan.app}-{now:%Y%m%dT%H%M%S%f}Z.jsonl"
            with Progress(opened.app.name) as progress:
                run = Run(proposal, client, opened.profile, opened.state, path, opened.states.save, now, progress)
                outcome = await _interruptible(run)
    if form == "text" and (plan.pending or outcome.exit_code):
        _tell(outcome, time.monotonic() - begun, path)
    return outcome.exit_code, _result(proposal, outcome, path)


def _still_remembers(opened: Opened) -> None:
    """The memory was read before the lock was ours: another apply, or a `revoke`, may have ended in between."""
    from reconciler.errors import Locked

    if opened.states.load(opened.app.name, opened.app.tenant_url) != opened.state:
        raise Locked(
            f"another apply to {opened.app.tenant_url} has just ended, or somebody was revoked or released",
            hint="run again, to plan from there",
        )


def _ask(opened: Opened) -> None:
    from reconciler.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError("nobody is there to confirm the plan", hint="pass --yes to apply without being asked")
    click.confirm(f"Apply this to {opened.app.tenant_url}?", abort=True, err=True)


async def _interruptible(run: Run) -> Outcome:
    """Ctrl-C once: running writes finish, the rest is skipped, the journal is closed."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        click.echo("\nfinishing what is being written; nothing new is begun", err=True)
        run.stop()

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop)
    try:
        return await run.execute()
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)


def _tell(outcome: Outcome, seconds: float, journal: Path) -> None:
    import yaml

    from reconciler.apply import Status
    from reconciler.cli.plans import style
    from reconciler.render import Failure, summary

    bad = (Status.FAILED, Status.SKIPPED, Status.NOT_STORED)
    failures = [
        Failure(s.change.action, s.change.key, str(s.status), s.message) for s in outcome.steps if s.status in bad
    ]
    failures += [
        Failure("addMembers", key, "skipped", f"{s.change.key}: {why}")
        for s in outcome.steps
        for key, why in s.skipped_members.items()
        if s.status not in bad
    ]
    names = {
        Status.DONE: "done",
        Status.FAILED: "failed",
        Status.SKIPPED: "skipped",
        Status.NOT_STORED: "not stored",
        Status.HELD: "held",
    }
    counts = {name: outcome.count(status) for status, name in names.items()}
    ended = outcome.ended or (outcome.unverified and f"what was written could not be read again: {outcome.unverified}")
    click.echo(
        summary(
            counts,
            failures,
            style(),
            requests=outcome.requests,
            seconds=seconds,
            journal=str(journal),
            ended=ended or ("interrupted" if outcome.interrupted else ""),
        ),
        nl=False,
    )
    for sentence in outcome.learned:
        click.echo(sentence)
    if outcome.correction:
        click.echo("If what the application holds is right, put this into app.yaml, for `compare` under `profile`:\n")
        click.echo(yaml.safe_dump({"profile": outcome.correction}, allow_unicode=True, sort_keys=False), nl=False)


def _result(proposal: Proposal, outcome: Outcome, journal: Path) -> dict[str, object]:
    """The outcome for programs: the plan, what became of each change, the exit code."""
    import orjson

    from reconciler.plan import to_json

    return {
        "format": "reconciler.outcome/1",
        "app": proposal.plan.app,
        "exitCode": outcome.exit_code,
        "interrupted": outcome.interrupted,
        "ended": outcome.ended or None,
        "unverified": outcome.unverified or None,
        "learned": outcome.learned,
        "correction": outcome.correction or None,
        "requests": outcome.requests,
        "journal": str(journal),
        "steps": [
            {
                "action": s.change.action,
                "key": s.change.key,
                "id": s.id,
                "status": s.status,
                "message": s.message or None,
                "code": s.code or None,
                "recommendedAction": s.recommended_action or None,
                "notStored": list(s.paths),
                "skippedMembers": s.skipped_members,
            }
            for s in outcome.steps
        ],
        "plan": orjson.loads(to_json(proposal.plan)),
    }
