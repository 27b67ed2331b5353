"""Scoping filters: any of them, each a list of clauses that must all hold. They read what stands in files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias, TypeVar

from reconciler.errors import ClauseError
from reconciler.model.app import App, Clause
from reconciler.model.clauses import Test, compile_clause
from reconciler.model.directory import COMPUTED, GRAPH_ATTRIBUTES, Directory, Group, User
from reconciler.model.values import Value
from reconciler.project.findings import Findings
from reconciler.project.suggest import suggestion

Subject = TypeVar("Subject", User, Group)
Passes: TypeAlias = Callable[[Subject], bool]

GROUP_ATTRIBUTES = ("displayName", "description")


def user_attributes(directory: Directory) -> frozenset[str]:
    """What files may say of people: Graph's attributes and the custom ones."""
    return frozenset((*GRAPH_ATTRIBUTES, *directory.attributes))


def compile_user_filters(
    filters: tuple[tuple[Clause, ...], ...], directory: Directory, findings: Findings
) -> Passes[User] | None:
    """The test that `scope.filters` make of a person; None if there are none."""
    known = user_attributes(directory)
    return _compile(filters, "scope.filters", known, _read_user, findings)


def compile_group_filters(filters: tuple[tuple[Clause, ...], ...], findings: Findings) -> Passes[Group] | None:
    return _compile(filters, "scope.groupFilters", frozenset(GROUP_ATTRIBUTES), _read_group, findings)


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
                _test(entry, f"{key}.{number}", findings)


def _read_user(attribute: str) -> Callable[[User], Value]:
    if attribute == "accountEnabled":
        return lambda user: user.enabled
    return lambda user: user.attributes.get(attribute)


def _read_group(attribute: str) -> Callable[[Group], Value]:
    return lambda group: group.attributes.get(attribute)


def _compile(
    filters: tuple[tuple[Clause, ...], ...],
    key: str,
    known: Iterable[str],
    read: Callable[[str], Callable[[Subject], Value]],
    findings: Findings,
) -> Passes[Subject] | None:
    if not filters:
        return None
    compiled: list[list[Passes[Subject]]] = []
    for number, clauses in enumerate(filters):
        if not clauses:
            findings.add(
                findings.place(f"{key}.{number}"),
                "a filter without clauses lets everybody through",
                "remove it, or say what must hold",
            )
        compiled.append(
            [
                _clause(clause, f"{key}.{number}.{position}", known, read, findings)
                for position, clause in enumerate(clauses)
            ]
        )
    return lambda subject: any(all(holds(subject) for holds in clauses) for clauses in compiled)


def _clause(
    clause: Clause,
    key: str,
    known: Iterable[str],
    read: Callable[[str], Callable[[Subject], Value]],
    findings: Findings,
) -> Passes[Subject]:
    if clause.attribute not in known:
        computed = clause.attribute in COMPUTED
        hint = "filters read what stands in files" if computed else suggestion(clause.attribute, known)
        findings.add(
            findings.place(f"{key}.attribute"),
            f"{clause.attribute} is computed, so no filter can read it"
            if computed
            else f"no source attribute has the name {clause.attribute}",
            hint,
        )
    return _told_once(_test(clause, key, findings), read(clause.attribute), key, findings)


def _test(clause: Clause, key: str, findings: Findings) -> Test:
    try:
        return compile_clause(clause)
    except ClauseError as error:
        findings.add(findings.place(f"{key}.value"), error.message)
        return lambda _: False


def _told_once(test: Test, value: Callable[[Subject], Value], key: str, findings: Findings) -> Passes[Subject]:
    failed = False

    def holds(subject: Subject) -> bool:
        nonlocal failed
        if failed:
            return False
        try:
            return test(value(subject))
        except ClauseError as error:
            failed = True
            findings.add(findings.place(f"{key}.value"), f"{error.message} (met with {subject.id})")
            return False

    return holds
