"""What `status` and `report` look at: the history, and the apps of the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from reconciler.cli.extras import need
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.model.app import App
    from reconciler.service.history import History
    from reconciler.session import Settings


@contextmanager
def monitored(settings: Settings, url: str | None) -> Iterator[tuple[History, Sequence[App]]]:
    """The history, which must be there, and the apps whose own files can be used; of the others it is told what is
    wrong. People and groups need not be correct. Raises UsageError, HistoryError, DesiredStateError.
    """
    need("service", "sqlalchemy", "alembic")
    from reconciler.desired import load_apps_alone
    from reconciler.errors import DesiredStateError
    from reconciler.session import root_of

    root = root_of(settings)
    found = load_apps_alone(root, settings.apps or None)
    problems = [problem for each in found.broken.values() for problem in each]
    if problems and not found.apps:
        raise DesiredStateError(problems)
    for problem in problems:
        click.echo(f"warning: {problem}", err=True)
    with history_of(settings, url) as history:
        yield history, list(found.apps.values())


@contextmanager
def history_of(settings: Settings, url: str | None) -> Iterator[History]:
    """The history, which must be there. Raises UsageError, HistoryError."""
    need("service", "sqlalchemy", "alembic")
    from reconciler.service.history import History
    from reconciler.session import root_of

    if url is None:
        file = root_of(settings).resolve() / ".reconciler" / "history.db"
        if not file.exists():
            raise UsageError(
                f"there is no history yet: {file}", hint="`reconciler run` writes it; or say where it is with --history"
            )
        url = f"sqlite:///{file}"
    history = History.open(url)
    try:
        yield history
    finally:
        history.close()


def one_app(name: str, apps: Sequence[App]) -> App:
    """Raises UsageError where the files have no such app."""
    for app in apps:
        if app.name == name:
            return app
    there = ", ".join(each.name for each in apps)
    raise UsageError(f"there is no app {name!r} here", hint=f"there is {there}" if there else "")
