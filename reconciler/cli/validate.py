"""`reconciler validate`: everything about the files that can be checked without the application."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.cli.options import REMARKS

if TYPE_CHECKING:
    from reconciler.desired import Loaded
    from reconciler.errors import Place, Problem
    from reconciler.model.app import App
    from reconciler.model.profile import Profile


@click.command()
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--app", "apps", metavar="NAME", multiple=True, help="Only this app; may be given several times.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", *REMARKS)),
    default="text",
    show_default=True,
    help="Of stdout.",
)
@options.cache
@click.pass_context
def validate(context: click.Context, directory: Path | None, apps: tuple[str, ...], strict: bool, form: str) -> None:
    """Check the desired state in DIR offline: files, references, scope and mappings.

    Exit code 0: valid; 1: it is not.
    """
    from reconciler.cli.rendered import remarks
    from reconciler.desired import cache_of, find, load, prefix_of
    from reconciler.errors import DesiredStateError
    from reconciler.project import emptied
    from reconciler.render import problem_annotations

    root = directory or find(Path.cwd())
    loaded: Loaded | None = None
    try:
        loaded = load(root, apps=apps or None, cache=cache_of(root))
        problems = list(dict.fromkeys((*loaded.warnings, *_projected(loaded), *emptied(loaded.directory))))
    except DesiredStateError as error:
        problems = list(error.problems)
    problems.sort(key=lambda problem: (problem.place, problem.message))
    errors = len(problems) if strict else sum(problem.severity == "error" for problem in problems)
    if form == "json":
        click.echo(json.dumps(_document(loaded, problems, valid=not errors), ensure_ascii=False, indent=2))
    elif form in REMARKS:
        click.echo(remarks(problem_annotations(problems, prefix_of(root)), form), nl=False)
    else:
        for problem in problems:
            click.echo(_harmless(_line(problem)), err=True)
        name = root.resolve().name
        click.echo(_harmless(f"{name}: {_summary(loaded, errors, len(problems) - errors)}"))
    context.exit(1 if errors else 0)


def _projected(loaded: Loaded) -> list[Problem]:
    """What shows only when an app's scope and mappings are applied to everybody."""
    from reconciler.errors import DesiredStateError, Place, Problem, ReconcilerError
    from reconciler.gallery import load_profile
    from reconciler.project import project
    from reconciler.session import sign_on_of

    now = datetime.now(UTC)
    problems: list[Problem] = []
    for name, app in loaded.apps.items():
        places = loaded.places[name]
        try:
            sign_on_of(app, loaded.attached.get(name), places, now)
        except DesiredStateError as error:
            problems.extend(error.problems)
        try:
            profile = load_profile(app.gallery)
        except ReconcilerError as error:
            place = places.get("gallery", Place(f"apps/{name}/app.yaml"))
            problems.append(Problem(place, error.message, error.hint))
            continue
        problems.extend(_unknown_method(app, profile, places))
        try:
            desired = project(loaded.directory, app, profile, places=places, as_of=now)
            problems.extend(desired.warnings)
        except DesiredStateError as error:
            problems.extend(error.problems)
    return list(dict.fromkeys(problems))


def _unknown_method(app: App, profile: Profile, places: Mapping[str, Place]) -> Iterator[Problem]:
    """What the app says who we are by, if its profile says that the application takes something else."""
    from reconciler.errors import Place, Problem

    taken = profile.corrected(app.profile).authentication.methods
    if app.auth is None or app.auth.method in taken:
        return
    place = places.get(f"auth.{app.auth.method}", Place(f"apps/{app.name}/app.yaml"))
    hint = "if it does, correct `profile.authentication.methods`"
    message = f"`{app.auth.method}` is not what the application takes, by its profile: {', '.join(taken)}"
    yield Problem(place, message, hint, "warning")


def _line(problem: Problem) -> str:
    mark = "warning: " if problem.severity == "warning" else ""
    line = f"{problem.place}: {mark}{problem.message}"
    return f"{line}\n    {problem.hint}" if problem.hint else line


def _summary(loaded: Loaded | None, errors: int, warnings: int) -> str:
    wrong = [_count(number, noun) for number, noun in ((errors, "error"), (warnings, "warning")) if number]
    if errors or loaded is None:
        return ", ".join(wrong)
    counted = (
        _count(len(loaded.directory.users), "person", "people"),
        _count(len(loaded.directory.groups), "group"),
        _count(len(loaded.apps), "app"),
    )
    return f"{', '.join(counted)}: valid{f', {wrong[0]}' if wrong else ''}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _document(loaded: Loaded | None, problems: Sequence[Problem], *, valid: bool) -> dict[str, Any]:
    return {
        "valid": valid,
        "users": len(loaded.directory.users) if loaded else None,
        "groups": len(loaded.directory.groups) if loaded else None,
        "apps": list(loaded.apps) if loaded else None,
        "problems": [
            {
                "severity": problem.severity,
                "file": problem.place.file,
                "line": problem.place.line,
                "column": problem.place.column,
                "message": problem.message,
                "hint": problem.hint,
            }
            for problem in problems
        ],
    }


def _harmless(text: str) -> str:
    """What files hold can't move the terminal's cursor: everything unprintable but our own line breaks is escaped."""
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
