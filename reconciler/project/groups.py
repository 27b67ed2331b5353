"""Groups → rows: the app's groups, their values, and who should be in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.model.desired import DesiredGroup
from reconciler.model.directory import Group
from reconciler.model.mapping import Mapping as Written
from reconciler.model.path import parse_path
from reconciler.model.values import UserId, Value
from reconciler.project.columns import Columns
from reconciler.project.findings import Findings
from reconciler.project.membership import Ends, Lines, Nesting, Via, Ways
from reconciler.project.sources import SOFT
from reconciler.project.unique import Unique

_MEMBERS = "members"


def split_members(written: tuple[Written, ...], findings: Findings) -> tuple[tuple[Written, ...], bool]:
    """The mappings of groups without the one of `members`, and whether there is one: sets have no column."""
    members = [each for each in written if parse_path(each.target).canonical == _MEMBERS]
    for each in members:
        if each.source != _MEMBERS or each.matching or each.values is not None or each.default is not None:
            findings.add(
                findings.mapping_place("groups", each.target),
                "the target members takes `source: members`, and nothing else",
                "remove the mapping with `none: true` to leave memberships alone",
            )
    return tuple(each for each in written if each not in members), bool(members)


def group_source(group: Group) -> dict[str, Value]:
    return {**group.attributes, "id": group.id, SOFT: "False"}


def project_groups(
    groups: Sequence[Group], columns: Columns, nesting: Nesting, numbers: Mapping[UserId, int], findings: Findings
) -> list[DesiredGroup]:
    """`numbers`: the people in scope → their positions."""
    unique = Unique(columns, "groups", findings)
    members = nesting.members([group.id for group in groups], numbers)
    projected: list[DesiredGroup] = []
    for group in groups:
        source = group_source(group)
        values, fits = columns.row(group.id, source)
        match = columns.match(values)
        if fits:
            unique.demand(group, match)
        unique.note(group, match)
        ways = Ways(nesting, group, numbers)
        via = Via(ways) if group.id in nesting.inner else {}
        until = Ends(ways) if nesting.timed else {}
        former = columns.former(source, group.formerly)
        projected.append(DesiredGroup(group, values, match, former, members[group.id], via, Lines(ways), until))
    return projected
