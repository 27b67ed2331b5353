"""`reconciler snapshot`: the application is read, and what it holds is kept for those who plan without it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.model.snapshot import Snapshot
    from reconciler.session import Opened, Settings


@click.command()
@options.directory
@options.apps
@options.state
@options.outgoing
@click.option(
    "--out",
    metavar="FILE|FOLDER",
    type=click.Path(path_type=Path),
    help="Keep it in this file; of several apps, in a folder. Beside the memory if left out.",
)
@options.cache
@options.settings
def snapshot(settings: Settings, out: Path | None) -> None:
    """Read the application and keep what it holds, of what is mapped: plan, rehearse and drift take it with --snapshot.

    Writes nothing to the application. Nothing that a mapping redacts is kept.
    """
    asyncio.run(_taken(settings, out))


async def _taken(settings: Settings, out: Path | None) -> None:
    from reconciler.cli.saved import Destination
    from reconciler.errors import SnapshotError
    from reconciler.plan import instant
    from reconciler.session import open_apps
    from reconciler.session.keeping import written
    from reconciler.session.reading import snapshot_name
    from reconciler.state.kept import compressed

    apps = open_apps(settings)
    names = [each.app.name for each in apps]
    to = None if out is None else Destination(out, names, apps[0].root, what="snapshots")
    for opened in apps:
        name = opened.app.name
        taken = await _read(opened)
        content = written(opened, taken)
        if to is not None:
            where = str(to.put(b"".join(content), snapshot_name(name)))
        else:
            where = opened.states.where(name)
            if not opened.states.keep(name, opened.app.tenant_url, compressed(content)):
                raise SnapshotError(
                    f"{name}: an apply or a revoke came in between: what was read is not kept", hint="run again"
                )
            where = f"beside {where}"
        groups = f"{len(taken.groups):,} groups"
        click.echo(f"{name}: {len(taken.accounts):,} accounts and {groups}, read at {instant(taken.read_at)}, {where}")


async def _read(opened: Opened) -> Snapshot:
    from reconciler.cli.progress import Progress

    with Progress(opened.app.name) as progress:
        async with opened.connect() as client:
            return await opened.read(client, progress)
