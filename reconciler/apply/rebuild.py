"""A memory that was lost, as far as the application shows it: what a plan would adopt without doubt is bound.

Nothing is written to the application. What memory alone could decide stays undecided: how an account was left is known
only where it is as git wants it, and what a plan holds for want of a memory stays held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.apply.remember import still_held
from reconciler.model.plan import AdoptGroup, AdoptUser
from reconciler.model.state import Binding, State
from reconciler.plan import Known, Proposal, digest, instant, is_window_lost, wanted_before


@dataclass(slots=True)
class Rebuilt:
    state: State
    bound: dict[str, str] = field(default_factory=dict)
    """Key → id, of what is bound now and was not."""
    questions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Key → the ids that it may be."""
    leavers: dict[str, str] = field(default_factory=dict)
    """Of `bound`: whom an earlier revision wanted, and today's files do not."""


def rebuild(proposal: Proposal, state: State, now: datetime, known: Mapping[str, Known] | None = None) -> Rebuilt:
    """A copy of `state` with bindings for whatever has none and fits without doubt. What it holds stays.

    `known`: whose account was whose by an earlier revision. Who has left the files since is bound too, so that every
    plan finds them; and held, until somebody releases the exact figure.
    """
    rebuilt = Rebuilt(state.model_copy(update={"bindings": dict(state.bindings), "fresh": False}))
    moment, commit = instant(now), proposal.context.desired.directory.commit
    changed = {change.key for change in proposal.plan.changes}
    _people(rebuilt, proposal, moment, commit, changed)
    _groups(rebuilt, proposal, moment, commit, changed)
    for change in proposal.plan.held:
        if isinstance(change, (AdoptUser, AdoptGroup)) and change.candidates:
            rebuilt.questions[change.key] = tuple(candidate.id for candidate in change.candidates)
    if state.fresh:
        rebuilt.state.held = still_held(proposal.plan)
        rebuilt.state.window_from = moment if is_window_lost(proposal.context) else None
    _leavers(rebuilt, proposal, known or {}, moment)
    return rebuilt


def _people(rebuilt: Rebuilt, proposal: Proposal, moment: str, commit: str | None, changed: set[str]) -> None:
    context = proposal.context
    for number in sorted(context.users.adopted):
        person, account = context.desired.people[number], context.snapshot.accounts[context.users.found[number]]
        key = f"user:{person.user.id}"
        binding = Binding(id=account.id, since=moment, commit=commit, name=person.user.name, file=person.user.file)
        if person.wanted and account.active:
            binding["active"] = True
        if key not in changed:
            binding["wanted"] = digest(tuple(person.values))
        _bind(rebuilt, key, binding)


def _groups(rebuilt: Rebuilt, proposal: Proposal, moment: str, commit: str | None, changed: set[str]) -> None:
    context = proposal.context
    owner, people = context.users.owner, context.desired.people
    for number in sorted(context.groups.adopted):
        group, live = context.desired.groups[number], context.snapshot.groups[context.groups.found[number]]
        key = f"group:{group.group.id}"
        binding = Binding(id=live.id, since=moment, commit=commit, name=group.group.name, file=group.group.file)
        wanted = sorted(str(people[owner[at]].user.id) for at in live.members if owner.get(at) in group.members)
        binding["members"] = [user for user in wanted if f"user:{user}" in rebuilt.state.bindings]
        if key not in changed:
            binding["wanted"] = digest(tuple(group.values))
        _bind(rebuilt, key, binding)


def _leavers(rebuilt: Rebuilt, proposal: Proposal, known: Mapping[str, Known], moment: str) -> None:
    context, state = proposal.context, rebuilt.state
    taken = {binding["id"] for binding in state.bindings.values()}
    for key, each, at in wanted_before(context, known):
        if each.id in taken or key in state.bindings or at == context.acts_as:
            continue
        binding = Binding(id=each.id, since=moment, commit=None, name=each.name, file=each.file)
        if context.snapshot.accounts[at].active:
            binding["active"] = True
        _bind(rebuilt, key, binding)
        rebuilt.leavers[key] = each.id
    if rebuilt.leavers:
        waiting = state.held.get("deprovisionUsers", 0)
        active = sum(1 for key in rebuilt.leavers if state.bindings[key].get("active"))
        state.held = {**state.held, "deprovisionUsers": max(waiting, active)} if active else state.held


def _bind(rebuilt: Rebuilt, key: str, binding: Binding) -> None:
    before = rebuilt.state.bindings.get(key)
    if before is None or before["id"] != binding["id"]:
        rebuilt.state.bindings[key] = binding
        rebuilt.bound[key] = binding["id"]
