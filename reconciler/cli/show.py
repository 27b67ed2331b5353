"""Plans on stdout, in the form that was asked for."""

from __future__ import annotations

import os
import sys

import click
import orjson

from reconciler.cli.progress import Progress
from reconciler.cli.session import Opened, Settings, open_apps, together
from reconciler.model.plan import Plan
from reconciler.plan import to_json
from reconciler.render import Style, text


def style(stream: object = None) -> Style:
    terminal = bool(getattr(stream or sys.stdout, "isatty", lambda: False)())
    return Style.of(os.environ, terminal=terminal)


def exit_code(plan: Plan) -> int:
    """3: something is held; 2: changes are pending; 0: neither."""
    return 3 if plan.held else 2 if plan.pending else 0


def show(opened: Opened, plan: Plan, *, verbose: bool) -> None:
    """One plan as text on stdout."""
    profile = opened.profile
    if opened.elsewhere:
        click.echo(f"the memory of {plan.app} is about {opened.elsewhere}: this tenant has none", err=True)
    title = "" if profile.name == "scim" else profile.title  # people call such an app by its own name
    click.echo(
        text(plan, style(), title=title, effect=profile.users.effect, used=opened.used_today, verbose=verbose), nl=False
    )


async def planned(settings: Settings, *, form: str, verbose: bool) -> int:
    """Plans every app and prints the plans. Returns what `--detailed-exitcode` would."""
    plans = []
    for opened in open_apps(settings):
        with Progress(opened.app.name) as progress:
            async with opened.connect() as client:
                plan = (await opened.propose(client, progress)).plan
        plans.append(plan)
        if form == "text":
            if len(plans) > 1:
                click.echo()
            show(opened, plan, verbose=verbose)
    if form == "json":
        click.echo(documents(plans), nl=False)
    return together(exit_code(plan) for plan in plans)


def documents(plans: list[Plan]) -> bytes:
    """One document for one app, a list for several."""
    if len(plans) == 1:
        return to_json(plans[0])
    return orjson.dumps([orjson.loads(to_json(p)) for p in plans], option=orjson.OPT_INDENT_2) + b"\n"
