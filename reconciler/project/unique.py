"""Matching values must tell people, and groups, apart."""

from __future__ import annotations

from typing import Literal

from reconciler.model.directory import Group, User
from reconciler.model.values import Value, is_null
from reconciler.project.columns import Columns
from reconciler.project.findings import Findings, place_of


class Unique:
    """Notices who shares a matching value with somebody, and who has none. Upper and lower case are one."""

    def __init__(self, columns: Columns, noun: Literal["people", "groups"], findings: Findings) -> None:
        self._columns = columns
        self._noun = noun
        self._findings = findings
        self._owners: list[dict[Value, User | Group]] = [{} for _ in columns.matching]
        self._judges = bool(columns.matching) and not any(columns.all[n].broken for n in columns.matching)
        if not columns.matching:
            findings.add(
                findings.place(f"mappings.{columns.kind}"),
                f"no mapping of {columns.kind} has `matching`",
                "say which attribute finds an account that is there already: matching: 1",
            )

    def demand(self, subject: User | Group, match: tuple[Value, ...]) -> None:
        """Whoever is wanted needs a value by which they are found."""
        if not self._judges or not all(is_null(value) for value in match):
            return
        names = [self._columns.all[n].column.path for n in self._columns.matching]
        attribute = self._columns.attribute_of(self._columns.matching[0])
        self._findings.add_many(
            f"{self._noun} without {' and '.join(names)}",
            place_of(subject, attribute),
            f"{subject.id} has no {' and no '.join(names)}, so no account can be matched or made"
            + (f": {attribute} is empty" if attribute else ""),
            f"give {subject.id} a value for {attribute}" if attribute else "",
        )

    def note(self, subject: User | Group, match: tuple[Value, ...]) -> None:
        """Reports it if somebody noted before has the same value in the same column."""
        for position, value in enumerate(match):
            if is_null(value):
                continue
            folded = value.casefold() if isinstance(value, str) else value
            first = self._owners[position].setdefault(folded, subject)
            if first is not subject:
                self._tell(position, value, first, subject)

    def _tell(self, position: int, value: Value, first: User | Group, second: User | Group) -> None:
        n = self._columns.matching[position]
        path, attribute = self._columns.all[n].column.path, self._columns.attribute_of(n)
        self._findings.add_many(
            f"two {self._noun} with one {path}",
            place_of(second, attribute),
            f"two {self._noun} with one {path}: {first.id} ({place_of(first, attribute)}) and {second.id} both have"
            f" {value!r}",
            f"{path} finds the account; it must differ",
        )
