"""`reconciler comment`: what a pull request does to access, where it is reviewed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.forge import Mode, Surroundings, Told
    from reconciler.render import Report


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
@click.option("--issue", is_flag=True, help="Of drift: one issue for each app, closed when the drift is gone.")
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
    issue: bool,
    values: bool,
    prefix: str,
    strict: bool,
) -> None:
    """Tell on a pull request what merging it does to access: a comment and a check for each app, labels, a summary.

    Takes plans that `plan --out` wrote; with --issue what `drift --format json` printed. Where it is not allowed to
    write, it says so and exits with 0.
    """
    from reconciler.cli.forged import notice, reports_of
    from reconciler.forge import Told, append, surroundings
    from reconciler.render import bodies

    if issue and (number is not None or head is not None):
        raise UsageError("--issue is about no pull request", hint="leave --pull-request and --head out")
    reports = reports_of(plans, prefix)
    where = surroundings(os.environ, forge, repository).about(number=number, head=head)
    told = Told()
    if where.summary is not None:
        with told.step("the summary"):
            append(where.summary, reports, values=values)
    if issue:
        asyncio.run(_watch(where, reports, told, values=values))
    else:
        asyncio.run(_publish(where, reports, told, mode=mode, values=values))
    for failure in told.failures:
        notice(failure)
    if told.failures and where.summary is None:
        click.echo(bodies(reports, values=values), nl=False)
    context.exit(1 if told.failures and strict else 0)


async def _publish(where: Surroundings, reports: Sequence[Report], told: Told, *, mode: Mode, values: bool) -> None:
    from reconciler.forge import Publication, connect, meant

    async with connect(where) as forge:
        with told.step("the pull request"):
            pull = await meant(forge, where)
            if pull is None:
                click.echo(f"no open pull request ends with {where.head[:12]} any more: nothing to report", err=True)
                return
            how = Publication(forge, pull, where.run, where.run_url, mode, values=values, told=told)
            await how.publish(reports)


async def _watch(where: Surroundings, reports: Sequence[Report], told: Told, *, values: bool) -> None:
    from reconciler.forge import Watch, connect

    async with connect(where) as forge:
        await Watch(forge, where.run_url, values=values, told=told).tell(reports)
