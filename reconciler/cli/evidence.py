"""What the questions about evidence have in common: the past of the files, days, and the history beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.evidence import Past
    from reconciler.model.access import Leaver

_DAYS_BACK = 30


@contextmanager
def opened_past(directory: Path | None, apps: Sequence[str]) -> Iterator[tuple[Past, Path, tzinfo]]:
    """The past, the folder, and the zone in which days are meant: that of the files of now."""
    from reconciler.cli.progress import Progress
    from reconciler.desired import load_apps_alone
    from reconciler.desired.load import zone_of
    from reconciler.evidence import Past
    from reconciler.session import Settings, root_of

    root = root_of(Settings(directory))
    zone = zone_of(load_apps_alone(root, apps or None).settings)
    with Progress("access") as progress, Past(root, apps or None, progress) as past:
        yield past, root, zone


def moment_on(text: str | None, zone: tzinfo) -> datetime:
    """The last second of a day in `zone`, or the time that is written; the present if nothing is. Raises UsageError."""
    from reconciler.model.window import EXAMPLE, closes_at
    from reconciler.render import safe

    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        moment = closes_at(text, zone)
    except ValueError as error:
        raise UsageError(f"{safe(text)} is neither a day nor a time with an offset", hint=EXAMPLE) from error
    return moment - timedelta(seconds=1) if "T" not in text else moment


def found_leavers(
    directory: Path | None, apps: Sequence[str], user: str | None, since: str | None, sla: str | None, url: str | None
) -> tuple[list[Leaver], timedelta | None]:
    """Whoever lost access, the first in time first, with what the history knows. Raises UsageError."""
    from reconciler.cli.monitored import history_of
    from reconciler.evidence import leavers_since
    from reconciler.evidence.leavers import leaver
    from reconciler.model.history import LogFilter
    from reconciler.model.interval import interval_of
    from reconciler.session import Settings

    try:
        allowed = None if sla is None else interval_of(sla)
    except ValueError as error:
        raise UsageError(f"--sla {sla}: {error}", hint="minutes, hours or days: 30m, 24h, 2d") from error
    now = datetime.now(UTC).replace(microsecond=0)
    person = None if user is None else f"user:{user.removeprefix('user:')}"
    with opened_past(directory, apps) as (past, root, zone):
        start = now - timedelta(days=_DAYS_BACK) if since is None else moment_on(since, zone) - timedelta(days=1)
        lost = leavers_since(past, root, start, now, lambda grant: person is None or grant.key == person)
    file = root.resolve() / ".reconciler" / "history.db"
    if url is None and not file.exists():
        if allowed is not None:
            raise UsageError(
                f"there is no history yet: {file}", hint="when access ended is known from there: --history"
            )
        return [leaver(*each, (), (), now=now, sla=None) for each in lost], None
    with history_of(Settings(directory), url) as history:
        names = {grant.app for grant, _, _ in lost}
        cycles = {name: [c for c in history.cycles(name, since=start) if c.status == "success"] for name in names}
        return [
            leaver(
                *each, history.log(LogFilter(key=each[0].key, app=each[0].app)), cycles[each[0].app],
                now=now, sla=allowed,
            )
            for each in lost
        ], allowed  # fmt: skip
