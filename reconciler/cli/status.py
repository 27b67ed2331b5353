"""`reconciler status`: how each app is, from the history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.session import Settings


@click.command()
@options.directory
@options.apps
@options.history
@options.output
@options.settings
def status(settings: Settings, history: str | None, form: str) -> None:
    """Show how each app is: its last cycle and the next, what is held, what drifted, what is in quarantine.

    Exit code 0 whatever it says, unless it can't be told.
    """
    from reconciler.cli.monitored import monitored
    from reconciler.cli.plans import style
    from reconciler.service.monitor import statuses
    from reconciler.service.overview import document, text

    now = datetime.now(UTC)
    with monitored(settings, history) as (opened, apps):
        found = statuses(opened, apps, now)
    if form == "text":
        click.echo(text(found, style(), now), nl=False)
        return
    import orjson

    click.echo(orjson.dumps(document(found, now), option=orjson.OPT_INDENT_2).decode())
