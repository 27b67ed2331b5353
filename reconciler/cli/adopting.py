"""What all importers do with what they found: show what it changes, ask, write."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from reconciler.cli import options as options_

if TYPE_CHECKING:
    from reconciler.model.adoption import Adoption
    from reconciler.sources.draft import Draft

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for on the command line."""

    layout: Literal["files", "lists"] | None = None
    update: bool = False
    prune: bool = False
    yes: bool = False
    form: str = "text"


def options(function: F) -> F:
    """--layout, --update, --prune, --yes and --format, given as `wish`."""

    @functools.wraps(function)
    def wished(
        *arguments: Any,
        layout: Literal["files", "lists"] | None,
        update: bool,
        prune: bool,
        yes: bool,
        form: str,
        **others: Any,
    ) -> Any:
        return function(*arguments, wish=Wish(layout, update, prune, yes, form), **others)

    for option in (
        click.option(
            "--format",
            "form",
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="Of stdout.",
        ),
        click.option("--yes", is_flag=True, help="Write without asking."),
        click.option("--prune", is_flag=True, help="Remove what the source no longer has."),
        click.option("--update", is_flag=True, help="Change values that differ too; else the files keep theirs."),
        click.option(
            "--layout",
            type=click.Choice(["files", "lists"]),
            help="New people and groups: a file each, or lists of 100; lists above 1,000 if left out.",
        ),
    ):
        wished = option(wished)
    return options_.cache(wished)  # type: ignore[return-value]


def run(directory: Path, draft: Draft, wish: Wish) -> Adoption:
    """Shows what the draft changes in DIR, asks, and writes. Raises UsageError if nobody is there to answer, click's
    Abort for a no; then nothing is written.
    """
    import orjson

    from reconciler.desired import cache_of, load
    from reconciler.errors import DesiredStateError, UsageError
    from reconciler.render import Style
    from reconciler.render.adoption import adoption_document, adoption_text
    from reconciler.sources.adopt import adopt, has_state
    from reconciler.sources.store import is_begun, write

    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is no folder", hint="name the folder of the desired state")
    if has_state(directory):
        try:
            load(directory, cache=cache_of(directory))
        except DesiredStateError as error:
            if not is_begun(error):
                raise
    found = adopt(directory, draft, layout=wish.layout, update=wish.update, prune=wish.prune)
    if wish.form == "json":
        click.echo(orjson.dumps(adoption_document(found), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(adoption_text(found, Style.of(os.environ, terminal=sys.stdout.isatty())), nl=False)
    if not found.changes:
        return found
    if not wish.yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody is here to say yes: nothing was written", hint="--yes writes without asking")
        click.confirm("Write this?", abort=True, err=True)
    write(found, directory)
    count = len(found.writes)
    removed = f", {len(found.removals):,} removed" if found.removals else ""
    click.echo(f"{count:,} {'file' if count == 1 else 'files'} written{removed}", err=True)
    return found
