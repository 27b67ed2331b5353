"""Everything that is wrong in the files, collected, so that one run tells all of it; and how it is worded."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sized
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice

from reconciler.errors import DesiredStateError, Place, Problem

GUESSES = 50
"""Suggestions worked out in one run; each compares with every known name."""
COMPARED = 3000
"""Names that one suggestion compares with, at most."""
KNOWN_SHOWN = 40
LONGEST = 200
"""Characters of a wrong name that a message repeats."""


@dataclass(slots=True)
class Findings:
    """The problems of one run. What defaults get wrong for every app is told once."""

    problems: list[Problem] = field(default_factory=list)
    guesses: int = GUESSES

    def error(self, place: Place, message: str, hint: str = "") -> None:
        self.problems.append(Problem(place, message, hint))

    def warning(self, place: Place, message: str, hint: str = "") -> None:
        self.problems.append(Problem(place, message, hint, severity="warning"))

    @property
    def warnings(self) -> tuple[Problem, ...]:
        found = {problem for problem in self.problems if problem.severity == "warning"}
        return tuple(sorted(found, key=lambda problem: (problem.place, problem.message)))

    def raise_errors(self) -> None:
        """Raises DesiredStateError with everything found, warnings too, if any of it is an error."""
        if any(problem.severity == "error" for problem in self.problems):
            raise DesiredStateError(list(dict.fromkeys(self.problems)))

    def closest(self, name: str, known: Iterable[str]) -> str:
        """The known name that was probably meant, or ""."""
        if not self.guesses:
            return ""
        self.guesses -= 1
        return closest(name, known)

    def near(self, name: str, known: Iterable[str]) -> str:
        """A hint with the name that was probably meant, or ""."""
        found = self.closest(name, known)
        return f"did you mean `{found}`?" if found else ""

    def did_you_mean(self, name: str, known: Collection[str]) -> str:
        """A hint: the name that was probably meant, else all there are if they are few."""
        if near := self.closest(name, known):
            return f"did you mean `{near}`?"
        if not known or len(known) > KNOWN_SHOWN:
            return ""
        return f"known: {', '.join(sorted(known))}"


def closest(name: str, known: Iterable[str]) -> str:
    if len(name) > LONGEST:
        return ""
    options = known if isinstance(known, Sized) and len(known) <= COMPARED else _alike(name, known)
    folded = {option.casefold(): option for option in sorted(options, reverse=True)}
    near = get_close_matches(name.casefold(), folded, n=1, cutoff=0.7)
    return folded[near[0]] if near else ""


def _alike(name: str, known: Iterable[str]) -> Iterator[str]:
    """Of very many names those that begin alike and are about as long."""
    begins, length = name[:1].casefold(), len(name)
    alike = (option for option in known if option[:1].casefold() == begins and abs(len(option) - length) <= 2)
    return islice(alike, COMPARED)


def shown(name: object) -> str:
    """A name from a file as a message repeats it: cut, and control characters escaped."""
    text = name if isinstance(name, str) else str(name)
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def kind_of(value: object) -> str:
    """What a value is, in words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case dict():
            return "a mapping"
        case _:
            return "a list"
