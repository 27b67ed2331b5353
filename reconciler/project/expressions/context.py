"""What an evaluation may know besides the attributes: all of it is given, nothing is looked up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol


class Random(Protocol):
    """Where drawn values come from: secrets.SystemRandom(), or a seeded random.Random in tests."""

    def randrange(self, stop: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Context:
    """Every default is the safe one: what is not given is an error, or left to whoever knows it later."""

    now: datetime | None = None
    """The value of Now(), with its zone: the plan's as-of."""
    taken: Callable[[str], bool] | None = None
    """Whether somebody has a value already; without it SelectUniqueValue gives a Choice."""
    random: Random | None = None
    """Without it Guid and RandomString make the result Generated."""
    hanging: set[str] | None = None
    """Where patterns that took too long are noted: of a hundred thousand people only the first waits for each."""


NOTHING_KNOWN: Final = Context()


class Undrawn(Exception):
    """Guid or RandomString was reached where nothing may be drawn yet."""

    def __init__(self, function: str) -> None:
        super().__init__(function)
        self.function = function
