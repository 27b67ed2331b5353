"""`reconciler drift`: for those who only want to know whether the application is what git says."""

from __future__ import annotations

import asyncio
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
@options.outgoing
@options.plan_output
@options.recording
@options.snapshot
@options.notify
@options.cache
@options.settings
@click.pass_context
def drift(
    context: click.Context,
    settings: Settings,
    form: str,
    history: str | None,
    *,
    notify: bool,
) -> None:
    """Tell whether the application is what git says, and write nothing to it. What was read is kept beside the memory.

    Exit code 0: it is; 2: it is not; 3: something waits for an answer.
    """
    from reconciler.cli.plans import planned
    from reconciler.cli.recorded import recorder

    with recorder(history, "drift") as records:
        code = asyncio.run(planned(settings, form=form, verbose=False, keep=True, notify=notify, records=records))
    context.exit(1 if records.failed else code)
