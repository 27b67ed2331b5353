"""Mapping tests: what an expression, or all user mappings, make of an example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from reconciler.errors import DesiredStateError, ExpressionError
from reconciler.model.app import App
from reconciler.model.cases import Case
from reconciler.model.directory import Directory, User
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile
from reconciler.model.values import IGNORE_OBJECT, UNSET, Flow, Generated, Redacted, Reference, UserId, Value
from reconciler.project.approles import effective_roles
from reconciler.project.columns import Columns
from reconciler.project.expressions import Context, compile_expression
from reconciler.project.expressions.dates import parse_time
from reconciler.project.findings import Findings
from reconciler.project.membership import Nesting
from reconciler.project.people import user_source
from reconciler.project.projection import corrected, effective, user_columns_of
from reconciler.project.rules import Rules

IGNORED: Final = "__IGNORE_FLOW__"
"""How a case writes that nothing flows."""
IGNORED_OBJECT: Final = "__IGNORE_OBJECT__"
"""How it writes that nothing at all flows for this person."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    target: str
    """Empty for an expression on its own."""
    expected: Value
    actual: Value


@dataclass(frozen=True, slots=True)
class CaseResult:
    case: Case
    mismatches: tuple[Mismatch, ...] = ()
    error: str = ""
    """Why there is no result to compare."""

    @property
    def passed(self) -> bool:
        return not self.mismatches and not self.error


def run_case(
    case: Case,
    directory: Directory | None = None,
    app: App | None = None,
    profile: Profile | None = None,
    *,
    now: datetime | None = None,
) -> CaseResult:
    """Runs one case; only cases with an `expression` do without the rest. Raises nothing that a person can cause.

    `now` is the value of Now() where the case gives none.
    """
    try:
        context = _context(case, now)
        if case.expression is not None:
            return _one_expression(case, case.expression, context)
        if directory is None or app is None or profile is None:
            return CaseResult(case, error="a whole person needs the mappings of an app")
        return _whole_person(case, directory, app, profile, context)
    except ExpressionError as error:
        return CaseResult(case, error=f"{error.message} ({error.hint})" if error.hint else error.message)
    except DesiredStateError as error:
        return CaseResult(case, error="; ".join(problem.message for problem in error.problems))


def _context(case: Case, now: datetime | None) -> Context:
    """Values of an application are compared as names to sign in with are: upper and lower case are one."""
    has = frozenset(value.casefold() for value in case.target_has)
    return Context(parse_time(case.now) if case.now else now, lambda value: value.casefold() in has)


def _one_expression(case: Case, text: str, context: Context) -> CaseResult:
    actual = compile_expression(text).evaluate(_frozen(case.inputs), context)
    if _equal(case.expected, actual):
        return CaseResult(case)
    return CaseResult(case, (Mismatch("", case.expected, _written(actual)),))


def _whole_person(case: Case, directory: Directory, app: App, profile: Profile, context: Context) -> CaseResult:
    if not isinstance(case.expected, dict):
        return CaseResult(case, error="what is expected of a whole person is target: value")
    findings = Findings(app, profile, None)
    fitted = corrected(profile, app, findings)
    columns = user_columns_of(effective(app, fitted).users, directory, fitted, findings, context)
    user = _user(case, directory)
    nesting = Nesting(directory, context.now, Rules(directory, findings.add))
    roles = effective_roles(app, nesting).get(user.id, ()) if case.user else ()
    row, _ = columns.row(user.id, {**user_source(user, roles), **_frozen(case.inputs)})
    findings.refuse()
    flows = {
        each.path.canonical: _on_creation(flow, each.column.default)
        for each, flow in zip(columns.all, row, strict=True)
    }
    return CaseResult(case, tuple(_differences(case.expected, flows, columns)))


def _user(case: Case, directory: Directory) -> User:
    if case.user is None:
        return User(UserId(str(case.inputs.get("id", case.id))), {}, "", 0, {})
    try:
        return directory.users[UserId(case.user)]
    except KeyError:
        message = f"there is nobody with the id {case.user}"
        raise ExpressionError(message) from None


def _differences(expected: Mapping[str, Any], flows: dict[str, Flow], columns: Columns) -> list[Mismatch]:
    found: list[Mismatch] = []
    for target, wanted in expected.items():
        try:
            canonical = parse_path(target).canonical
        except ValueError as error:
            raise ExpressionError(str(error)) from error
        if canonical not in flows:
            known = ", ".join(column.path for column in columns.table)
            message = f"no mapping has the target {target}"
            raise ExpressionError(message, hint=f"there are: {known}")
        actual = flows[canonical]
        nothing = actual is UNSET and wanted is None  # null that is skipped: both words for it are right
        if not nothing and not _equal(wanted, actual):
            found.append(Mismatch(target, wanted, _written(actual)))
    return found


def _on_creation(flow: Flow, default: Flow) -> Flow:
    return default if flow in (None, UNSET) and default is not None else flow


def _equal(expected: Any, actual: Flow) -> bool:
    """Without Python's generosity: 1 is not true. Lists compare in order."""
    if expected == IGNORED:
        return actual is UNSET
    if expected == IGNORED_OBJECT:
        return actual is IGNORE_OBJECT
    if isinstance(actual, Reference):
        return bool(expected == actual.user)
    if isinstance(actual, Redacted):
        return _equal(expected, actual.value)
    if isinstance(expected, (list, tuple)) and isinstance(actual, (list, tuple)):
        return len(expected) == len(actual) and all(map(_equal, expected, actual))
    if isinstance(expected, bool) is not isinstance(actual, bool):
        return False
    return bool(expected == actual)


def _written(flow: Flow) -> Value:
    """As a case would write it; what is generated or redacted as outputs show it."""
    if flow is UNSET:
        return IGNORED
    if flow is IGNORE_OBJECT:
        return IGNORED_OBJECT
    if isinstance(flow, (Generated, Redacted, Reference)):
        return str(flow)
    return list(flow) if isinstance(flow, tuple) else flow


def _frozen(inputs: Mapping[str, Any]) -> dict[str, Value]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in inputs.items()}
