"""Scoping filters of a schema → clauses of ours. What can't be said here never lets anybody in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from reconciler.desired.findings import shown
from reconciler.errors import ClauseError
from reconciler.model.app import UNARY, Clause, Operator
from reconciler.model.clauses import compile_clause, kinds_of
from reconciler.model.directory import COMPUTED
from reconciler.sources.entra.document import FilterClause, Kind, Objects
from reconciler.sources.entra.names import Names

_OPERATORS: Final = {
    each.value.lower().replace("_", " "): each for each in Operator if each is not Operator.IS_MEMBER_OF
}
_OF_GROUPS: Final = frozenset({"displayName", "description"})
NOBODY: Final[dict[Kind, Clause]] = {
    "users": Clause(attribute="userPrincipalName", operator=Operator.IS_NULL),
    "groups": Clause(attribute="displayName", operator=Operator.IS_NULL),
}


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A filter that can't be said here."""

    filter: str
    """As the schema has it, on one line."""
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Filters:
    filters: tuple[tuple[Clause, ...], ...]
    """None: everybody who is assigned."""
    unsaid: tuple[Unsaid, ...] = ()

    @property
    def closed(self) -> bool:
        """Nobody comes through until a person says what is meant."""
        return len(self.filters) == 1 and self.filters[0] in [(each,) for each in NOBODY.values()]


def filters_of(objects: Objects, names: Names, custom: dict[str, str]) -> Filters:
    """`custom`: attribute of reconciler.yaml → its type. A filter of which one clause can't be said is left out whole:
    without that clause it would let more people in. If none is left, one stands there that nobody passes."""
    told: list[tuple[Clause, ...]] = []
    unsaid: list[Unsaid] = []
    for clauses in objects.filters:
        found: list[Clause] = []
        wrong: tuple[str, str] | None = None
        for clause in clauses:
            result = _clause(clause, objects.kind, names, custom)
            if isinstance(result, Clause):
                found.append(result)
            else:
                wrong = wrong or result
        if wrong is None:
            told.append(tuple(found))
        else:
            unsaid.append(Unsaid(" and ".join(map(spelled, clauses)), *wrong))
    if unsaid and not told:
        told.append((NOBODY[objects.kind],))
    return Filters(tuple(told), tuple(unsaid))


def _clause(clause: FilterClause, kind: Kind, names: Names, custom: dict[str, str]) -> Clause | tuple[str, str]:
    operator = _OPERATORS.get(" ".join(clause.operator.lower().replace("_", " ").split()))
    if operator is None:
        return f"there is no operator {shown(clause.operator)!r} here", "write the filter with another one"
    attribute = names.find(clause.attribute, kind)
    if attribute is None:
        return f"nothing here is called {shown(clause.attribute)!r}", names.remedy(clause.attribute, kind)
    name = attribute.name
    if name in COMPUTED or (kind == "groups" and name not in _OF_GROUPS):
        return f"{shown(clause.attribute)} is no attribute of files here", "filters read what stands in files"
    values: Collection[str] = () if operator in UNARY else clause.values
    if operator not in UNARY and (len(clause.values) != 1 or not clause.values[0]):
        return f"{operator} compares with one value, and there are {len(clause.values)}", "write a filter for each"
    try:
        made = Clause(attribute=name, operator=operator, value=next(iter(values), None))
        compile_clause(made, kinds_of(custom).get(name, "") if kind == "users" else "")
    except ClauseError as error:
        return error.message, error.hint
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)[0]["msg"], ""
    return made


def spelled(clause: FilterClause) -> str:
    """As the schema has it, on one line. May be hostile, and long."""
    values = ", ".join(f'"{value}"' for value in clause.values)
    return " ".join(f"{clause.attribute} {clause.operator} {values}".split())
