"""`reconciler import entra-schema`: an app's mappings and scope from the provisioning schema of Microsoft Entra ID."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import adopting, options

if TYPE_CHECKING:
    from reconciler.cli.adopting import Wish
    from reconciler.desired.alone import AppsAlone
    from reconciler.model.app import App
    from reconciler.model.profile import Profile
    from reconciler.sources.draft import Draft
    from reconciler.sources.entra.conversion import Converted
    from reconciler.sources.entra.document import Provisioning


@click.command("entra-schema")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@options.directory
@click.option("--app", "name", metavar="NAME", help="How the app is called here; as in the gallery if left out.")
@click.option("--gallery", metavar="NAME", help="The application; as the schema calls its target if left out.")
@click.option("--tenant-url", metavar="URL", help="Of a new app; needed if the address has a part of your own.")
@adopting.options
def entra_schema(
    file: Path, directory: Path | None, name: str | None, gallery: str | None, tenant_url: str | None, wish: Wish
) -> None:
    """Write an app from FILE, the provisioning schema that Entra's portal exports, or that Microsoft Graph answers at
    /servicePrincipals/ID/synchronization/jobs/ID/schema.

    Only what differs from the gallery's mappings is written. What has no equivalent here is listed, and stands in the
    files as a comment; a filter that can't be said lets nobody in. A new app applies nothing until `provisioning` in
    app.yaml is set. In an app that exists, missing mappings are added, and scope stays as it is.
    """
    from reconciler.desired import find

    root = directory or find(Path.cwd())
    schema = _schema(file)
    there = _alone(root)
    name, app = _app(there, name, gallery, schema)
    if app is None:
        draft = _new(schema, there, name, gallery, tenant_url, root)
    else:
        draft = _existing(schema, there, app, gallery, tenant_url, root, wish)
    adopting.run(root, draft, wish)


def _schema(file: Path) -> Provisioning:
    from reconciler.errors import Place, ReconcilerError, UsageError
    from reconciler.sources.entra.document import read_schema
    from reconciler.sources.entra.tree import LARGEST

    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror or error}", hint="name an exported schema") from error
    try:
        return read_schema(data)
    except ReconcilerError as error:
        error.place = Place(str(file))
        raise


def _alone(root: Path) -> AppsAlone | None:
    """The apps that are described already; None: there is no folder yet. All else is read when it is written to."""
    from reconciler.desired.alone import load_apps_alone

    return load_apps_alone(root) if root.is_dir() else None


def _app(
    there: AppsAlone | None, name: str | None, gallery: str | None, schema: Provisioning
) -> tuple[str, App | None]:
    """How the app is called, and the app if it is described already."""
    from reconciler.desired.apps import APP_NAME
    from reconciler.errors import DesiredStateError, UsageError

    chosen = name or gallery or _likely(schema)
    if not APP_NAME.match(chosen):
        raise UsageError(f"{chosen!r} is no name of an app", hint="letters, digits and . _ -, 64 at most")
    if there and chosen in there.broken:
        raise DesiredStateError(there.broken[chosen])
    return chosen, there.apps.get(chosen) if there else None


def _likely(schema: Provisioning) -> str:
    from reconciler.errors import UsageError
    from reconciler.gallery import load_profile, names
    from reconciler.sources.entra.gallery import likely

    found = likely(schema.target, {each: load_profile(each).title for each in names()})
    if not found:
        raise UsageError(
            f"the gallery has no application that is called {schema.target!r}, as the schema calls its target",
            hint=f"--gallery says which one it is: {', '.join(names())}; scim is any other application",
        )
    return found


def _new(
    schema: Provisioning, there: AppsAlone | None, name: str, gallery: str | None, tenant_url: str | None, root: Path
) -> Draft:
    from reconciler.desired.scaffold import Start, address, own_part
    from reconciler.errors import ReconcilerError, UsageError
    from reconciler.gallery import load_profile
    from reconciler.sources.entra.written import Place, draft_of

    try:
        profile = load_profile(gallery or _likely(schema))
    except ReconcilerError as error:
        raise UsageError(error.message, hint=error.hint) from error
    if not tenant_url and (form := own_part(profile)):
        raise UsageError(f"--tenant-url is missing: {profile.title} has an address for each tenant", hint=form)
    start = Start(name, profile, address(tenant_url or profile.tenant_url or ""), in_git=False)
    found = _converted(schema, profile, there)
    return draft_of(found, Place(name, profile, start.tenant_url, start.variable, _has_schemas(root)))


def _existing(
    schema: Provisioning,
    there: AppsAlone | None,
    app: App,
    gallery: str | None,
    tenant_url: str | None,
    root: Path,
    wish: Wish,
) -> Draft:
    from reconciler.desired.scaffold import address
    from reconciler.errors import UsageError
    from reconciler.gallery import load_profile
    from reconciler.sources.entra.existing import draft_into

    for option, given, has in (
        ("--gallery", gallery, app.gallery), ("--tenant-url", tenant_url and address(tenant_url), app.tenant_url)
    ):  # fmt: skip
        if given and given != has:
            raise UsageError(
                f"{option} says {given}, and app {app.name} has {has}", hint="leave it out, or name another --app"
            )
    profile = load_profile(app.gallery).corrected(app.profile)
    file = root / "apps" / app.name / "mappings.yaml"
    text = file.read_bytes().decode() if file.exists() else None
    found = _converted(schema, profile, there)
    return draft_into(found, app, profile, text, update=wish.update, prune=wish.prune, modelines=_has_schemas(root))


def _converted(schema: Provisioning, profile: Profile, there: AppsAlone | None) -> Converted:
    from reconciler.model.directory import Directory
    from reconciler.project.judge import Judge
    from reconciler.sources.entra.conversion import convert

    directory = there.directory() if there else Directory({}, {})
    return convert(schema, profile, directory.attributes, Judge(profile, directory))


def _has_schemas(root: Path) -> bool:
    return (root / ".schemas" / "mappings.json").is_file()
