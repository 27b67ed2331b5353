"""`reconciler show`: a plan that was kept, as `plan` showed it."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options


@click.command()
@click.argument("plan", metavar="PLAN", type=click.Path(path_type=Path))
@options.output
@click.option("--verbose", "-v", is_flag=True, help="Every row, and what is unmanaged, ignored or adopted.")
def show(plan: Path, form: str, verbose: bool) -> None:
    """Show a plan that `plan --out` wrote. Nothing is read but that file.

    Refuses what is not whole, was altered, or is no plan.
    """
    from reconciler.cli.plans import show_saved
    from reconciler.cli.saved import read_saved

    show_saved(read_saved(plan), form=form, verbose=verbose)
