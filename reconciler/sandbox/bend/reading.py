"""Lists: what is asked for, what is filtered by, and what comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from scim2_models.path import AttrPath, Comparison, FilterNode, LogicalExpr, LogicalOperator, Not, Present, ValuePath

from reconciler.sandbox.faults import Faults
from reconciler.sandbox.page import FIRST_CURSOR, Page
from reconciler.sandbox.refusal import Crashed, Refusal, invalid_filter, invalid_value
from reconciler.sandbox.schema import Attribute, Kind

EVERYTHING: Final = 1 << 60


def bend_query(faults: Faults, query: Mapping[str, str]) -> Mapping[str, str]:
    """What is left of a query before it is read. Raises Refusal for numbers that the faults do not allow."""
    if not faults:
        return query
    if "refuseZero" in faults and _number(query, "startIndex", 1) < 1:
        raise invalid_value("startIndex begins with 1")
    for name, status in (("count400", 400), ("count422", 422)):
        if any(_number(query, "count", 0) > most for most in faults.numbers(name)):
            raise Refusal(status, "count is too large", "invalidValue")
    left_out = {"filter"} if "ignoreFilter" in faults else set()
    if "everyRow" in faults:
        left_out |= {"startIndex", "count", "cursor"}
    if not left_out:
        return query
    return {name: value for name, value in query.items() if name not in left_out}


def page_cap(faults: Faults, cap: int) -> int:
    """The most rows that a page may have."""
    return EVERYTHING if "everyRow" in faults else min((cap, *faults.numbers("cap")))


def refuse_filter(faults: Faults, text: str) -> None:
    """Raises Refusal, or Crashed, for the filters that the faults do not allow."""
    for how in faults.names("refuseFilter"):
        if how == "crash":
            raise Crashed
        raise Refusal(int(how), "filters are not supported", "invalidFilter")
    if "brokenQuotes" in faults and ('\\"' in text or "'" in text):
        raise Refusal(500, "unterminated string")


def bend_filter(faults: Faults, kind: Kind, node: FilterNode) -> FilterNode:
    """What is left of a filter that was read. Raises Refusal."""
    if "firstClause" in faults and isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_:
        node = node.terms[0]
    if "exactNames" in faults:
        known = {attribute.name for attribute in kind.attributes.values()}
        for path in _paths(node):
            if path.attr not in known and path.attr.lower() in kind.attributes:
                raise invalid_filter(f"{kind.name} has no attribute {path.attr}")
    return node


def _paths(node: FilterNode) -> Sequence[AttrPath]:
    match node:
        case LogicalExpr(terms=terms):
            return [path for term in terms for path in _paths(term)]
        case Not(expr=inner):
            return _paths(inner)
        case Comparison(attr_path=path) | Present(attr_path=path) | ValuePath(attr_path=path):
            return [path]
    return []


def distinguishing(kind: Kind) -> Kind:
    """The kind, if all its attributes were caseExact."""
    return replace(kind, attributes={name: _exact(attribute) for name, attribute in kind.attributes.items()})


def _exact(attribute: Attribute) -> Attribute:
    subs = {name: _exact(sub) for name, sub in attribute.subs.items()}
    return replace(attribute, case_exact=attribute.type == "string", subs=subs)


def bend_page(faults: Faults, page: Page, query: Mapping[str, str], first: Callable[[], Page]) -> Page:
    """What the faults make of a page. `first` reads the first one."""
    if "repeatPages" in faults:
        page = first()
        page.next_cursor = page.next_cursor or (FIRST_CURSOR if page.by_cursor else None)
    if "firstAgain" in faults and page.start > page.total:
        page = first()
    filtered = bool(query.get("filter"))
    if "emptyList" in faults or (filtered and "blindFilter" in faults) or _one_is_missing(faults, query):
        page = replace(page, total=0, start=1, rows=[], next_cursor=None)
    if "cutList" in faults:
        half = page.total // 2
        page.rows = page.rows[: max(0, half - (page.start - 1))]
        page.next_cursor = page.next_cursor if page.start - 1 + len(page.rows) < half else None
    if "lyingTotal" in faults:
        page.total += 3
    if "total=page" in faults:
        page.total = len(page.rows)
    return page


def _one_is_missing(faults: Faults, query: Mapping[str, str]) -> bool:
    return "needBoth" in faults and not {"startIndex", "count"} <= query.keys()


def bend_list(faults: Faults, document: dict[str, Any]) -> None:
    """What the faults make of a ListResponse, apart from its rows."""
    if "total=text" in faults:
        document["totalResults"] = str(document["totalResults"])
    if "total=missing" in faults:
        del document["totalResults"]


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    return int(text) if text.lstrip("-").isdecimal() else default
