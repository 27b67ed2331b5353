"""`reconciler check --forge`: which protections the repository around a desired state lacks."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired import Loaded, Owners
    from reconciler.forge import Finding, Surroundings, Wanted
    from reconciler.session import Settings

_NAMED = "add a remote `origin`, or set GITHUB_REPOSITORY to OWNER/NAME; of GitLab CI_PROJECT_ID"
_REMOTE = re.compile(r"(?:[a-z+]+://[^/]+/|[^/:]+:)(?P<name>[\w.\-]+(?:/[\w.\-]+)+)/?")


def guarded(settings: Settings, *, form: str) -> int:
    """Prints what was found. 1 if something is lacking; what is not known is said, and lacks nothing."""
    import orjson

    from reconciler.desired import owners_here
    from reconciler.forge import protections
    from reconciler.session import load

    loaded = load(settings)
    owners = owners_here(loaded.root)
    where = _where(loaded.root, owners)
    if where.kind != owners.codeowners.forge:
        owners = owners_here(loaded.root, where.kind)
    found = asyncio.run(protections(where, _wanted(loaded, owners)))
    lacking = sum(1 for each in found if each.ok is False)
    if form == "json":
        rows = [{"ok": each.ok, "what": each.what, "hint": each.hint} for each in found]
        document = {"forge": where.kind, "repository": where.repository, "lacking": lacking, "findings": rows}
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(where, found, lacking)
    return 1 if lacking else 0


def _where(root: Path, owners: Owners) -> Surroundings:
    """As the environment says. Outside of a job `origin` names the repository, but never where the token goes."""
    from reconciler.forge import surroundings

    named = {"GITHUB_REPOSITORY", "CI_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID"} & os.environ.keys()
    repository = None if named else _remote(root) or None
    kind = None if {"GITLAB_CI", "GITHUB_ACTIONS"} & os.environ.keys() else owners.codeowners.forge
    return surroundings(os.environ, kind, repository, hint=_NAMED)


def _remote(root: Path) -> str:
    from reconciler.desired.git import git

    found = _REMOTE.fullmatch((git(root, "remote", "get-url", "origin") or "").strip())
    return found["name"].removesuffix(".git") if found else ""


def _wanted(loaded: Loaded, owners: Owners) -> Wanted:
    from reconciler.forge import Wanted
    from reconciler.model.app import references

    paths = [path for file in _deciding(loaded) for path in owners.behind(file)]
    paths += [*owners.runs, owners.rules]
    unowned = tuple(path for path in dict.fromkeys(paths) if not owners.of(path).approvals)
    secrets = frozenset(each.env for app in loaded.apps.values() for each in references(app.auth) if each.env)
    return Wanted(secrets, unowned, owners.codeowners.file)


def _deciding(loaded: Loaded) -> Iterator[str]:
    """Files of the desired state that nobody should change without their owner."""
    for name in loaded.apps:
        yield from (f"apps/{name}/app.yaml", f"apps/{name}/mappings.yaml")
    yield from ("apps/new/app.yaml", "reconciler.yaml")
    yield from (group.file for group in loaded.directory.groups.values() if group.sensitive)


def _print(where: Surroundings, found: list[Finding], lacking: int) -> None:
    from reconciler.cli.plans import style
    from reconciler.render import safe

    paint = style()
    signs = {True: paint("✓", "green"), False: paint("✗", "red"), None: paint("?", "yellow")}
    click.echo(f"{paint(safe(where.repository), 'bold')}  {'GitHub' if where.kind == 'github' else 'GitLab'}")
    for each in found:
        click.echo(f"  {signs[each.ok]} {safe(each.what, 300)}")
        if each.hint:
            click.echo(f"      {paint(safe(each.hint, 300), 'dim')}")
    unknown = sum(1 for each in found if each.ok is None)
    click.echo(f"{lacking} lacking, {unknown} to be looked at by hand" if lacking or unknown else "nothing is lacking")


def check_alone(*, probe: bool, write_probe: bool) -> None:
    """Raises UsageError for what says nothing together."""
    if probe or write_probe:
        raise UsageError("--forge is about the repository, a probe about applications", hint="one after the other")
