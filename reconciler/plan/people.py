"""What happens to the accounts of people who have or get access: the table of *Difference*."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler.model.desired import Cause, Column, Person
from reconciler.model.path import parse_path
from reconciler.model.plan import (
    AdoptUser,
    Candidate,
    CreateUser,
    Difference,
    Held,
    Note,
    Origin,
    ReactivateUser,
    Reason,
    RenameUser,
    Source,
    UpdateUser,
)
from reconciler.model.values import UNSET, Choice, Flow, is_null, user_key
from reconciler.plan.choices import Choices, all_taken
from reconciler.plan.context import SIGN_IN, Context
from reconciler.plan.departures import Departures
from reconciler.plan.difference import Comparer, Differences, digest
from reconciler.plan.identity import Question
from reconciler.plan.kept import gave_up
from reconciler.plan.references import References

LEAVES: Final = {
    Cause.REVOKED: Reason.REVOKED,
    Cause.DISABLED: Reason.DISABLED,
    Cause.OUTSIDE_WINDOW: Reason.OUTSIDE_WINDOW,
    Cause.OUT_OF_SCOPE: Reason.LEFT_SCOPE,
}


class People:
    """Makes the changes about accounts. Held questions and releases are settled here, counts by `guard`."""

    def __init__(self, context: Context) -> None:
        self.context = context
        profile = context.profile
        self.columns = context.desired.user_columns
        self.comparer = Comparer(
            self.columns,
            context.snapshot.user_paths,
            profile.comparison,
            context.account_of,
            context.snapshot.unread_user_paths,
        )
        self.choices = Choices(
            self.columns,
            context.snapshot.user_paths,
            lambda: [account.values for account in context.snapshot.accounts],
            lambda: [p.values for n, p in enumerate(context.desired.people) if p.wanted and self._is_new(n)],
        )
        self.references = References(context)
        self.departures = Departures(context, self.comparer)
        self.names = {c.path: parse_path(c.path).schema_name for c in self.columns}

    def plan(self) -> None:
        context = self.context
        for number, person in enumerate(context.desired.people):
            self._person(number, person)
        self.departures.departed()
        self.departures.revoked()
        self.departures.known()
        self.departures.unmanaged()

    def _person(self, number: int, person: Person) -> None:
        context, identity = self.context, self.context.users
        question = identity.questions.get(number)
        if question is not None:
            if number not in identity.moot:
                self._ask(person, question)
            return
        at = identity.found.get(number)
        key = f"user:{person.user.id}"
        if number in identity.ignored:
            self._ignored(person, key, identity.ignored[number])
            return
        if at is None:
            if person.wanted:
                self._create(number, person, key)
            return
        if at in context.ignored_accounts:
            self._ignored(person, key, at)
        elif person.wanted:
            if at not in identity.contested:
                self._keep(number, person, key, at)
        elif self._still_leaves(person, at):
            reason = LEAVES[person.cause or Cause.OUT_OF_SCOPE]
            self.departures.leave(key, person.user.name, at, reason, self._source(person), person.values)
            if at not in context.leaving:
                identity.adopted.discard(number)  # nothing to do, so nothing that would make it ours

    def _still_leaves(self, person: Person, at: int) -> bool:
        """Also while somebody else may turn out to own the account."""
        sure = person.cause is Cause.REVOKED or at not in self.context.users.contested
        return sure or self.departures.still_runs(at, person.user.name, person.user.file)

    def _ignored(self, person: Person, key: str, at: int) -> None:
        account = self.context.snapshot.accounts[at]
        if person.wanted or account.active:
            wanted = "updateUser" if person.wanted else "deactivateUser"
            text = f"the account {self.context.account_name(at)} is under `ignore`"
            self.context.block(key, account.id, person.user.name, wanted, "ignored", text)

    def _source(self, person: Person, attribute: str = "") -> Source:
        user = person.user
        return Source(file=user.file, line=user.lines.get(attribute, user.line))

    def _is_new(self, number: int) -> bool:
        return number not in self.context.users.found and number not in self.context.users.questions

    # -- gains

    def _create(self, number: int, person: Person, key: str) -> None:
        context, name, source = self.context, person.user.name, self._source(person)
        values = self._initial(person, key)
        if values is None:
            return
        binding = context.binding(key)
        lost = number in context.users.lost and binding is not None and binding.get("active", True)
        held = self._taken_away(key) if lost else ()
        origin = Origin.DRIFT if lost else Origin.PENDING
        values = self.references.defer(key, None, name, values, origin, source)
        context.changes.append(
            CreateUser(
                key=key,
                name=name,
                origin=origin,
                reasons=(Reason.NEW_IN_SCOPE,),
                set={c.path: Difference(after=context.difference(key, c, None, v).after) for c, _, v in values},
                source=source,
                held=held,
            )
        )

    def _initial(self, person: Person, key: str) -> Differences | None:
        """What a new account is to hold. None: a value that has to be free is not, and the creation is blocked."""
        values: Differences = []
        for position, (column, value) in enumerate(zip(self.columns, person.values, strict=True)):
            flows = column.default if (value is UNSET or is_null(value)) else value
            if isinstance(flows, Choice):
                chosen = self.choices.choose(position, flows)
                if chosen is None:
                    text = all_taken(column, flows)
                    self.context.block(key, None, person.user.name, "createUser", "nameTaken", text)
                    return None
                flows = chosen
            if not is_null(flows):
                values.append((column, None, flows))
        return values

    def _taken_away(self, key: str) -> tuple[Held, ...]:
        release = f"takenAwayInApp:{key}"
        if self.context.app.drift.taken_away == "repair" or release in self.context.releases:
            return ()
        return (Held(by="takenAwayInApp", release=release),)

    def _ask(self, person: Person, question: Question) -> None:
        context = self.context
        key = user_key(person.user.id)
        candidates = tuple(
            Candidate(
                id=context.snapshot.accounts[at].id,
                name=context.login(at),
                active=context.snapshot.accounts[at].active,
                bound=context.bound_users.get(context.snapshot.accounts[at].id),
            )
            for at in sorted(question.candidates, key=lambda at: context.snapshot.accounts[at].id)
        )
        single = candidates[0].id if len(candidates) == 1 else None
        context.changes.append(
            AdoptUser(
                key=key,
                id=single,
                name=person.user.name,
                reasons=(Reason.FOUND,),
                candidates=candidates,
                source=self._source(person),
                held=(Held(by="whoIsThis", release=f"whoIsThis:{key}"),),
            )
        )
        context.notes.append(Note(code="heldCandidate", key=key, id=single, text=question.why))

    # -- changes of those who stay

    def _keep(self, number: int, person: Person, key: str, at: int) -> None:
        context = self.context
        account = context.snapshot.accounts[at]
        name = person.user.name
        differences = self._kept(key, self.comparer.differences(person.values, account.values))
        found = number in context.users.adopted
        if found:
            context.notes.append(
                Note(code="adopted", key=key, id=account.id, text=f"{context.login(at)} was there before us")
            )
        off = not account.active or any(c.soft for c, _, _ in differences)
        if not differences and not off:
            return
        if at == context.acts_as:
            context.block(key, account.id, name, "updateUser", "actsAs", "the token belongs to this account")
            return
        if any(self._renames(c) for c, _, _ in differences) and context.guarded(key, at):
            context.block(key, account.id, name, "renameUser", "protected", "protected: its names are never changed")
            differences = [d for d in differences if not self._renames(d[0])]
        elif any(c.matching for c, _, _ in differences) and "renameUser" in context.profile.cannot:
            context.block(key, account.id, name, "renameUser", "appCannot", context.profile.cannot["renameUser"])
            differences = [d for d in differences if not d[0].matching]
        origin = self._origin(key, person.values)
        source = self._source(person, differences[0][0].source if differences else "")
        differences = self.references.defer(key, account.id, name, differences, origin, source)
        if not differences and not off:
            return
        changed = {c.path: context.difference(key, c, b, a) for c, b, a in differences}
        if off:
            self._reactivate(key, name, at, changed, origin, source)
            return
        renames = any(c.matching for c, _, _ in differences)
        kind = AdoptUser if found else RenameUser if renames else UpdateUser
        reasons: tuple[Reason, ...] = (Reason.FOUND,) if found else ()
        reasons += (Reason.MATCHING_DIFFERS if renames else Reason.ATTRIBUTE_DIFFERS,)
        context.changes.append(
            kind(key=key, id=account.id, name=name, origin=origin, reasons=reasons, set=changed, source=source)
        )

    def _renames(self, column: Column) -> bool:
        """Whether it is a name that the account is found by, or that its owner signs in with."""
        return bool(column.matching) or self.names[column.path] in SIGN_IN

    def _reactivate(
        self, key: str, name: str, at: int, changed: dict[str, Difference], origin: Origin, source: Source
    ) -> None:
        """Runs only if we deactivated this very account, or somebody released it as this person's."""
        context = self.context
        id_ = context.snapshot.accounts[at].id
        if not any(c.soft and c.path in changed for c in self.columns):
            changed = {"active": Difference(before=False, after=True), **changed}
        binding = context.binding(key)
        ours = binding is not None and binding["id"] == id_ and binding.get("active") is False
        held = () if ours or f"whoIsThis:{key}" in context.releases else self._taken_away(key)
        context.changes.append(
            ReactivateUser(
                key=key,
                id=id_,
                name=name,
                origin=Origin.PENDING if ours else origin,
                reasons=(Reason.BACK_IN_SCOPE,),
                set=changed,
                source=source,
                held=held,
            )
        )

    def _kept(self, key: str, differences: Differences) -> Differences:
        """Without what the application is known not to keep; access itself is never forgotten so."""
        refused = self.context.not_kept.get(key)
        if not refused:
            return differences
        left = []
        for column, before, after in differences:
            if not column.soft and gave_up(refused, column, after, before):
                self.context.notes.append(
                    Note(code="notKept", key=key, text=f"{self.context.profile.title} does not keep {column.path}")
                )
            else:
                left.append((column, before, after))
        return left

    def _origin(self, key: str, values: Sequence[Flow]) -> Origin:
        """Drift, if git wants what the last apply left."""
        binding = self.context.binding(key)
        known = binding is not None and binding.get("wanted")
        return Origin.DRIFT if known and known == digest(tuple(values)) else Origin.PENDING
