"""Microsoft Graph's synchronizationSchema, as far as it says what flows from people and groups to an application.

Where each resource is described: learn.microsoft.com/graph/api/resources/synchronization-synchronizationschema,
-synchronizationrule, -objectmapping, -attributemapping, -attributemappingsource, -filter, -filterclause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from reconciler.model.path import parse_path
from reconciler.sources.entra.tree import Node, Problems, decoded

Kind: TypeAlias = Literal["users", "groups"]
DEEPEST: Final = 100
"""Functions inside of functions, as in our expressions."""
_DIRECTORIES: Final = frozenset({"", "azure active directory", "microsoft entra id", "entra id", "azure ad"})
"""How schemas call the directory that they begin at; examples leave it out."""
_KINDS: Final[dict[str, Kind]] = {"user": "users", "group": "groups"}
_FLOWS: Final = frozenset({"add", "update", "delete"})


@dataclass(frozen=True, slots=True)
class Source:
    """attributeMappingSource: an attribute, a constant, or a function with its parameters."""

    type: str
    """attribute, constant or function, lower-case."""
    name: str
    expression: str
    parameters: tuple[tuple[str, Source], ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """attributeMapping. `where`: its path in the document."""

    target: str
    source: Source | None
    default: str
    matching: int
    """0: it is none to match by."""
    flow_type: str
    """Always, ObjectAddOnly or MultiValueAddOnly."""
    where: str


@dataclass(frozen=True, slots=True)
class FilterClause:
    attribute: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Objects:
    """objectMapping: how one kind of object flows."""

    kind: Kind
    enabled: bool
    flow_types: frozenset[str]
    """add, update, delete."""
    flows: tuple[Flow, ...]
    filters: tuple[tuple[FilterClause, ...], ...]
    """Any of them lets somebody through."""
    others: tuple[str, ...]
    """Names of experimental sets of filters that are there too."""
    where: str


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What a schema says, in the order of its rules' priorities."""

    target: str
    """How the schema calls the application; may be empty."""
    objects: tuple[Objects, ...]
    ignored: tuple[tuple[str, str], ...]
    """Path and reason, of rules and object mappings that are about something else."""


def read_schema(data: bytes) -> Provisioning:
    """Raises ReconcilerError, with everything that is wrong with it."""
    problems = Problems()
    schema = _schema(decoded(data), problems)
    found: list[Objects] = []
    ignored: list[tuple[str, str]] = []
    targets: list[str] = []
    rules = list(schema.nodes("synchronizationRules")) if schema else []
    for rule in sorted(rules, key=lambda each: each.number("priority")):
        source, target = rule.text("sourceDirectoryName"), rule.text("targetDirectoryName")
        if source.lower() not in _DIRECTORIES or target.lower() in _DIRECTORIES - {""}:
            ignored.append((rule.path, f"it goes from {source or '?'} to {target or '?'}, not to an application"))
            continue
        targets.append(target)
        for node in rule.nodes("objectMappings"):
            kind = _KINDS.get(node.text("sourceObjectName").lower())
            if kind is None:
                what = node.text("sourceObjectName")
                ignored.append((node.path, f"it is about {what}" if what else "it does not say what it is about"))
            else:
                found.append(_objects(node, kind))
    if schema and not rules and not problems.found:
        problems.add("", "it has no synchronizationRules: what Graph answers at …/synchronization/jobs/ID/schema has")
    elif not found and not problems.found:
        told = "; ".join(f"{path}: {why}" for path, why in ignored[:5])
        problems.add("", f"no rule in it takes people or groups to an application ({told or 'its rules are empty'})")
    problems.refuse()
    return Provisioning(next((each for each in targets if each), ""), tuple(found), tuple(ignored))


def _schema(value: Any, problems: Problems) -> Node | None:
    """The schema itself, out of a template or a job that holds one, or of a list of one."""
    if isinstance(value, dict) and isinstance(value.get("value"), list):
        value = value["value"]
    if isinstance(value, list):
        if len(value) != 1:
            problems.add("", f"a schema is meant, this is a list of {len(value)}: keep the one that is meant")
            return None
        value = value[0]
    if not isinstance(value, dict):
        problems.add("", "a schema is meant: a JSON object")
        return None
    if "synchronizationrules" not in value and isinstance(value.get("schema"), dict):
        value = value["schema"]
    return Node(value, "", problems)


def _objects(node: Node, kind: Kind) -> Objects:
    words = {each.strip().lower() for each in node.text("flowTypes").split(",")} - {""}
    for word in sorted(words - _FLOWS):
        node.problems.add(node.at("flowTypes"), f"Add, Update and Delete are known, not {word!r}")
    scope = node.node("scope")
    flows = tuple(_flow(each) for each in node.nodes("attributeMappings"))
    _refuse_twice(flows, node.problems)
    return Objects(
        kind=kind,
        enabled=node.flag("enabled", default=True),
        flow_types=frozenset(words or _FLOWS),
        flows=tuple(each for each in flows if each.target),
        filters=tuple(_filters(scope)) if scope else (),
        others=tuple(name for name in ("categoryFilterGroups", "inputFilterGroups") if scope and scope.items(name)),
        where=node.path,
    )


def _refuse_twice(flows: tuple[Flow, ...], problems: Problems) -> None:
    first: dict[str, str] = {}
    for flow in flows:
        before = first.setdefault(_same(flow.target), flow.where)
        if flow.target and before != flow.where:
            problems.add(flow.where, f"{flow.target} is mapped twice, first at {before}")


def _same(target: str) -> str:
    """Equal for all spellings of one target."""
    try:
        return parse_path(target).canonical
    except ValueError:
        return target.lower()


def _flow(node: Node) -> Flow:
    target = node.text("targetAttributeName").strip()
    if not target:
        node.problems.add(node.at("targetAttributeName"), "it does not say which attribute it writes")
    matching = node.number("matchingPriority")
    if matching < 0:
        node.problems.add(node.at("matchingPriority"), "it is less than 0")
    source = node.node("source")
    return Flow(
        target=target,
        source=_source(source, 0) if source else None,
        default=node.text("defaultValue"),
        matching=max(matching, 0),
        flow_type=node.text("flowType") or "Always",
        where=node.path,
    )


def _source(node: Node, depth: int) -> Source | None:
    """None if it is there and says nothing, as where the mapping type is None."""
    type_, name, expression = node.text("type").lower() or "attribute", node.text("name"), node.text("expression")
    if type_ not in ("attribute", "constant", "function"):
        node.problems.add(node.at("type"), f"Attribute, Constant and Function are known, not {type_!r}")
    if depth > DEEPEST:
        node.problems.add(node.path[:200], f"more than {DEEPEST} functions inside one another")
        return None
    parameters: list[tuple[str, Source]] = []
    for each in node.nodes("parameters"):
        value = each.node("value")
        inner = _source(value, depth + 1) if value else None
        parameters.append((each.text("key"), inner or Source("constant", "", "")))
    if not name and not expression and not parameters:
        return None
    return Source(type_, name, expression, tuple(parameters))


def _filters(scope: Node) -> Iterator[tuple[FilterClause, ...]]:
    for group in scope.nodes("groups"):
        clauses = tuple(
            FilterClause(each.text("sourceOperandName").strip(), each.text("operatorName").strip(), _values(each))
            for each in group.nodes("clauses")
        )
        if not clauses:
            group.problems.add(group.path, "a filter without clauses lets everybody through")
        yield clauses


def _values(clause: Node) -> tuple[str, ...]:
    """Of the operand, each as text."""
    operand = clause.node("targetOperand")
    if operand is None:
        return ()
    found: list[str] = []
    for number, value in enumerate(operand.items("values")):
        found.append(Node({"value": value}, f"{operand.at('values')}[{number}]", operand.problems).text("value"))
    return tuple(found)
