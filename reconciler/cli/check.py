"""`reconciler check`: the seed's *Test Connection*, whether the token may write, and whether people can sign in."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.session import Opened, Settings


@click.command()
@options.directory
@options.apps
@options.outgoing
@options.output
@click.option("--probe", is_flag=True, help="What the server really does, found by reading alone.")
@click.option("--write-probe", is_flag=True, help="What it does with a throw-away user and group; needs --yes.")
@click.option("--yes", "-y", is_flag=True, help="The throw-away user and group may be written.")
@click.option("--forge", is_flag=True, help="Which protections the repository lacks; the applications are not asked.")
@click.option(
    "--domain",
    metavar="DOMAIN",
    default="example.invalid",
    show_default=True,
    help="Of the throw-away users' addresses, for servers that take only verified ones.",
)
@options.cache
@options.settings
@click.pass_context
def check(
    context: click.Context,
    settings: Settings,
    form: str,
    probe: bool,
    write_probe: bool,
    yes: bool,
    forge: bool,
    domain: str,
) -> None:
    """Test the connection of each app: the token, that the endpoint is SCIM, that it lists completely, and that the
    token may write (an update of the account `guardrails.actsAs` that changes nothing). With `sso` in its app.yaml:
    the identity provider, and who can't sign in.

    With --probe or --write-probe: what the server really does, and the lines of app.yaml that say so. With --forge:
    what the repository on GitHub or GitLab lacks for changes of access to be reviewed.

    Exit code 0: all of it works, or the probe could run, whatever it found; 1: it does not, or something is lacking.
    """
    if forge:
        from reconciler.cli.guarded import check_alone, guarded

        check_alone(probe=probe, write_probe=write_probe)
        context.exit(guarded(settings, form=form))
    if probe or write_probe:
        from reconciler.cli.probed import run

        context.exit(run(settings, form=form, reads=probe, writes=write_probe, yes=yes, domain=domain))
    context.exit(asyncio.run(checked(settings, form=form)))


async def checked(settings: Settings, *, form: str) -> int:
    """Checks every app; one that fails does not hide another. Returns the exit code."""
    import orjson

    from reconciler.session import open_apps

    reports: list[dict[str, Any]] = []
    for opened in open_apps(settings):
        findings: list[dict[str, Any]] = []
        try:
            await _check(opened, findings)
        except ReconcilerError as error:
            findings.append({"ok": False, "what": error.message, "hint": error.hint})
        reports.append({"app": opened.app.name, "tenantUrl": opened.app.tenant_url, "findings": findings})
        if form == "text":
            _print(opened, findings)
    if form == "json":
        document = reports[0] if len(reports) == 1 else reports
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    return 0 if all(f["ok"] is not False for r in reports for f in r["findings"]) else 1


async def _check(opened: Opened, findings: list[dict[str, Any]]) -> None:
    """Appends what was found: ok true, false, or None for what could not be tried."""
    from reconciler.apply.permission import prove_write
    from reconciler.cli.signing_in import identity_provider, people
    from reconciler.live import Reader

    def found(ok: bool | None, what: str, hint: str = "") -> None:
        findings.append({"ok": ok, "what": what, "hint": hint})

    _token_end(opened, found)
    await identity_provider(opened, found)
    async with opened.connect() as client:
        discovered = await opened.discover(client)
        reader = Reader(client, opened.profile)
        connection = await reader.probe()
        found(True, "the token is accepted, and the endpoint is SCIM")
        if connection.filters:
            found(True, "a filter by userName finds nobody where nobody is")
        else:
            found(
                None,
                f"filters by userName are {'refused' if connection.refused else 'ignored'}: "
                "people are looked up by listing",
                "profile: {filters: {users: []}} saves the attempts",
            )
        for each in discovered.overrides:
            if each.source == "discovery":
                found(None, f"the server says of itself: {each.key} is {each.value}", "that corrects the profile")
        if opened.profile.paging.trusted:
            snapshot = await reader.read(("userName",), ("displayName",))
            found(True, f"lists are complete: {len(snapshot.accounts):,} accounts, {len(snapshot.groups):,} groups")
        else:
            found(None, "lists of this application leave out people: everybody is looked up one by one")
        acts_as = opened.app.guardrails.acts_as
        if acts_as is None:
            found(
                None,
                "whether the token may write was not tried",
                "name its account in guardrails.actsAs: it is updated with what it holds",
            )
        else:
            path = await prove_write(client, opened.profile, acts_as)
            found(True, f"the token may write: {path} of {acts_as} was set to what it is")
        await people(opened, client, found)


def _token_end(opened: Opened, found: Any) -> None:
    if opened.app.auth is None or opened.app.auth.expires is None:
        return
    from reconciler.plan import TOKEN_SOON

    left = (date.fromisoformat(opened.app.auth.expires) - datetime.now(UTC).date()).days
    if left < 0:
        found(False, f"the token expired on {opened.app.auth.expires}", "get a new one, and correct auth.expires")
    elif left <= TOKEN_SOON:
        found(None, f"the token expires on {opened.app.auth.expires}, in {left} days", "get a new one in time")


def _print(opened: Opened, findings: list[dict[str, Any]]) -> None:
    from reconciler.cli.plans import style
    from reconciler.render import safe

    paint = style()
    signs = {True: paint("✓", "green"), False: paint("✗", "red"), None: paint("!", "yellow")}
    click.echo(f"{paint(opened.app.name, 'bold')}  {safe(opened.app.tenant_url)}   profile {opened.profile.name}")
    for finding in findings:
        click.echo(f"  {signs[finding['ok']]} {finding['what']}")
        if finding["hint"]:
            click.echo(f"      {paint(finding['hint'], 'dim')}")
