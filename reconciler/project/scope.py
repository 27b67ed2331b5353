"""Who is in scope, who is not, and why: assignment at any depth, exclusion, filters, accountEnabled."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reconciler.model.app import App
from reconciler.model.desired import Standing
from reconciler.model.directory import Directory, Group, User
from reconciler.model.values import GroupId, UserId
from reconciler.project.filters import compile_group_filters, compile_user_filters
from reconciler.project.findings import Findings
from reconciler.project.membership import Nesting
from reconciler.project.suggest import suggestion


def standings(
    app: App, directory: Directory, nesting: Nesting, managed: Collection[UserId], findings: Findings
) -> Iterator[tuple[User, Standing, str]]:
    """Whom the app is about, by id: people in scope, disabled and otherwise in scope, or managed and out of scope."""
    scope = app.scope
    passes = compile_user_filters(scope.filters, directory, findings)
    assigned = _assigned(app, directory, nesting, findings)
    excluded, kept = scope.excluded, frozenset(managed)
    for identity in sorted(directory.users):
        user = directory.users[identity]
        if scope.everyone:
            entitled, why = user.kind == "person", f"is a {user.kind} account, and everyone means people"
        else:
            entitled, why = identity in assigned, "left scope"
        if entitled and identity in excluded:
            entitled, why = False, "excluded"
        if entitled and passes is not None and not passes(user):
            entitled, why = False, "no scoping filter lets them through"
        if entitled and user.enabled:
            yield user, Standing.IN_SCOPE, ""
        elif entitled:
            yield user, Standing.DISABLED, "disabled"
        elif identity in kept:
            yield user, Standing.OUT_OF_SCOPE, why


def groups_in_scope(app: App, directory: Directory, findings: Findings) -> list[Group]:
    """The directory's groups that are groups of the app, by id."""
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
        wanted = {each.group for each in app.scope.assigned.groups}
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
    return nesting.people(each.group for each in assigned.groups) | {each.user for each in assigned.users}
