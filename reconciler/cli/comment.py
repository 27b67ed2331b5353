"""`reconciler comment`: what a pull request does to access, where it is reviewed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reconciler.forge import Mode, Report, Surroundings


@click.command()
@click.argument("plans", metavar="PLAN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--forge", type=click.Choice(["github", "gitlab"]), help="Where; as the environment says if left out.")
@click.option("--repository", metavar="OWNER/NAME", help="Which; as the environment says if left out.")
@click.option("--pull-request", "number", metavar="N", type=click.IntRange(min=1), help="Which pull request.")
@click.option("--head", metavar="SHA", help="The pull request whose newest commit this is.")
@click.option(
    "--mode",
    type=click.Choice(["renew", "update"]),
    default="renew",
    show_default=True,
    help="When the changes are others: a new comment, the old one folded away; or always the same comment.",
)
@click.option("--values", is_flag=True, help="Values of attributes too; else their paths.")
@click.option("--prefix", metavar="PATH", default="", help="Where the desired state lies in the repository.")
@click.option("--strict", is_flag=True, help="Exit code 1 if anything could not be written.")
@click.pass_context
def comment(
    context: click.Context,
    plans: tuple[Path, ...],
    forge: str | None,
    repository: str | None,
    number: int | None,
    head: str | None,
    mode: Mode,
    values: bool,
    prefix: str,
    strict: bool,
) -> None:
    """Tell on a pull request what merging it does to access: a comment and a check for each app, labels, a summary.

    Takes plans that `plan --out` wrote. Where it is not allowed to write, it says so and exits with 0.
    """
    from reconciler.cli.forged import notice, reports_of
    from reconciler.forge import append, surroundings

    reports = reports_of(plans)
    where = surroundings(os.environ, forge).about(repository=repository, number=number, head=head)
    if where.summary is not None:
        append(where.summary, reports, values=values)
    failures = asyncio.run(_publish(where, reports, mode=mode, values=values, prefix=prefix))
    for failure in failures:
        notice(failure)
    context.exit(1 if failures and strict else 0)


async def _publish(
    where: Surroundings, reports: Sequence[Report], *, mode: Mode, values: bool, prefix: str
) -> list[str]:
    from reconciler.forge import Publication, Told, connect, meant

    told = Told()
    async with connect(where) as forge:
        pulls = []
        async with told.step("the pull request"):
            pulls = await meant(forge, where)
            if not pulls:
                click.echo(f"no open pull request ends with {where.head[:12]} any more: nothing to report", err=True)
        for pull in pulls:
            await Publication(
                forge, pull, where.run, where.run_url, mode=mode, values=values, prefix=prefix, told=told
            ).publish(reports)
            click.echo(f"pull request {pull.number}: {', '.join(each.plan.app for each in reports)}", err=True)
    return told.failures
