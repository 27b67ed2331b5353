"""`reconciler import entra-schema`: an app's mappings and scope from the provisioning schema of Microsoft Entra ID."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import adopting, options

if TYPE_CHECKING:
    from reconciler.cli.adopting import Wish
    from reconciler.desired.load import Loaded
    from reconciler.model.app import App
    from reconciler.model.profile import Profile
    from reconciler.sources.draft import Draft
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
    from reconciler.sources.entra.document import read_schema

    schema = read_schema(_read(file))
    loaded = adopting.loaded(directory)
    name, app = _app(loaded, name, gallery, schema)
    if app is None:
        draft = _new(schema, loaded, name, _gallery(gallery, schema), tenant_url)
    else:
        draft = _existing(schema, loaded, app, gallery, tenant_url, wish)
    adopting.run(directory, draft, wish)


def _read(file: Path) -> bytes:
    from reconciler.errors import UsageError
    from reconciler.sources.entra.tree import LARGEST

    try:
        with file.open("rb") as stream:
            return stream.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror or error}", hint="name an exported schema") from error
