"""`reconciler access`: who has access to what, on any day, since when and by whose decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.evidence import Past
    from reconciler.model.access import Grant
    from reconciler.render.access import Row


class _Questions(click.Group):
    """Without the name of a command it is `show`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Questions, context_settings={"help_option_names": ["-h", "--help"]})
def access() -> None:
    """Tell who has access to what, since when and by whose decision: as git says, on any day.

    Without the name of a command below: `show`.
    """


def _rows_output(function: Any) -> Any:
    forms = click.Choice(["text", "json", "csv"])
    return click.option("--format", "form", type=forms, default="text", show_default=True, help="Of stdout.")(function)


def _whom(function: Any) -> Any:
    function = click.option("--group", metavar="ID", help="Only the members of this group.")(function)
    return click.option("--user", metavar="ID", help="Only this person.")(function)


def _on(function: Any) -> Any:
    return click.option("--on", metavar="DATE", help="The end of this day, or a time with an offset; now if left out.")(
        function
    )


@access.command()
@options.directory
@_whom
@options.apps
@options.cache
@_on
@click.option("--since", metavar="DATE", help="Instead: what was gained and lost since the end of this day.")
@_rows_output
def show(
    directory: Path | None,
    user: str | None,
    group: str | None,
    apps: Sequence[str],
    on: str | None,
    since: str | None,
    form: str,
) -> None:
    """Show who has access to what. Reads the history of git, and nothing else.

    It is what git wanted; what was done about it is in `reconciler log` and `access leavers`.
    """
    from reconciler.cli.evidence import moment_on, opened_past
    from reconciler.evidence import answered, between
    from reconciler.render.access import ACCESS, CHANGES, access_rows, access_text, change_rows, changes_text, instant

    with opened_past(directory, apps, user) as (past, root, zone):
        moment = moment_on(on, zone)
        wanted = _wanted(user, group)
        if since is not None:
            start = moment_on(since, zone)
            rows = change_rows(between(past, root, start, moment, wanted))
            _tell_unusable(past)
            facts = {"format": "reconciler.accessChanges/1", "since": instant(start), "on": instant(moment)}
            _print(rows, CHANGES, form, facts, changes_text, "nobody gained or lost anything")
            return
        rows = access_rows(answered(past, root, moment, wanted))
        _tell_unusable(past)
    facts = {"format": "reconciler.access/1", "on": instant(moment)}
    _print(rows, ACCESS, form, facts, access_text, f"nobody has access on {instant(moment)}")


@access.command()
@options.directory
@click.option("--user", metavar="ID", help="Only this person.")
@options.apps
@options.cache
@click.option("--since", metavar="DATE", help="From this day on; 30 days back if left out.")
@click.option("--sla", metavar="TIME", help="How long after the merge access may last: 24h, 30m, 2d.")
@options.history
@_rows_output
@click.pass_context
def leavers(
    context: click.Context,
    directory: Path | None,
    user: str | None,
    apps: Sequence[str],
    since: str | None,
    sla: str | None,
    history: str | None,
    form: str,
) -> None:
    """Show who lost access, and when: requested, merged, applied, verified absent.

    Exit code 2 with --sla, if somebody's access lasted longer than that, or still does.
    """
    from reconciler.cli.evidence import found_leavers
    from reconciler.cli.plans import style
    from reconciler.render.access import LEAVERS, leaver_rows, leavers_text

    found, allowed = found_leavers(directory, apps, user, since, sla, history)
    rows = leaver_rows(found)
    facts = {"format": "reconciler.leavers/1", "sla": sla}

    def text(shown: Sequence[Row], _: Any) -> str:
        return leavers_text(shown, style(), allowed)

    _print(rows, LEAVERS, form, facts, text, "nobody lost access")
    if any(each.late for each in found):
        context.exit(2)


def _wanted(user: str | None, group: str | None) -> Callable[[Grant], bool]:
    person = None if user is None else f"user:{user.removeprefix('user:')}"
    inside = None if group is None else f"group:{group.removeprefix('group:')}"

    def wanted(grant: Grant) -> bool:
        return (person is None or grant.key == person) and (inside is None or grant.group == inside)

    return wanted


def _print(
    rows: Sequence[Row], columns: Sequence[str], form: str, facts: dict[str, Any], text: Any, nothing: str
) -> None:
    from reconciler.cli.plans import style
    from reconciler.render.access import as_csv, as_document

    if form == "csv":
        click.echo(as_csv(rows, columns), nl=False)
    elif form == "json":
        import orjson

        click.echo(orjson.dumps(as_document(rows, columns, **facts), option=orjson.OPT_INDENT_2).decode())
    elif rows:
        click.echo(text(rows, style()), nl=False)
    else:
        click.echo(nothing)


def _tell_unusable(past: Past) -> None:
    for each in past.unusable:
        click.echo(f"warning: the files at {each.commit[:7]} could not be used; what stood before them held", err=True)


@access.command()
@options.directory
@click.option("--manager", metavar="ID", help="Only the people of this manager.")
@_whom
@options.apps
@options.cache
@_on
@_rows_output
def review(
    directory: Path | None,
    manager: str | None,
    user: str | None,
    group: str | None,
    apps: Sequence[str],
    on: str | None,
    form: str,
) -> None:
    """List for each manager who of their people has what, to be ticked: Markdown, or rows.

    People without a manager stand at the end.
    """
    from reconciler.cli.evidence import moment_on, opened_past
    from reconciler.evidence import answered
    from reconciler.render.access import ACCESS, access_rows, instant, review_text

    with opened_past(directory, apps, user) as (past, root, zone):
        moment = moment_on(on, zone)
        rows = access_rows(answered(past, root, moment, _wanted(user, group)))
        _tell_unusable(past)
    if manager is not None:
        rows = [row for row in rows if row["manager"] == manager.removeprefix("user:")]
    rows.sort(key=lambda row: (not row["manager"], row["manager"], row["person"]))
    facts = {"format": "reconciler.review/1", "on": instant(moment)}
    _print(rows, ACCESS, form, facts, lambda shown, _: review_text(shown, instant(moment)), "nobody to review")


@access.command()
@options.directory
@options.apps
@options.cache
@click.option(
    "--days", metavar="N", type=click.IntRange(1, 3660), default=366, show_default=True, help="How far ahead."
)
def calendar(directory: Path | None, apps: Sequence[str], days: int) -> None:
    """Print what starts and ends as an iCalendar feed (RFC 5545), for a calendar to subscribe to."""
    from reconciler.cli.evidence import ahead
    from reconciler.render.calendar import calendar as feed

    soon, stamp = ahead(directory, apps, days)
    click.echo(feed(soon, stamp), nl=False)


@access.command()
@options.directory
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), required=True, help="The folder; a new one.")
@options.apps
@options.cache
@_on
@click.option("--since", metavar="DATE", help="With what changed, and who left, since this day; 30 days if left out.")
@click.option("--sla", metavar="TIME", help="With who kept access longer than that after the merge.")
@click.option(
    "--sign", metavar="KEY", type=click.Path(path_type=Path), help="Sign SHA256SUMS with the private key in this file."
)
@options.history
def export(
    directory: Path | None,
    out: Path,
    apps: Sequence[str],
    on: str | None,
    since: str | None,
    sla: str | None,
    sign: Path | None,
    history: str | None,
) -> None:
    """Write a folder of evidence for an audit: access, changes, leavers, the review list, journals and plans; with the
    hash of each file, and signed with --sign.
    """
    from reconciler.cli.evidence import exported

    written = exported(directory, out, apps, on=on, since=since, sla=sla, sign=sign, history=history)
    click.echo(f"{out}: {written:,} files. `sha256sum -c SHA256SUMS` there says whether they are as they were written")
