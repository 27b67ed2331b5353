"""What the commands about forges share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from reconciler.cli.rendered import Named
from reconciler.cli.saved import read_saved
from reconciler.errors import Place, PlanError
from reconciler.forge import APP
from reconciler.render import Annotation, Report, workflow_commands

_MOST: Final = 50
"""Apps of one pull request that are told: who makes up more of them wants to flood it."""


def reports_of(files: Sequence[Path], prefix: str) -> list[Report]:
    """The plans in these files, as people are told about them; `prefix` as a Report has it. Raises PlanError."""
    found: dict[str, Report] = {}
    for file in files:
        for plan in read_saved(file):
            if not APP.fullmatch(plan.app):
                raise PlanError(
                    "is a plan of what can't be an app's name", place=Place(str(file)), hint="make it again"
                )
            if plan.app in found:
                raise PlanError(f"is a second plan of {plan.app}", place=Place(str(file)), hint="name one for each app")
            if len(found) == _MOST:
                hint = "they come from the artifact of a pull request: look at its workflow"
                raise PlanError(f"is one of more than {_MOST} plans", place=Place(str(file)), hint=hint)
            found[plan.app] = Named.saved(plan).report(prefix)
    return list(found.values())


def notice(text: str) -> None:
    """Something was not done, and that is no error: on stderr; in GitHub Actions also where people look at the run."""
    click.echo(f"note: {text}", err=True)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        remark = Annotation("notice", "", 0, 0, "notes", "reconciler", text, "")
        click.echo(workflow_commands([remark]), nl=False)
