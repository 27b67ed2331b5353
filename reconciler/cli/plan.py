"""`reconciler plan`: who would gain and who would lose what. Writes nothing, anywhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.session import Settings


@click.command()
@options.directory
@options.apps
@options.state
@options.releases
@options.only
@options.as_of
@options.outgoing
@options.plan_output
@options.recording
@options.snapshot
@click.option(
    "--offline",
    is_flag=True,
    help="Read nothing and remember nothing: what do the files change against those at --base? Can't be applied.",
)
@click.option("--base", metavar="REV", help="Compare with this revision: which changes are new against it?")
@click.option("--verbose", "-v", is_flag=True, help="Every row, and what is unmanaged, ignored or adopted.")
@click.option(
    "--out", metavar="FILE", type=click.Path(path_type=Path), help="Keep the plan; of several apps, a folder for them."
)
@click.option(
    "--sign", metavar="KEY", type=click.Path(path_type=Path), help="Sign the plan with the private key in this file."
)
@click.option("--detailed-exitcode", is_flag=True, help="2: changes are pending; 3: something is held.")
@options.cache
@options.settings
@click.pass_context
def plan(
    context: click.Context,
    settings: Settings,
    form: str,
    verbose: bool,
    out: Path | None,
    sign: Path | None,
    detailed_exitcode: bool,
    history: str | None,
) -> None:
    """Compare git with the application, and show who would gain and who would lose what.

    Exit code 0 whenever there is a plan; with --detailed-exitcode 2 if changes are pending, 3 if something is held.
    """
    from reconciler.cli.plans import planned
    from reconciler.cli.recorded import recorder

    with recorder(history, "plan") as records:
        code = asyncio.run(planned(settings, form=form, verbose=verbose, out=out, key=sign, records=records))
    context.exit(1 if records.failed else code if detailed_exitcode else 0)
