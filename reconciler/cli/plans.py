"""Plans on stdout, in the form that was asked for."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.rendered import Named, rendered
from reconciler.errors import ReconcilerError
from reconciler.model.plan import Plan
from reconciler.render import Style, text

if TYPE_CHECKING:
    from reconciler.cli.recorded import Recorder
    from reconciler.session import Opened, Settings


def style(stream: object = None) -> Style:
    terminal = bool(getattr(stream or sys.stdout, "isatty", lambda: False)())
    return Style.of(os.environ, terminal=terminal)


def exit_code(plan: Plan) -> int:
    """3: something is held; 2: changes are pending; 0: neither."""
    return 3 if plan.held else 2 if plan.pending else 0


def show(opened: Opened, plan: Plan, *, verbose: bool, whole: bool = False) -> None:
    """One plan as text on stdout. `whole`: also what is not of this change, since it runs."""
    if opened.elsewhere:
        click.echo(f"the memory of {plan.app} is about {opened.elsewhere}: this tenant has none", err=True)
    _text(Named.of(plan, opened.profile), opened.used_today, verbose=verbose, whole=whole)


def show_saved(
    plans: list[Plan], *, form: str, verbose: bool, values: bool = False, prefix: str = "", whole: bool = False
) -> None:
    """Plans that were kept, as `plan` showed them, or in another form. `whole`: as what is about to run."""
    named = [Named.saved(plan) for plan in plans]
    if form != "text":
        click.echo(rendered(named, form, values=values, prefix=prefix), nl=False)
        return
    for number, each in enumerate(named):
        if number:
            click.echo()
        _text(each, None, verbose=verbose, whole=whole)


def _text(named: Named, used: int | None, *, verbose: bool, whole: bool = False) -> None:
    shown = text(named.plan, style(), title=named.title, effect=named.effect, used=used, verbose=verbose, whole=whole)
    click.echo(shown, nl=False)


async def planned(
    settings: Settings,
    *,
    form: str,
    verbose: bool,
    out: Path | None = None,
    key: Path | None = None,
    keep: bool = False,
    notify: bool = False,
    records: Recorder | None = None,
) -> int:
    """Plans every app, prints the plans, and keeps them in `out`, signed with `key`. `keep`: what was read is kept
    beside the memory. `notify`: whom app.yaml names is told of what is not as git says. Returns what
    `--detailed-exitcode` would.
    """
    from reconciler.cli.outcomes import together
    from reconciler.cli.progress import Progress
    from reconciler.cli.recorded import Recorder
    from reconciler.cli.saved import Destination, Signer
    from reconciler.desired import prefix_of
    from reconciler.session import open_apps
    from reconciler.session.keeping import keep_reading
    from reconciler.session.reading import check_reading, proposed

    records = records or Recorder("plan")
    check_reading(settings)
    signer = None if key is None else Signer(key)
    apps = open_apps(settings)
    if notify:
        from reconciler.cli import notifying  # late: it brings what speaks to servers

        notifying.check(apps)
    kept = None if out is None else Destination(out, [each.app.name for each in apps], apps[0].root)
    plans: list[Named] = []
    for opened in apps:
        news = notifying.News(opened, notify, records.history) if notify else None
        with records.app(opened) as record:
            try:
                with Progress(opened.app.name) as progress:
                    proposal = await proposed(opened, progress)
            except ReconcilerError as error:
                if news is not None:
                    await news.failed(error, "drift")
                raise
            if keep:
                keep_reading(opened, proposal)
            record.proposal = proposal
        plan = proposal.plan
        plan = plan if signer is None else signer.sign(plan)
        plans.append(Named.of(plan, opened.profile))
        if kept is not None:
            kept.keep(plan)
        if form == "text":
            if len(plans) > 1:
                click.echo()
            show(opened, plan, verbose=verbose)
        if news is not None:
            await news.compared(plan)
    if form != "text":
        click.echo(rendered(plans, form, prefix=prefix_of(apps[0].root)), nl=False)
    return together(exit_code(each.plan) for each in plans)
