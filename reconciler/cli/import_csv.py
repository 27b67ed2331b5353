"""`reconciler import csv`: people from an HR export."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import click

from reconciler.cli import adopting, options

if TYPE_CHECKING:
    from reconciler.sources.csv import Columns, Found, Table, Told

_IN_MEMORY: Final = 50_000_000
_LARGEST_MAP: Final = 1_000_000
"""Bytes of the file of --columns."""
_SHOWN: Final = 30
"""Columns that are listed as not used."""


@click.command("csv")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True))
@options.directory
@click.option(
    "--columns", "map_file", metavar="MAP", type=click.Path(path_type=Path), help="YAML: heading → attribute."
)
@click.option(
    "--column", "columns", metavar="HEADING=ATTRIBUTE", multiple=True, help="Of one column; none after =: not used."
)
@click.option("--delimiter", metavar="SIGN", help="Between values; found if left out. `tab` for tabs.")
@click.option("--encoding", metavar="NAME", help="Found if left out: UTF-8, UTF-16 or Windows-1252.")
@click.option(
    "--refused", metavar="FILE", type=click.Path(path_type=Path), help="Write the rows that were refused here."
)
@adopting.options
def csv(
    file: Path,
    directory: Path | None,
    map_file: Path | None,
    columns: tuple[str, ...],
    delimiter: str | None,
    encoding: str | None,
    refused: Path | None,
    wish: adopting.Wish,
) -> None:
    """Write people from FILE, a table such as an HR system exports, into the desired state in DIR. `-`: stdin.

    Which column is which attribute is told by its heading, and shown first. Rows that can't be taken without guessing
    are refused, with their line and why; the others are taken.

    Exit code 0: done, or nothing to do; 4: done, but for rows that were refused.
    """
    from reconciler.desired import find
    from reconciler.sources.csv import as_table

    root = directory or find(Path.cwd())
    told = _told(map_file, columns)
    if refused is not None:
        _check_destination(refused, file, root)
    with _opened(file) as stream:
        table, found = _read(stream, file, root, told, delimiter, encoding)
    if refused is not None:
        _write(refused, as_table(table.headings, found.refusals, table.delimiter))
    if wish.prune and not table.ended:
        click.echo("note: the last line has no line break: if the file was cut off, people are missing", err=True)
    adoption = adopting.run(root, found.draft, wish)
    if not found.draft.complete or len(adoption.refused) > len(found.draft.refused):
        click.get_current_context().exit(4)


def _told(map_file: Path | None, given: tuple[str, ...]) -> list[Told]:
    """What options say goes over what the file says."""
    from reconciler.errors import UsageError
    from reconciler.sources.csv import of_file, of_options

    said = list(of_options(given))
    if map_file is None:
        return said
    try:
        with map_file.open("rb") as stream:
            data = stream.read(_LARGEST_MAP + 1)
    except OSError as error:
        raise UsageError(f"--columns {map_file} can't be read: {error.strerror}", hint="name a YAML file") from error
    if len(data) > _LARGEST_MAP:
        raise UsageError(f"--columns {map_file} is larger than {_LARGEST_MAP:,} bytes", hint="is it the right file?")
    named = {one.heading for one in said}
    return [*said, *(one for one in of_file(data, str(map_file)) if one.heading not in named)]


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    """A stream that can go back. Raises UsageError for what can't be read."""
    from reconciler.errors import UsageError

    if str(file) == "-":
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as kept:
            shutil.copyfileobj(sys.stdin.buffer, kept)
            yield cast("BinaryIO", kept)
        return
    try:
        if not file.is_file():
            what = "is a folder, not a table" if file.is_dir() else "does not exist, or is no file"
            raise UsageError(f"{file} {what}", hint="name a CSV file, or - for stdin")
        stream = file.open("rb")
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} can't be read: {error}", hint="name a CSV file, or - for stdin") from error
    with stream:
        yield stream


def _read(
    stream: BinaryIO,
    file: Path,
    root: Path,
    told: list[Told],
    delimiter: str | None,
    encoding: str | None,
) -> tuple[Table, Found]:
    from reconciler.cli.progress import Progress
    from reconciler.sources.csv import choose, described, named, open_table, people_of, recognized

    there = described(root)
    headings = frozenset(one.heading for one in told)
    name = "stdin" if str(file) == "-" else str(file)
    table = open_table(
        stream,
        name,
        lambda row: recognized(row, headings, there.custom),
        encoding=named(encoding) if encoding else None,
        delimiter=_sign(delimiter) if delimiter else "",
    )
    chosen = choose(table.headings, told, there.custom)
    _show(table, chosen)
    with Progress("import") as progress:
        found = people_of(table, chosen, there.custom, there.users, lambda rows: progress("rows", rows, None))
    return table, found


def _sign(given: str) -> str:
    from reconciler.errors import UsageError

    sign = "\t" if given.lower() in ("tab", "\\t") else given
    if len(sign) != 1 or sign in '"\r\n\0 ' or sign.isalnum():
        raise UsageError("--delimiter is one sign, or tab", hint="such as --delimiter ';'")
    return sign


def _show(table: Table, chosen: Columns) -> None:
    """What the file is taken for: read before anything is believed of it."""
    from reconciler.render import safe

    sign = {"\t": "tabs", ",": "commas", ";": "semicolons"}.get(table.delimiter, f"`{table.delimiter}`")
    click.echo(
        f"{safe(table.name, 200)}: {table.encoding.title}, separated by {sign}, headings in line {table.line}", err=True
    )
    width = min(40, max((len(safe(one.heading, 40)) for one in chosen.used), default=0))
    for one in chosen.used:
        how = "" if one.guessed else "   as told"
        click.echo(f"  {safe(one.heading, 40):<{width}}  → {', '.join(one.attributes)}{how}", err=True)
    if chosen.unused:
        names = ", ".join(safe(heading, 40) for heading in chosen.unused[:_SHOWN])
        more = f" and {len(chosen.unused) - _SHOWN:,} more" if len(chosen.unused) > _SHOWN else ""
        click.echo(f"  not used: {names}{more}", err=True)


def _check_destination(refused: Path, file: Path, root: Path) -> None:
    from reconciler.desired.root import FOLDERS
    from reconciler.errors import UsageError

    hint = "name a file that is there for this alone"
    if refused.exists() and not refused.is_file():
        raise UsageError(f"--refused {refused} is no file", hint=hint)
    if not refused.parent.is_dir():
        raise UsageError(f"--refused {refused}: there is no folder {refused.parent}", hint="make it first")
    if str(file) != "-" and os.path.realpath(refused) == os.path.realpath(file):
        raise UsageError(f"--refused {refused} is the table itself", hint=hint)
    for part in FOLDERS:
        if refused.resolve().is_relative_to((root / part).resolve()):
            raise UsageError(f"--refused {refused} is inside of {root / part}", hint="name a file elsewhere")


def _write(refused: Path, content: bytes) -> None:
    from reconciler.cli.saved import write_whole
    from reconciler.errors import ReconcilerError

    try:
        write_whole(refused, content)
    except OSError as error:
        hint = "name a file in a folder that can be written"
        raise ReconcilerError(f"--refused {refused} can't be written: {error.strerror}", hint=hint) from error
