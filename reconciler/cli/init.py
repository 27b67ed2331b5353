"""`reconciler init`: a new desired state."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reconciler.desired.codeowners import Forge
    from reconciler.desired.scaffold import Start
    from reconciler.model.profile import Profile

_SCHEMAS = ("user", "group", "app", "mappings", "tests", "settings")


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--gallery", metavar="NAME", help="The application, as `reconciler gallery` calls it.")
@click.option("--tenant-url", metavar="URL", help="Where it is; needed if the address has a part of your own.")
@click.option("--forge", type=click.Choice(["github", "gitlab"]), help="Write workflows for this forge too.")
@click.option("--branch", metavar="NAME", help="That the workflows apply; main if left out.")
@click.option("--package", metavar="URL", help="Where jobs get reconciler from: git+https://HOST/PATH@COMMIT.")
@click.option("--owner", metavar="@ORG/TEAM", help="Who has to approve changes of apps and workflows.")
def init(
    directory: Path,
    gallery: str | None,
    tenant_url: str | None,
    forge: Forge | None,
    branch: str | None,
    package: str | None,
    owner: str | None,
) -> None:
    """Write a new desired state to DIR: an app, its mappings and their tests, one person and one group as an example.

    It validates, and applies nothing until `provisioning` in app.yaml is set. With --forge, DIR is a folder in a
    repository, and workflows and CODEOWNERS are written to its top. Asks for what is missing where somebody sits at a
    terminal. Never overwrites anything.
    """
    from reconciler.desired.scaffold import Start, create, state_files, top_of
    from reconciler.desired.schemas import published
    from reconciler.errors import UsageError
    from reconciler.render import safe

    if forge is None and (branch or package or owner):
        raise UsageError(
            "--branch, --package and --owner are about workflows", hint="add --forge github or --forge gitlab"
        )
    profile = _profile(gallery)
    url = _address(profile, tenant_url)
    top = directory if forge is None else top_of(directory, Path.cwd())
    if forge and package is None:
        package = _asked("Where jobs get reconciler from (git+https://HOST/PATH@COMMIT)")
    if forge and owner is None:
        owner = _asked("Who approves changes of apps and workflows (such as @contoso/identity; empty: nobody has to)")
    start = Start(profile.name, profile, url, in_git=forge is not None)
    schemas = {name: _json(published(name)) for name in _SCHEMAS}
    files = {directory / file: text for file, text in state_files(start, schemas).items()}
    if forge:
        folder = directory.resolve().relative_to(top).as_posix()
        files |= {top / file: text for file, text in _workflows(forge, start, folder, branch, package, owner)}
    create(files, top)
    for path in files:
        if path.parent.name != ".schemas":
            click.echo(f"  {safe(path if directory.is_absolute() else os.path.relpath(path), 1000)}")
    click.echo(f"  {safe(directory / '.schemas', 1000)}/   for editors: they complete keys, and mark what is wrong")
    if forge and not owner:
        click.echo("note: without --owner there is no CODEOWNERS: anybody who may merge decides about apps", err=True)
    _say_next(directory, start.variable, forge)


def _profile(name: str | None) -> Profile:
    from reconciler.errors import ReconcilerError, UsageError
    from reconciler.gallery import load_profile, names

    if name is None and sys.stdin.isatty():
        click.echo(f"The gallery knows {', '.join(names())}; scim is any other application.", err=True)
        name = click.prompt("Which application", type=click.Choice(names()), show_choices=False, err=True)
    if name is None:
        raise UsageError("--gallery is missing", hint=f"one of {', '.join(names())}")
    try:
        return load_profile(name)
    except ReconcilerError as error:
        raise UsageError(error.message, hint=error.hint) from error


def _address(profile: Profile, given: str | None) -> str:
    from reconciler.desired.scaffold import address, own_part
    from reconciler.errors import UsageError
    from reconciler.render import safe

    form = own_part(profile)
    while given is None and form and (answer := _asked(f"Tenant URL, such as {form}")):
        try:
            return address(answer)
        except UsageError as error:
            click.echo(safe(f"{error.message}: {error.hint}" if error.hint else error.message, 1000), err=True)
    if not given and form:
        raise UsageError(f"--tenant-url is missing: {profile.title} has an address for each tenant", hint=form)
    return address(given or profile.tenant_url or "")


def _asked(question: str) -> str:
    """The answer; "" where nobody is there to give one."""
    if not sys.stdin.isatty():
        return ""
    answer: str = click.prompt(question, default="", show_default=False, err=True)
    return answer.strip()


def _workflows(
    forge: Forge, start: Start, folder: str, branch: str | None, package: str | None, owner: str | None
) -> list[tuple[str, str]]:
    from reconciler.desired.pipeline import files

    made = files(
        forge, apps=[start.app], branch=branch or "main", package=package or "", owner=owner or "", folder=folder
    )
    return list(made.items())


def _json(schema: object) -> str:
    import orjson

    return orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode() + "\n"


def _say_next(directory: Path, variable: str, forge: Forge | None) -> None:
    name = shlex.quote(str(directory))
    click.echo("\nNext:")
    click.echo(f"  reconciler validate {name} --strict")
    click.echo(f"  reconciler test {name}")
    click.echo(f"  reconciler plan {name}    # with the token in {variable}")
    if forge:
        token = "GITHUB_TOKEN" if forge == "github" else "GITLAB_TOKEN"
        click.echo(f"  reconciler check {name} --forge    # what the workflows need, with a token in {token}")
