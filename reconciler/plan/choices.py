"""Values that nobody else may have: on creation, the first candidate that is free (SelectUniqueValue)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from reconciler.model.desired import Column
from reconciler.model.path import parse_path
from reconciler.model.values import Choice, Flow, Value, choose, is_null
from reconciler.plan.difference import EXACT
from reconciler.plan.identity import normal


class Choices:
    """Remembers what is taken: by what the application has, and by the plan's other creations.

    `live` gives the rows of the snapshot, by `paths`; `new` those of ours that have no resource, by `columns`.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        paths: Sequence[str],
        live: Callable[[], Iterable[Sequence[Value]]],
        new: Callable[[], Iterable[Sequence[Flow]]],
    ) -> None:
        self.columns = columns
        self.paths = paths
        self.live = live
        self.new = new
        self._taken: dict[int, set[str]] = {}
        """Position of a column → its values, of one case unless case counts there."""

    def choose(self, position: int, choice: Choice) -> str | None:
        """The value for one creation, taken from now on; None if every candidate is."""
        exact = parse_path(self.columns[position].path).schema_name in EXACT
        if position not in self._taken:
            self._taken[position] = {normal(value, exact) for value in self._found(position)}
        taken = self._taken[position]
        chosen = choose(choice.candidates, lambda candidate: normal(candidate, exact) in taken)
        if chosen is not None:
            taken.add(normal(chosen, exact))
        return chosen

    def _found(self, position: int) -> list[Value]:
        at = self.paths.index(self.columns[position].path)
        values = [*(row[at] for row in self.live()), *(row[position] for row in self.new())]
        return [value for value in values if not is_null(value) and not isinstance(value, Choice)]


def all_taken(column: Column, choice: Choice) -> str:
    """Why there is no creation."""
    return f"{column.path}: every candidate is taken ({', '.join(choice.candidates)}): SelectUniqueValue needs another"
