"""Everything that is wrong with one app, each with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from reconciler.errors import DesiredStateError, Place, Problem
from reconciler.model.app import App
from reconciler.model.directory import Group, User
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile

SHOWN = 20
"""Problems of one kind that are told one by one; of the rest the number is told."""


class Findings:
    """Collects problems. `places` maps dotted keys of the app's files to where their values stand."""

    def __init__(self, app: App, profile: Profile, places: Mapping[str, Place] | None) -> None:
        self.app = app.name
        self.title = profile.title
        self._gallery = Place(f"gallery/{profile.name}.yaml")
        self._places = places or {}
        self._problems: list[Problem] = []
        self._told: Counter[str] = Counter()
        self._last: dict[str, Place] = {}
        self._own = {
            kind: {parse_path(each.target).canonical: number for number, each in enumerate(mappings)}
            for kind, mappings in (("users", app.mappings.users), ("groups", app.mappings.groups))
        }

    def place(self, key: str) -> Place:
        """Where the value of this key stands; where it is left out, what it would stand in."""
        parts = key.split(".")
        for end in range(len(parts), 0, -1):
            found = self._places.get(".".join(parts[:end]))
            if found is not None:
                return found
        file = "mappings" if parts[0] == "mappings" else "app"
        return Place(f"apps/{self.app}/{file}.yaml")

    def inherited(self, kind: str, target: str) -> bool:
        """The gallery's mapping holds, and not one of the app's own."""
        return parse_path(target).canonical not in self._own[kind]

    def mapping_place(self, kind: str, target: str, part: str = "") -> Place:
        """Of a mapping (`kind` is users or groups): in the app's own file, or the gallery's, where it is inherited."""
        number = self._own[kind].get(parse_path(target).canonical)
        if number is None:
            return self._gallery
        return self.place(f"mappings.{kind}.{number}.{part}" if part else f"mappings.{kind}.{number}")

    def inside(self, kind: str, target: str, column: int) -> Place:
        """A column (from 1) of a mapping's expression; where the file spells it otherwise, the expression's place."""
        number = self._own[kind].get(parse_path(target).canonical)
        begin = self._places.get(f"mappings.{kind}.{number}.expression#text")
        if begin is None or not column:
            return self.mapping_place(kind, target, "expression")
        return Place(begin.file, begin.line, begin.column + column - 1)

    def add(self, place: Place, message: str, hint: str = "") -> None:
        self._problems.append(Problem(place, message, hint))

    def warn(self, place: Place, message: str, hint: str = "") -> None:
        """Something that works, and probably not as it was meant."""
        self._problems.append(Problem(place, message, hint, severity="warning"))

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(self._problems)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(each for each in self._problems if each.severity == "warning")

    def add_many(self, kind: str, place: Place, message: str, hint: str = "") -> None:
        """One of possibly thousands of the same kind: SHOWN are told, the rest is counted."""
        self._told[kind] += 1
        self._last[kind] = place
        if self._told[kind] <= SHOWN:
            self.add(place, message, hint)

    def refuse(self) -> None:
        """Raises DesiredStateError with everything found, if any of it is an error."""
        if all(each.severity == "warning" for each in self._problems):
            return
        rest = [
            Problem(self._last[kind], f"and {count - SHOWN} more of the same kind: {kind}")
            for kind, count in self._told.items()
            if count > SHOWN
        ]
        raise DesiredStateError([*self._problems, *rest])


def place_of(subject: User | Group, attribute: str = "") -> Place:
    """Where an attribute stands; the person or the group, where it is missing."""
    return Place(subject.file, subject.lines.get(attribute, subject.line))
