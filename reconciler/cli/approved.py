"""`reconciler approved`: the plans that were reviewed with the pull request that a commit merged."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.forge import Approved, Surroundings


@click.command()
@click.option("--commit", metavar="SHA", required=True, help="The whole id of a commit of the default branch.")
@click.option(
    "--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="A folder for APP.plan.json."
)
@click.option("--app", "apps", metavar="NAME", multiple=True, help="Only this app; repeatable. It must have a report.")
@click.option("--forge", type=click.Choice(["github", "gitlab"]), help="Where; as the environment says if left out.")
@click.option("--repository", metavar="OWNER/NAME", help="Which; as the environment says if left out.")
def approved(commit: str, out: Path, apps: tuple[str, ...], forge: str | None, repository: str | None) -> None:
    """Get the plans that were reviewed with the pull request that this commit merged, for `apply --plan`.

    Each is kept only if its changes are those that the check of our own app sealed for the reviewed commit. Exit code
    5, and nothing written, if the commit came past a review or one of them can't be proved.
    """
    from reconciler.cli.saved import Destination
    from reconciler.forge import sha, surroundings

    where = surroundings(os.environ, forge, repository)
    sha(commit, "--commit")
    if not out.parent.is_dir() or (out.exists() and not out.is_dir()):
        raise UsageError(f"--out {out} can't be a folder", hint="name one that is there, or whose parent is")
    if out.is_dir() and any(out.glob("*.json")):
        raise UsageError(f"--out {out} holds plans already", hint="name an empty folder: all that is in it may run")
    plans = asyncio.run(_approved(where, commit, apps))
    out.mkdir(exist_ok=True)
    kept = Destination(out, (), out)
    for each in plans:
        path = kept.put(each.content, f"{each.plan.app}.plan.json")
        click.echo(f"{path}: pull request {each.pull.number}, changes {each.plan.changes_digest}")


async def _approved(where: Surroundings, commit: str, apps: Sequence[str]) -> list[Approved]:
    from reconciler.forge import approved, connect
    from reconciler.plan import read_plans

    async with connect(where) as forge:
        return await approved(forge, commit, apps, read_plans)
