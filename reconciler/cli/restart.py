"""`reconciler restart`: an app begins anew."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.session import Settings


@click.command()
@click.argument("app")
@options.directory
@click.option("--full", is_flag=True, help="Forget the memory too: whose account is whose is asked again.")
@click.option("--yes", "-y", is_flag=True, help="With --full: do not ask.")
@options.state
@options.history
@options.settings
def restart(settings: Settings, app: str, full: bool, yes: bool, history: str | None) -> None:
    """Forget that anything of APP failed: its quarantine, and who waits after failures.

    With --full its memory is forgotten as well, as `state forget` does it: nobody is managed until the next cycle has
    found the accounts again, and what it can't tell without doubt it asks. That cycle counts as the first, `initial`.
    What was revoked stays revoked.
    """
    from reconciler.cli.alone import open_alone
    from reconciler.cli.interrupts import confirm
    from reconciler.cli.monitored import monitored, one_app
    from reconciler.state.forget import without_anything

    with monitored(settings, history) as (opened, apps), ExitStack() as held:
        one = one_app(app, apps)
        forgotten, revoked = 0, list[str]()
        if full:
            settings.apps = (one.name,)
            states = open_alone(settings).states
            held.enter_context(states.hold(one.name, one.tenant_url))
            found = states.load(one.name, one.tenant_url)
            forgotten = len(found.bindings)
            click.echo(_MEANING.format(app=one.name), err=True)
            if not yes:
                confirm(f"Forget all {forgotten:,} bindings of {one.name}, in {states.where(one.name)}?", "pass --yes")
            left = without_anything(found)
            states.save(left)
            revoked = sorted(left.revocations)
        waited = len(opened.backoffs(one.name))
        opened.restart(one.name, full=full)
    memory = f", and all {forgotten:,} bindings" if full else ""
    click.echo(f"{one.name}: quarantine forgotten, and {waited:,} waiting after failures{memory}")
    if revoked:
        click.echo(f"{one.name}: still revoked, until `reconciler release`: {', '.join(revoked)}")


_MEANING = """{app}: with its memory goes what is known of whose account is whose, and of what was given because git
said so. The next cycle binds again whom it can tell without doubt; about the others it asks, and leaves them be.
  - Whose file is gone can't be found again: the account counts as unmanaged then, and may stay open. Apply first
    what is due.
  - A membership that git no longer wants is asked about (givenInApp) before it is removed."""
