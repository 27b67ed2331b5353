"""What each page shows. Run in threads: nothing here is asynchronous, and nothing changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from starlette.requests import Request

from reconciler.model.app import App
from reconciler.model.history import Cycle, Entry, LogFilter
from reconciler.model.plan import Plan
from reconciler.render.lines import Telling
from reconciler.render.review import Part, review
from reconciler.render.safe import safe
from reconciler.service.board import Board, Running
from reconciler.service.monitor import WORST, AppStatus, History, State, status_of, statuses
from reconciler.service.web.picture import PERIODS, Picture, picture
from reconciler.service.web.templates import link, render
from reconciler.service.words import counted

CYCLES: Final = 25
"""Of a table."""
ENTRIES: Final = 25
PEOPLE: Final = 50
LONGEST: Final = 200
"""Characters of a question."""


class Missing(Exception):
    """Nothing is there under this address; its text is for people."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One app, with what its page shows."""

    status: AppStatus
    running: Running | None
    picture: Picture
    cycles: Sequence[Cycle]
    entries: Sequence[Entry]
    held: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Pages:
    history: History
    board: Board
    apps: Callable[[], Iterable[App]]
    clock: Callable[[], datetime]

    def overview(self, _: Request) -> str:
        now, running = self.clock(), dict(self.board.running)
        found = ordered(statuses(self.history, self.apps(), now))
        pictures = {each.app: _drawn(self.history, each, now) for each in found}
        return render(
            "overview.html", title="Apps", nav="apps", now=now, statuses=found, running=running, pictures=pictures,
            summary=summary(found), ready=self.board.ready,
        )  # fmt: skip

    def app(self, request: Request) -> str:
        name, now = request.path_params["name"], self.clock()
        app = next((each for each in self.apps() if each.name == name), None)
        if app is None:
            raise Missing(f"There is no app called {safe(name)}.")
        period = request.query_params.get("days", "1")
        shown = shown_app(self.history, app, now, period if period in PERIODS else "1", self.board.running.get(name))
        return render("app.html", title=name, nav="apps", now=now, shown=shown, periods=PERIODS)

    def people(self, request: Request) -> str:
        asked = request.query_params.get("q", "").strip()[:LONGEST]
        found = self.history.people(asked, limit=PEOPLE + 1) if asked else []
        return render(
            "people.html", title="People", nav="people", asked=asked, found=found[:PEOPLE], more=len(found) > PEOPLE
        )

    def person(self, request: Request) -> str:
        key = request.path_params["key"]
        before = _moment(request.query_params.get("before"))
        limit = ENTRIES + 1
        found = list(self.history.log(LogFilter(key=key, before=before, limit=limit)))
        if not found:
            raise Missing(f"The history knows nothing{' more' if before else ''} about {safe(key)}.")
        entries, older, cut = _paged(found)
        return render(
            "person.html", title=key, nav="people", now=self.clock(), key=key, called=found[0].name, entries=entries,
            older=older and link("people", key, before=older.isoformat()), newest=before is None, cut=cut,
        )  # fmt: skip


def ordered(found: Iterable[AppStatus]) -> list[AppStatus]:
    """What somebody should look at first, first."""
    return sorted(found, key=lambda each: (WORST.index(each.state), each.app))


def summary(found: Sequence[AppStatus]) -> str:
    """ "3 apps: 1 quarantined, 1 held, 1 healthy" """
    counts = [(state, sum(1 for each in found if each.state is state)) for state in WORST]
    told = ", ".join(f"{count:,} {state}" for state, count in counts if count)
    if len(found) and all(each.state is State.HEALTHY for each in found):
        told = "healthy" if len(found) == 1 else "all healthy"
    return f"{counted(len(found), 'app', 'apps')}{': ' if told else ''}{told}"


def shown_app(history: History, app: App, now: datetime, period: str, running: Running | None = None) -> Shown:
    status, cycles = status_of(history, app, now), history.cycles(app.name, limit=CYCLES)
    return Shown(
        status,
        running,
        _drawn(history, status, now, period),
        cycles,
        _entries(history, cycles),
        () if status.held is None or status.held.plan is None else _held(status.held.plan),
    )


def _entries(history: History, cycles: Sequence[Cycle]) -> Sequence[Entry]:
    """The newest of these cycles. By cycle, since an app may have few entries among a million of others."""
    found: list[Entry] = []
    for cycle in cycles:
        if len(found) >= ENTRIES:
            break
        found += history.log(LogFilter(cycle=cycle.id, limit=ENTRIES - len(found)))
    return found


def _drawn(history: History, status: AppStatus, now: datetime, period: str = "1") -> Picture:
    cycles = history.cycles(status.app, since=now - PERIODS[period] * 2)
    since = None if status.quarantine is None else status.quarantine.began
    return picture(cycles, now, period, every=timedelta(seconds=status.every), quarantined_since=since)


def _held(plan: Plan) -> Sequence[Part]:
    """What waits, in the sentences of a plan."""
    return review(plan, Telling()).parts


def _moment(text: str | None) -> datetime | None:
    try:
        found = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _paged(found: Sequence[Entry]) -> tuple[Sequence[Entry], datetime | None, bool]:
    """One page, before when the next begins, and whether something is on neither. What happened at one moment is not
    parted, unless it is too much for a page.
    """
    if len(found) <= ENTRIES:
        return found, None, False
    next_ = found[-1].at
    page = [entry for entry in found if entry.at > next_]
    return (page, min(entry.at for entry in page), False) if page else (found[:-1], next_, True)
