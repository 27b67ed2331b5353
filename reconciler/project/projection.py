"""Directory and app → Desired: effective membership first, then scope, then mappings. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from collections.abc import Mapping as Table
from datetime import datetime

import orjson
from pydantic import ValidationError

from reconciler.errors import DesiredStateError, Place, Problem
from reconciler.model.app import App
from reconciler.model.desired import Desired
from reconciler.model.directory import Directory
from reconciler.model.mapping import Mapping, Mappings
from reconciler.model.profile import Profile
from reconciler.model.values import UserId
from reconciler.model.window import ALWAYS
from reconciler.project.approles import check_roles, effective_roles
from reconciler.project.columns import Columns
from reconciler.project.expressions import Context
from reconciler.project.expressions.context import NOTHING_KNOWN
from reconciler.project.filters import check_other_clauses
from reconciler.project.findings import Findings
from reconciler.project.groups import project_groups, split_members
from reconciler.project.membership import Nesting
from reconciler.project.objectflow import ObjectFlow, is_object_filter
from reconciler.project.people import project_people, user_source
from reconciler.project.reach import Reach
from reconciler.project.rules import Rules
from reconciler.project.scope import Scoping, groups_in_scope, standings
from reconciler.project.soon import Ahead
from reconciler.project.sources import GROUP_SOURCES, user_sources


def effective(app: App, profile: Profile) -> Mappings:
    """The app's mappings laid over the gallery's."""
    return app.mappings.over(profile.mappings)


def project(
    directory: Directory,
    app: App,
    profile: Profile,
    *,
    managed: Collection[UserId] = (),
    revoked: Table[UserId, str] = {},
    places: Table[str, Place] | None = None,
    as_of: datetime | None = None,
) -> Desired:
    """What the app should hold.

    `as_of`: the moment at which windows hold, and the value of Now(); without, windows and Now() are errors.
    `managed`: the people whom we provisioned; of those out of scope only they are in the result. `revoked`: who has
    no access without a pull request having said so → the reason, in words. `places`: dotted key
    (`mappings.users.2.expression`, `scope.filters.0.1.value`) → where its value stands in the app's files.

    Raises DesiredStateError with everything that is wrong: mappings, filters, values that don't fit their target,
    people who lack what the application requires, and people or groups whom no matching attribute tells apart.
    """
    findings = Findings(app, profile, places)
    profile = corrected(profile, app, findings)
    mappings = effective(app, profile)
    context = Context(as_of, hanging=set())
    written_users = [each for each in mappings.users if not is_object_filter(each)]
    user_columns = user_columns_of(written_users, directory, profile, findings, context)
    written, maps_members = split_members(mappings.groups, findings)
    group_columns = Columns("groups", written, profile, GROUP_SOURCES, findings, context)
    check_other_clauses(app, findings)
    if as_of is None and _has_windows(directory, app):
        message = "windows hold at a moment, and none is given"
        raise ValueError(message)
    nesting = Nesting(directory, as_of, Rules(directory, findings.add))
    chosen = groups_in_scope(app, directory, nesting, findings)
    scoping = Scoping(app, directory, nesting, findings, revoked)
    roles = effective_roles(app, nesting)
    check_roles(app, user_columns, findings)
    object_flow = ObjectFlow(mappings.users, profile, user_sources(directory), roles, findings, context)
    standing = object_flow.pass_on(standings(scoping, directory, managed))
    people = project_people(standing, user_columns, roles, profile, findings)
    wanted = {person.user.id: number for number, person in enumerate(people) if person.wanted}
    groups = project_groups(chosen, group_columns, nesting, wanted, findings) if chosen else []
    ahead = () if as_of is None else Ahead(app, directory, nesting, scoping, findings, as_of).of(people, chosen)
    findings.refuse()
    return Desired(
        app=app.name,
        directory=directory,
        user_columns=user_columns.table,
        group_columns=group_columns.table,
        people=people,
        groups=groups,
        off=user_columns.off(),
        maps_members=maps_members,
        in_scope=len(wanted),
        numbers={person.user.id: number for number, person in enumerate(people)},
        mappings_digest=_digest(mappings, profile),
        left_out=object_flow.left_out,
        left_out_match={
            user: user_columns.match_alone(user_source(directory.users[user], roles.get(user, ())))
            for user in object_flow.left_out
        },
        revoked=revoked,
        soon=ahead,
        reach=Reach(app, nesting, scoping, chosen, findings),
        warnings=findings.warnings,
    )


def _has_windows(directory: Directory, app: App) -> bool:
    assigned = app.scope.assigned
    return (
        any(user.window is not ALWAYS for user in directory)
        or any(entry.window is not ALWAYS for group in directory.groups.values() for entry in group.members)
        or (assigned is not None and any(each.from_ or each.until for each in (*assigned.users, *assigned.groups)))
    )


def user_columns_of(
    written: Iterable[Mapping],
    directory: Directory,
    profile: Profile,
    findings: Findings,
    context: Context = NOTHING_KNOWN,
) -> Columns:
    return Columns("users", written, profile, user_sources(directory), findings, context)


def corrected(profile: Profile, app: App, findings: Findings) -> Profile:
    """With the app's corrections. Raises DesiredStateError if they make no profile."""
    try:
        return profile.corrected(app.profile)
    except ValidationError as error:
        raise DesiredStateError(
            [
                Problem(findings.place(".".join(("profile", *map(str, each["loc"])))), each["msg"])
                for each in error.errors()
            ]
        ) from error


def _digest(mappings: Mappings, profile: Profile) -> str:
    document = {
        "mappings": mappings.model_dump(mode="json", by_alias=True),
        "profile": profile.model_dump(mode="json", by_alias=True, exclude={"mappings"}),
    }
    return "sha256:" + hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()
