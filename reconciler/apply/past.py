"""What an earlier apply did: its journal, and the plan that is kept beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from reconciler.apply.journal import plan_beside
from reconciler.errors import Place, PlanError
from reconciler.model.plan import Change, Plan
from reconciler.plan import GivenBack, read_plans


@dataclass(frozen=True, slots=True)
class Past:
    """One apply, as its journal tells it."""

    plan: Plan
    done: tuple[tuple[Change, str | None], ...]
    """Change and id of its resource, in the order in which they were begun: what was done, and what may have been,
    since no outcome was written down any more."""
    ids: dict[str, str]
    """Key → id of what was created."""
    broken_off: bool
    """The journal has no end: the process was killed."""
    given_back: GivenBack = field(default_factory=GivenBack)
    """What somebody had taken away before, in the application."""


def read_past(journal: Path) -> Past:
    """Raises PlanError for what is no journal, and where the plan that it is about is missing or is another one."""
    place = Place(str(journal))
    lines = _lines(journal, place)
    begins = [line for line in lines if line.get("event") == "begin"]
    if len(begins) != 1 or not isinstance(begins[0].get("digest"), str):
        what = "is about several applies" if len(begins) > 1 else "is no journal of an apply"
        raise PlanError(what, place=place, hint="name one that `reconciler apply` wrote: it says where at its end")
    beside = plan_beside(journal)
    try:
        (plan,) = read_plans(beside.read_bytes(), str(beside))
    except OSError as error:
        raise PlanError(
            f"the plan that was applied can't be read: {error.strerror or error}",
            place=Place(str(beside)),
            hint="it lies beside the journal, and without it nobody knows what was there before",
        ) from error
    if plan.digest != begins[0]["digest"]:
        raise PlanError("is not the plan that this journal is about", place=Place(str(beside)), hint=str(journal))
    return _past(plan, lines, _given_back(begins[0]))


def _lines(journal: Path, place: Place) -> list[dict[str, Any]]:
    try:
        rows = journal.read_bytes().split(b"\n")
    except OSError as error:
        raise PlanError(
            f"the journal can't be read: {error.strerror or error}", place=place, hint="name the file, not its folder"
        ) from error
    lines = []
    for number, row in enumerate(rows):
        try:
            line = orjson.loads(row) if row else None
        except ValueError as error:
            if number == len(rows) - 1:
                break  # the machine went down while it was written
            raise PlanError(
                f"line {number + 1} is no JSON", place=place, hint="name a journal that `reconciler apply` wrote"
            ) from error
        if isinstance(line, dict):
            lines.append(line)
    return lines


def _past(plan: Plan, lines: list[dict[str, Any]], given_back: GivenBack) -> Past:
    begun: dict[int, str | None] = {}
    refused: set[int] = set()
    for line in lines:
        number, event = line.get("step"), line.get("event")
        if not isinstance(number, int) or not 0 <= number < len(plan.changes):
            continue
        if event == "try":
            begun.setdefault(number, line.get("id"))
        elif event == "done":
            refused.discard(number)
            begun[number] = line.get("id") or begun.get(number)
        elif event in ("failed", "skipped", "takenBack") and number in begun:
            refused.add(number)
    done = tuple((plan.changes[number], id_) for number, id_ in begun.items() if number not in refused)
    ids = {change.key: id_ for change, id_ in done if change.action.startswith("create") and id_}
    broken_off = not any(line.get("event") == "end" for line in lines)
    return Past(plan, done, ids, broken_off, given_back)


def _given_back(begin: dict[str, Any]) -> GivenBack:
    """As `Run.execute` notes it; journals of earlier versions do not have it."""
    told = begin.get("givenBack", {})
    memberships = {group: frozenset(people) for group, people in told.get("memberships", {}).items()}
    return GivenBack(frozenset(told.get("accounts", ())), memberships)
