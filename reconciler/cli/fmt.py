"""`reconciler fmt`: files of the desired state in one order and layout."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import options

_SHOWN = 12
"""Lines of the difference of one file."""


@click.command()
@options.directory
@click.option("--check", is_flag=True, help="Change nothing; exit code 2 if a file is laid out otherwise.")
@click.pass_context
def fmt(context: click.Context, directory: Path | None, check: bool) -> None:
    """Lay out the files of the desired state in DIR: keys in their order, one indentation, comments kept.

    What a file says never changes: both versions are read and compared before anything is written. Files with errors
    are named and left alone. In a file that has moved to another folder, the line that leads an editor to its schema
    is mended.

    Exit code 0: done; 1: a file has errors; 2: with --check, a file is laid out otherwise.
    """
    from reconciler.desired import find
    from reconciler.desired.offboard import write
    from reconciler.desired.tidy import difference, tidy
    from reconciler.render import safe

    root = directory or find(Path.cwd())
    found = tidy(root)
    if not check:
        write(root, found.edits)
    for edit in found.edits:
        click.echo(safe(edit.file, 1000))
        if check:
            before = (root / edit.file).read_bytes().decode()
            for line in difference(before, edit, _SHOWN):
                click.echo(f"    {safe(line, 200)}")
    for problem in found.problems:
        hint = f"\n    {safe(problem.hint, 1000)}" if problem.hint else ""
        click.echo(f"{safe(str(problem.place), 1000)}: {safe(problem.message, 1000)}{hint}", err=True)
    changed = len(found.edits)
    what = f"{_files(changed)} would change" if check else f"{_files(changed)} laid out anew"
    click.echo(f"{_files(found.files)}: {what if changed else 'all are laid out so already'}")
    context.exit(1 if found.problems else 2 if check and changed else 0)


def _files(number: int) -> str:
    return f"{number:,} file" if number == 1 else f"{number:,} files"
