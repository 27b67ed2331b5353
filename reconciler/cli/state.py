"""`reconciler state`: the memory of an app, shown, rebuilt, forgotten."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.cli.interrupts import confirm

if TYPE_CHECKING:
    from reconciler.session import Opened, Settings

_KINDS = ("user:", "group:", "account:")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def state() -> None:
    """Look after the memory of an app: whose account is whose, and how each was left.

    Losing it costs convenience, never access.
    """


def _words(function: Any) -> Any:
    return click.argument("words", metavar="[KEY]... [DIR]", nargs=-1)(function)


def _yes(function: Any) -> Any:
    return click.option("--yes", "-y", is_flag=True, help="Do not ask.")(function)


@state.command()
@_words
@options.apps
@options.state
@options.output
@options.settings
def show(settings: Settings, words: tuple[str, ...], form: str) -> None:
    """Show what is remembered: bindings, how they were left, revocations, releases, guardrails. With KEY of one."""
    from reconciler.cli.alone import open_alone
    from reconciler.cli.plans import style
    from reconciler.errors import UsageError
    from reconciler.render.memory import memory

    keys = _taken(settings, words)
    if len(keys) > 1:
        raise UsageError(f"{', '.join(keys)}: one at a time", hint="without a key everything is shown")
    only = keys[0] if keys else None
    alone = open_alone(settings)
    documents = []
    for number, (name, app) in enumerate(alone.apps.items()):
        found = alone.states.load(name, app.tenant_url)
        document = found.model_dump(mode="json", by_alias=True)
        if only is not None:
            for part in ("bindings", "revocations", "notKept"):
                document[part] = {key: value for key, value in document[part].items() if key == only}
        documents.append(document)
        if form == "text":
            if number:
                click.echo()
            where = alone.states.where(name)
            click.echo(memory(found, where, style(), now=datetime.now(UTC), only=only), nl=False)
    if form == "json":
        import orjson

        result = documents[0] if len(documents) == 1 else documents
        click.echo(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())


@state.command()
@options.directory
@_yes
@click.option("--base", metavar="REV", help="Bind those too whom this revision wanted and today's files do not.")
@options.apps
@options.state
@options.releases
@options.outgoing
@options.cache
@options.settings
def rebuild(settings: Settings, yes: bool) -> None:
    """Bind what the application shows without doubt, as the next plan would adopt it. Writes the memory alone.

    What is bound stays bound; what is in doubt stays a question of the next plan. With --base the next plan finds who
    left since that revision, too, and holds them until their exact figure is released.
    """
    from reconciler.session import open_apps

    for opened in open_apps(settings):
        asyncio.run(_rebuild(opened, yes=yes))


async def _rebuild(opened: Opened, *, yes: bool) -> None:
    from reconciler.apply.rebuild import rebuild as rebuilding
    from reconciler.cli.progress import Progress
    from reconciler.errors import Locked, UsageError
    from reconciler.render import safe
    from reconciler.render.text import FOLD

    name = opened.app.name
    with opened.states.hold(name, opened.app.tenant_url):
        before = opened.states.load(name, opened.app.tenant_url)
        if before != opened.state:
            raise Locked(f"the memory of {name} has just changed", hint="run again, to go on from there")
        with Progress(name) as progress:
            async with opened.connect() as client:
                proposal = await opened.propose(client, progress, tells_base=True)
        if proposal.unknown:
            raise UsageError(f"--base: {proposal.unknown}", hint="name a revision whose files were correct")
        rebuilt = rebuilding(proposal, before, datetime.now(UTC), proposal.known)
        bound = sorted(rebuilt.bound.items(), key=lambda each: (each[0] not in rebuilt.leavers, each))
        for key, id_ in bound[:FOLD]:
            left = ", and left since" if key in rebuilt.leavers else ""
            click.echo(f"{name}: {safe(key)} is {safe(id_)}{left}")
        if len(bound) > FOLD:
            click.echo(f"{name}: … and {len(bound) - FOLD:,} more: `reconciler state show` lists them afterwards")
        for key, ids in sorted(rebuilt.questions.items()):
            click.echo(f"{name}: {safe(key)} stays in question: {', '.join(map(safe, ids))}")
        click.echo(f"{name}: {len(bound):,} to bind, {len(before.bindings):,} bound before, "
                   f"{len(rebuilt.questions):,} in question")  # fmt: skip
        if rebuilt.bound:
            if not yes:
                confirm(f"Bind these in {opened.states.where(name)}?", "pass --yes")
            opened.states.save(rebuilt.state)


@state.command()
@_words
@_yes
@options.apps
@options.state
@options.settings
def forget(settings: Settings, words: tuple[str, ...], yes: bool) -> None:
    """Forget the whole memory of an app, or of KEYs alone. What was revoked stays revoked.

    The next plan asks again whose account is whose, where it can't be told without doubt.
    """
    from reconciler.cli.alone import open_alone
    from reconciler.errors import UsageError
    from reconciler.state.forget import without, without_anything

    keys = _taken(settings, words)
    alone = open_alone(settings)
    apps = alone.apps
    if keys:
        apps = {
            n: a for n, a in apps.items() if not alone.states.load(n, a.tenant_url).bindings.keys().isdisjoint(keys)
        }
    if not apps:
        raise UsageError(f"{', '.join(keys)}: not bound in any app", hint="`reconciler state show` lists what is")
    for name, app in apps.items():
        with alone.states.hold(name, app.tenant_url):
            found = alone.states.load(name, app.tenant_url)
            left = without(found, keys) if keys else without_anything(found)
            what = ", ".join(keys) if keys else f"all {len(found.bindings)} bindings"
            if not yes:
                confirm(f"Forget {what} of {name}, in {alone.states.where(name)}?", "pass --yes")
            alone.states.save(left)
        click.echo(f"{name}: {what} forgotten")
        if left.revocations:
            click.echo(f"{name}: still revoked, until `reconciler release`: {', '.join(sorted(left.revocations))}")


def _taken(settings: Settings, words: tuple[str, ...]) -> list[str]:
    """The keys among the words; what is left is the folder."""
    from pathlib import Path

    from reconciler.errors import UsageError

    keys = [word for word in words if word.startswith(_KINDS)]
    folders = [word for word in words if not word.startswith(_KINDS)]
    if len(folders) > 1:
        raise UsageError(f"{', '.join(folders)}: one folder at a time", hint="a key is user:ID or group:ID")
    settings.directory = Path(folders[0]) if folders else None
    return keys
