"""`reconciler sandbox`: the embedded SCIM server, in the foreground."""

from __future__ import annotations

import os
from pathlib import Path

import click

from reconciler.errors import ReconcilerError

TOKEN_VARIABLE = "RECONCILER_SANDBOX_TOKEN"  # noqa: S105  the name of a variable
_MISSING = "the sandbox needs packages that are not installed"
_INSTALL = "pip install 'reconciler[sandbox]'"


class _WithFaults(click.Command):
    """Lists the faults under the options; they are read only when somebody asks for help."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        try:
            from reconciler.sandbox.faults import SECTIONS
        except ModuleNotFoundError:
            return
        for title, meanings in SECTIONS.items():
            with formatter.section(f"Faults: {title}"):
                formatter.write_dl(list(meanings.items()))


@click.command("sandbox", cls=_WithFaults, short_help="the embedded SCIM server")
@click.option(
    "--gallery", default="hootsuite", show_default=True, help="Which application to be: a name of the gallery."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: any free port.")
@click.option("--users", type=click.IntRange(0), help="How many invented accounts to begin with.  [default: 6]")
@click.option("--rate", type=click.FloatRange(0), help="Requests a second; 0: no limit.  [default: the application's]")
@click.option("--latency", type=click.FloatRange(0), default=0, metavar="MS", help="Milliseconds before each answer.")
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep everything in this file, and begin with what it holds.",
)
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Misbehave, see below. Repeatable.")
def sandbox(
    gallery: str,
    port: int,
    users: int | None,
    rate: float | None,
    latency: float,
    state: Path | None,
    faults: tuple[str, ...],
) -> None:
    """A SCIM 2.0 server on this machine, for trying things without harm.

    It behaves as the gallery describes an application, or (--gallery scim) as the RFCs are written. Any bearer token is
    accepted, unless RECONCILER_SANDBOX_TOKEN is set: then only that one. Ctrl-C stops it, with exit code 0.
    """
    try:
        from reconciler.sandbox import DEFAULT_USERS, Sandbox, serve
    except ModuleNotFoundError as error:
        raise ReconcilerError(f"{_MISSING}: {error.name}", hint=_INSTALL) from error
    if state is not None and not state.absolute().parent.is_dir():
        raise ReconcilerError(f"{state}: its folder does not exist", hint="make the folder, or choose another --state")
    box = Sandbox(
        gallery,
        users=DEFAULT_USERS if users is None else users,
        token=os.environ.get(TOKEN_VARIABLE) or None,
        faults=faults,
        rate=rate,
        latency=latency / 1000,
        state=state,
    )
    try:
        serve(box, port=port, ready=lambda url: _greet(gallery, url, len(box.store.ordered("User"))))
    except KeyboardInterrupt:  # the usual end of a server in the foreground: no failure
        click.echo("stopped", err=True)


def _greet(gallery: str, url: str, accounts: int) -> None:
    token = f'"${TOKEN_VARIABLE}"' if os.environ.get(TOKEN_VARIABLE) else "anything"
    variable = "SCIM_TOKEN" if gallery == "scim" else f"{gallery.upper().replace('-', '_')}_SCIM_TOKEN"
    click.echo(
        f"{gallery} sandbox with {accounts} accounts at {url}\n"
        f"In another terminal, with this in app.yaml:  tenantUrl: {url}\n\n"
        f"    export {variable}={token}\n"
        f"    reconciler plan\n\n"
        "Ctrl-C stops it."
    )
