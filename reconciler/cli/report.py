"""`reconciler report`: how each app is, as one HTML file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.session import Settings


@click.command()
@options.directory
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Left out: stdout.")
@click.option("--days", type=click.Choice(["1", "7", "30"]), default="7", show_default=True, help="Of the picture.")
@options.apps
@options.history
@options.settings
def report(settings: Settings, out: Path | None, days: str, history: str | None) -> None:
    """Write how each app is as one HTML file: what is held, the history as a picture, the last cycles and entries.

    It needs no network and no second file.
    """
    from reconciler.cli.monitored import monitored
    from reconciler.service.report import report as reporting

    with monitored(settings, history) as (opened, apps):
        text = reporting(opened, apps, datetime.now(UTC), days)
    if out is None:
        click.echo(text, nl=False)
        return
    out.write_text(text, encoding="utf-8")
    click.echo(f"wrote {out}", err=True)
