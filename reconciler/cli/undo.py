"""`reconciler undo`: what one apply did, the other way round."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.session import Settings


@click.command()
@click.argument("journal", type=click.Path(path_type=Path))
@options.directory
@options.state
@options.releases
@options.outgoing
@options.output
@click.option(
    "--out", metavar="FILE", type=click.Path(path_type=Path), help="Write the plan there, and nothing anywhere else."
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options.cache
@options.settings
@click.pass_context
def undo(context: click.Context, settings: Settings, journal: Path, form: str, out: Path | None, yes: bool) -> None:
    """Plan the reverse of what JOURNAL says was done, as far as the application still holds it; show it, ask, and make
    it so. Nothing is deleted. The files must be reverted too: which ones, is said.

    Exit codes as of apply; with --out 0, if there is a plan.
    """
    context.exit(asyncio.run(undone(settings, journal, form=form, out=out, yes=yes)))


async def undone(settings: Settings, journal: Path, *, form: str, out: Path | None, yes: bool) -> int:
    """Returns the exit code."""
    from reconciler.apply.past import read_past
    from reconciler.apply.undo import paths_of
    from reconciler.apply.undo import undo as turn_round
    from reconciler.cli.applying import Wish, execute
    from reconciler.cli.plans import show, style
    from reconciler.cli.progress import Progress
    from reconciler.cli.saved import Destination
    from reconciler.errors import PlanError
    from reconciler.plan import document
    from reconciler.render import undoing
    from reconciler.session import open_apps
    from reconciler.session.execution import still_remembers

    past = read_past(journal)
    result: dict[str, object]
    (opened,) = open_apps(replace(settings, apps=(past.plan.app,)))
    destination = Destination(out, [past.plan.app], opened.root) if out else None
    if past.plan.tenant_url != opened.app.tenant_url:
        raise PlanError(
            f"the journal is about {past.plan.tenant_url}, and tenantUrl of {opened.app.name} is "
            f"{opened.app.tenant_url} now",
            hint="check out the files as they were then",
        )
    with opened.states.hold(opened.app.name, opened.app.tenant_url):
        still_remembers(opened)
        async with opened.connect() as client:
            with Progress(opened.app.name) as progress:
                proposal = await opened.propose(client, progress, also=paths_of(past))
            found = turn_round(past, proposal.context)
            proposal = proposal.instead(found.changes, past.given_back)
            sentences = undoing(found.left, found.files, style(), past.plan.desired.commit)
            click.echo(sentences, nl=False, err=form != "text")
            if destination is not None:
                if form == "text":
                    show(opened, proposal.plan, verbose=False)
                destination.keep(proposal.plan)
                code, result = 0, {"plan": document(proposal.plan)}
            else:
                wish = Wish(form=form, yes=yes)
                code, result = await execute(opened, client, proposal, wish, {"undoes": past.plan.digest})
    if form == "json":
        import orjson

        told = {"left": [{"action": a, "key": k, "text": why} for a, k, why in found.left], "files": found.files}
        click.echo(orjson.dumps({**result, "undo": told}, option=orjson.OPT_INDENT_2).decode())
    return code
