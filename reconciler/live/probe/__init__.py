"""What a server really does, found by reading alone: at most `MOST` questions, of which none writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler.http import Client
from reconciler.live.probe.ask import Ask, Progress
from reconciler.live.probe.discovery import look_at_discovery
from reconciler.live.probe.filters import Filters
from reconciler.live.probe.paging import look_at_paging
from reconciler.live.probe.report import Difference, Finding, Report
from reconciler.live.probe.resources import look_at_answers, look_at_groups, look_at_users

MOST: Final = 48
_ATTEMPTS: Final = 3
"""A server that fails at a question answers it so; one that is only busy is asked again."""


async def probe(
    client: Client,
    report: Report,
    *,
    users_by: Sequence[str],
    groups_by: Sequence[str],
    progress: Progress | None = None,
) -> None:
    """Fills the report. `users_by` and `groups_by` are the matching attributes of the mappings.

    Raises ReconcilerError where there is no server, no token or no list of users.
    """
    profile = report.profile
    ask = Ask(client, progress, most=MOST, attempts=_ATTEMPTS)
    await look_at_discovery(ask, report)
    users = await look_at_paging(ask, report)
    filters = Filters(ask, report, "users", profile.users.endpoint, users)
    await filters.look(users_by, profile.filters.users)
    await filters.details("userName")
    await look_at_users(ask, report, users)
    if profile.groups.supported:
        groups = await look_at_groups(ask, report, users)
        if groups is not None:
            await Filters(ask, report, "groups", profile.groups.endpoint, groups).look(
                groups_by, profile.filters.groups
            )
    look_at_answers(ask, report)


__all__ = ["MOST", "Ask", "Difference", "Finding", "Progress", "Report", "probe"]
