"""`reconciler rehearse`: the plan, applied to a copy of the application in this process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import options
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.apply.rehearse import Rehearsal
    from reconciler.model.plan import Plan
    from reconciler.session import Opened, Settings


@click.command()
@options.directory
@options.apps
@options.state
@options.releases
@options.outgoing
@options.output
@click.option(
    "--plan",
    "approved",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Only what this plan says, as apply --plan would do it; a folder: APP.json for each app.",
)
@options.snapshot
@click.option("--verbose", "-v", is_flag=True, help="The whole plan, and everybody in it.")
@options.cache
@options.settings
@click.pass_context
def rehearse(context: click.Context, settings: Settings, form: str, approved: Path | None, verbose: bool) -> None:
    """Read the application, copy what it holds into the sandbox, apply the plan there, and plan again: nothing is left.
    With --snapshot the copy is of what was read earlier.

    Nothing is written to the application, nor to the memory. Exit code 0: an apply would end where it should; 3: so it
    would, and something is held; 5: what was approved no longer fits; 1: it would not, and the message says why.
    """
    context.exit(asyncio.run(_rehearsed(settings, form=form, approved=approved, verbose=verbose)))


async def _rehearsed(settings: Settings, *, form: str, approved: Path | None, verbose: bool) -> int:
    from reconciler.cli.approval import approved_plans, compare_as_approved
    from reconciler.cli.outcomes import together
    from reconciler.session import open_apps

    codes, documents = [], []
    apps = open_apps(settings)
    plans = approved_plans(approved, apps, only=settings.apps, of_files=True) if approved else {}
    compare_as_approved({name: plan for name, plan in plans.items() if plan.live.source == "files"}, apps)
    for opened in apps:
        if approved and opened.app.name not in plans:
            click.echo(f"{opened.app.name}: {approved} holds no plan of it, skipped", err=True)
            continue
        rehearsal = await _one(opened, plans.get(opened.app.name))
        codes.append(rehearsal.exit_code)
        documents.append(_document(rehearsal))
        if form == "text":
            _tell(opened, rehearsal, verbose=verbose)
    if form == "json":
        import orjson

        document = documents[0] if len(documents) == 1 else documents
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    return together(codes)


async def _one(opened: Opened, approved: Plan | None) -> Rehearsal:
    from reconciler.cli.progress import Progress
    from reconciler.session.reading import on_files, proposed

    try:
        from reconciler.apply.rehearse import Rehearser
    except ModuleNotFoundError as error:
        raise ReconcilerError(
            f"a rehearsal needs the sandbox, and that packages that are not installed: {error.name}",
            hint="pip install 'reconciler[sandbox]'",
        ) from error
    with Progress(opened.app.name) as progress:
        if approved is not None and approved.live.source == "files":
            proposal = await on_files(opened, "as the plan that is rehearsed")
        else:
            proposal = await proposed(opened, progress)
    return await Rehearser(proposal, opened.profile, opened.state, approved).rehearse()


def _tell(opened: Opened, rehearsal: Rehearsal, *, verbose: bool) -> None:
    from reconciler.cli.outcomes import told
    from reconciler.cli.plans import show

    plan = rehearsal.plan
    show(opened, plan, verbose=verbose, whole=True)
    if rehearsal.narrowed is not None:
        told(rehearsal.narrowed)
    click.echo("\n  REHEARSED")
    for doubt in rehearsal.doubts:
        click.echo(f"  ! {doubt}")
    for each in rehearsal.unlike:
        click.echo(f"  x the copy does not stand for the application: {each}")
    for step in rehearsal.failures:
        click.echo(f"  x {step.change.action} {step.change.key}  {step.status}: {step.message or _skipped(step)}")
    for change in rehearsal.left:
        click.echo(f"  x {change.action} {change.key}  would still be pending afterwards")
    click.echo(f"  {_verdict(rehearsal)}")


def _skipped(step: object) -> str:
    skipped: dict[str, str] = getattr(step, "skipped_members", {})
    return "; ".join(f"{key}: {why}" for key, why in skipped.items())


def _verdict(rehearsal: Rehearsal) -> str:
    """The last line, for people who read no other."""
    plan, done = rehearsal.plan, len(rehearsal.plan.pending)
    if rehearsal.unlike:
        return "Nothing was tried: the plan on the copy is another one."
    if rehearsal.outcome is not None and rehearsal.outcome.unverified:
        return f"What was written could not be read again: {rehearsal.outcome.unverified}"
    if rehearsal.exit_code == 1:
        return f"{len(rehearsal.failures):,} of {done:,} changes failed, and {len(rehearsal.left):,} would be left."
    held = f" {len(plan.held):,} held." if plan.held else ""
    if not done:
        return f"Nothing to do.{held}"
    return f"{done:,} changes in {rehearsal.requests:,} requests, and nothing is left to do after them.{held}"


def _document(rehearsal: Rehearsal) -> dict[str, object]:
    """For programs."""
    import orjson

    from reconciler.plan import to_json

    return {
        "format": "reconciler.rehearsal/1",
        "app": rehearsal.plan.app,
        "exitCode": rehearsal.exit_code,
        "requests": rehearsal.requests,
        "doubts": list(rehearsal.doubts),
        "unlike": list(rehearsal.unlike),
        "failures": [
            {"action": s.change.action, "key": s.change.key, "status": s.status, "message": s.message or _skipped(s)}
            for s in rehearsal.failures
        ],
        "left": [{"action": change.action, "key": change.key} for change in rehearsal.left],
        "moved": [
            {"action": each.change.action, "key": each.change.key, "what": list(each.what)} for each in rehearsal.moved
        ],
        "held": len(rehearsal.plan.held),
        "plan": orjson.loads(to_json(rehearsal.plan)),
    }
