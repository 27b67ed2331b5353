"""One person who goes, from an app's mappings alone: what is written then, and what the account is found by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.app import App
from reconciler.model.desired import Column
from reconciler.model.directory import Directory, User
from reconciler.model.profile import Profile
from reconciler.model.values import UNSET, Flow, Value, is_null
from reconciler.project.expressions import Context
from reconciler.project.findings import Findings
from reconciler.project.objectflow import is_object_filter
from reconciler.project.people import user_source
from reconciler.project.projection import corrected, effective, user_columns_of


@dataclass(frozen=True, slots=True)
class Leaver:
    columns: tuple[Column, ...]
    values: tuple[Flow, ...]
    """Aligned with the columns; UNSET: nothing is written there."""
    match: tuple[tuple[str, Value], ...]
    """Path and value of what tells the account, by precedence; nothing of somebody of whom nothing is known."""


def leaver(app: App, profile: Profile, directory: Directory, user: User | None, as_of: datetime) -> Leaver:
    """What `project` would give for somebody who loses access. A mapping that fails writes nothing.

    Raises DesiredStateError if the app's `profile` makes no profile.
    """
    findings = Findings(app, profile, None)
    written = [m for m in effective(app, corrected(profile, app, findings)).users if not is_object_filter(m)]
    columns = user_columns_of(written, directory, profile, findings, Context(as_of, hanging=set()))
    off = columns.off()
    if user is None:
        return Leaver(columns.table, off, ())
    own = columns.soft_row(user.id, user_source(user, soft=True))
    values = tuple(otherwise if value is UNSET else value for value, otherwise in zip(own, off, strict=True))
    match = zip(columns.matching, columns.match_alone(user_source(user)), strict=True)
    known = tuple((columns.all[n].column.path, value) for n, value in match if not is_null(value))
    return Leaver(columns.table, values, known)
