"""Plans on stdout, in the form that was asked for."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from reconciler.errors import ReconcilerError
from reconciler.gallery import load_profile
from reconciler.model.plan import Plan, ProfileFacts
from reconciler.model.profile import Profile, nested
from reconciler.plan import to_json
from reconciler.render import Style, text

if TYPE_CHECKING:
    from reconciler.cli.session import Opened, Settings


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
    _show(plan, opened.profile, opened.used_today, verbose=verbose, whole=whole)


def show_saved(plans: list[Plan], *, form: str, verbose: bool) -> None:
    """Plans that were kept, as `plan` showed them."""
    if form == "json":
        click.echo(documents(plans), nl=False)
        return
    for number, plan in enumerate(plans):
        if number:
            click.echo()
        _show(plan, _profile(plan.profile), None, verbose=verbose)


def _show(plan: Plan, profile: Profile | None, used: int | None, *, verbose: bool, whole: bool = False) -> None:
    title = (
        "" if profile is None or profile.name == "scim" else profile.title
    )  # people call such an app by its own name
    effect = "deactivated" if profile is None else profile.users.effect
    click.echo(text(plan, style(), title=title, effect=effect, used=used, verbose=verbose, whole=whole), nl=False)


def _profile(facts: ProfileFacts) -> Profile | None:
    """The gallery's, as far as text needs it; None where this version knows no such profile."""
    over = {each.key: each.value for each in facts.overrides if each.key in ("title", "users.effect")}
    try:
        return load_profile(facts.name).corrected(nested(over))
    except (ReconcilerError, ValueError):
        return None


async def planned(
    settings: Settings, *, form: str, verbose: bool, out: Path | None = None, key: Path | None = None
) -> int:
    """Plans every app, prints the plans, and keeps them in `out`, signed with `key`. Returns what `--detailed-exitcode`
    would.
    """
    from reconciler.cli.progress import Progress
    from reconciler.cli.saved import Destination, Signer
    from reconciler.cli.session import open_apps, together

    signer = None if key is None else Signer(key)
    apps = open_apps(settings)
    kept = None if out is None else Destination(out, [each.app.name for each in apps], apps[0].root)
    plans = []
    for opened in apps:
        with Progress(opened.app.name) as progress:
            async with opened.connect() as client:
                plan = (await opened.propose(client, progress)).plan
        plan = plan if signer is None else signer.sign(plan)
        plans.append(plan)
        if kept is not None:
            kept.keep(plan)
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
