"""What an apply leaves in the app's memory: bindings, and how each resource was left."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.apply.write import after
from reconciler.model.plan import (
    AddMembers,
    DeactivateUser,
    DeleteGroup,
    DeleteUser,
    EmptyGroup,
    RemoveMembers,
)
from reconciler.model.state import Binding, State
from reconciler.plan import WINDOW, Proposal, digest, instant, weigh


class Memory:
    """Moves a state forward with each write that was done, and once more when the run ends."""

    def __init__(self, state: State, proposal: Proposal, now: datetime) -> None:
        self.state = state
        self.proposal = proposal
        self.now = instant(now)
        self._when = now
        self._commit = proposal.context.desired.directory.commit
        self._new: set[str] = set()
        """Keys bound in this run."""
        self._people = {f"user:{p.user.id}": p for p in proposal.context.desired.people}
        self._groups = {f"group:{g.group.id}": g for g in proposal.context.desired.groups}
        for former, key in {**proposal.users.moved, **proposal.groups.moved}.items():
            if former in state.bindings and key not in state.bindings:
                state.bindings[key] = state.bindings.pop(former)

    def done(self, step: Step) -> None:
        """One change was made."""
        change, key = step.change, step.change.key
        if key.startswith(("account:", "appGroup:")):
            return
        if isinstance(change, (DeleteUser, DeleteGroup)):
            self.state.bindings.pop(key, None)
        elif isinstance(change, (AddMembers, RemoveMembers, EmptyGroup)):
            self._members(step)
        elif isinstance(change, DeactivateUser):
            self._bind(key, step.id)["active"] = False
        else:
            binding = self._bind(key, step.id)
            if key in self._people:
                binding["active"] = True

    def _bind(self, key: str, id_: str | None) -> Binding:
        binding = self.state.bindings.get(key)
        if binding is None or (id_ is not None and binding["id"] != id_):
            fresh = Binding(id=str(id_), since=self.now, commit=self._commit)
            if binding is not None and "members" in binding:
                fresh["members"] = binding["members"]
            self.state.bindings[key] = binding = fresh
            self._new.add(key)
        person, group = self._people.get(key), self._groups.get(key)
        if person is not None:
            binding["name"], binding["file"] = person.user.name, person.user.file
            binding["wanted"] = digest(tuple(person.values))
        elif group is not None:
            binding["name"], binding["file"] = group.group.name, group.group.file
            binding["wanted"] = digest(tuple(group.values))
        return binding

    def _members(self, step: Step) -> None:
        binding = self.state.bindings.get(step.change.key)
        if binding is None:
            return
        left = set(binding.get("members", ()))
        touched = {
            m.key[5:]
            for m in getattr(step.change, "members", ())
            if m.key.startswith("user:") and m.key not in step.skipped_members
        }
        left = left | touched if isinstance(step.change, AddMembers) else left - touched
        binding["members"] = sorted(left)

    def close(self, outcome: Outcome) -> None:
        """The run ended: what was found as wanted is remembered too, and what is gone is forgotten."""
        state, context = self.state, self.proposal.context
        self._forget_gone()
        written = {s.change.key for s in outcome.steps if s.change.action.endswith("User")}
        for number, at in context.users.found.items():
            person = context.desired.people[number]
            key = f"user:{person.user.id}"
            if key not in written and (key in state.bindings or number in context.users.adopted):
                account = context.snapshot.accounts[at]
                binding = self._bind(key, account.id)
                if person.wanted == account.active:
                    binding["active"] = account.active
        for at, key in context.gone.items():
            if key in state.bindings and not context.snapshot.accounts[at].active:
                state.bindings[key]["active"] = False
        self._close_groups({s.change.key for s in outcome.steps if _shapes_group(s)})
        self._not_kept(outcome)
        self._spend(outcome)
        rails = self.proposal.plan.guardrails
        state.held = {rail.name: rail.value for rail in rails if rail.broken and not rail.released}
        if not outcome.interrupted and not outcome.ended:
            state.commit, state.applied_at = self._commit, self.now

    def _close_groups(self, written: set[str]) -> None:
        """Memberships that were found as wanted join those that were written."""
        context, state = self.proposal.context, self.state
        people = context.desired.people
        for number, at in context.groups.found.items():
            group = context.desired.groups[number]
            key = f"group:{group.group.id}"
            live = context.snapshot.groups[at]
            if key in state.bindings or number in context.groups.adopted:
                binding = self._bind(key, live.id) if key not in written else state.bindings.get(key)
                if binding is None:
                    continue
                owners = (context.users.owner.get(account) for account in live.members)
                present = {str(people[o].user.id) for o in owners if o is not None and o in group.members}
                binding["members"] = sorted({*binding.get("members", ()), *present})
        for binding in state.bindings.values():
            if binding.get("members"):
                binding["members"] = [u for u in binding["members"] if f"user:{u}" in state.bindings]

    def _forget_gone(self) -> None:
        """Bindings of the departed to what is gone; all such bindings, where `emptyApp` was released."""
        context = self.proposal.context
        groups = {g.id for g in context.snapshot.groups}
        everybody = "emptyApp" in context.releases
        for key in [k for k in self.state.bindings if k not in self._new]:
            there = self.state.bindings[key]["id"] in (context.snapshot.numbers if key[:5] == "user:" else groups)
            if not there and (everybody or not (key in self._people or key in self._groups)):
                del self.state.bindings[key]

    def _not_kept(self, outcome: Outcome) -> None:
        state, mappings = self.state, self.proposal.context.desired.mappings_digest
        if state.mappings_digest != mappings:
            state.not_kept, state.mappings_digest = {}, mappings
        for step in outcome.steps:
            if (
                step.status is Status.NOT_STORED
                and hasattr(step.change, "set")
                and not isinstance(step.change, DeactivateUser)
            ):
                values = after(step)
                kept = {path: digest(values[path]) for path in step.paths if path in values and path != "active"}
                if kept:
                    state.not_kept.setdefault(step.change.key, {}).update(kept)

    def _spend(self, outcome: Outcome) -> None:
        """What the guardrails' 24-hour window will count: not what was released."""
        since = self._when - WINDOW
        spent: Counter[str] = Counter()
        for step in outcome.steps:
            if step.status is Status.DONE:
                spent.update(weigh(step.change))
        self.state.spent = [s for s in self.state.spent if datetime.fromisoformat(s["at"]) > since]
        for name, value in sorted(spent.items()):
            if name not in self.proposal.context.releases.figures:
                self.state.spent.append({"at": self.now, "name": name, "value": value})


def _shapes_group(step: Step) -> bool:
    return step.change.action in ("createGroup", "updateGroup", "renameGroup", "adoptGroup")
