"""`reconciler log`: what was done to whom, and what was not, from the history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.service.history import History
    from reconciler.session import Settings

ENOUGH = 100
"""Entries of a log that nobody has limited, on a screen."""


@click.command()
@options.directory
@options.history
@click.option("--app", metavar="NAME", help="Only this app; it need not be in the files any more.")
@click.option("--who", metavar="KEY|NAME", help="Only this person or group: user:ID, group:ID, or a part of the name.")
@click.option("--status", type=click.Choice(["success", "failure", "skipped", "warning"]), help="Only these.")
@click.option("--action", metavar="VERB", help="Only this action, such as addMembers.")
@click.option("--cycle", metavar="ID", help="Only this cycle.")
@click.option("--since", metavar="TIME", help="From this moment on: a day or a time (UTC), or how long ago: 24h, 7d.")
@click.option("--before", metavar="TIME", help="Until just before this moment.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(1), help="No more entries than this; 100 of text if left out."
)
@click.option("--oldest-first", is_flag=True, help="In the order in which it happened.")
@click.option("--steps", is_flag=True, help="The four steps and the values of each entry.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv"]),
    default="text",
    show_default=True,
    help="Of stdout. JSON and CSV have everything.",
)
@options.settings
def log(settings: Settings, history: str | None, form: str, steps: bool, who: str | None, **wanted: Any) -> None:
    """Show what was done to whom, what failed, and what was left, newest first."""
    from reconciler.cli.monitored import history_of
    from reconciler.cli.plans import style
    from reconciler.model.history import LogFilter
    from reconciler.service import entries

    now = datetime.now(UTC)
    limit = wanted["limit"] or (ENOUGH if form == "text" else None)
    since, before = (_moment(name, wanted[name], now) for name in ("since", "before"))
    with history_of(settings, history) as opened:
        key = None if who is None else _key(opened, who, wanted["app"])
        filtered = LogFilter(
            wanted["app"], key, wanted["status"], wanted["action"], wanted["cycle"], since, before,
            None if limit is None else limit + 1, not wanted["oldest_first"],
        )  # fmt: skip
        found = _Limited(opened.log(filtered), limit)
        match form:
            case "json":
                lines = entries.document(found)
            case "csv":
                lines = entries.table(found)
            case _:
                lines = entries.text(found, style(), steps=steps)
        for line in lines:
            click.echo(line, nl=False)
    if not found.count:
        click.echo("nothing of that is in the history", err=True)
    elif found.more:
        click.echo(f"the first {found.count:,}; there are more: --limit, or narrow it down", err=True)


class _Limited:
    """Counts what it hands out, and knows whether there was more."""

    def __init__(self, entries: Any, limit: int | None) -> None:
        self._entries, self._limit = entries, limit
        self.count, self.more = 0, False

    def __iter__(self) -> Any:
        for entry in self._entries:
            if self._limit is not None and self.count >= self._limit:
                self.more = True
                return
            self.count += 1
            yield entry


def _key(history: History, who: str, app: str | None) -> str:
    """Raises HistoryError for a part of a name that is nobody's, or several people's."""
    from reconciler.errors import HistoryError
    from reconciler.render.safe import safe

    if who.startswith(("user:", "group:", "account:", "appGroup:")):
        return who
    found = history.people(who, app=app)
    exact = [key for key, name in found if who.casefold() in (key.partition(":")[2].casefold(), name.casefold())]
    if len(exact) == 1:
        return exact[0]
    if len(found) == 1:
        return found[0][0]
    if not found:
        raise HistoryError(f"nobody in the history is called {safe(who)}", hint="a key, such as user:ID, is exact")
    named = ", ".join(f"{safe(key)} ({safe(name)})" for key, name in found[:10])
    raise HistoryError(f"{safe(who)} may be several", hint=f"name one of them: {named}" + (", …" * (len(found) > 10)))


def _moment(name: str, text: str | None, now: datetime) -> datetime | None:
    """A day (its first moment, UTC), a time, or how long ago. Raises UsageError."""
    from reconciler.errors import UsageError
    from reconciler.model.interval import span_of

    if text is None:
        return None
    try:
        return now - span_of(text)
    except (ValueError, OverflowError):
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--{name} {text[:40]!r}: neither a time nor how long ago", hint="2026-11-26, 2026-11-26T17:00Z, 24h or 7d"
        ) from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
