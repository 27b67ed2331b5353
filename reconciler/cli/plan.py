"""`reconciler plan`: who would gain and who would lose what. Writes nothing, anywhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from reconciler.cli import options


@click.command()
@options.directory
@options.apps
@options.state
@options.releases
@options.outgoing
@options.output
@click.option("--verbose", "-v", is_flag=True, help="Every row, and what is unmanaged, ignored or adopted.")
@click.option("--detailed-exitcode", is_flag=True, help="2: changes are pending; 3: something is held.")
@click.pass_context
def plan(
    context: click.Context,
    directory: Path | None,
    apps: tuple[str, ...],
    state: str | None,
    allow: tuple[str, ...],
    allow_host: tuple[str, ...],
    allow_env: tuple[str, ...],
    allow_file: tuple[str, ...],
    allow_command: tuple[str, ...],
    form: str,
    verbose: bool,
    detailed_exitcode: bool,
) -> None:
    """Compare git with the application, and show who would gain and who would lose what.

    Exit code 0 whenever there is a plan; with --detailed-exitcode 2 if changes are pending, 3 if something is held.
    """
    from reconciler.cli.session import Settings
    from reconciler.cli.show import planned

    settings = Settings(directory, apps, state, allow, allow_host, allow_env, allow_file, allow_command)
    code = asyncio.run(planned(settings, form=form, verbose=verbose))
    context.exit(code if detailed_exitcode else 0)
