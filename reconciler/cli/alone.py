"""The apps and their memories without people and groups: for what can't wait until all files are correct."""

from __future__ import annotations

from dataclasses import dataclass

import click

from reconciler import desired as files
from reconciler.errors import DesiredStateError, Problem, UsageError
from reconciler.model.app import App
from reconciler.session import Settings, root_of
from reconciler.session.memory import states_of
from reconciler.state import States


@dataclass(slots=True)
class Alone:
    files: files.AppsAlone
    states: States

    @property
    def apps(self) -> dict[str, App]:
        return self.files.apps

    @property
    def broken(self) -> dict[str, str]:
        """App → the first thing that is wrong with it."""
        return {name: str(problems[0]) if problems else "unusable" for name, problems in self.files.broken.items()}


def open_alone(settings: Settings) -> Alone:
    """Every app whose own files can be used. Of the others it is told what is wrong.

    Raises UsageError where there is none at all, DesiredStateError where no app can be used.
    """
    root = root_of(settings)
    found = files.load_apps_alone(root, settings.apps or None)
    if not found.apps and not found.broken:
        raise UsageError(f"{root} describes no app", hint="add apps/NAME/app.yaml")
    problems: list[Problem] = [problem for each in found.broken.values() for problem in each]
    if not found.apps:
        raise DesiredStateError(problems)
    for problem in problems:
        click.echo(f"warning: {problem}", err=True)
    if found.state is None and settings.state is None:
        raise UsageError(
            "reconciler.yaml can't be read, and nothing else says where the memory is",
            hint="name it with --state file:DIR or --state git:REF",
        )
    return Alone(found, states_of(settings.state, found.state or "file", root, found.apps, tell=settings.tell))
