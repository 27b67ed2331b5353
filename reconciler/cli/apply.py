"""`reconciler apply`: plan, show, ask, execute, verify."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.cli.applying import Wish
    from reconciler.cli.recorded import Recorder
    from reconciler.session import Settings


@click.command()
@options.directory
@options.apps
@options.state
@options.releases
@options.only
@options.outgoing
@options.output
@options.recording
@click.option(
    "--plan",
    "approved",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Only what this plan says, which was approved, and only while it still fits; a folder: APP.json for each app.",
)
@click.option(
    "--require-signature",
    metavar="PUBKEY",
    type=click.Path(path_type=Path),
    help="With --plan: refuse a plan that was not signed with the private key of this public one.",
)
@click.option(
    "--atomic", is_flag=True, help="With --plan: if anything that was approved no longer fits, write nothing at all."
)
@click.option("--branch", metavar="NAME", help="Refuse any other branch of the work tree than this one.")
@click.option(
    "--break-glass",
    metavar="REASON",
    help="Go on with uncommitted changes, or on another branch; the journal keeps the reason.",
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--verbose", "-v", is_flag=True, help="Every row, and what is unmanaged, ignored or adopted.")
@click.option(
    "--journal",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to write what was tried and what came of it; a new file beside the state if left out.",
)
@options.notify
@options.cache
@options.settings
@click.pass_context
def apply(context: click.Context, /, settings: Settings, history: str | None, **given: Any) -> None:
    """Plan, show the plan, ask, and make it so. What is held stays held; the rest goes on.

    Exit code 0: done; 3: the rest was done and something is held; 4: in part; 5: what was approved no longer fits;
    130: interrupted.
    """
    from reconciler.cli.applying import Wish
    from reconciler.cli.recorded import recorder

    with recorder(history, "apply") as records:
        code = asyncio.run(applied(settings, Wish(**given), records))
    context.exit(code or int(records.failed))


async def applied(settings: Settings, wish: Wish, records: Recorder | None = None) -> int:
    """Applies every app; one that fails does not hold the others up. Returns the exit code of all."""
    from reconciler.cli import applying, notifying
    from reconciler.cli.approval import approved_plans, compare_as_approved
    from reconciler.cli.outcomes import together
    from reconciler.cli.recorded import Recorder
    from reconciler.errors import Interrupted, ReconcilerError, UsageError
    from reconciler.session import open_apps

    records = records or Recorder("apply")
    applying.check(wish)
    opened = open_apps(settings)
    off = [o for o in opened if not o.app.provisioning]
    if off and settings.apps:
        raise UsageError(
            f"provisioning of {', '.join(o.app.name for o in off)} is off", hint="set `provisioning: true` in app.yaml"
        )
    if wish.notify:
        notifying.check(opened)
    approved = {}
    if wish.approved:
        approved = approved_plans(wish.approved, opened, only=settings.apps, signed_by=wish.require_signature)
        compare_as_approved(approved, opened)
    codes, results = [], []
    for one in opened:
        if one in off:
            click.echo(f"{one.app.name}: provisioning is off, skipped", err=True)
            continue
        if wish.approved and one.app.name not in approved:
            click.echo(f"{one.app.name}: {wish.approved} holds no plan of it, skipped", err=True)
            continue
        try:
            with records.app(one) as record:
                plan = approved.get(one.app.name)
                code, result = await applying.apply_one(one, wish, plan, record, records.history)
        except UsageError:
            raise
        except ReconcilerError as error:
            if len(opened) == 1:
                raise
            click.echo(f"{one.app.name}: {error}", err=True)
            code, result = error.exit_code, {"app": one.app.name, "error": error.message}
        codes.append(code)
        results.append(result)
        if code == Interrupted.exit_code:
            break  # the other apps are not begun
    if wish.form == "json":
        import orjson

        document = results[0] if len(results) == 1 else results
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    return together(codes)
