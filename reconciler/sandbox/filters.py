"""Filters (RFC 7644 section 3.4.2.2): scim2-models reads the grammar, this evaluates it on plain JSON.

No model objects are made: a filter over 20,000 users is one pass over dictionaries.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any

from scim2_models.exceptions import SCIMException
from scim2_models.path import (
    ORDERING_OPERATORS,
    STRING_OPERATORS,
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ScimFilter,
    ValuePath,
)

from reconciler.sandbox.refusal import invalid_filter
from reconciler.sandbox.schema import Attribute, Kind

Predicate = Callable[[dict[str, Any]], bool]

_ORDER: dict[CompareOperator, Callable[[Any, Any], bool]] = {
    CompareOperator.gt: operator.gt,
    CompareOperator.ge: operator.ge,
    CompareOperator.lt: operator.lt,
    CompareOperator.le: operator.le,
}
_TEXT: dict[CompareOperator, Callable[[str, str], bool]] = {
    CompareOperator.co: lambda actual, wanted: wanted in actual,
    CompareOperator.sw: str.startswith,
    CompareOperator.ew: str.endswith,
}


def parse_filter(text: str) -> FilterNode:
    """The tree of a filter. Raises Refusal invalidFilter."""
    try:
        return ScimFilter[Any](text).ast
    except (SCIMException, ValueError) as error:
        raise invalid_filter(f"the filter can't be read: {error}") from error


def plain_equality(node: FilterNode) -> tuple[str, str] | None:
    """(path in lower case, text) if the filter is no more than `attribute eq "text"` or `attribute.sub eq "text"`."""
    if isinstance(node, Comparison) and node.op == CompareOperator.eq and isinstance(node.value, str):
        path = node.attr_path
        if path.uri is None:
            return f"{path.attr}.{path.sub_attr}".lower() if path.sub_attr else path.attr.lower(), node.value
    return None


def compile_filter(node: FilterNode, kind: Kind) -> Predicate:
    """A test of resources as clients see them. Raises Refusal invalidFilter for unknown attributes and wrong types."""
    return _compile(node, lambda path: _resolve(kind, path))


def compile_element_filter(node: FilterNode, attribute: Attribute) -> Predicate:
    """A test of the elements of one multi-valued attribute, as in emails[type eq "work"]."""

    def resolve(path: AttrPath) -> tuple[Attribute, Callable[[dict[str, Any]], Any]]:
        sub = attribute.subs.get(path.attr.lower())
        if sub is None:
            raise invalid_filter(f"{attribute.name} has no {path.attr}")
        return sub, lambda element: element.get(sub.name)

    return _compile(node, resolve)


Resolve = Callable[[AttrPath], tuple[Attribute, Callable[[dict[str, Any]], Any]]]


def _resolve(kind: Kind, path: AttrPath) -> tuple[Attribute, Callable[[dict[str, Any]], Any]]:
    """The attribute that decides how to compare, and what reads it from a resource."""
    table, urn = kind.attributes, ""
    if path.uri and path.uri.lower() != kind.urn.lower():
        if path.uri.lower() not in kind.extensions:
            raise invalid_filter(f"there is no schema {path.uri}")
        urn, table = kind.extensions[path.uri.lower()]
    attribute = table.get(path.attr.lower())
    if attribute is None:
        raise invalid_filter(f"{kind.name} has no attribute {path}")
    sub_name = path.sub_attr or ("value" if attribute.type == "complex" and attribute.multi else None)
    sub = attribute.subs.get(sub_name.lower()) if sub_name else None
    if sub_name and sub is None:
        raise invalid_filter(f"{attribute.name} has no {sub_name}")

    def read(document: dict[str, Any]) -> Any:
        holder = document.get(urn, {}) if urn else document
        value = holder.get(attribute.name)
        if sub is None or value is None:
            return value
        if isinstance(value, list):
            return [e[sub.name] for e in value if sub.name in e]
        return value.get(sub.name)

    return sub or attribute, read


def _compile(node: FilterNode, resolve: Resolve) -> Predicate:
    match node:
        case LogicalExpr(op=op, terms=terms):
            tests = [_compile(term, resolve) for term in terms]
            if op == LogicalOperator.and_:
                return lambda document: all(test(document) for test in tests)
            return lambda document: any(test(document) for test in tests)
        case Not(expr=inner):
            test = _compile(inner, resolve)
            return lambda document: not test(document)
        case Present(attr_path=path):
            _, read = resolve(path)
            return lambda document: _is_present(read(document))
        case ValuePath(attr_path=path, val_filter=inner):
            return _elements(path, inner, resolve)
        case Comparison():
            return _comparison(node, resolve)
    raise invalid_filter(f"not a filter: {node}")


def _elements(path: AttrPath, inner: FilterNode, resolve: Resolve) -> Predicate:
    """Some element passes the whole of the inner filter."""

    def resolve_sub(sub: AttrPath) -> tuple[Attribute, Callable[[dict[str, Any]], Any]]:
        attribute, _ = resolve(AttrPath(path.attr, sub.attr, path.uri))
        return attribute, lambda element: element.get(attribute.name)

    test = _compile(inner, resolve_sub)
    urn = path.uri

    def some(document: dict[str, Any]) -> bool:
        holder = next((v for k, v in document.items() if urn and k.lower() == urn.lower()), document)
        value = next((v for k, v in holder.items() if k.lower() == path.attr.lower()), None)
        elements = value if isinstance(value, list) else [value]
        return any(isinstance(e, dict) and test(e) for e in elements)

    return some


def _comparison(node: Comparison, resolve: Resolve) -> Predicate:
    attribute, read = resolve(node.attr_path)
    operation, wanted = node.op, node.value
    if operation in ORDERING_OPERATORS and attribute.type in ("boolean", "binary", "complex"):
        raise invalid_filter(f"{operation} does not apply to {attribute.name}, which is a {attribute.type}")
    if operation in STRING_OPERATORS and not isinstance(wanted, str):
        raise invalid_filter(f"{operation} needs text")
    if wanted is not None and isinstance(wanted, bool) != (attribute.type == "boolean"):
        raise invalid_filter(f"{attribute.name} is a {attribute.type}, and {wanted!r} is not")
    if wanted is None:
        if operation == CompareOperator.ne:
            return lambda document: _is_present(read(document))
        return lambda document: operation == CompareOperator.eq and not _is_present(read(document))
    comparable = _comparable(attribute)
    target = comparable(wanted)
    if operation == CompareOperator.eq:
        return lambda document: any(comparable(v) == target for v in _values(read(document)))
    if operation == CompareOperator.ne:
        return lambda document: all(comparable(v) != target for v in _values(read(document)))
    if operation in _TEXT:
        text = _TEXT[operation]
        return lambda document: any(text(str(comparable(v)), str(target)) for v in _values(read(document)))
    order = _ORDER[operation]
    return lambda document: any(
        order(comparable(v), target) for v in _values(read(document)) if isinstance(comparable(v), type(target))
    )


def _comparable(attribute: Attribute) -> Callable[[Any], Any]:
    """Text without case unless the schema says caseExact; dates as dates."""
    if attribute.type == "dateTime":
        return _date
    if attribute.case_exact:
        return lambda value: value
    return lambda value: value.casefold() if isinstance(value, str) else value


def _date(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value


def _values(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _is_present(value: Any) -> bool:
    return value is not None and value not in ("", [], {})
