"""What users and groups look like when they are read."""

from __future__ import annotations

import json
import uuid
from typing import Final

from reconciler.live.probe.ask import Ask, Row, Said, at, member_ids
from reconciler.live.probe.paging import List
from reconciler.live.probe.report import Report
from reconciler.model.comparison import truth
from reconciler.model.path import member

_ABSENT: Final = frozenset({404, 405, 501})
_GROUPS: Final = 3


async def look_at_users(ask: Ask, report: Report, users: List) -> None:
    """`active`, who is listed, versions."""
    rows = users.rows
    if not rows:
        report.note("what accounts look like is unknown: there are none")
        return
    values = [member(row, "active") for row in rows]
    if any(isinstance(value, str) for value in values):
        report.note('`active` is text ("True", "False"): it is understood')
    if all(value is None for value in values):
        report.note("`active` is not shown: everybody counts as active")
    await _inactive(ask, report, users)
    await _versions(ask, report, rows[0])


async def _inactive(ask: Ask, report: Report, users: List) -> None:
    if any(not truth(member(row, "active")) for row in users.rows):
        report.good("lists hold deactivated accounts too")
        report.seen("users.listsInactive", True, "a list showed a deactivated account")
        return
    found = await ask.get(report.profile.users.endpoint, {"filter": "active eq false", **users.params(10)})
    hidden = [row for row in found.rows or () if member(row, "active") is not None and not truth(row["active"])]
    if hidden and users.complete:
        report.bad("lists leave deactivated accounts out")
        report.seen("users.listsInactive", False, "a filter found deactivated accounts that the list does not show")
    else:
        report.note("whether lists hold deactivated accounts is unknown: none was seen")


async def _versions(ask: Ask, report: Report, row: Row) -> None:
    where = at(report.profile.users.endpoint, str(row["id"]))
    one, two = await ask.get(where), await ask.get(where)
    if one.row is None or two.row is None:
        report.bad(f"GET of one account does not show it ({one.short})")
        return
    first, second = version(one), version(two)
    if first is None:
        report.note("resources have no version (meta.version, ETag)")
        report.seen("versions", False, "resources have no version")
    elif first != second:
        report.bad("meta.version changes from one read to the next")
        report.seen("versions", False, "meta.version changes without a write")
    else:
        report.good("meta.version is there and stays the same between reads")


def version(said: Said) -> str | None:
    """meta.version, else the header ETag."""
    meta = member(said.body, "meta") if isinstance(said.body, dict) else None
    value = member(meta, "version") if isinstance(meta, dict) else None
    return str(value) if value else said.headers.get("etag")


async def look_at_groups(ask: Ask, report: Report, users: List) -> List | None:
    """The groups that were seen; None where there are no groups."""
    endpoint = report.profile.groups.endpoint
    said = await ask.get(endpoint, users.params(100))
    if said.rows is None:
        if said.status in _ABSENT:
            report.bad(f"there are no groups ({endpoint} answers {said.status})")
            report.seen("groups.supported", False, f"{endpoint} answers {said.status}")
        else:
            report.bad(f"groups can't be listed ({said.short})")
        return None
    groups = List(said.rows, said.total, users.style, users.count)
    if not groups.rows:
        report.note("how groups show their members is unknown: there are no groups")
        return groups
    await _members(ask, report, users, groups)
    return groups


async def _members(ask: Ask, report: Report, users: List, groups: List) -> None:
    """In lists, by id, by a filter on users: or unknown, where all groups may be empty."""
    endpoint = report.profile.groups.endpoint
    largest = max(groups.rows, key=lambda row: len(member_ids(row)))
    listed = len(member_ids(largest))
    if listed:
        alone = await ask.get(at(endpoint, str(largest["id"])))
        shown = len(member_ids(alone.row)) if alone.row else 0
        if shown > listed:
            report.bad(f"lists show {listed} members of a group, GET of that group {shown}")
            report.seen("groups.readMembers", "byId", f"lists show {listed} of {shown} members")
        else:
            report.good("lists of groups show their members")
            report.seen("groups.readMembers", "inLists", "lists show members")
        await _excluded(ask, report, groups, str(largest["id"]))
        return
    for row in groups.rows[:_GROUPS]:
        alone = await ask.get(at(endpoint, str(row["id"])))
        if alone.row and member_ids(alone.row):
            report.bad("lists of groups show no members, GET of one group does")
            report.seen("groups.readMembers", "byId", "only GET of one group shows members")
            return
    for row in groups.rows[:_GROUPS]:
        found = await ask.get(report.profile.users.endpoint, {**_of_group(str(row["id"])), **users.params(10)})
        if found.rows and (users.total or len(users.rows)) > len(found.rows) and await _filters(ask, report, users):
            report.bad("groups show no members, the filter groups.value on users finds them")
            report.seen("groups.readMembers", "byFilter", "only the filter groups.value finds members")
            return
    report.note("how groups show their members is unknown: no group that was seen shows any")


def _of_group(key: str) -> dict[str, str]:
    return {"filter": f"groups.value eq {json.dumps(key)}"}


async def _filters(ask: Ask, report: Report, users: List) -> bool:
    """Whether a group that is not there has no members."""
    nobody = await ask.get(report.profile.users.endpoint, {**_of_group(uuid.uuid4().hex), **users.params(10)})
    return nobody.rows == []


async def _excluded(ask: Ask, report: Report, groups: List, key: str) -> None:
    params = {"excludedAttributes": "members", **groups.params(100)}
    said = await ask.get(report.profile.groups.endpoint, params)
    row = next((each for each in said.rows or () if each["id"] == key), None)
    if said.rows is None:
        report.bad(f"excludedAttributes=members is refused ({said.short})")
        report.seen("excludedAttributes", False, f"excludedAttributes=members is refused with {said.status}")
    elif row is not None and member_ids(row):
        report.note("excludedAttributes=members is not honoured")
        report.seen("excludedAttributes", False, "members come in spite of excludedAttributes=members")
    elif row is not None:
        report.good("excludedAttributes=members is honoured")
        report.seen("excludedAttributes", True, "excludedAttributes=members is honoured")


def look_at_answers(ask: Ask, report: Report) -> None:
    """Content types and rates, as they were seen on the way."""
    odd = ask.types - {"application/scim+json", "application/json"}
    if odd:
        report.note(f"answers come as {', '.join(sorted(odd))}")
    if ask.limits:
        told = ", ".join(f"{name}: {value}" for name, value in sorted(ask.limits.items()))
        report.note(f"rates are told: {told}", "`rate` in the profile keeps below them")
