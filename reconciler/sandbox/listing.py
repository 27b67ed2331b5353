"""Lists (RFC 7644 section 3.4.2, RFC 9865): filter, sort, one page, and the bytes of it.

The usual page, nothing filtered and nothing projected, is a slice of a list and a join of cached bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from reconciler.sandbox.bend import reading
from reconciler.sandbox.filters import compile_filter, parse_filter, plain_equality
from reconciler.sandbox.habits import Habits, KindName
from reconciler.sandbox.page import Page, read_cursor, write_cursor
from reconciler.sandbox.projection import Projection, project
from reconciler.sandbox.refusal import Refusal, invalid_filter, invalid_path, invalid_value
from reconciler.sandbox.store import Resource, Store

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def read_page(store: Store, kinds: Sequence[KindName], query: Mapping[str, str]) -> Page:
    """The page that the query asks for. Raises Refusal: invalidFilter, invalidValue, invalidCursor, invalidCount."""
    rows = _rows(store, kinds, query.get("filter"))
    sort = query.get("sortBy") if store.habits.sorts else None
    if sort:
        rows = _sorted(store, kinds[0], rows, sort, descending=query.get("sortOrder", "").lower() == "descending")
    cap = reading.page_cap(store.faults, store.habits.page_cap)
    count = cap if "everyRow" in store.faults else min(_count(store, query), cap)
    if store.habits.cursors and "cursor" in query:
        if "startIndex" in query:
            raise invalid_value("cursor and startIndex exclude each other")
        return _after_cursor(rows, query["cursor"], count, by_place=bool(sort) or len(kinds) > 1)
    if not store.habits.pages:
        return Page(len(rows), 1, rows)
    if not store.habits.indexes:
        if "startIndex" in query:
            raise invalid_value("lists are walked by cursor here, not by startIndex")
        return _after_cursor(rows, "", count, by_place=bool(sort) or len(kinds) > 1)
    start = max(1, _number(query, "startIndex", 1))
    if store.habits.counts_pages:
        start = (start - 1) * count + 1
    return Page(len(rows), start, rows[start - 1 : start - 1 + count])


def page_bytes(store: Store, page: Page, projection: Projection | None) -> bytes:
    """The ListResponse."""
    head: dict[str, Any] = {"schemas": [LIST], "totalResults": page.total, "itemsPerPage": len(page.rows)}
    if page.by_cursor:
        if page.next_cursor is not None:
            head["nextCursor"] = page.next_cursor
    else:
        head["startIndex"] = page.start
    if projection is None:
        rows = [store.listed(row) for row in page.rows]
    else:
        rows = [orjson.dumps(project(store, row, projection)) for row in page.rows]
    return orjson.dumps(head)[:-1] + b',"Resources":[' + b",".join(rows) + b"]}"


def _rows(store: Store, kinds: Sequence[KindName], text: str | None) -> Sequence[Resource]:
    """Over several kinds, one that does not have the attribute matches nobody (RFC 7644 section 3.4.2.1)."""
    if len(kinds) == 1:
        return _chosen(store, kinds[0], text)
    rows: list[Resource] = []
    refusals: list[Refusal] = []
    for kind in kinds:
        try:
            rows.extend(_chosen(store, kind, text))
        except Refusal as refusal:
            refusals.append(refusal)
    if len(refusals) == len(kinds):
        raise refusals[0]
    return rows


def _chosen(store: Store, kind: KindName, text: str | None) -> Sequence[Resource]:
    return _listed(store.habits, kind, _matching(store, kind, text))


def _listed(habits: Habits, kind: KindName, rows: Sequence[Resource]) -> Sequence[Resource]:
    """Without those that this server does not list."""
    if kind == "User" and not habits.lists_inactive:
        return [row for row in rows if row.data.get("active", True)]
    return rows


def _matching(store: Store, kind: KindName, text: str | None) -> Sequence[Resource]:
    if not text:
        return store.ordered(kind)[::2] if store.habits.leaves_out else store.ordered(kind)
    allowed = store.habits.user_filters if kind == "User" else store.habits.group_filters
    reading.refuse_filter(store.faults, text)
    kind_ = store.kinds[kind]
    node = reading.bend_filter(store.faults, kind_, parse_filter(text))
    if "exactFilter" in store.faults:
        test = compile_filter(node, reading.distinguishing(kind_))
        return [row for row in store.ordered(kind) if test(store.document(row))]
    plain = plain_equality(node)
    if allowed is not None and (plain is None or plain[0] not in allowed):
        raise invalid_filter(f"only `eq` on {', '.join(allowed)} is supported")
    if plain and plain[0] == ("username" if kind == "User" else "displayname"):
        return store.named(kind, plain[1])
    if plain and kind == "User" and plain[0] == "groups.value":
        group = store.tables["Group"].get(plain[1])
        return [store.tables["User"][m] for m in group.members if m in store.tables["User"]] if group else []
    if plain and plain[0] == "id":
        found = store.tables[kind].get(plain[1])
        return [found] if found else []
    test = compile_filter(node, kind_)
    return [row for row in store.ordered(kind) if test(store.document(row))]


def _sorted(store: Store, kind: KindName, rows: Sequence[Resource], by: str, *, descending: bool) -> list[Resource]:
    """RFC 7644 section 3.4.2.3: those without a value come last, first when descending."""
    name, _, sub = by.partition(".")
    attribute = store.kinds[kind].attributes.get(name.lower())
    below = attribute.subs.get(sub.lower()) if attribute and sub else None
    if attribute is None or (sub and below is None):
        raise invalid_path(f"there is no attribute {by} to sort by")

    def key(row: Resource) -> tuple[bool, str]:
        value = store.document(row).get(attribute.name)
        if isinstance(value, list):
            value = next((e for e in value if isinstance(e, dict) and e.get("primary")), value[0])
        if isinstance(value, dict):
            value = value.get(below.name if below else "value")
        return value is None, "" if value is None else str(value).casefold()

    return sorted(rows, key=key, reverse=descending)


def _after_cursor(rows: Sequence[Resource], cursor: str, count: int, *, by_place: bool) -> Page:
    """Cursors remember the last row that was given, so that deletions between pages lose nobody; where the order
    is not that of creation they remember the place.
    """
    position = read_cursor(cursor)
    begin = position if by_place else bisect_right(rows, position, key=lambda row: row.number)
    chosen = rows[begin : begin + count]
    page = Page(len(rows), begin + 1, chosen, by_cursor=True)
    if chosen and begin + count < len(rows):
        page.next_cursor = write_cursor(begin + count if by_place else chosen[-1].number)
    return page


def _count(store: Store, query: Mapping[str, str]) -> int:
    count = _number(query, "count", store.habits.page_size)
    if count < 0 and "cursor" in query and store.habits.cursors:
        raise Refusal(400, "count must not be negative", "invalidCount")
    return max(0, count)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None or text == "":
        return default
    try:
        return int(text)
    except ValueError as error:
        raise invalid_value(f"{name} must be a number") from error
