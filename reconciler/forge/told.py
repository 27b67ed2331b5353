"""What could not be done on a forge, and is no reason to stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reconciler.errors import ForgeError, TransportError


@dataclass(slots=True)
class Told:
    """What failed: a sentence each, once."""

    failures: list[str] = field(default_factory=list)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """A refusal inside is noted; what comes after the block goes on."""
        try:
            yield
        except (ForgeError, TransportError) as error:
            told = f"{what}: {error}"
            if told not in self.failures:
                self.failures.append(told)
