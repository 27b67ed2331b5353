"""The canary: the first few changes of each kind are made and verified before the rest of the kind."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from reconciler.apply.outcome import Status, Step
from reconciler.errors import ReconcilerError, Verdict

Prove: TypeAlias = Callable[[Sequence[Step]], Awaitable[None]]
"""Reads what the steps wrote, and turns `done` into `notStored` where it is not there."""
_PERSONAL: Final = frozenset({Verdict.CONFLICT, Verdict.NOT_FOUND, Verdict.INVALID, Verdict.PRECONDITION_FAILED, ""})
"""Failures that may be about one resource: the next one takes its place."""
_ACCESS: Final = frozenset({"id", "deletion", "active"})


class Canary:
    """Judges a kind of change (an `action`) by its first `size`. Kinds with no more than that are not judged."""

    def __init__(self, size: int, pending: Iterable[Step], prove: Prove) -> None:
        counts = Counter(step.change.action for step in pending)
        self._size = size
        self._prove = prove
        self._left: dict[str, int] = {kind: size for kind, count in counts.items() if size and count > size}
        """Kind → how many still have to be proved."""
        self._failures: Counter[str] = Counter()
        self._why: dict[str, str] = {}

    def ahead(self, steps: Iterable[Step]) -> Iterator[list[Step]]:
        """Those that go ahead, a few of each kind at a time, as long as their kinds need it; each lot has to be judged
        before the next one is asked for.
        """
        queues: dict[str, deque[Step]] = {}
        for step in steps:
            if step.change.action in self._left:
                queues.setdefault(step.change.action, deque()).append(step)
        while lot := [queue.popleft() for kind, queue in queues.items() for _ in range(self._next(kind, queue))]:
            yield lot

    def _next(self, kind: str, queue: deque[Step]) -> int:
        return 0 if kind in self._why else min(self._left.get(kind, 0), len(queue))

    def cause(self, step: Step) -> str:
        """Why the rest of its kind is not written; "": it is."""
        return self._why.get(step.change.action, "")

    async def judge(self, lot: Sequence[Step]) -> None:
        """Every step of the lot has its status."""
        try:
            await self._prove([step for step in lot if step.status is Status.DONE])
        except ReconcilerError as error:
            for step in lot:
                if step.status is Status.DONE:
                    self._stop(step, f"it could not be read again: {error.message}")
            return
        for step in lot:
            match step.status:
                case Status.DONE:
                    self._proved(step.change.action)
                case Status.NOT_STORED if is_lost(step):
                    self._stop(step, step.message)
                case Status.NOT_STORED:
                    self._proved(step.change.action)
                case Status.FAILED:
                    self._failures[step.change.action] += 1
                    if step.code not in _PERSONAL or self._failures[step.change.action] >= self._size:
                        self._stop(step, step.message)
                case _:
                    pass

    def _proved(self, kind: str) -> None:
        self._left[kind] -= 1
        if not self._left[kind]:
            del self._left[kind]

    def _stop(self, step: Step, what: str) -> None:
        kind = step.change.action
        why = f"the canary failed: {kind} {step.change.key}, which goes ahead of the others: {what}"
        self._why.setdefault(kind, why)


def is_lost(step: Step) -> bool:
    """Whether nothing of it is there, or what is about access is not. One attribute that is not kept is no reason: that
    is told once, and not planned again.
    """
    missing = set(step.paths)
    members = {member.key for member in getattr(step.change, "members", ())}
    if members or not step.values:
        return members <= missing
    return not _ACCESS.isdisjoint(missing) or (len(step.values) > 1 and step.values.keys() <= missing)
