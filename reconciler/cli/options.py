"""Options that several commands share."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])
_SETTINGS = (
    "directory", "apps", "state", "as_of", "allow", "only", "allow_host", "allow_env", "allow_file", "allow_command",
    "base", "snapshot", "offline",
)  # fmt: skip


def directory(function: F) -> F:
    return click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))(function)


def apps(function: F) -> F:
    return click.option("--app", "apps", metavar="NAME", multiple=True, help="Only this app; repeatable.")(function)


def _without_cache(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        from reconciler.desired.cache import switched_off

        context.with_resource(switched_off())


def cache(function: F) -> F:
    """Of commands that read people and groups."""
    return click.option(
        "--no-cache",
        is_flag=True,
        expose_value=False,
        callback=_without_cache,
        help="Parse every file, also those that were parsed before; or RECONCILER_NO_CACHE=1.",
    )(function)


def output(function: F) -> F:
    return click.option(
        "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Of stdout."
    )(function)


REMARKS = ("annotations", "codequality", "sarif")
"""Forms of what is said about lines of files."""


def plan_output(function: F) -> F:
    """Of plans: for readers, for programs, and for forges."""
    forms = ("text", "json", "markdown", "html", *REMARKS, "widget")
    return click.option(
        "--format", "form", type=click.Choice(forms), default="text", show_default=True, help="Of stdout."
    )(function)


_PASSWORD = re.compile(r"://[^@/]*:[^@]*@|[?&](ssl)?password=")


def without_password(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """For options that name a database: an argument is seen by whoever is on the machine. Raises UsageError."""
    given = context.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE
    if value is not None and given and _PASSWORD.search(value):
        raise UsageError(
            f"{parameter.opts[0]}: a password is no argument: all who are on this machine can read it",
            hint="leave it to PGPASSWORD, ~/.pgpass or a service file"
            + (f", or put the whole URL into {parameter.envvar}" if parameter.envvar else ""),
        )
    return value


def state(function: F) -> F:
    return click.option(
        "--state",
        metavar="file:DIR|git:REF|URL",
        envvar="RECONCILER_STATE",
        callback=without_password,
        help="Where the memory of each app lives; URL is sqlite:///PATH or postgresql://HOST/DATABASE. As "
        "RECONCILER_STATE or reconciler.yaml say if left out, else in .reconciler/.",
    )(function)


def history(function: F) -> F:
    return click.option(
        "--history",
        metavar="URL",
        envvar="RECONCILER_HISTORY",
        callback=without_password,
        help="sqlite:///PATH or postgresql://…; .reconciler/history.db if left out.",
    )(function)


def recording(function: F) -> F:
    """Of commands that write a history only where it is asked for."""
    return click.option(
        "--history",
        metavar="URL",
        envvar="RECONCILER_HISTORY",
        callback=without_password,
        help="Also write down what came of it: sqlite:///PATH or postgresql://…, as `run` does.",
    )(function)


def as_of(function: F) -> F:
    return click.option(
        "--as-of",
        metavar="TIME",
        help="Plan for another day (from its first moment, in the organization's time zone) or time (with an offset). "
        "Such a plan can't be applied.",
    )(function)


def releases(function: F) -> F:
    return click.option(
        "--allow",
        metavar="NAME[:KEY][=N]",
        multiple=True,
        help="Releases what the plan holds, with the exact figure or key that it prints; repeatable.",
    )(function)


def snapshot(function: F) -> F:
    return click.option(
        "--snapshot",
        metavar="FILE|state",
        help="Plan on what was read earlier: in this file or folder, or kept beside the memory. The application is not "
        "asked, and no secret read.",
    )(function)


def only(function: F) -> F:
    return click.option(
        "--only",
        metavar="KEY",
        multiple=True,
        help="Only this person or group (user:ID, group:ID), and what that depends on; repeatable.",
    )(function)


def notify(function: F) -> F:
    return click.option(
        "--notify", is_flag=True, help="Tell whom `notify` in app.yaml names of what is held, and of what failed."
    )(function)


def outgoing(function: F) -> F:
    """What a pull request could abuse must be pinned from outside when CI is set."""
    for name, what in (
        ("command", "A command that a file may name for a secret, whole"),
        ("file", "A file that a file may name for a secret"),
        ("env", "An environment variable that a file may name"),
        ("host", "A host that a file may name, without port"),
    ):
        function = click.option(
            f"--allow-{name}",
            metavar=name.upper(),
            multiple=True,
            help=f"{what}; repeatable, or RECONCILER_ALLOW_{name.upper()}. Needed when CI is set.",
        )(function)
    return function


def settings(function: Callable[..., Any]) -> Callable[..., Any]:
    """Hands what the options above say to the command as one `settings: Settings`."""

    @functools.wraps(function)
    def collected(*args: Any, **given: Any) -> Any:
        from reconciler.session import Settings  # late: it brings everything

        taken = {name: given.pop(name) for name in _SETTINGS if name in given}
        return function(*args, settings=Settings(**taken), **given)

    return collected
