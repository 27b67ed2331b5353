"""`reconciler release`: the end of a revocation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.session import Settings


@click.command()
@click.argument("key", metavar="user:ID|account:ID")
@options.directory
@options.apps
@options.state
@options.settings
def release(settings: Settings, key: str) -> None:
    """End a revocation: the next plan proposes what git says, and apply gives the access back.

    Writes the memory alone, and nothing to the applications. Exit code 1 if nothing is revoked.
    """
    from reconciler.apply.revoke import release as end
    from reconciler.cli.alone import open_alone
    from reconciler.cli.revoke import parse_key
    from reconciler.errors import ReconcilerError
    from reconciler.render import safe

    parse_key(key)
    alone = open_alone(settings)
    now = datetime.now(UTC)
    ended, failed = 0, []
    for name, app in alone.apps.items():
        try:
            revocation = end(alone.states, app, key, now)
        except ReconcilerError as error:
            failed.append(f"{name}: {error}")
            continue
        if revocation is not None:
            ended += 1
            click.echo(f"{name}: {safe(key)} is released; revoked at {safe(revocation['at'])} by "
                       f"{safe(revocation['by'])}: {safe(revocation['reason'], 200)}")  # fmt: skip
    if failed:
        raise ReconcilerError("; ".join(failed), hint="the others are released; run it again for these")
    if not ended:
        revoked = sorted({k for n, a in alone.apps.items() for k in alone.states.load(n, a.tenant_url).revocations})
        raise ReconcilerError(
            f"nothing is revoked for {key}", hint=f"revoked: {', '.join(revoked)}" if revoked else "nobody is"
        )
    click.echo("`reconciler plan` shows what comes back, and `reconciler apply` gives it.")
