"""`reconciler erase`: takes out of history and journals what leads to a person; the events stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.session import Settings


@click.command()
@click.argument("key", metavar="user:ID")
@options.directory
@options.state
@options.history
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options.cache
@options.settings
def erase(settings: Settings, key: str, history: str | None, yes: bool) -> None:
    """Remove a person's values from history, held plans and journals: id, names, what was before and after.

    That something happened stays, under a name that leads to nobody. Files, memory and application are left as they
    are: remove the person there first. An apply whose plan named the person can't be undone any more.
    """
    from contextlib import ExitStack

    from reconciler.cli.interrupts import confirm
    from reconciler.cli.monitored import history_of
    from reconciler.desired.cache import forget
    from reconciler.errors import UsageError
    from reconciler.render.safe import safe
    from reconciler.service.history.erasing import pseudonym
    from reconciler.service.journals import erase_from_journals
    from reconciler.session import load, memories

    if not key.startswith("user:") or not key[5:] or key.startswith("user:erased-"):
        raise UsageError(f"{safe(key)}: whom to erase is written as user:ID", hint="`reconciler log --who NAME` tells")
    loaded = load(settings)
    if key[5:] in loaded.directory.users:
        raise UsageError(
            f"{safe(key)} is in the files: the next cycle would write them down again",
            hint="offboard the person, apply, remove the file, then erase",
        )
    states = memories(settings, loaded)
    with history_of(settings, history) as opened, ExitStack() as stack:
        if not yes:
            confirm(f"Remove {safe(key)} from {opened.where} and the journals for good?", "pass --yes to be not asked")
        for name, app in loaded.apps.items():
            stack.enter_context(states.hold(name, app.tenant_url))  # whoever writes a journal now would go on writing
        found, instead = opened.traces(key), pseudonym()
        files = erase_from_journals(states.folder / "journals", found, instead)
        entries = opened.erase(key, instead)  # last: it tells what to look for
    forget(loaded.root)
    click.echo(f"{entries:,} entries of the history and {len(files):,} files of the journals name {instead} instead")
