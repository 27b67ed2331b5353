"""Who is who: pins, then bindings, then matching attributes. Everything in doubt is held, alone.

One algorithm for people and for groups; what only people have (names, activity) comes in as `doubt`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.model.state import Binding
from reconciler.model.values import UNSET, Flow, Value, is_null
from reconciler.plan.releases import Releases
from reconciler.plan.temporary import left_behind, tokens


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
    """Protected, or the account behind the token: no pin may claim these, unless they are bound so already."""


@dataclass(slots=True)
class Question:
    """whoIsThis: the candidates, and why it is not plain."""

    candidates: tuple[int, ...]
    why: str
    former: bool = False
    """The claim rests on `formerly`."""


@dataclass
class Identity:
    """The outcome. Numbers are positions in ours and theirs."""

    found: dict[int, int] = field(default_factory=dict)
    """ours → theirs."""
    owner: dict[int, int] = field(default_factory=dict)
    """theirs → ours."""
    adopted: set[int] = field(default_factory=set)
    """Ours that were matched for the first time."""
    questions: dict[int, Question] = field(default_factory=dict)
    moot: set[int] = field(default_factory=set)
    """Of those in question, whom nobody asks about."""
    ignored: dict[int, int] = field(default_factory=dict)
    """Ours whose match is under `ignore`."""
    lost: set[int] = field(default_factory=set)
    """Ours with a binding to something that is gone."""
    moved: dict[str, str] = field(default_factory=dict)
    """Key whose file is gone → the key that its binding moves to (`formerly: [{id: …}]`, a pin, a release)."""
    contested: dict[int, list[int]] = field(default_factory=dict)
    """Theirs that are a candidate of some question → ours that ask."""

    @cached_property
    def heirs(self) -> dict[str, str]:
        """`moved`, from the new key to the former one. Final once `resolve` has returned."""
        return {new: former for former, new in self.moved.items()}


BROKEN_OFF = "an exchange of names broke off, and nobody remembers who had which: pin the accounts of all of them"


class LeftBehindNames:
    """Temporary names that unbound accounts carry: whoever had part in such an exchange may have anybody's name."""

    def __init__(self) -> None:
        self._by_token: dict[str, set[int]] = {}
        self._by_former: dict[tuple[int, str], set[int]] = {}
        self.all: set[int] = set()
        """The accounts that carry one."""

    def __bool__(self) -> bool:
        return bool(self._by_token)

    def note(self, at: int, column: int, value: str) -> None:
        found = left_behind(value)
        if found is not None:
            self._by_token.setdefault(found.token, set()).add(at)
            self._by_former.setdefault((column, found.former.casefold()), set()).add(at)
            self.all.add(at)

    def of(self, key: str) -> set[int]:
        """The accounts that were to have another name soon, as this person's."""
        if not self._by_token:
            return set()
        return {at for token in tokens(key) for at in self._by_token.get(token, ())}

    def given_up(self, values: Sequence[Value]) -> set[int]:
        """The accounts that had one of these names before."""
        return {at for n, v in enumerate(values) for at in self._by_former.get((n, str(v).casefold()), ())}


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
        self._bound: dict[int, str] = {}
        for key, binding in bindings.items():
            at = theirs.numbers.get(binding["id"])
            if at is not None and not (at in self._bound and present(self._bound[at])):
                self._bound[at] = key
        self._waiting: list[Claimant] = []
        self._left_behind = LeftBehindNames()
        self._heirs: dict[str, int] = {}
        """Former key → the number of ours that its binding moves to."""
        self._moved_out: set[str] = set()
        """Keys whose pin took another one than what they are bound to."""

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
            self._pin(number, key, pin, claimant)
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
        other = identity.owner.setdefault(at, number)
        if other == number:
            identity.found[number] = at
            return
        for each in (other, number):
            identity.questions[each] = Question((at,), "two of ours claim it")

    def _pin(self, number: int, key: str, pin: str, claimant: Callable[[], Claimant]) -> None:
        at = self.theirs.numbers.get(pin)
        released = self._released(key)
        binding = self.bindings.get(key)
        if at is None and released:
            if binding is not None and not self.drop_lost:
                self.identity.lost.add(number)
            self._waiting.append(claimant())
            return
        if at is None:
            left = None if binding is None else self.theirs.numbers.get(binding["id"])
            why = f"the pin names {pin}, which is not in the application"
            self.identity.questions[number] = Question(() if left is None else (left,), why)
            return
        holder = self._bound.get(at)
        if at in self.theirs.ignored:
            self.identity.ignored[number] = at
        elif holder != key and at in self.theirs.untouchable and not released:
            self.identity.questions[number] = Question((at,), "the pin names a protected account")
        elif holder is not None and holder != key and self.present(holder) and not released:
            self.identity.questions[number] = Question((at,), f"the pin names the account of {holder}")
        else:
            self._take(number, at)
            self._succeed(holder, number, key)
            if binding is None or binding["id"] != pin:
                self.identity.adopted.add(number)
                self._moved_out.add(key)

    def _succeed(self, holder: str | None, number: int, key: str) -> None:
        """Whoever takes the account of somebody gone takes the binding too."""
        if holder is not None and holder != key and not self.present(holder):
            self.identity.moved[holder] = key
            self._heirs[holder] = number

    def _inherited(self, number: int, key: str, former_ids: Sequence[str]) -> Binding | None:
        """The binding of an earlier id whose file is gone."""
        for former in former_ids:
            binding = self.bindings.get(former)
            if binding is None or self.present(former):
                continue
            if former not in self._heirs:
                self.identity.moved[former] = key
                self._heirs[former] = number
                return binding
            at = self.theirs.numbers.get(binding["id"])
            for each in (self._heirs[former], number):
                candidates = () if at is None else (at,)
                self.identity.questions[each] = Question(candidates, f"two of ours were {former}", former=True)
            return None
        return None

    def resolve(
        self,
        leaves_name: Callable[[str, int, str], bool],
        doubt: Callable[[Claimant, int], str | None],
        is_plain: Callable[[Claimant, int], bool] = lambda _claimant, _at: False,
    ) -> Identity:
        """Matches the waiting ones. `leaves_name(key, column, value)`: this plan renames `key` away from the value.
        `is_plain`: more than a name says that it is theirs.
        """
        if self._waiting:
            self._resolve(leaves_name, doubt, is_plain)
        self._close()
        return self.identity

    def _resolve(
        self,
        leaves_name: Callable[[str, int, str], bool],
        doubt: Callable[[Claimant, int], str | None],
        is_plain: Callable[[Claimant, int], bool],
    ) -> None:
        index = self._index()
        self._waiting = [c for c in self._waiting if c.number not in self.identity.questions]
        fits = [self._fits(claimant, index, leaves_name) for claimant in self._waiting]
        rivals: dict[int, list[str]] = {}
        for claimant, (today, former) in zip(self._waiting, fits, strict=True):
            for at in {*today, *former}:
                rivals.setdefault(at, []).append(claimant.key)
        for claimant, (today, former) in zip(self._waiting, fits, strict=True):
            question = self._broken_off(claimant, today, former, is_plain)
            question = question or self._choose(claimant, today, former, rivals, doubt)
            if question is not None:
                self.identity.questions[claimant.number] = question

    def _index(self) -> list[dict[str, list[int]]]:
        index: list[dict[str, list[int]]] = []
        for column, exact in enumerate(self.theirs.exact):
            table: dict[str, list[int]] = {}
            for at in range(len(self.theirs.ids)):
                value = self.theirs.value(at, column)
                if not is_null(value):
                    table.setdefault(normal(value, exact), []).append(at)
                    if at not in self._bound:
                        self._left_behind.note(at, column, str(value))
            index.append(table)
        return index

    def _fits(
        self,
        claimant: Claimant,
        index: list[dict[str, list[int]]],
        leaves_name: Callable[[str, int, str], bool],
    ) -> tuple[list[int], list[int]]:
        """What today's values find, and what those under `formerly` find."""
        today = self._hits(claimant, claimant.match, index, leaves_name)
        former = {at for entry in claimant.former for at in self._hits(claimant, entry, index, leaves_name)}
        own = self._left_behind.of(claimant.key)
        if own and not today:
            today = sorted(own)
        if len(today) == 1 and self._released(claimant.key) and not own - set(today):
            return today, []  # the answer was: today's
        return today, sorted(former)

    def _hits(
        self,
        claimant: Claimant,
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
                and (claimant.wanted or not self._is_anothers(at, claimant.key))
            ]
            if hits:
                return hits
        return []

    def _is_anothers(self, at: int, key: str) -> bool:
        """Bound to somebody who is still in git, and has no other: who wants nothing has no claim to it."""
        holder = self._bound.get(at, key)
        return holder != key and self.present(holder) and holder not in self._moved_out

    def _choose(
        self,
        claimant: Claimant,
        today: list[int],
        former: list[int],
        rivals: Mapping[int, list[str]],
        doubt: Callable[[Claimant, int], str | None],
    ) -> Question | None:
        """Takes the one account that fits without choice. Returns the question where there is a choice or a doubt."""
        every = tuple(sorted({*today, *former}))
        if not every:
            return None
        if len(every) > 1:
            why = "several fit" if len(today) > 1 or not today else "today's and former values find different ones"
            return Question(every, why, former=bool(former))
        at, key = every[0], claimant.key
        if at in self.theirs.ignored:
            self.identity.ignored[claimant.number] = at
            return None
        holder, released = self._bound.get(at), self._released(key)
        if len(rivals[at]) > 1 and [k for k in rivals[at] if self._released(k)] != [key]:
            return Question(every, "two of ours fit it", former=not today)
        if holder not in (None, key) and (not released or at in self.identity.owner):
            return Question(every, f"it is bound to {holder}", former=not today)
        if at in self.identity.owner:
            return Question(every, "two of ours fit it", former=not today)
        if not today and not released:
            return Question(every, "only `formerly` finds it", former=True)
        why_not = None if released else doubt(claimant, at)
        if why_not:
            return Question(every, why_not, former=not today)
        self._take(claimant.number, at)
        self._succeed(holder, claimant.number, key)
        self.identity.adopted.add(claimant.number)
        return None

    def _broken_off(
        self, claimant: Claimant, today: list[int], former: list[int], is_plain: Callable[[Claimant, int], bool]
    ) -> Question | None:
        """The question about whoever may have a name of an exchange that nobody remembers and nobody ended."""
        names = self._left_behind
        if not names:
            return None
        released = self._released(claimant.key)
        own = names.of(claimant.key)
        others = set() if released else names.given_up(claimant.match)
        if not today and not released and claimant.wanted:
            others = names.all  # what was theirs may be on its way to this name
        if not (own or others) and (released or all(is_plain(claimant, at) for at in today)):
            return None
        candidates = tuple(sorted({*today, *former, *own, *others}))
        if released and len(candidates) == 1 and candidates[0] not in self.identity.owner:
            return None
        return Question(candidates, BROKEN_OFF)

    def _released(self, key: str) -> bool:
        return f"whoIsThis:{key}" in self.releases

    def _close(self) -> None:
        """Nobody owns what is in question, except the one it is bound to: their departure still counts."""
        identity = self.identity
        for number, question in sorted(identity.questions.items()):
            for at in question.candidates:
                identity.contested.setdefault(at, []).append(number)
            identity.adopted.discard(number)
            identity.found.pop(number, None)
        identity.owner = {at: n for at, n in identity.owner.items() if n not in identity.questions}
        identity.moved = {f: k for f, k in identity.moved.items() if self._heirs[f] not in identity.questions}
