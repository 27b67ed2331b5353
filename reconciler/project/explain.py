"""Import, scope and mappings of one person, step by step. Says what `project` does, with its own parts; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise

from reconciler.errors import Place
from reconciler.model.app import App, AssignedGroup, AssignedUser, Clause, Not, Operator
from reconciler.model.directory import Directory, Group, User
from reconciler.model.explanation import (
    Action,
    Attribute,
    ClauseOutcome,
    Explanation,
    FilterOutcome,
    Imported,
    Mapped,
    Matched,
    Scoped,
    Way,
    plain,
)
from reconciler.model.plan import Source
from reconciler.model.profile import Profile
from reconciler.model.values import GroupId, UserId, Value, is_null, user_key
from reconciler.project.approles import effective_roles
from reconciler.project.columns import Columns
from reconciler.project.explain_mapping import REDACTED, explain_mappings, redacted_by
from reconciler.project.expressions import Context
from reconciler.project.filters import Compiled, clause_of
from reconciler.project.findings import Findings
from reconciler.project.membership import Lines, Nesting, Ways
from reconciler.project.objectflow import ObjectFlow
from reconciler.project.people import user_source
from reconciler.project.projection import corrected, effective
from reconciler.project.rules import Rules
from reconciler.project.scope import Scoping, Stands
from reconciler.project.sources import user_sources


class Explained:
    """What can be said of one person from the files alone. What is wrong with them shows where it matters, and as an
    error when the app is projected."""

    def __init__(
        self,
        directory: Directory,
        app: App,
        profile: Profile,
        user: User,
        *,
        places: Mapping[str, Place] | None = None,
        as_of: datetime | None = None,
        revoked: Mapping[UserId, str] = {},
    ) -> None:
        self._app, self._user, self._directory, self._revoked = app, user, directory, revoked
        self._findings = Findings(app, profile, places)
        self._profile = corrected(profile, app, self._findings)
        self._context = Context(as_of, hanging=set())
        rules = Rules(directory, self._findings.add)
        self._nesting = Nesting(directory, as_of, rules)
        self._ever = Nesting(directory, None, rules)
        self.roles = effective_roles(app, self._nesting).get(user.id, ())
        self._written = effective(app, self._profile).users
        self._hidden = frozenset(name for each in self._written for name in redacted_by(each))
        self.scope = self._scoped()
        known, in_scope = user_sources(directory), self.scope.standing == "inScope"
        self._columns = Columns("users", self._written, self._profile, known, self._findings, self._context)
        source = user_source(user, self.roles, soft=not in_scope)
        self.mappings: tuple[Mapped, ...] = explain_mappings(
            self._columns, self._written, source, self._context, in_scope=in_scope
        )

    @property
    def imported(self) -> Imported:
        """What a Redact keeps out of outputs is kept out of this one too."""
        user = self._user
        values = {**user.attributes, "accountEnabled": user.enabled}
        attributes = tuple(
            Attribute(
                name=name,
                value=self._shown(name, value),
                line=user.lines.get(name, 0),
            )
            for name, value in sorted(values.items(), key=lambda item: (user.lines.get(item[0], 0), item[0]))
        )
        return Imported(file=user.file, line=user.line, kind=user.kind, attributes=attributes, roles=self.roles)

    def explanation(self, match: Matched, action: Action) -> Explanation:
        """With what only a plan knows."""
        user, moment = self._user, self._context.now
        return Explanation(
            app=self._app.name,
            key=user_key(user.id),
            name=user.id if "displayName" in self._hidden else user.name,
            as_of="" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            imported=self.imported,
            scope=self.scope,
            match=match,
            action=action,
        )

    @property
    def matching(self) -> tuple[tuple[str, Value], ...]:
        """Matching path and today's value, by precedence: also of somebody who is not in scope."""
        columns = self._columns
        values = columns.match_alone(user_source(self._user, self.roles))
        return tuple((columns.all[n].column.path, value) for n, value in zip(columns.matching, values, strict=True))

    def _scoped(self) -> Scoped:
        app, user = self._app, self._user
        scoping = Scoping(app, self._directory, self._nesting, self._findings, self._revoked)
        stands = scoping.standing(user)
        filters = scoping.filters.filters if scoping.filters is not None else ()
        return Scoped(
            standing=stands.standing.value,
            why=stands.why,
            enabled=user.enabled,
            window=str(user.window),
            inside=self._nesting.holds(user.window),
            everyone=app.scope.everyone,
            assigned=tuple(self._ways()),
            excluded=user.id in scoping.excluded,
            filters=tuple(self._outcome(clauses) for clauses in filters),
            left_out=self._left_out(stands),
        )

    def _left_out(self, stands: Stands) -> str:
        roles = {self._user.id: self.roles}
        sources = user_sources(self._directory)
        flow = ObjectFlow(self._written, self._profile, sources, roles, self._findings, self._context)
        list(flow.pass_on([stands]))
        return flow.left_out.get(self._user.id, "")

    def _ways(self) -> Iterator[Way]:
        """Every assignment that reaches the person at any time: their own first, then those of groups, in the order of
        the file."""
        assigned, user = self._app.scope.assigned, self._user
        if assigned is None:
            return
        for number, own in enumerate(assigned.users):
            if own.user == user.id:
                place = self._findings.place(f"scope.assigned.users.{number}")
                yield self._way(own, (), Way(source=source_of(place), roles=own.roles))
        for entry in assigned.groups:
            group = self._nesting.groups.get(entry.group)
            entered = self._entered(group) if group is not None else None
            if entered is not None:
                (through, source), windows, holds = entered
                way = Way(group=entry.group, through=through, source=source, roles=entry.roles, holds=holds)
                yield self._way(entry, windows, way)

    def _way(self, assignment: AssignedUser | AssignedGroup, windows: tuple[str, ...], way: Way) -> Way:
        window = assignment.window(self._directory.zone)
        own = (f"assigned {window}",) if str(window) else ()
        holds = way.holds and self._nesting.holds(window)
        return way.model_copy(update={"windows": (*own, *windows), "holds": holds})

    def _entered(self, group: Group) -> tuple[tuple[tuple[GroupId, ...], Source], tuple[str, ...], bool] | None:
        """The way into a group, what on it has a window, and whether it holds now; None: never in it."""
        now = way_into(self._nesting, group, self._user.id)
        nesting = self._ever if now is None else self._nesting
        found = now or way_into(self._ever, group, self._user.id)
        if found is None:
            return None
        return found, tuple(windows_on(nesting, (group.id, *found[0]), self._user.id)), now is not None

    def _outcome(self, clauses: tuple[Compiled[User], ...]) -> FilterOutcome:
        outcomes = tuple(
            ClauseOutcome(
                text=written(each.written),
                value=self._membership(each) or self._shown(clause_of(each.written).attribute, each.read(self._user)),
                holds=each.holds(self._user),
                source=source_of(each.place),
            )
            for each in clauses
        )
        return FilterOutcome(holds=all(each.holds for each in outcomes), clauses=outcomes)

    def _shown(self, attribute: str, value: Value) -> Value:
        return REDACTED if attribute in self._hidden and not is_null(value) else plain(value)

    def _membership(self, compiled: Compiled[User]) -> str:
        """Of IS MEMBER OF: the way in, in words."""
        clause = clause_of(compiled.written)
        if clause.operator is not Operator.IS_MEMBER_OF:
            return ""
        group = self._nesting.groups.get(GroupId(str(clause.value)))
        entered = self._entered(group) if group is not None else None
        if entered is None:
            return "not in it"
        (through, source), windows, holds = entered
        way = f"{' through ' + ', '.join(through) if through else ''}"
        when = f" ({', '.join(windows)})" if windows else ""
        return f"{'in it' if holds else 'not in it now'}{way}{when}, {source.file}:{source.line}"


def way_into(nesting: Nesting, group: Group, user: UserId) -> tuple[tuple[GroupId, ...], Source] | None:
    """The nested groups on the shortest way, and the entry in `group` that it begins with; None: not in it."""
    ways = Ways(nesting, group, {user: 0})
    if 0 not in ways.lines and 0 not in ways.through:
        return None
    through = () if 0 in ways.lines else ways.chain(ways.through[0])
    file, line = Lines(ways)[0]
    return through, Source(file=file, line=line)


def windows_on(nesting: Nesting, chain: tuple[GroupId, ...], user: UserId) -> Iterator[str]:
    """What on a way through these groups, the outermost first, has a window, in words."""
    for around, inside in pairwise(chain):
        entered = [str(each.window) for each in nesting.entries(around) if each.group == inside]
        if all(entered):
            yield f"{inside} in {around} {' and '.join(entered)}"
    last = nesting.groups[chain[-1]]
    entered = [str(each.window) for each in nesting.entries(last.id) if each.user == user]
    if entered and all(entered) and not any(user in people for _, people in nesting.rules.people(last)):
        yield f"{user} in {last.id} {' and '.join(entered)}"


def written(condition: Clause | Not) -> str:
    """A clause in one line: `not department EQUALS "Sales"`."""
    if isinstance(condition, Not):
        return f"not {written(condition.clause)}"
    value = "" if condition.value is None else f'"{condition.value}"'
    return " ".join(part for part in (condition.attribute, str(condition.operator), value) if part)


def source_of(place: Place) -> Source:
    return Source(file=place.file, line=place.line)
