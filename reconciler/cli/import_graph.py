"""`reconciler import graph`: people, groups and who is assigned, from Microsoft Graph."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli import adopting, options
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.cli.adopting import Wish
    from reconciler.desired import Loaded
    from reconciler.session import Settings
    from reconciler.sources.graph import Kept, Scope, Which
    from reconciler.sources.graph.reading import Reading

_CLOUDS: Final = ("global", "usgov", "usgov-dod", "china")
_SECRET: Final = "AZURE_CLIENT_SECRET"  # noqa: S105  the name of a variable
_GUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TENANT: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?(?:\.[0-9A-Za-z-]+)+")
_EXTENSION: Final = re.compile(r"extension_[0-9a-fA-F]{32}_\w{1,120}", re.ASCII)
_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, and where what proves it is found: a reference each, never a value."""

    tenant: str
    client_id: str
    cloud: str
    secret_env: str | None
    secret_file: Path | None
    secret_keyring: str | None
    certificate: Path | None


@click.command("graph")
@options.directory
@click.option("--tenant", metavar="ID", envvar="AZURE_TENANT_ID", required=True, help="Its id or a domain of it.")
@click.option("--client-id", metavar="ID", envvar="AZURE_CLIENT_ID", required=True, help="Of the app registration.")
@click.option("--secret-env", metavar="NAME", help=f"The variable with the client secret; {_SECRET} if left out.")
@click.option("--secret-file", metavar="FILE", type=click.Path(path_type=Path), help="The client secret is in it.")
@click.option("--secret-keyring", metavar="SERVICE/NAME", help="The client secret is in the system's keyring.")
@click.option(
    "--certificate",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Instead of a secret: a certificate and its private key, both in PEM form in one file.",
)
@click.option("--cloud", type=click.Choice(_CLOUDS), default="global", show_default=True, help="usgov is GCC High.")
@click.option(
    "--app", "app", metavar="NAME", help="An app that is described here: whoever is assigned comes into its scope."
)
@click.option("--app-id", metavar="ID", help="The application (client) id at Microsoft whose assignments are read.")
@click.option("--service-principal", metavar="ID", help="The same by the object id of its enterprise application.")
@click.option("--assigned-only", is_flag=True, help="Only groups and people who are assigned to it, and their members.")
@click.option(
    "--attribute",
    "attributes",
    metavar="NAME=EXTENSION",
    multiple=True,
    help="A custom attribute of reconciler.yaml, and the directory extension that holds it; repeatable.",
)
@click.option("--full", is_flag=True, help="Read everything, not only what changed since the last time.")
@click.option(
    "--allow-host",
    metavar="HOST",
    multiple=True,
    help="A host of the cloud, without port; repeatable, or RECONCILER_ALLOW_HOST. Needed when CI is set.",
)
@options.settings
@adopting.options
def graph(
    settings: Settings,
    tenant: str,
    client_id: str,
    secret_env: str | None,
    secret_file: Path | None,
    secret_keyring: str | None,
    certificate: Path | None,
    cloud: str,
    app: str | None,
    app_id: str | None,
    service_principal: str | None,
    assigned_only: bool,
    attributes: tuple[str, ...],
    full: bool,
    wish: Wish,
) -> None:
    """Write people and groups from Microsoft Graph, and who is assigned to an app.

    The client needs the application permissions User.Read.All and GroupMember.Read.All, and Application.Read.All for
    assignments; it reads, and writes nothing at Microsoft. What was read is kept in .reconciler/, so that the next time
    only changes are asked for.
    """
    from reconciler.desired import find
    from reconciler.session import bulk

    who = Client(tenant, client_id, cloud, secret_env, secret_file, secret_keyring, certificate)
    _check(who)
    which = _which(app, app_id, service_principal)
    if assigned_only and which is None:
        raise UsageError("--assigned-only goes with --app", hint="to whom somebody is assigned has to be said")
    root = settings.directory or find(Path.cwd())
    if app is not None and not _is_app(root, app):
        raise UsageError(f"--app {app!r}: no such app is described in {root}", hint="`reconciler init` begins one")
    with bulk():
        _import(who, which, settings, root, app or "", attributes, wish, alone=assigned_only, full=full)


def _import(
    who: Client,
    which: Which | None,
    settings: Settings,
    root: Path,
    app: str,
    attributes: tuple[str, ...],
    wish: Wish,
    *,
    alone: bool,
    full: bool,
) -> None:
    from reconciler.sources.graph import Scope, draft_of
    from reconciler.sources.graph.fields import GROUP_FIELDS, user_fields
    from reconciler.sources.graph.ids import Known, known_in
    from reconciler.sources.graph.kept import load, save

    loaded = _loaded(root)
    custom = _custom(attributes, root, loaded)
    scope = Scope(who.cloud, who.tenant, who.client_id, user_fields(custom), GROUP_FIELDS)
    folder = root / ".reconciler" / "graph"
    kept, why = load(folder, scope)
    if why and not full:
        settings.tell(f"note: {why}: everything is read again")
    if full and kept is not None:
        kept = kept.only_ids()
    reading = asyncio.run(_read(who, scope, kept, which, settings))
    known = known_in(loaded.directory) if loaded else Known()
    draft = draft_of(reading, known, app=app, custom=custom, alone=alone)
    draft.notes += reading.notes
    adoption = adopting.run(root, draft, wish)
    for kind, ids in (("users", reading.kept.user_ids), ("groups", reading.kept.group_ids)):
        for key, identity in list(ids.items()):
            ids[key] = adoption.ids.get(kind, {}).get(identity) or identity
    if root.is_dir():
        save(folder, scope, reading.kept)


def _check(who: Client) -> None:
    """Raises UsageError for what can't be, before anything is read or sent."""
    if not (_GUID.fullmatch(who.tenant) or _TENANT.fullmatch(who.tenant)):
        raise UsageError(
            f"--tenant {who.tenant!r}: neither the id of a tenant nor a domain",
            hint="such as contoso.onmicrosoft.com; `common` and `organizations` are no tenants",
        )
    _must_be_id("--client-id", who.client_id)
    given = [
        each for each in (who.secret_env, who.secret_file, who.secret_keyring, who.certificate) if each is not None
    ]
    if len(given) > 1:
        raise UsageError("one of --secret-env, --secret-file, --secret-keyring and --certificate, not several")


def _must_be_id(option: str, value: str) -> None:
    if not _GUID.fullmatch(value):
        raise UsageError(
            f"{option} {value!r}: no id of Microsoft's", hint="such as 00000003-0000-0000-c000-000000000000"
        )


def _which(app: str | None, app_id: str | None, service_principal: str | None) -> Which | None:
    from reconciler.sources.graph import Which

    if app_id is not None and service_principal is not None:
        raise UsageError("--app-id or --service-principal, not both: each names the application")
    chosen = app_id or service_principal
    if (app is None) != (chosen is None):
        raise UsageError(
            "--app goes with --app-id or --service-principal",
            hint="one names the app here, the other the same application at Microsoft",
        )
    if chosen is None:
        return None
    _must_be_id("--app-id" if app_id else "--service-principal", chosen)
    return Which(app_id=app_id or "", service_principal=service_principal or "")


def _loaded(root: Path) -> Loaded | None:
    """None: nobody is described there yet. Raises DesiredStateError if what is there has errors."""
    from reconciler.desired import cache_of, load
    from reconciler.errors import DesiredStateError
    from reconciler.sources.adopt import has_state
    from reconciler.sources.store import is_begun

    if not root.is_dir() or not has_state(root):
        return None
    try:
        return load(root, cache=cache_of(root))
    except DesiredStateError as error:
        if is_begun(error):
            return None
        raise


def _custom(given: tuple[str, ...], root: Path, loaded: Loaded | None) -> dict[str, str]:
    """Attribute → directory extension. Raises UsageError."""
    found: dict[str, str] = {}
    for each in given:
        name, _, extension = each.partition("=")
        if not _EXTENSION.fullmatch(extension):
            raise UsageError(
                f"--attribute {each!r}: {extension!r} is no directory extension",
                hint="such as costCenter=extension_ab603c56068041afb2f6832e2a17e237_costCenter",
            )
        if not (root / "reconciler.yaml").is_file() or (loaded and name not in loaded.directory.attributes):
            raise UsageError(
                f"--attribute {each!r}: {name!r} is no custom attribute here",
                hint="reconciler.yaml says which there are, under `attributes`",
            )
        found[name] = extension
    return found


def _is_app(root: Path, name: str) -> bool:
    """Whether its folder is there: an app may be described before anybody is, and then nothing can be loaded."""
    return name in {file.parent.name for file in (root / "apps").glob("*/app.yaml")}


async def _read(who: Client, scope: Scope, kept: Kept | None, which: Which | None, settings: Settings) -> Reading:
    from reconciler.cli.progress import Progress
    from reconciler.sources import graph as source

    cloud = source.CLOUDS[who.cloud]
    outgoing = settings.outgoing()
    for url in (cloud.login, cloud.graph):
        outgoing.check_host(url)
    secret, key, certificate = _secret(who, settings)
    with Progress("Microsoft Graph") as progress:
        async with source.connected(
            cloud, who.tenant, who.client_id, secret=secret, key=key, certificate=certificate
        ) as connection:
            return await source.read(connection, scope, kept, which, progress)


def _secret(who: Client, settings: Settings) -> tuple[str | None, str | None, str | None]:
    """(secret, private key, certificate). What an argument names may be read: no pull request writes arguments."""
    from reconciler.http import read_file, resolve_secret

    outgoing, here = settings.outgoing(), Path.cwd()
    files = [str(each.resolve()) for each in (who.secret_file, who.certificate) if each is not None]
    env = who.secret_env or _SECRET
    outgoing = replace(outgoing, files=outgoing.files | set(files), env=outgoing.env | {env})
    if who.certificate is not None:
        text = read_file(files[0], root=here, outgoing=outgoing)
        found = _CERTIFICATE.search(text)
        if found is None:
            raise UsageError(f"{who.certificate} has no certificate in it", hint="put it there beside the private key")
        return None, _CERTIFICATE.sub("", text), found[0]
    secret = resolve_secret(
        env=env if who.secret_file is None and who.secret_keyring is None else None,
        file=files[0] if who.secret_file is not None else None,
        keyring=who.secret_keyring,
        root=here,
        environ=os.environ,
        outgoing=outgoing,
    )
    return secret, None, None
