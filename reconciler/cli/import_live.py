"""`reconciler import live`: an application's accounts and groups as files, and its memory bound."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import adopting, options

if TYPE_CHECKING:
    from reconciler.cli.adopting import Wish
    from reconciler.model.app import App
    from reconciler.model.snapshot import Snapshot
    from reconciler.session import Opened, Settings
    from reconciler.sources.draft import Draft


@click.command("live")
@options.directory
@click.option("--app", "name", metavar="NAME", help="The app in DIR; of a new one its name, the gallery's if left out.")
@click.option("--gallery", metavar="NAME", help="For a new app: the application, as `reconciler gallery` calls it.")
@click.option("--tenant-url", metavar="URL", help="For a new app: where it is, if its address has a part of your own.")
@click.option("--acts-as", metavar="USERNAME", help="For a new app: the account that the token belongs to, left out.")
@adopting.options
@options.state
@options.outgoing
@options.settings
def live(
    settings: Settings,
    name: str | None,
    gallery: str | None,
    tenant_url: str | None,
    acts_as: str | None,
    wish: Wish,
) -> None:
    """Take over what an application holds: people, groups with their members, and who is assigned.

    DIR describes the app, or --gallery says what it is; then app.yaml is written too, with `provisioning: false`. The
    token is where `auth` says, or in NAME_SCIM_TOKEN. Writes nothing to the application. Whose account is whose is
    remembered in the same run, so that the first plan has nothing to do.
    """
    from reconciler.cli.progress import Progress
    from reconciler.session.importing import known, open_described, open_new, read
    from reconciler.sources.invert import Inversion
    from reconciler.sources.live import draft_of

    settings.directory = directory = settings.directory or Path()
    new = _new_app(directory, name, gallery, tenant_url, acts_as)
    opened = open_described(settings, _described(directory, name)) if new is None else open_new(settings, new)
    with Progress(opened.app.name) as progress:
        snapshot, users, groups = asyncio.run(read(opened, progress))
    attributes = opened.desired.directory.attributes
    several = opened.desired.directory.multi_valued
    draft = draft_of(
        opened.app,
        opened.profile,
        snapshot,
        Inversion(users, attributes, several),
        Inversion(groups),
        known(opened, snapshot),
        prune=wish.prune,
    )
    if new is not None:
        _describe(draft, opened, directory, acts_as)
    adopting.run(directory, draft, wish)
    if new is not None:
        _ignore_memory(directory)
    _bind(opened, snapshot, directory)


def _described(directory: Path, name: str | None) -> str:
    """The name of the app that DIR describes."""
    from reconciler.errors import UsageError

    there = _apps(directory)
    if name is not None and name not in there:
        raise UsageError(
            f"{directory} describes no app {name}", hint="for a new one say --gallery, and its --tenant-url"
        )
    if name is None and len(there) != 1:
        what = f"{directory} describes {', '.join(there) or 'no app'}"
        raise UsageError(f"which app? {what}", hint="--app NAME, or --gallery NAME for a new one")
    return name or there[0]


def _apps(directory: Path) -> list[str]:
    folder = directory / "apps"
    return sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []


def _new_app(
    directory: Path, name: str | None, gallery: str | None, tenant_url: str | None, acts_as: str | None
) -> App | None:
    """The app that is to be described; None: it is already. Raises UsageError for what does not go together."""
    from reconciler.desired.apps import APP_NAME
    from reconciler.desired.scaffold import Start, address, own_part
    from reconciler.errors import ReconcilerError, UsageError
    from reconciler.gallery import load_profile

    if gallery is None:
        if tenant_url is not None or acts_as is not None:
            raise UsageError("--tenant-url and --acts-as are about a new app", hint="add --gallery NAME")
        return None
    try:
        profile = load_profile(gallery)
    except ReconcilerError as error:
        raise UsageError(error.message, hint=error.hint) from error
    own = name or profile.name
    if own in _apps(directory):
        raise UsageError(f"{directory} describes {own} already", hint=f"leave out --gallery: import live --app {own}")
    if tenant_url is None and own_part(profile):
        raise UsageError(
            f"--tenant-url is missing: {profile.title} has an address for each tenant", hint=own_part(profile)
        )
    if not APP_NAME.match(own):
        raise UsageError(f"{own} can't be the name of an app", hint="letters, digits, dots, underscores and dashes")
    app = Start(profile.name, profile, address(tenant_url or profile.tenant_url or ""), in_git=False, name=own).app
    guardrails = app.guardrails.model_copy(update={"acts_as": acts_as})
    return app.model_copy(update={"guardrails": guardrails})


def _describe(draft: Draft, opened: Opened, directory: Path, acts_as: str | None) -> None:
    """The files of a new app; the draft's ids are those that its people have in the files."""
    from reconciler.desired.scaffold import Start, app_files

    app, profile = opened.app, opened.profile
    start = Start(app.gallery, profile, app.tenant_url, in_git=False, name=app.name)
    assigned = draft.assigned.pop(app.name)
    schemas = (directory / ".schemas" / "app.json").is_file()
    draft.apps[app.name] = app_files(start, assigned, acts_as=acts_as, schemas=schemas)


def _ignore_memory(directory: Path) -> None:
    """Beside a new desired state there is a memory, which is no part of it."""
    from reconciler.desired.scaffold import ignored

    file = directory / ".gitignore"
    if directory.is_dir() and not file.exists() and not (directory / ".git").exists():
        file.write_text(ignored(), encoding="utf-8", newline="\n")


def _bind(opened: Opened, snapshot: Snapshot, directory: Path) -> None:
    from reconciler.render import safe
    from reconciler.session.importing import bind

    if not any((directory / "users").rglob("*.yaml")):
        click.echo(f"{opened.app.name}: nobody is described, so nobody is bound", err=True)
        return
    rebuilt, plan = bind(opened, snapshot, directory)
    name = opened.app.name
    for key, ids in sorted(rebuilt.questions.items()):
        click.echo(f"{name}: {safe(key)} stays in question: {', '.join(map(safe, ids))}", err=True)
    bound = len(rebuilt.state.bindings)
    click.echo(f"{name}: {bound:,} bound, {len(rebuilt.bound):,} of them now, in {opened.states.where(name)}", err=True)
    left = "nothing to do" if plan.empty else f"{len(plan.changes):,} changes, which `reconciler plan` shows"
    click.echo(f"{name}: the plan has {left}", err=True)
