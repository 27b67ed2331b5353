"""What an apply leaves in the app's memory: bindings, and how each resource was left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.model.path import parse_path
from reconciler.model.plan import (
    AddMembers,
    CreateGroup,
    CreateUser,
    DeactivateUser,
    DeleteGroup,
    DeleteUser,
    EmptyGroup,
    Plan,
    ReactivateUser,
    RemoveMembers,
    RenameGroup,
    RenameUser,
    UpdateGroup,
)
from reconciler.model.state import Binding, NotKept, Spent, State
from reconciler.model.values import Generated, Redacted, RemoteId, Value
from reconciler.plan import WINDOW, Proposal, digest, instant, is_window_lost, made, weigh

QUESTIONS: Final = frozenset({"whoIsThis", "takenAwayInApp", "givenInApp"})
"""What holds a change until a person answers, and is no guardrail."""


class Memory:
    """Moves a state forward with each write that was done, and once more when the run ends.

    A process may be killed between any two writes, and a server may say yes and do nothing: until the end has proved
    it, nothing is forgotten that would keep a leaver's access from being found again.
    """

    def __init__(self, state: State, proposal: Proposal, now: datetime) -> None:
        self.state = state
        self.proposal = proposal
        self.now = instant(now)
        self._commit = proposal.context.desired.directory.commit
        self._new: set[str] = set()
        """Keys bound in this run."""
        self._people = {f"user:{p.user.id}": p for p in proposal.context.desired.people}
        self._groups = {f"group:{g.group.id}": g for g in proposal.context.desired.groups}
        self._released = {rail.name for rail in proposal.plan.guardrails if rail.released}
        self._spent: dict[str, Spent] = {}
        if state.fresh and is_window_lost(proposal.context):
            state.window_from = self.now
        state.spent = [s for s in state.spent if datetime.fromisoformat(s["at"]) > now - WINDOW]
        for former, key in {**proposal.users.moved, **proposal.groups.moved}.items():
            if former in state.bindings and key not in state.bindings and not self._is_asked_for(former):
                state.bindings[key] = state.bindings.pop(former)
                self._follow(former, key)
        self._forget_memberships_of_the_lost()

    def _follow(self, former: str, key: str) -> None:
        """What was left in groups under the former id was left there as this one's."""
        before, now = former.partition(":")[2], key.partition(":")[2]
        for binding in self.state.bindings.values() if key.startswith("user:") else ():
            if before in binding.get("members", ()):
                binding["members"] = sorted({now, *binding["members"]} - {before})

    def _is_asked_for(self, key: str) -> bool:
        """Whether somebody else asks for what is bound so: until that is answered it moves to nobody."""
        at = self.proposal.context.snapshot.numbers.get(RemoteId(self.state.bindings[key]["id"]))
        return at is not None and at in self.proposal.users.contested

    def _forget_memberships_of_the_lost(self) -> None:
        """Whose account was deleted and is made again is in no group: nobody took those memberships away."""
        changes = self.proposal.plan.pending
        again = {c.key[5:] for c in changes if isinstance(c, CreateUser) and c.key in self.state.bindings}
        for binding in self.state.bindings.values() if again else ():
            if not again.isdisjoint(binding.get("members", ())):
                binding["members"] = [u for u in binding["members"] if u not in again]

    def done(self, step: Step) -> None:
        """The application answered one change with success."""
        change, key = step.change, step.change.key
        self._spend(step)
        if key.startswith(("account:", "appGroup:")):
            return
        match change:
            case DeleteUser():
                if key in self.state.bindings:
                    self.state.bindings[key]["active"] = False
            case DeleteGroup():
                pass
            case AddMembers() | RemoveMembers() | EmptyGroup():
                touched = [m.key for m in change.members if m.key not in step.skipped_members]
                if key in self._groups and key not in self.state.bindings:
                    self._bind(key, step.id or change.id)  # found as it is wanted, but for its members
                if isinstance(change, RemoveMembers):
                    again = self.proposal.undoes.memberships.get(key, frozenset())
                    touched = [each for each in touched if each not in again]
                self._members(key, touched, added=isinstance(change, AddMembers))
            case DeactivateUser():
                self._bind(key, step.id)["active"] = key in self.proposal.undoes.accounts
            case RenameUser(temporary=True) | RenameGroup(temporary=True):
                if step.id and key in self.state.bindings:
                    self.state.bindings[key]["id"] = step.id  # some servers make the id of the name
            case _:
                if isinstance(change, (UpdateGroup, RenameGroup)) and step.id and key in self.state.bindings:
                    self.state.bindings[key]["id"] = step.id  # the same group by another id: it keeps its members
                binding = self._bind(key, step.id)
                if key in self._people:
                    binding["active"] = True

    def expect(self, steps: Iterable[Step]) -> None:
        """Binds whom these steps are about, before any of it is written: they are about to have one another's names."""
        for change in (step.change for step in steps):
            binding = self.state.bindings.get(change.key)
            if binding is not None and binding["id"] == change.id:
                continue
            binding = self._bind(change.key, change.id)
            binding.pop("wanted", None)
            if change.key in self._people and not isinstance(change, ReactivateUser):
                binding["active"] = True

    def _bind(self, key: str, id_: str | None) -> Binding:
        binding = self.state.bindings.get(key)
        if binding is None or (id_ is not None and binding["id"] != id_):
            self.state.bindings[key] = binding = Binding(id=str(id_), since=self.now, commit=self._commit)
            self._new.add(key)
        person, group = self._people.get(key), self._groups.get(key)
        if person is not None:
            binding["name"], binding["file"] = person.user.name, person.user.file
            binding["wanted"] = digest(tuple(person.values))
        elif group is not None:
            binding["name"], binding["file"] = group.group.name, group.group.file
            binding["wanted"] = digest(tuple(group.values))
        return binding

    def _members(self, group: str, keys: list[str], *, added: bool) -> None:
        binding = self.state.bindings.get(group)
        if binding is None:
            return
        left, touched = set(binding.get("members", ())), {k[5:] for k in keys if k.startswith("user:")}
        binding["members"] = sorted(left | touched if added else left - touched)

    def _spend(self, step: Step) -> None:
        """What the guardrails' 24-hour window will count: not what was released."""
        for name, value in weigh(step.change).items():
            if name in self._released:
                continue
            if name not in self._spent:
                self._spent[name] = Spent(at=self.now, name=name, value=0)
                self.state.spent.append(self._spent[name])
            self._spent[name]["value"] += value

    def close(self, outcome: Outcome, *, finished: bool) -> None:
        """The run ended: what was found as wanted is remembered too, and what is gone is forgotten.

        `finished`: every change that was not held had its turn.
        """
        state, proved = self.state, not outcome.unverified
        for step in outcome.steps:
            if step.status is Status.NOT_STORED:
                self._take_back(step)
            elif step.taken_back:
                self._take_back(step)
                self.state.bindings[step.change.key].pop("wanted", None)
            elif step.status is Status.DONE and isinstance(step.change, (DeleteUser, DeleteGroup)) and proved:
                state.bindings.pop(step.change.key, None)
        state.spent = [s for s in state.spent if s["value"]]
        if self.proposal.context.looked_for is None:  # else of most nothing was seen
            self._forget_gone()
            self._forget_former()
            self._found(outcome)
            self._close_groups(
                self.proposal.left.union(s.change.key for s in outcome.steps if _shapes_group(s)), outcome
            )
        self._not_kept(outcome)
        kept = {} if self.proposal.whole else {n: v for n, v in state.held.items() if n not in self._released}
        state.held = kept | still_held(self.proposal.plan)
        if finished:
            state.commit, state.applied_at = self._commit, self.now
            if not _remains(self.proposal.plan):
                state.guardrails = self.proposal.context.app.guardrails

    def _take_back(self, step: Step) -> None:
        """The application said yes, and it is not so: the next plan must see it as it is."""
        change, key = step.change, step.change.key
        for name, value in weigh(change).items():
            if name in self._spent:
                self._spent[name]["value"] -= value
        binding = self.state.bindings.get(key)
        if binding is None:
            return
        match change:
            case CreateUser() | CreateGroup() if "id" in step.paths:
                del self.state.bindings[key]
            case AddMembers():
                self._members(key, list(step.paths), added=False)
            case RemoveMembers() | EmptyGroup():
                self._members(key, list(step.paths), added=True)
            case DeactivateUser() | DeleteUser():
                binding["active"] = True
            case ReactivateUser() if self._concerns_access(step):
                binding["active"] = False
            case _:
                pass

    def _concerns_access(self, step: Step) -> bool:
        soft = {c.path for c in self.proposal.context.desired.user_columns if c.soft}
        return any(path in soft or parse_path(path).schema_name == "active" for path in step.paths)

    def _found(self, outcome: Outcome) -> None:
        """People whom nothing was written to: adopted, or as they are wanted."""
        state, context = self.state, self.proposal.context
        written = self.proposal.left.union(s.change.key for s in outcome.steps if s.change.action.endswith("User"))
        for number, at in context.users.found.items():
            person = context.desired.people[number]
            key = f"user:{person.user.id}"
            account = context.snapshot.accounts[at]
            known = key in state.bindings and state.bindings[key]["id"] == account.id
            if key not in written and (known or self._may_be_bound(number, at, key)):
                binding = self._bind(key, account.id)
                if person.wanted == account.active:
                    binding["active"] = account.active
        for at, key in context.gone.items():
            if key in state.bindings and not context.snapshot.accounts[at].active:
                state.bindings[key]["active"] = False

    def _may_be_bound(self, number: int, at: int, key: str) -> bool:
        """Found for the first time, or under another id; not while somebody else asks for the same account."""
        users = self.proposal.users
        return at not in users.contested and (number in users.adopted or key in self.state.bindings)

    def _close_groups(self, written: frozenset[str], outcome: Outcome) -> None:
        """Memberships that were found as wanted join those that were written; of the others only those are kept that
        git still wants, since somebody may have taken them away, or that the application still has.
        """
        context, state = self.proposal.context, self.state
        people, owner = context.desired.people, context.users.owner
        come, gone = _members_moved(outcome)
        for number, at in context.groups.found.items():
            group = context.desired.groups[number]
            key = f"group:{group.group.id}"
            live = context.snapshot.groups[at]
            if key in state.bindings or number in context.groups.adopted:
                binding = self._bind(key, live.id) if key not in written else state.bindings.get(key)
                if binding is None:
                    continue
                wanted = {str(people[m].user.id) for m in group.members}
                there = {str(people[owner[a]].user.id) for a in live.members if a in owner}
                there |= {c[a][5:] for c in (context.gone, context.left_out) for a in live.members if a in c}
                there = (there - gone.get(key, set())) | come.get(key, set())
                left = set(binding.get("members", ()))
                binding["members"] = sorted((left & (wanted | there)) | (there & wanted))
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

    def _forget_former(self) -> None:
        """Of two bindings to what moved to another key, the former one."""
        bindings = self.state.bindings
        for former, key in {**self.proposal.users.moved, **self.proposal.groups.moved}.items():
            if former in bindings and key in bindings and bindings[former]["id"] == bindings[key]["id"]:
                del bindings[former]
                self._follow(former, key)

    def _not_kept(self, outcome: Outcome) -> None:
        """What was written twice and did not stay; what did stay is no longer among it. Access is never given up so."""
        state, mappings = self.state, self.proposal.context.desired.mappings_digest
        if state.mappings_digest != mappings:
            state.not_kept, state.mappings_digest = {}, mappings
        for step in outcome.steps:
            if step.status not in (Status.NOT_STORED, Status.DONE) or isinstance(step.change, DeactivateUser):
                continue
            behind = self.proposal.context.behind.get(step.change.key, {})
            written = {p: behind.get(p, d.after) for p, d in getattr(step.change, "set", {}).items()}
            refused = {
                path: _refused(written[path], step.found.get(path))
                for path in step.paths
                if path in written and parse_path(path).canonical != "active" and step.tries > 1
            }
            kept = {p: d for p, d in state.not_kept.get(step.change.key, {}).items() if p not in written}
            state.not_kept[step.change.key] = {**kept, **refused}
        state.not_kept = {k: paths for k, paths in state.not_kept.items() if paths and k in state.bindings}
        self._learn_what_was_made()

    def _learn_what_was_made(self) -> None:
        """Earlier versions did not remember what the application made of a value: it is what it holds now."""
        context = self.proposal.context
        unknown = {k for k, paths in self.state.not_kept.items() if any("live" not in e for e in paths.values())}
        if not unknown:
            return
        snapshot, desired = context.snapshot, context.desired
        for key in sorted(unknown):
            if key.startswith("user:"):
                number = snapshot.numbers.get(RemoteId(self.state.bindings[key]["id"]))
                row = None if number is None else snapshot.accounts[number].values
                paths, columns = snapshot.user_paths, desired.user_columns
            else:
                id_ = self.state.bindings[key]["id"]
                row = next((g.values for g in snapshot.groups if g.id == id_), None)
                paths, columns = snapshot.group_paths, desired.group_columns
            shown = {c.path for c in columns if not c.redacts}
            for path, entry in self.state.not_kept[key].items():
                if row is not None and "live" not in entry and path in shown and path in paths:
                    entry["live"] = made(row[paths.index(path)])


def _refused(wanted: Value, found: Value) -> NotKept:
    """Of what is redacted or drawn nothing is remembered that could be found again by trying."""
    entry = NotKept(wanted=digest(wanted))
    if not isinstance(wanted, (Redacted, Generated)):
        entry["live"] = made(found)
    return entry


def still_held(plan: Plan) -> dict[str, int]:
    """Guardrail → how much of it waits for its release: what broke it, and what there was no memory for, although from
    now on there is one. What runs beside it is not in the figure, which must still be there the next time.
    """
    deleted = {change.id for change in plan.pending if isinstance(change, DeleteUser)}
    held: Counter[str] = Counter()
    for change in plan.held:
        if isinstance(change, EmptyGroup) and {m.id for m in change.members} <= deleted:
            continue  # it is empty by then
        names = {hold.release.partition("=")[0] for hold in change.held}
        held.update({name: weight for name, weight in weigh(change).items() if name in names})
    return dict(held)


def _remains(plan: Plan) -> bool:
    """Whether guardrails held something back: then those of the commit before still count. Questions do not."""
    guarding = any(h.by not in QUESTIONS for change in plan.held for h in change.held)
    return guarding or any(blocked.reason in ("protected", "actsAs") for blocked in plan.blocked)


def _shapes_group(step: Step) -> bool:
    return step.change.action in ("createGroup", "updateGroup", "renameGroup", "adoptGroup")


def _members_moved(outcome: Outcome) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Group → user ids that were added, and that were removed: an undo moves people against what git wants."""
    come: dict[str, set[str]] = {}
    gone: dict[str, set[str]] = {}
    for step in outcome.steps:
        change = step.change
        if step.status is Status.DONE and isinstance(change, (AddMembers, RemoveMembers, EmptyGroup)):
            side = come if isinstance(change, AddMembers) else gone
            keys = (m.key for m in change.members if m.key not in step.skipped_members)
            side.setdefault(change.key, set()).update(key[5:] for key in keys if key.startswith("user:"))
    return come, gone
