"""`reconciler run`: cycles, day and night."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.session import Settings


def _interval(_context: click.Context, _option: click.Parameter, text: str | None) -> timedelta | None:
    from reconciler.model.interval import interval_of

    if text is None:
        return None
    try:
        return interval_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@options.directory
@options.apps
@options.state
@options.history
@options.releases
@options.outgoing
@options.output
@click.option("--once", is_flag=True, help="One cycle of every app, then end with the exit code of `apply`.")
@click.option("--pull", is_flag=True, help="Before each cycle fetch what is new in git, and go forward to it.")
@click.option(
    "--require-signed-commits",
    "signed",
    is_flag=True,
    help="Use only a commit whose signature is trusted here (GPG, or SSH's allowed signers).",
)
@click.option("--serve", metavar="HOST:PORT", help="Also serve the page, metrics and health, such as 127.0.0.1:8321.")
@click.option(
    "--interval",
    metavar="TIME",
    callback=_interval,
    help="From one cycle to the next, for all apps: such as 40m; as each app.yaml says if left out.",
)
@options.cache
@options.settings
@click.pass_context
def run(context: click.Context, /, settings: Settings, **given: Any) -> None:
    """Plan and apply every app again and again. What is held waits for an answer; the rest goes on.

    SIGTERM ends it gracefully, with exit code 0; Ctrl-C likewise, with 130. With --once the exit codes of `apply`.
    """
    from reconciler.cli.extras import need

    need("service", "sqlalchemy", "structlog", "alembic")
    from reconciler.cli.running import Wish, running

    context.exit(asyncio.run(running(settings, Wish(**given), os.environ, sys.stderr)))
