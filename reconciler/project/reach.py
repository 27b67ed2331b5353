"""Who could have access to an app at some time, whatever day it is: what the projection knows beside its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.app import App
from reconciler.model.directory import Group, User
from reconciler.model.values import UserId
from reconciler.project.filters import asked_groups
from reconciler.project.findings import Findings
from reconciler.project.membership import Nesting
from reconciler.project.scope import Scoping


class Reach:
    """See model.desired.Reach. `groups` are those of the app."""

    def __init__(
        self, app: App, nesting: Nesting, scoping: Scoping, groups: Sequence[Group], findings: Findings
    ) -> None:
        self._scoping, self._nesting = scoping, nesting
        assigned = () if app.scope.assigned is None else app.scope.assigned.groups
        self.groups = frozenset(group.id for group in groups)
        if app.groups == "assigned" and app.scope.assigned is not None:
            self.groups |= {each.group for each in assigned}  # an assignment that holds later brings its group then
        entries = () if app.scope.assigned is None else app.scope.assigned.users
        keys = [*(f"users.{n}" for n in range(len(entries))), *(f"groups.{n}" for n in range(len(assigned)))]
        self.assigned = {key: findings.place(f"scope.assigned.{key}") for key in keys}
        self.giving = self.groups.union((each.group for each in assigned), asked_groups(app.scope.filters))

    def may(self, user: User) -> bool:
        scoping = self._scoping
        if not user.enabled or user.id in scoping.excluded or (scoping.everyone and user.kind != "person"):
            return False
        filters = scoping.filters
        return filters is None or filters.ask_membership or filters(user)

    def by_rule(self, group: Group) -> Iterator[UserId]:
        found: Iterable[tuple[object, Sequence[UserId]]] = self._nesting.rules.people(group) if group.rules else ()
        for _, people in found:
            yield from people
