"""Values that are somebody's account (RFC 7643 section 4.3, `manager`): known, or known once it is created."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.desired import Column
from reconciler.model.plan import Change, CreateUser, Note, Origin, Reason, Source, UpdateUser
from reconciler.model.values import Reference, Value, user_key
from reconciler.plan.context import Context
from reconciler.plan.difference import Differences


@dataclass(slots=True)
class _Waiting:
    """A reference to somebody who has no account when it is compared."""

    key: str
    id: str | None
    name: str
    column: Column
    before: Value
    after: Reference
    origin: Origin
    source: Source | None


class References:
    """What refers to an account that this plan creates is a change of its own, which waits for that creation.

    Who has no account and gets none can't be referred to: nothing flows, and a note says so.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self._waiting: list[_Waiting] = []

    def defer(
        self, key: str, id_: str | None, name: str, differences: Differences, origin: Origin, source: Source
    ) -> Differences:
        """The differences that can be written at once; the others wait for `settle`."""
        now: Differences = []
        for column, before, after in differences:
            if isinstance(after, Reference) and self.context.account_of(after) is None:
                self._waiting.append(_Waiting(key, id_, name, column, before, after, origin, source))
            else:
                now.append((column, before, after))
        return now

    def settle(self) -> None:
        """Once it is known who is created and whose account goes."""
        context = self.context
        created = {c.key: c for c in context.changes if isinstance(c, CreateUser)}
        if context.deleting:
            context.changes[:] = [left for change in context.changes for left in self._without_goers(change)]
        holds = {c.key: c.held for c in context.changes if c.held} if self._waiting else {}
        for each in self._waiting:
            if each.id is None and each.key not in created:
                continue  # blocked: told where it is blocked
            if user_key(each.after.user) not in created:
                self._nobody(each.key, each.id, each.column.path, each.after)
                continue
            context.changes.append(
                UpdateUser(
                    key=each.key,
                    id=each.id,
                    name=each.name,
                    origin=each.origin,
                    reasons=(Reason.ATTRIBUTE_DIFFERS,),
                    set={each.column.path: context.difference(each.key, each.column, each.before, each.after)},
                    source=each.source,
                    held=holds.get(each.key, ()),
                )
            )

    def _without_goers(self, change: Change) -> list[Change]:
        """Without references to accounts that this plan deletes."""
        goers = {
            path: value
            for path, value in self.context.behind.get(change.key, {}).items()
            if isinstance(value, Reference) and path in getattr(change, "set", {}) and self._goes(value)
        }
        if not goers or not hasattr(change, "set"):
            return [change]
        for path, value in goers.items():
            self._nobody(change.key, change.id, path, value)
        left = {path: difference for path, difference in change.set.items() if path not in goers}
        return [change.model_copy(update={"set": left})] if left else []

    def _goes(self, reference: Reference) -> bool:
        id_ = self.context.account_of(reference)
        return id_ is not None and self.context.snapshot.numbers.get(id_) in self.context.deleting

    def _nobody(self, key: str, id_: str | None, path: str, reference: Reference) -> None:
        text = f"{path}: {reference.user} has no account here, so nothing flows"
        self.context.notes.append(Note(code="noReference", key=key, id=id_, text=text))
