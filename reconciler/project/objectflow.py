"""objectFilter: the target by which an expression leaves somebody out altogether, with IgnoreObjectFlow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.errors import ExpressionError
from reconciler.model.desired import Standing
from reconciler.model.directory import User
from reconciler.model.mapping import Mapping as Written
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile
from reconciler.model.schema import Schema
from reconciler.model.values import IGNORE_OBJECT, UserId
from reconciler.project.approles import Roles
from reconciler.project.conform import Misfit
from reconciler.project.expressions import Context
from reconciler.project.findings import Findings
from reconciler.project.mapping import OBJECT_FILTER, compile_mapping
from reconciler.project.people import user_source
from reconciler.project.scope import Stands


def is_object_filter(written: Written) -> bool:
    return parse_path(written.target).schema_name == OBJECT_FILTER


class ObjectFlow:
    """Passes on who flows; `left_out` holds the others, with the reason, once everybody was asked for.

    Only people in scope are left out: no expression keeps the access of those who are to lose it.
    """

    def __init__(
        self,
        written: Iterable[Written],
        profile: Profile,
        known: Schema,
        roles: Roles,
        findings: Findings,
        context: Context,
    ) -> None:
        self.left_out: dict[UserId, str] = {}
        self._roles = roles
        self._findings = findings
        self._filters = [
            compile_mapping(each, "users", profile, known, findings, context)
            for each in written
            if is_object_filter(each)
        ]

    def pass_on(self, standings: Iterable[Stands]) -> Iterable[Stands]:
        return self._those_who_flow(standings) if self._filters else standings

    def _those_who_flow(self, standings: Iterable[Stands]) -> Iterator[Stands]:
        for stands in standings:
            if stands.standing is Standing.IN_SCOPE and self._ignored(stands.user):
                self.left_out[stands.user.id] = "the mapping of objectFilter gives IgnoreObjectFlow"
            else:
                yield stands

    def _ignored(self, user: User) -> bool:
        source = user_source(user, self._roles.get(user.id, ()))
        for each in self._filters:
            try:
                if each.flow(source) is IGNORE_OBJECT:
                    return True
            except (Misfit, ExpressionError) as error:
                message = f"{each.column.path} of {user.id}: {error.message}"
                self._findings.add_many(f"users → {each.column.path}", each.place, message, error.hint)
        return False
