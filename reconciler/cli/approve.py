"""`reconciler approve`: a yes to exactly what is held, for the next cycle."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.session import Settings


@click.command()
@click.argument("digest")
@options.directory
@click.option("--by", metavar="NAME", help="Who approves; whoever is logged in, if left out.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options.history
@options.settings
def approve(settings: Settings, digest: str, by: str | None, yes: bool, history: str | None) -> None:
    """Approve what an app holds, by its DIGEST, as `reconciler status` shows it (12 digits will do).

    The next cycle makes exactly these changes, as far as they are still the same; what is held since then stays held.
    Whose account it is (whoIsThis) is answered by a pin, or by --allow, and never by this. Exit code 1 if nothing with
    this digest is held.
    """
    from reconciler.cli.interrupts import confirm
    from reconciler.cli.monitored import monitored
    from reconciler.cli.plans import show_saved
    from reconciler.errors import HistoryError, UsageError
    from reconciler.plan import read_plans
    from reconciler.render import safe
    from reconciler.service.selection import as_approved
    from reconciler.state.lease import user

    with monitored(settings, history) as (opened, _):
        found = opened.held_as(digest)
        plan = read_plans(found.plan.encode(), f"what {found.app} holds")[0]
        if plan.changes_digest != found.digest:
            raise HistoryError(
                f"the plan kept for {found.app} is not what has this digest", hint="the history was altered"
            )
        would = as_approved(plan)
        show_saved([would], form="text", verbose=False, whole=True)
        why = sorted({each.by for change in plan.held for each in change.held})
        click.echo(f"It was held by {safe(', '.join(why), 500)}, first on {found.since:%Y-%m-%d %H:%M} UTC.")
        if not would.pending:
            raise UsageError(
                "whose account it is can't be answered by an approval",
                hint="pin the account in the file (`accounts:`), or `reconciler apply --allow whoIsThis:KEY`",
            )
        if not yes:
            confirm(f"Shall the next cycle of {found.app} make these changes?", "pass --yes")
        approved = opened.approve(found.digest, by or user(), datetime.now(UTC))
    click.echo(f"{approved.app}: approved by {safe(approved.approved_by or '')}; the next cycle makes it so")
