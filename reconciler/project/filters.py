"""Scoping filters: any of them, each a list of clauses that must all hold. They read what stands in files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from reconciler.errors import ClauseError, Place
from reconciler.model.app import App, Clause, Condition, Not, Operator
from reconciler.model.clauses import Kind, Test, compile_condition, kinds_of
from reconciler.model.directory import COMPUTED, GRAPH_ATTRIBUTES, Directory, Group, User
from reconciler.model.values import GroupId, Value
from reconciler.project.findings import Findings
from reconciler.project.membership import Nesting
from reconciler.project.suggest import suggestion

Subject = TypeVar("Subject", User, Group)
Passes: TypeAlias = Callable[[Subject], bool]
Written: TypeAlias = tuple[tuple[Condition, ...], ...]

GROUP_ATTRIBUTES = ("displayName", "description")


@dataclass(frozen=True, slots=True)
class Compiled(Generic[Subject]):
    """One clause, or `not` around one."""

    written: Condition
    place: Place
    read: Callable[[Subject], Value]
    """The attribute's value; None where the clause asks for membership."""
    holds: Passes[Subject]


@dataclass(frozen=True, slots=True)
class Filters(Generic[Subject]):
    """The test that an app's filters make of a person or a group."""

    filters: tuple[tuple[Compiled[Subject], ...], ...]

    @property
    def ask_membership(self) -> bool:
        return any(
            clause_of(each.written).operator is Operator.IS_MEMBER_OF for clauses in self.filters for each in clauses
        )

    def __call__(self, subject: Subject) -> bool:
        return any(all(each.holds(subject) for each in clauses) for clauses in self.filters)


def user_attributes(directory: Directory) -> frozenset[str]:
    """What files may say of people: Graph's attributes and the custom ones."""
    return frozenset((*GRAPH_ATTRIBUTES, *directory.attributes))


def clause_of(written: Condition) -> Clause:
    return written.clause if isinstance(written, Not) else written


def asked_groups(filters: Written) -> Iterator[GroupId]:
    """The groups whose members a filter asks for."""
    for clause in (clause_of(each) for clauses in filters for each in clauses):
        if clause.operator is Operator.IS_MEMBER_OF:
            yield GroupId(str(clause.value))


def compile_user_filters(
    filters: Written, directory: Directory, nesting: Nesting, findings: Findings
) -> Filters[User] | None:
    """What `scope.filters` say; None if there are none."""
    return _OfPeople(directory, nesting, findings).compile(filters) if filters else None


def compile_group_filters(filters: Written, findings: Findings) -> Filters[Group] | None:
    return _OfGroups(findings).compile(filters) if filters else None


def check_other_clauses(app: App, findings: Findings) -> None:
    """`ignore` and `protected` read the application's attributes, so only what they compare with is looked at here."""
    protected = app.guardrails.protected
    for key, entries in (
        ("ignore.users", app.ignore.users),
        ("ignore.groups", app.ignore.groups),
        ("guardrails.protected.users", protected.users),
        ("guardrails.protected.groups", protected.groups),
    ):
        for number, entry in enumerate(entries):
            if isinstance(entry, Clause):
                _test(entry, "", findings.place(f"{key}.{number}.value"), findings)


class _Compiler(Generic[Subject]):
    """What is wrong with a clause goes to the findings, with its place; it then holds for nobody."""

    key = ""
    known: Collection[str] = ()
    kinds: Mapping[str, Kind] = {}
    """Attributes whose values compare otherwise than as what they look like."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def reader(self, attribute: str) -> Callable[[Subject], Value]:
        return lambda subject: subject.attributes.get(attribute)

    def membership(self, clause: Clause, place: Place) -> Passes[Subject]:
        self.findings.add(place, f"{clause.operator} asks about people", "groups are filtered by their attributes")
        return lambda _: False

    def compile(self, filters: Written) -> Filters[Subject]:
        for number, clauses in enumerate(filters):
            if not clauses:
                self.findings.add(
                    self.findings.place(f"{self.key}.{number}"),
                    "a filter without clauses lets everybody through",
                    "remove it, or say what must hold",
                )
        return Filters(
            tuple(
                tuple(
                    self._compiled(written, f"{self.key}.{number}.{position}")
                    for position, written in enumerate(clauses)
                )
                for number, clauses in enumerate(filters)
            )
        )

    def _compiled(self, written: Condition, key: str) -> Compiled[Subject]:
        negated, clause = isinstance(written, Not), clause_of(written)
        place = self.findings.place(key)
        inner = f"{key}.not" if negated else key
        value = self.findings.place(f"{inner}.value")
        if clause.operator is Operator.IS_MEMBER_OF:
            member = self.membership(clause, value)
            holds: Passes[Subject] = (lambda subject: not member(subject)) if negated else member
            return Compiled(written, place, lambda _: None, holds)
        self._check_attribute(clause.attribute, self.findings.place(f"{inner}.attribute"))
        read = self.reader(clause.attribute)
        test = _test(written, self.kinds.get(clause.attribute, ""), value, self.findings)
        return Compiled(written, place, read, _told_once(test, read, value, self.findings))

    def _check_attribute(self, attribute: str, place: Place) -> None:
        if attribute in self.known:
            return
        if attribute not in COMPUTED:
            message = f"no source attribute has the name {attribute}"
            self.findings.add(place, message, suggestion(attribute, self.known))
            return
        hint = "people are filtered by group with `operator: IS MEMBER OF`" if attribute == "members" else ""
        message = f"{attribute} is computed, so no filter can read it"
        self.findings.add(place, message, hint or "filters read what stands in files")


class _OfPeople(_Compiler[User]):
    key = "scope.filters"

    def __init__(self, directory: Directory, nesting: Nesting, findings: Findings) -> None:
        super().__init__(findings)
        self.known = user_attributes(directory)
        self.kinds = kinds_of(directory.attributes)
        self._nesting = nesting

    def reader(self, attribute: str) -> Callable[[User], Value]:
        if attribute == "accountEnabled":
            return lambda user: user.enabled
        return super().reader(attribute)

    def membership(self, clause: Clause, place: Place) -> Passes[User]:
        """Effective membership; whoever is in the group by any way."""
        group = GroupId(str(clause.value))
        if group not in self._nesting.groups:
            self.findings.add(place, f"there is no group {group}", suggestion(group, self._nesting.groups))
            return lambda _: False
        people = self._nesting.people([group])
        return lambda user: user.id in people


class _OfGroups(_Compiler[Group]):
    key = "scope.groupFilters"
    known = frozenset(GROUP_ATTRIBUTES)


def _test(written: Condition, kind: Kind, place: Place, findings: Findings) -> Test:
    try:
        return compile_condition(written, kind)
    except ClauseError as error:
        findings.add(place, error.message)
        return lambda _: False


def _told_once(test: Test, value: Callable[[Subject], Value], place: Place, findings: Findings) -> Passes[Subject]:
    failed = False

    def holds(subject: Subject) -> bool:
        nonlocal failed
        if failed:
            return False
        try:
            return test(value(subject))
        except ClauseError as error:
            failed = True
            findings.add(place, f"{error.message} (met with {subject.id})")
            return False

    return holds
