"""The command line. One file a command; each is imported when it is used, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from keyword import iskeyword
from typing import NoReturn

import click

from reconciler import __version__
from reconciler.errors import ReconcilerError

COMMANDS = {
    "demo": "the whole story against the embedded sandbox: plan, apply, drift, repair",
    "init": "a new desired state, with workflows if wanted",
    "import": "files from what exists: an application, Entra's schema, Microsoft Graph, a CSV",
    "validate": "offline check of everything that can be checked offline",
    "fmt": "files in one order and layout, comments kept",
    "test": "runs mapping tests",
    "expression": "evaluates an expression",
    "explain": "why one person has, or does not have, what they have",
    "check": "tests the connection, and that the token may write",
    "plan": "who would gain and who would lose what",
    "snapshot": "reads the application and keeps what it read, for plans without it",
    "show": "a plan that was kept, as `plan` showed it",
    "comment": "tells on a pull request what merging it does to access",
    "approved": "gets the plan that was reviewed for a commit",
    "apply": "makes it so, after showing it and asking",
    "run": "cycles, day and night: plans and applies again and again",
    "undo": "a plan that reverses what an apply did",
    "rehearse": "tries the plan on a copy of the application, and writes nothing to it",
    "revoke": "takes somebody's access away now, in all apps",
    "release": "ends a revocation",
    "offboard": "writes what ends somebody's access for good into the files",
    "approve": "a yes to what is held, for the next cycle",
    "resume": "ends an app's quarantine",
    "restart": "forgets that anything of an app failed",
    "state": "the memory of an app: shown, rebuilt, forgotten",
    "drift": "exit 2 if the application is not what git says",
    "status": "how each app is: last cycle, next, what is held, what drifted, quarantine",
    "report": "the same as one HTML file, with the history as a picture",
    "log": "what was done to whom, and what was not",
    "erase": "takes a person out of history and journals; the events stay",
    "access": "who has access to what, since when and by whose decision; who lost it in time",
    "who-can-grant": "who could give an access by merging something",
    "apps": "the apps, as a matrix for CI; with --base those that a change touches",
    "gallery": "what is known of each application",
    "schema": "JSON Schema of files, plans and the memory, for editors and programs",
    "sandbox": "the embedded SCIM server",
}
USAGE = 64
INTERRUPTED = 130


class Commands(click.Group):
    """Loads `reconciler.cli.NAME:NAME` when NAME is called; help texts are the table's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_") + "_" * iskeyword(cmd_name)
        command = getattr(import_module(f"reconciler.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(f"there is no command `{args[0]}`" + (f"; did you mean `{near[0]}`?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="reconciler")
@click.pass_context
def root(context: click.Context) -> None:
    """Access to applications, the way good teams ship code.

    People, groups and attribute mappings are YAML in git; a plan shows who gains and who loses what; apply does
    exactly that; drift is found and repaired.
    """
    context.color = _colour()


def _colour() -> bool | None:
    """NO_COLOR wins, then FORCE_COLOR, then TERM=dumb; None: where somebody looks."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") != "0":
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def main() -> NoReturn:
    """Runs a command and exits with its code: 0 to 5 as documented, 64 for a wrong command line, 130 for Ctrl-C."""
    from reconciler.cli.interrupts import terminate_like_interrupt
    from reconciler.cli.joblog import guard

    terminate_like_interrupt()
    logs = guard(os.environ)
    try:
        code = call(sys.argv[1:])
    finally:
        for log in logs:
            log.finish()
    sys.exit(code)


def call(arguments: list[str]) -> int:
    """The exit code of one call."""
    try:
        code = root.main(args=arguments, prog_name="reconciler", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        error.show()
        return 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except ReconcilerError as error:
        click.echo(click.style("error: ", fg="red", bold=True) + str(error), err=True, color=_colour())
        return error.exit_code
    except OSError as error:  # of the output itself; whoever stopped reading it is click's, and 1 as well
        click.echo(f"error: {error.strerror or error}: {error.filename or 'the output'} can't be written", err=True)
        return 1
    return code if isinstance(code, int) else 0


__all__ = ["COMMANDS", "call", "main", "root"]
