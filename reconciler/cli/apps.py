"""`reconciler apps`: the apps of a desired state, for CI to fan out over."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.desired import Loaded, Revision


@click.command()
@options.directory
@click.option("--base", metavar="REV", help="Only those that a change since this revision can touch.")
@options.output
@options.cache
def apps(directory: Path | None, base: str | None, form: str) -> None:
    """List the apps in DIR. As JSON they are a matrix for GitHub Actions, in one line.

    With --base, an app is left out if what it should hold and its own files are as they were where REV and HEAD
    parted. What can't be told counts as a change.
    """
    from reconciler.desired import load_revision
    from reconciler.render import safe
    from reconciler.session import Settings, load

    loaded = load(Settings(directory))
    names = list(loaded.apps)
    gone: list[str] = []
    if base is not None:
        revision = load_revision(loaded.root, base, None)
        names = [name for name in names if _touched(loaded, revision, name)]
        before = {} if revision.loaded is None else revision.loaded.apps
        gone = sorted(before.keys() - loaded.apps.keys())
    for name in gone:
        click.echo(f"note: the app {safe(name)} is gone from the files; nothing is done to what it holds", err=True)
    if form == "json":
        matrix = [
            {"app": name, "gallery": loaded.apps[name].gallery, "provisioning": loaded.apps[name].provisioning}
            for name in names
        ]
        click.echo(json.dumps({"include": matrix}, separators=(",", ":")))
        return
    wide = max((len(name) for name in names), default=0)
    for name in names:
        click.echo(f"{name:<{wide}}  {safe(loaded.apps[name].tenant_url, 200)}")
    if not names:
        click.echo("no app" if base is None else f"no app is touched by what changed since {safe(base)}")


def _touched(loaded: Loaded, revision: Revision, name: str) -> bool:
    from reconciler.errors import ReconcilerError
    from reconciler.project import dated, project, touched
    from reconciler.session import profile_of

    before = revision.loaded
    app, then = loaded.apps[name], None if before is None else before.apps.get(name)
    if before is None or then is None or app != then or dated(before.directory, loaded.directory):
        return True
    moment = datetime.now(UTC)
    try:
        sides = [
            project(each.directory, each.apps[name], profile_of(each.apps[name]), places={}, as_of=moment)
            for each in (before, loaded)
        ]
    except ReconcilerError:
        return True
    return touched(*sides)
