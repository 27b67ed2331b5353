"""`reconciler offboard`: the change in the files that ends somebody's access for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.session import Settings


@click.command()
@click.argument("identity", metavar="ID")
@options.directory
@options.cache
@options.settings
def offboard(settings: Settings, identity: str) -> None:
    """Write accountEnabled: false into somebody's file, and take them out of every group, for a pull request.

    Changes files alone, all or none; comments and layout stay. What still names the person is listed for whoever
    reviews it. Doing it twice changes nothing.
    """
    from reconciler.desired.offboard import offboard as offboarding
    from reconciler.desired.offboard import write
    from reconciler.render import safe
    from reconciler.session import load

    loaded = load(settings)
    found = offboarding(loaded, identity.removeprefix("user:"))
    write(loaded.root, found.edits)
    for edit in found.edits:
        for what in edit.told:
            click.echo(f"{safe(edit.file, 200)}: {safe(what, 200)}")
    if not found.edits:
        click.echo(f"{safe(identity)} is disabled and in no group already: nothing was changed")
    if found.left:
        click.echo("\nStill named, and left to whoever reviews this:")
        for where in found.left:
            click.echo(f"  {safe(where, 200)}")
