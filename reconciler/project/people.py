"""People → rows: what the app should hold of everybody whom it is about."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.desired import Person, Standing
from reconciler.model.directory import User
from reconciler.model.profile import Profile
from reconciler.model.values import Flow, Value, is_null
from reconciler.project.approles import Roles
from reconciler.project.columns import Columns
from reconciler.project.findings import Findings, place_of
from reconciler.project.scope import Stands
from reconciler.project.sources import ROLES, SOFT
from reconciler.project.unique import Unique


def user_source(user: User, roles: tuple[str, ...] = (), *, soft: bool = False) -> dict[str, Value]:
    """A person's source attributes, the computed ones included. IsSoftDeleted is a text, as in the service."""
    return {
        **user.attributes,
        "id": user.id,
        "accountEnabled": user.enabled,
        ROLES: roles,
        SOFT: "True" if soft else "False",
    }


def project_people(
    standings: Iterable[Stands],
    columns: Columns,
    roles: Roles,
    profile: Profile,
    findings: Findings,
) -> list[Person]:
    """One Person for each standing, in its order. Who can't be created or told apart goes to `findings`."""
    unique = Unique(columns, "people", findings)
    required = _required(columns, profile, findings)
    people: list[Person] = []
    for user, standing, why, cause in standings:
        own = roles.get(user.id, ())
        source = user_source(user, own)
        if standing is Standing.IN_SCOPE:
            values, fits = columns.row(user.id, source)
            match = columns.match(values)
            if fits:  # what does not fit is missing only for that reason
                _complete(user, values, required, columns, findings)
                unique.demand(user, match)
        else:
            values = columns.soft_row(user.id, user_source(user, own, soft=True))
            match = columns.match_alone(source)
        if standing is not Standing.OUT_OF_SCOPE:
            unique.note(user, match)
        former = columns.former(source, user.formerly) if user.formerly else ()
        people.append(Person(user, standing, values, match, former, why, cause))
    return people


def _required(columns: Columns, profile: Profile, findings: Findings) -> list[int]:
    """The columns without which the application refuses a creation."""
    found: list[int] = []
    for path in profile.users.required:
        n = columns.find(path)
        if n is None:
            findings.add(
                findings.place("mappings.users"),
                f"{profile.title} requires {path}, and no mapping gives it",
                f"add a mapping with `target: {path}`",
            )
        elif not (columns.all[n].broken or columns.all[n].column.matching):
            found.append(n)  # that matching columns have a value is looked after by Unique
    return found


def _complete(user: User, values: tuple[Flow, ...], required: list[int], columns: Columns, findings: Findings) -> None:
    for n in required:
        if is_null(values[n]) and is_null(columns.all[n].column.default):
            target, attribute = columns.all[n].column.path, columns.attribute_of(n)
            why = f": {attribute} is empty" if attribute else ""
            findings.add_many(
                f"required {target}",
                place_of(user, attribute),
                f"{findings.title} requires {target}, and {user.id} has none{why}",
                f"give {user.id} a value, or the mapping a `default`",
            )
