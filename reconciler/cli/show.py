"""`reconciler show`: plans that were kept, as `plan` showed them, or in another form."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options


@click.command()
@click.argument("plans", metavar="PLAN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.plan_output
@click.option("--values", is_flag=True, help="Values of attributes in markdown too, which else has their paths.")
@click.option("--prefix", metavar="PATH", default="", help="Where the desired state lies in the repository.")
@click.option("--verbose", "-v", is_flag=True, help="Every row, and what is unmanaged, ignored or adopted.")
def show(plans: tuple[Path, ...], form: str, values: bool, prefix: str, verbose: bool) -> None:
    """Show plans that `plan --out` wrote: files, or the folder of several apps. Nothing is read but those files.

    Refuses what is not whole, was altered, or is no plan.
    """
    from reconciler.cli.plans import show_saved
    from reconciler.cli.saved import read_saved

    read = [plan for path in plans for plan in read_saved(path)]
    show_saved(read, form=form, verbose=verbose, values=values, prefix=prefix)
