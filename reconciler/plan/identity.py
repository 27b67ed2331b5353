"""Who is who: pins, then bindings, then matching attributes. Everything in doubt is held, alone.

One algorithm for people and for groups; what only people have (names, activity) comes in as `doubt`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.state import Binding
from reconciler.model.values import UNSET, Flow, Value, is_null
from reconciler.plan.releases import Releases


@dataclass(slots=True)
class Claimant:
    """One person or group of ours. Rows exist only for those whom neither pin nor binding settles."""

    number: int
    key: str
    match: tuple[Value, ...]
    former: tuple[tuple[Flow, ...], ...]
    wanted: bool


@dataclass(slots=True)
class Theirs:
    """The application's side: ids by number, and the columns that match, in order of precedence."""

    ids: Sequence[str]
    numbers: Mapping[str, int]
    value: Callable[[int, int], Value]
    """(number, matching column) → value."""
    exact: tuple[bool, ...]
    ignored: frozenset[int] = frozenset()
    untouchable: frozenset[int] = frozenset()
    """Protected, or the account behind the token: no pin may claim these."""


@dataclass(slots=True)
class Question:
    """whoIsThis: the candidates, and why it is not plain."""

    candidates: tuple[int, ...]
    why: str
    former: bool = False
    """The claim rests on `formerly`."""


@dataclass(slots=True)
class Identity:
    """The outcome. Numbers are positions in ours and theirs."""

    found: dict[int, int] = field(default_factory=dict)
    """ours → theirs."""
    owner: dict[int, int] = field(default_factory=dict)
    """theirs → ours."""
    adopted: set[int] = field(default_factory=set)
    """Ours that were matched for the first time."""
    questions: dict[int, Question] = field(default_factory=dict)
    ignored: dict[int, int] = field(default_factory=dict)
    """Ours whose match is under `ignore`."""
    lost: set[int] = field(default_factory=set)
    """Ours with a binding to something that is gone."""
    moved: dict[str, str] = field(default_factory=dict)
    """Former key → the key that its binding moves to (`formerly: [{id: …}]`)."""
    contested: set[int] = field(default_factory=set)
    """Theirs that are a candidate of some question."""


def normal(value: Value, exact: bool) -> str:
    return str(value) if exact else str(value).casefold()


class Resolver:
    """Settles pins and bindings one by one with `settle`, and everybody else together with `resolve`."""

    def __init__(
        self,
        theirs: Theirs,
        bindings: Mapping[str, Binding],
        present: Callable[[str], bool],
        releases: Releases,
        *,
        drop_lost: bool = False,
    ) -> None:
        self.theirs = theirs
        self.bindings = bindings
        self.present = present
        """Whether a key still has a file in git."""
        self.releases = releases
        self.drop_lost = drop_lost
        self.identity = Identity()
        self._bound: dict[int, str] = {
            theirs.numbers[b["id"]]: key for key, b in bindings.items() if b["id"] in theirs.numbers
        }
        self._waiting: list[Claimant] = []

    def settle(
        self,
        number: int,
        key: str,
        pin: str | None,
        former_ids: Sequence[str],
        claimant: Callable[[], Claimant],
    ) -> None:
        """Pin, else binding, else the claimant waits for `resolve`."""
        identity = self.identity
        if pin is not None:
            self._pin(number, key, pin)
            return
        binding = self.bindings.get(key)
        if binding is None and former_ids:
            binding = self._inherited(number, key, former_ids)
            if number in identity.questions:
                return
        if binding is not None:
            at = self.theirs.numbers.get(binding["id"])
            if at is not None:
                self._take(number, at)
                return
            if not self.drop_lost:
                identity.lost.add(number)
        self._waiting.append(claimant())

    def _take(self, number: int, at: int) -> None:
        identity = self.identity
        other = identity.owner.get(at)
        if other is not None and other != number:
            for each in (other, number):
                identity.questions[each] = Question((at,), "two of ours claim it")
                identity.found.pop(each, None)
            return
        identity.found[number] = at
        identity.owner[at] = number

    def _pin(self, number: int, key: str, pin: str) -> None:
        at = self.theirs.numbers.get(pin)
        if at is None:
            self.identity.questions[number] = Question((), f"the pin names {pin}, which is not in the application")
            return
        holder = self._bound.get(at)
        if at in self.theirs.ignored:
            self.identity.ignored[number] = at
        elif at in self.theirs.untouchable:
            self.identity.questions[number] = Question((at,), "the pin names a protected account")
        elif holder is not None and holder != key and self.present(holder):
            self.identity.questions[number] = Question((at,), f"the pin names the account of {holder}")
        else:
            self._take(number, at)
            binding = self.bindings.get(key)
            if binding is None or binding["id"] != pin:
                self.identity.adopted.add(number)

    def _inherited(self, number: int, key: str, former_ids: Sequence[str]) -> Binding | None:
        """The binding of an earlier id whose file is gone."""
        for former in former_ids:
            binding = self.bindings.get(former)
            if binding is None or self.present(former):
                continue
            at = self.theirs.numbers.get(binding["id"])
            if self.identity.moved.setdefault(former, key) != key:
                candidates = () if at is None else (at,)
                self.identity.questions[number] = Question(candidates, f"two of ours were {former}", former=True)
                return None
            return binding
        return None

    def resolve(
        self,
        leaves_name: Callable[[str, int, str], bool],
        doubt: Callable[[Claimant, int], str | None],
    ) -> Identity:
        """Matches the waiting ones. `leaves_name(key, column, value)`: this plan renames `key` away from the value."""
        proposals: dict[int, list[Claimant]] = {}
        index = self._index() if self._waiting else []
        for claimant in self._waiting:
            at = self._candidate(claimant, index, leaves_name)
            if at is not None:
                proposals.setdefault(at, []).append(claimant)
        for at, claimants in proposals.items():
            self._decide(at, claimants, doubt)
        self._close()
        return self.identity

    def _index(self) -> list[dict[str, list[int]]]:
        index: list[dict[str, list[int]]] = []
        for column, exact in enumerate(self.theirs.exact):
            table: dict[str, list[int]] = {}
            for at in range(len(self.theirs.ids)):
                value = self.theirs.value(at, column)
                if not is_null(value):
                    table.setdefault(normal(value, exact), []).append(at)
            index.append(table)
        return index

    def _hits(
        self,
        values: Sequence[Flow],
        index: list[dict[str, list[int]]],
        leaves_name: Callable[[str, int, str], bool],
    ) -> list[int]:
        """Of the first matching attribute that finds anybody."""
        for column, value in enumerate(values):
            if value is UNSET or is_null(value):
                continue
            text = normal(value, self.theirs.exact[column])
            hits = [
                at
                for at in index[column].get(text, ())
                if not (at in self._bound and leaves_name(self._bound[at], column, text))
            ]
            if hits:
                return hits
        return []

    def _candidate(
        self,
        claimant: Claimant,
        index: list[dict[str, list[int]]],
        leaves_name: Callable[[str, int, str], bool],
    ) -> int | None:
        """The one account that fits without choice; a question is noted where there is a choice."""
        today = self._hits(claimant.match, index, leaves_name)
        former = sorted({at for entry in claimant.former for at in self._hits(entry, index, leaves_name)})
        every = sorted({*today, *former})
        if not every:
            return None
        questions = self.identity.questions
        if len(every) > 1:
            why = "several fit" if len(today) > 1 or not today else "today's and former values find different ones"
            questions[claimant.number] = Question(tuple(every), why, former=bool(former))
        elif every[0] in self.theirs.ignored:
            self.identity.ignored[claimant.number] = every[0]
        elif not today and not self._released(claimant):
            questions[claimant.number] = Question((every[0],), "only `formerly` finds it", former=True)
        else:
            return every[0]
        return None

    def _decide(self, at: int, claimants: list[Claimant], doubt: Callable[[Claimant, int], str | None]) -> None:
        questions = self.identity.questions
        holder = self._bound.get(at)
        if len(claimants) > 1 or at in self.identity.owner:
            for claimant in claimants:
                questions[claimant.number] = Question((at,), "two of ours fit it")
            return
        claimant = claimants[0]
        released = self._released(claimant)
        if holder is not None and holder != claimant.key and (not released or self.present(holder)):
            questions[claimant.number] = Question((at,), f"it is bound to {holder}")
            return
        why = doubt(claimant, at)
        if why and not released:
            questions[claimant.number] = Question((at,), why)
            return
        self._take(claimant.number, at)
        self.identity.adopted.add(claimant.number)

    def _released(self, claimant: Claimant) -> bool:
        return f"whoIsThis:{claimant.key}" in self.releases

    def _close(self) -> None:
        """Nobody owns what is in question, except the one it is bound to: their departure still counts."""
        identity = self.identity
        for number, question in identity.questions.items():
            identity.contested.update(question.candidates)
            identity.adopted.discard(number)
            identity.found.pop(number, None)
        for at in [at for at, number in identity.owner.items() if number in identity.questions]:
            del identity.owner[at]
