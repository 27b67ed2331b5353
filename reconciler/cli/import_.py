"""`reconciler import`: files of a desired state from what exists elsewhere."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

IMPORTERS: Final = {
    "live": "from an application: its accounts and groups, and an app folder",
    "csv": "from an HR export: people",
    "entra-schema": "from the provisioning schema that Entra exports: an app's mappings and scope",
    "graph": "from Microsoft Graph: people, groups and who is assigned",
}


class _Importers(click.Group):
    """Loads `reconciler.cli.import_NAME:NAME` when NAME is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(IMPORTERS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in IMPORTERS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"reconciler.cli.import_{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(IMPORTERS.items()))


@click.group("import", cls=_Importers, context_settings={"help_option_names": ["-h", "--help"]})
def import_() -> None:
    """Write files of a desired state from what exists elsewhere.

    Into a new folder, or into a desired state that exists: what is missing is added, comments and order stay. What
    would change is shown first, and nothing is written without a yes.
    """
