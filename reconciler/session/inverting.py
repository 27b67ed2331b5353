"""The mappings of an app, each with what runs it forwards: what an importer inverts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.errors import ExpressionError
from reconciler.model.app import App
from reconciler.model.comparison import Rule
from reconciler.model.directory import Directory
from reconciler.model.mapping import Mapping as Written
from reconciler.model.path import AttributePath
from reconciler.model.profile import Profile
from reconciler.model.values import UNSET, Flow, Value
from reconciler.project import effective
from reconciler.project.columns import Columns
from reconciler.project.conform import Misfit
from reconciler.project.expressions.context import NOTHING_KNOWN
from reconciler.project.findings import Findings
from reconciler.project.groups import split_members
from reconciler.project.mapping import Compiled
from reconciler.project.projection import user_columns_of
from reconciler.project.objectflow import is_object_filter
from reconciler.project.sources import GROUP_SOURCES

Source: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Forwards:
    """One effective mapping, compiled."""

    path: AttributePath
    written: Written
    flow: Callable[[Source], tuple[bool, Flow]]
    reads: tuple[str, ...]
    rule: Rule
    redacts: bool


def forwards(app: App, profile: Profile, directory: Directory) -> tuple[list[Forwards], list[Forwards]]:
    """Of people and of groups, `members` aside. Raises DesiredStateError for mappings that are wrong."""
    findings = Findings(app, profile, None)
    mappings = effective(app, profile)
    users = [each for each in mappings.users if not is_object_filter(each)]
    groups, _ = split_members(mappings.groups, findings)
    user_columns = user_columns_of(users, directory, profile, findings)
    group_columns = Columns("groups", groups, profile, GROUP_SOURCES, findings, NOTHING_KNOWN)
    findings.refuse()
    # a column may stand at the end that no mapping is written for: `active`, which is nothing to invert
    return (
        [_forwards(*pair, profile.comparison.rule(pair[1].path)) for pair in zip(users, user_columns.all, strict=False)],
        [
            _forwards(*pair, profile.comparison_of_groups.rule(pair[1].path))
            for pair in zip(groups, group_columns.all, strict=False)
        ],
    )


def _forwards(written: Written, compiled: Compiled, rule: Rule) -> Forwards:
    def flow(source: Source) -> tuple[bool, Flow]:
        try:
            return True, compiled.flow(source)
        except (Misfit, ExpressionError):
            return False, UNSET

    text = written.expression or ""
    reads = tuple(sorted(compiled.reads, key=lambda name: (text.find(f"[{name}]"), name)))
    return Forwards(compiled.path, written, flow, reads, rule, compiled.column.redacts)
