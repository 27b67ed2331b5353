"""Who is in scope, who is not, and why: assignment at any depth, exclusion, filters, accountEnabled."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from reconciler.model.app import App
from reconciler.model.desired import Cause, Standing
from reconciler.model.directory import Directory, Group, User
from reconciler.model.values import GroupId, UserId
from reconciler.project.filters import compile_group_filters, compile_user_filters
from reconciler.project.findings import Findings
from reconciler.project.membership import Nesting
from reconciler.project.suggest import suggestion


class Stands(NamedTuple):
    """Where somebody stands, and why: empty for whoever is in scope."""

    user: User
    standing: Standing
    why: str = ""
    cause: Cause | None = None


class Scoping:
    """One app's scope, compiled. What is wrong with it goes to `findings`."""

    def __init__(
        self,
        app: App,
        directory: Directory,
        nesting: Nesting,
        findings: Findings,
        revoked: Mapping[UserId, str] = {},
    ) -> None:
        self.revoked = revoked
        self.everyone = app.scope.everyone
        self.filters = compile_user_filters(app.scope.filters, directory, nesting, findings)
        self.excluded = app.scope.excluded
        self._as_of = nesting.as_of
        self._assigned = _assigned(app, directory, nesting, findings)

    def standing(self, user: User) -> Stands:
        if self.everyone:
            entitled, why = user.kind == "person", f"is a {user.kind} account, and everyone means people"
        else:
            entitled, why = user.id in self._assigned, "left scope"
        if entitled and user.id in self.excluded:
            entitled, why = False, "excluded"
        if entitled and self.filters is not None and not self.filters(user):
            entitled, why = False, "no scoping filter lets them through"
        otherwise = Standing.DISABLED if entitled else Standing.OUT_OF_SCOPE
        if user.id in self.revoked:
            reason = self.revoked[user.id]
            return Stands(user, otherwise, f"revoked: {reason}" if reason else "revoked", Cause.REVOKED)
        if not entitled:
            return Stands(user, otherwise, why, Cause.OUT_OF_SCOPE)
        if not user.enabled:
            return Stands(user, otherwise, "disabled", Cause.DISABLED)
        if self._as_of is not None and not user.window.holds(self._as_of):
            return Stands(user, otherwise, user.window.why_not(self._as_of), Cause.OUTSIDE_WINDOW)
        return Stands(user, Standing.IN_SCOPE)


def standings(scoping: Scoping, directory: Directory, managed: Collection[UserId]) -> Iterator[Stands]:
    """Whom the app is about, by id: people in scope, those who would be but for what took their access away, and of
    those out of scope the managed."""
    kept = frozenset(managed)
    for identity in sorted(directory.users):
        stands = scoping.standing(directory.users[identity])
        if stands.standing is not Standing.OUT_OF_SCOPE or identity in kept:
            yield stands


def groups_in_scope(app: App, directory: Directory, nesting: Nesting, findings: Findings) -> list[Group]:
    """The directory's groups that are groups of the app, by id. An assignment that does not hold assigns nothing."""
    passes = compile_group_filters(app.scope.group_filters, findings)
    known = directory.groups
    if isinstance(app.groups, tuple):
        wanted: set[GroupId] = set(app.groups)
        for number, group in enumerate(app.groups):
            if group not in known:
                findings.add(findings.place(f"groups.{number}"), f"there is no group {group}", suggestion(group, known))
    elif app.groups == "none":
        wanted = set()
    elif app.groups == "all" or app.scope.assigned is None:
        wanted = set(known)
    else:
        wanted = {each.group for each in nesting.in_force(app.scope.assigned.groups)}
    chosen = [known[each] for each in sorted(wanted) if each in known]
    return chosen if passes is None else [group for group in chosen if passes(group)]


def _assigned(app: App, directory: Directory, nesting: Nesting, findings: Findings) -> set[UserId]:
    assigned = app.scope.assigned
    if assigned is None:
        return set()
    for number, group in enumerate(assigned.groups):
        if group.group not in directory.groups:
            findings.add(
                findings.place(f"scope.assigned.groups.{number}"),
                f"there is no group {group.group}",
                suggestion(group.group, directory.groups),
            )
    for number, user in enumerate(assigned.users):
        if user.user not in directory.users:
            findings.add(
                findings.place(f"scope.assigned.users.{number}"),
                f"there is nobody with the id {user.user}",
                suggestion(user.user, directory.users),
            )
    people = nesting.people(each.group for each in nesting.in_force(assigned.groups))
    return people | {each.user for each in nesting.in_force(assigned.users)}
