"""`check --probe` and `--write-probe`: what a server really does, and the lines of app.yaml that say so."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from reconciler.errors import ReconcilerError, UsageError

if TYPE_CHECKING:
    from reconciler.live.probe import Report
    from reconciler.session import Opened, Settings


async def probed(settings: Settings, *, form: str, reads: bool, writes: bool, yes: bool, domain: str) -> int:
    """Probes every app; one that fails does not hide another. Returns the exit code: 0 if all could be probed."""
    import orjson

    from reconciler.live.probe import Finding, Report
    from reconciler.session import open_apps

    opened = open_apps(settings)
    if writes and not yes:
        raise UsageError(_announced(opened, domain), hint="--yes says that this is all right")
    documents: list[dict[str, Any]] = []
    code = 0
    for each in opened:
        report = Report(each.profile)
        try:
            await _probe(each, report, reads=reads, writes=writes, domain=domain)
        except ReconcilerError as error:
            report.findings.append(Finding(False, error.message, error.hint))
            code = 1
        finally:
            if form == "text":
                _print(each, report)
        documents.append({
            "app": each.app.name,
            "tenantUrl": each.app.tenant_url,
            "findings": [asdict(finding) for finding in report.findings],
            "profile": report.block(),
        })  # fmt: skip
    if form == "json":
        document = documents[0] if len(documents) == 1 else documents
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    return code


def _announced(opened: list[Opened], domain: str) -> str:
    """What would be done, where."""
    from reconciler.apply.probe import intention

    places = "\n".join(f"  {each.app.name}  {each.app.tenant_url}" for each in opened)
    return f"--write-probe writes to\n{places}\n{intention(domain)}"


async def _probe(opened: Opened, report: Report, *, reads: bool, writes: bool, domain: str) -> None:
    from reconciler.cli.progress import Progress
    from reconciler.live.probe import probe

    app, mappings = opened.app, opened.app.mappings.over(opened.profile.mappings)
    async with opened.connect() as client:
        with Progress(app.name) as progress:
            if reads:
                await probe(
                    client,
                    report,
                    users_by=[each.target for each in mappings.users if each.matching],
                    groups_by=[each.target for each in mappings.groups if each.matching],
                    progress=progress,
                )
            if writes:
                from reconciler.apply.probe import write_probe

                targets = [each.target for each in mappings.users]
                await write_probe(client, report, targets=targets, domain=domain, progress=progress)


def _print(opened: Opened, report: Report) -> None:
    from reconciler.cli.plans import style
    from reconciler.render import safe

    paint = style()
    signs = {True: paint("✓", "green"), False: paint("✗", "red"), None: paint("!", "yellow")}
    click.echo(f"{paint(opened.app.name, 'bold')}  {safe(opened.app.tenant_url)}   profile {opened.profile.name}")
    for finding in report.findings:
        click.echo(f"  {signs[finding.ok]} {safe(finding.what, 400)}")
        if finding.hint:
            click.echo(f"      {paint(finding.hint, 'dim')}")
    lines = report.text()
    if not lines:
        click.echo("\n  The profile says the same: there is nothing to correct.")
        return
    click.echo("\n  The differences from the profile, for review. They belong into app.yaml:\n")
    click.echo("profile:")
    click.echo("\n".join(f"  {line}" for line in lines.split("\n")))


def run(settings: Settings, **options: Any) -> int:
    """`probed`, to its end."""
    return asyncio.run(probed(settings, **options))
