"""`reconciler test`: runs mapping tests."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.project import CaseResult, Mismatch


class _Ran(NamedTuple):
    app: str
    """Empty for a file outside of any app."""
    result: CaseResult


@click.command("test")
@click.argument("paths", nargs=-1, metavar="[DIR or FILE…]", type=click.Path(path_type=Path))
@click.option("--app", "apps", multiple=True, metavar="NAME", help="Only this app; may be repeated.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.cache
def test(paths: tuple[Path, ...], apps: tuple[str, ...], form: str) -> None:
    """Run mapping tests: examples of what mappings and expressions make of inputs.

    A DIR is a desired state, whose apps' tests.yaml are run. A FILE has the form of a tests.yaml; with --app it is run
    with that app's mappings. Where a test has no `now`, Now() is the present. Exits with 1 if a test fails.
    """
    ran = [each for path in paths or (None,) for each in _run(path, apps)]
    failed = [each for each in ran if not each.result.passed]
    if form == "json":
        click.echo(json.dumps([_document(each) for each in ran], indent=2, ensure_ascii=False))
    else:
        for each in failed:
            click.echo("\n".join(_failure(each)))
        click.echo(f"{len(ran) - len(failed)} passed, {len(failed)} failed.")
    if not ran:
        click.echo("There are no mapping tests: put some into apps/NAME/tests.yaml.", err=True)
    if failed:
        sys.exit(1)


def _run(path: Path | None, apps: tuple[str, ...]) -> Iterator[_Ran]:
    from reconciler import desired
    from reconciler.errors import UsageError

    if path is not None and path.is_file():
        folder = path.resolve().parent
        if path.name == "tests.yaml" and folder.parent.name == "apps":
            if not apps or folder.name in apps:
                yield from _of_apps(folder.parent.parent, (folder.name,))
        else:
            yield from _of_file(path, apps)
    elif path is not None and not path.is_dir():
        message = f"there is no {path}"
        raise UsageError(message, hint="name a desired state, or a file of mapping tests")
    else:
        yield from _of_apps(desired.find(path or Path()), apps)


def _of_apps(root: Path, apps: tuple[str, ...]) -> Iterator[_Ran]:
    from reconciler import desired
    from reconciler.gallery import load_profile
    from reconciler.project import run_case

    loaded = desired.load(root, apps=apps or None, cache=desired.cache_of(root))
    now = datetime.now(UTC)
    for name, app in loaded.apps.items():
        profile = load_profile(app.gallery)
        for case in loaded.cases.get(name, ()):
            yield _Ran(name, run_case(case, loaded.directory, app, profile, now=now))


def _of_file(path: Path, apps: tuple[str, ...]) -> Iterator[_Ran]:
    """With the mappings of the apps named, which whole people need; expressions do without."""
    from reconciler import desired
    from reconciler.gallery import load_profile
    from reconciler.project import run_case

    cases = desired.read_cases(path)
    now = datetime.now(UTC)
    if not apps:
        for case in cases:
            yield _Ran("", run_case(case, now=now))
        return
    root = desired.find(Path())
    loaded = desired.load(root, apps=apps, cache=desired.cache_of(root))
    for name, app in loaded.apps.items():
        for case in cases:
            yield _Ran(name, run_case(case, loaded.directory, app, load_profile(app.gallery), now=now))


def _failure(ran: _Ran) -> Iterator[str]:
    result = ran.result
    place = f"  {result.case.place}" if result.case.place else ""
    yield _harmless(f"FAILED  {' '.join(filter(None, (ran.app, result.case.id)))}{place}")
    if result.error:
        yield f"    {_harmless(result.error)}"
    for each in result.mismatches:
        if each.target:
            yield f"    {_harmless(each.target)}"
        yield f"      expected  {_shown(each.expected)}"
        yield f"      actual    {_shown(each.actual)}"


def _document(ran: _Ran) -> dict[str, Any]:
    result = ran.result
    place = result.case.place
    return {
        "app": ran.app or None,
        "id": result.case.id,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "passed": result.passed,
        "error": result.error or None,
        "mismatches": [_mismatch(each) for each in result.mismatches],
    }


def _mismatch(each: Mismatch) -> dict[str, Any]:
    return {"target": each.target or None, "expected": each.expected, "actual": each.actual}


def _shown(value: Any) -> str:
    return _harmless(json.dumps(value, ensure_ascii=False, default=str))


def _harmless(text: str) -> str:
    """Control and formatting characters as their code: what stands in files can't move the cursor."""
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)
