"""`reconciler who-can-grant`: who could give an access by merging something. Reads files alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.desired.codeowners import Forge
    from reconciler.model.grants import Grants
    from reconciler.session import Settings


@click.command()
@click.argument("key", metavar="group:ID|app:NAME")
@options.directory
@click.option("--forge", type=click.Choice(["github", "gitlab"]), help="How CODEOWNERS is read; found out if left out.")
@options.output
@options.cache
def who_can_grant(key: str, directory: Path | None, forge: Forge | None, form: str) -> None:
    """Show who could put somebody into a group, or give them an account in an app, by merging something.

    From CODEOWNERS, nesting, rules and assignments. Without an owner, whoever may merge can change a file.
    """
    import orjson

    from reconciler.cli.plans import style
    from reconciler.render.grants import grants_document, grants_text
    from reconciler.session import Settings

    grants = _grants(Settings(directory), key, forge)
    if form == "json":
        document = grants_document(grants)
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE), nl=False)
        return
    click.echo(grants_text(grants, style()), nl=False)


def _grants(settings: Settings, key: str, forge: Forge | None) -> Grants:
    from reconciler.desired import owners_here
    from reconciler.errors import UsageError
    from reconciler.project import Granting, grants_of_app, grants_of_group
    from reconciler.session import load

    kind, _, name = key.partition(":")
    if kind not in ("group", "app") or not name:
        raise UsageError(f"{key!r} is no group and no app", hint="such as group:social-media, or app:hootsuite")
    loaded = load(settings)
    owners = owners_here(loaded.root, forge)
    granting = Granting(loaded.directory, owners)
    if kind == "app":
        return grants_of_app(granting, loaded.apps[_known(name, loaded.apps, "app")], owners.codeowners.file)
    from reconciler.model.values import GroupId

    group = GroupId(_known(name, loaded.directory.groups, "group"))
    return grants_of_group(granting, group, loaded.apps, owners.codeowners.file)


def _known(name: str, known: Iterable[str], kind: str) -> str:
    from reconciler.errors import UsageError
    from reconciler.project.suggest import suggestion

    names = list(known)
    if name not in names:
        raise UsageError(f"there is no {kind} `{name}`", hint=suggestion(name, names))
    return name
