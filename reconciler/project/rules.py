"""Rules of groups: people for whom every clause of some rule holds are members too.

Rules are many, and so are people. A clause with EQUALS finds its people by their value; any other is tried once on each
value that the attribute has. Only on the few whom the best clause leaves all clauses are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import TypeAlias

from reconciler.errors import ClauseError, Place
from reconciler.model.app import Clause, Condition, Operator
from reconciler.model.clauses import Test, as_text, compile_condition, kinds_of
from reconciler.model.directory import Directory, Group, Rule, User
from reconciler.model.values import UserId, Value, is_null

Report: TypeAlias = Callable[[Place, str], None]


class Values:
    """Who has which value of one attribute."""

    def __init__(self, attribute: str, users: Sequence[User]) -> None:
        self._attribute = attribute
        self._users = users

    def read(self, user: User) -> Value:
        return user.enabled if self._attribute == "accountEnabled" else user.attributes.get(self._attribute)

    @cached_property
    def distinct(self) -> list[tuple[Value, list[User]]]:
        """Each value, several ones as a whole, with everybody who has it."""
        found: dict[object, tuple[Value, list[User]]] = {}
        for user in self._users:
            value = self.read(user)
            value = tuple(value) if isinstance(value, list) else value
            key = value if isinstance(value, str) else (type(value), value)
            if (entry := found.get(key)) is None:
                entry = found[key] = (value, [])
            entry[1].append(user)
        return list(found.values())

    @cached_property
    def _texts(self) -> dict[str, list[User]]:
        texts: dict[str, list[User]] = {}
        for value, users in self.distinct:
            several = value if isinstance(value, tuple) else (value,)
            for text in {as_text(each).lower() for each in several if not is_null(each)}:
                texts.setdefault(text, []).extend(users)
        return texts

    def alike(self, text: str) -> list[User]:
        """Everybody of whom EQUALS may hold: case aside, the text is theirs."""
        return self._texts.get(text.lower(), [])

    def passing(self, test: Test) -> list[User]:
        return list(chain.from_iterable(users for value, users in self.distinct if test(value)))


class Rules:
    """Evaluates the rules of groups, about everybody described. Equal rules are evaluated once.

    `report` is told of rules that can't be tried, which bring in nobody; without, they raise ClauseError.
    """

    def __init__(self, directory: Directory, report: Report | None = None) -> None:
        self._users = list(directory.users.values())
        self._kinds = kinds_of(directory.attributes)
        self._report = report
        self._values: dict[str, Values] = {}
        self._found: dict[tuple[tuple[type, Condition], ...], tuple[UserId, ...]] = {}

    def people(self, group: Group) -> Iterator[tuple[Rule, tuple[UserId, ...]]]:
        """Whom each rule brings in, by id."""
        for rule in group.rules:
            key = tuple((type(_clause(each).value), each) for each in rule.all)
            found = self._found.get(key)
            if found is None:
                try:
                    found = self._matching(rule)
                except ClauseError as error:
                    if self._report is None:
                        raise
                    self._report(Place(group.file, rule.line), f"this rule can't be tried: {error.message}")
                    found = ()
                self._found[key] = found
            yield rule, found

    def _matching(self, rule: Rule) -> tuple[UserId, ...]:
        """Raises ClauseError. A rule without clauses brings in nobody."""
        if not rule.all:
            return ()
        clauses = [_clause(each) for each in rule.all]
        values = [self._of(each.attribute) for each in clauses]
        kinds = [self._kinds.get(each.attribute, "") for each in clauses]
        tests = [compile_condition(each, kind) for each, kind in zip(rule.all, kinds, strict=True)]
        looked_up = [
            each.alike(as_text(clause.value))
            for condition, clause, each, kind in zip(rule.all, clauses, values, kinds, strict=True)
            if condition is clause and clause.operator is Operator.EQUALS and kind != "date"
        ]
        if looked_up:
            candidates = min(looked_up, key=len)
        else:
            fewest = min(range(len(values)), key=lambda n: len(values[n].distinct))
            candidates = values[fewest].passing(tests[fewest])
        tried = [(each.read, test) for each, test in zip(values, tests, strict=True)]
        return tuple(sorted(user.id for user in candidates if all(test(read(user)) for read, test in tried)))

    def _of(self, attribute: str) -> Values:
        return self._values.setdefault(attribute, Values(attribute, self._users))


def _clause(written: Condition) -> Clause:
    return written if isinstance(written, Clause) else written.clause
