"""`reconciler drift`: for those who only want to know whether the application is what git says."""

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
@click.pass_context
def drift(
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
) -> None:
    """Tell whether the application is what git says, and write nothing.

    Exit code 0: it is; 2: it is not; 3: something waits for an answer.
    """
    from reconciler.cli.session import Settings
    from reconciler.cli.show import planned

    settings = Settings(directory, apps, state, allow, allow_host, allow_env, allow_file, allow_command)
    context.exit(asyncio.run(planned(settings, form=form, verbose=False)))
