"""`reconciler resume`: the end of a quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.session import Settings


@click.command()
@click.argument("app")
@options.directory
@options.history
@options.settings
def resume(settings: Settings, app: str, history: str | None) -> None:
    """End the quarantine of APP: the next cycle tries it, as soon as `run` looks again.

    People whose own change failed go on waiting for their time; `restart` forgets that too. Exit code 1 if APP is in no
    quarantine.
    """
    from reconciler.cli.monitored import monitored, one_app
    from reconciler.errors import HistoryError
    from reconciler.render import safe

    with monitored(settings, history) as (opened, apps):
        name = one_app(app, apps).name
        found = opened.quarantine(name)
        if found is None:
            raise HistoryError(f"{name} is in no quarantine", hint="`reconciler status` shows how each app is")
        opened.clear_quarantine(name)
    click.echo(f"{name}: resumed. It was in quarantine since {found.began:%Y-%m-%d %H:%M} UTC: "
               f"{safe(found.message, 200)}")  # fmt: skip
