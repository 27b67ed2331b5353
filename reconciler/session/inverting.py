"""What an importer of a live application needs of files and memory: mappings that run, and whose account is whose."""

from __future__ import annotations

from reconciler.errors import ExpressionError
from reconciler.model.app import App
from reconciler.model.comparison import Rule
from reconciler.model.described import Described, Source, Way
from reconciler.model.desired import Desired, Standing
from reconciler.model.directory import Directory
from reconciler.model.mapping import Mapping as Written
from reconciler.model.profile import Profile
from reconciler.model.values import UNSET, Flow, UserId
from reconciler.plan import Proposal
from reconciler.project import effective
from reconciler.project.columns import Columns
from reconciler.project.conform import Misfit
from reconciler.project.expressions.context import NOTHING_KNOWN
from reconciler.project.findings import Findings
from reconciler.project.groups import split_members
from reconciler.project.mapping import Compiled
from reconciler.project.objectflow import is_object_filter
from reconciler.project.projection import user_columns_of
from reconciler.project.sources import GROUP_SOURCES


def forwards(app: App, profile: Profile, directory: Directory) -> tuple[list[Way], list[Way]]:
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
        [
            _forwards(*pair, profile.comparison.rule(pair[1].path))
            for pair in zip(users, user_columns.all, strict=False)
        ],
        [
            _forwards(*pair, profile.comparison_of_groups.rule(pair[1].path))
            for pair in zip(groups, group_columns.all, strict=False)
        ],
    )


def _forwards(written: Written, compiled: Compiled, rule: Rule) -> Way:
    def flow(source: Source) -> tuple[bool, Flow]:
        try:
            return True, compiled.flow(source)
        except (Misfit, ExpressionError):
            return False, UNSET

    text = written.expression or ""
    reads = tuple(sorted(compiled.reads, key=lambda name: (text.find(f"[{name}]"), name)))
    return Way(compiled.path, written, flow, reads, rule, compiled.column.redacts)


def described(proposal: Proposal) -> Described:
    """Whose accounts and groups are by the files and the memory, and which are to be left alone."""
    context = proposal.context
    people, groups, desired = context.desired.people, context.desired.groups, context.desired
    owned = {at: people[number].user.id for number, at in context.users.found.items()}
    gone = {at for number, at in context.users.found.items() if people[number].standing is Standing.OUT_OF_SCOPE}
    untouched = {
        **dict.fromkeys(context.ignored_accounts, ""),
        **dict.fromkeys(context.left_out, ""),
        **{at: f"the files do not want {owned[at]} there any more: the next plan takes the access" for at in gone},
        **{at: f"{key} has no file any more: the next plan takes the access" for at, key in context.gone.items()},
        **{
            at: f"the plan asks whether it is that of {', '.join(sorted(people[n].user.id for n in asking))}"
            for at, asking in context.users.contested.items()
            if at not in owned
        },
    }
    for at, account in enumerate(context.snapshot.accounts):
        if f"account:{account.id}" in context.revoked:
            untouched[at] = "its access is revoked"
    if context.acts_as is not None:
        untouched[context.acts_as] = ""
    return Described(
        directory=desired.directory,
        people={at: user for at, user in owned.items() if at not in untouched},
        groups={at: groups[number].group.id for number, at in context.groups.found.items()},
        untouched=untouched,
        untouched_groups=context.ignored_groups | (context.groups.contested.keys() - context.groups.owner.keys()),
        members={each.group.id: _effective(desired, each.members) for each in groups},
        in_scope=frozenset(each.user.id for each in people if each.standing is not Standing.OUT_OF_SCOPE),
        revoked=frozenset(desired.revoked),
        app_groups=frozenset(each.group.id for each in groups),
    )


def _effective(desired: Desired, members: set[int]) -> frozenset[UserId]:
    return frozenset(desired.people[number].user.id for number in members)
