"""One cycle of one app: what `apply --yes` does, with the history, quarantine and approval around it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from reconciler import __version__
from reconciler.apply import Outcome, Run
from reconciler.apply.journal import plan_beside
from reconciler.errors import Interrupted, ReconcilerError
from reconciler.model.history import Cycle, Held, Quarantine
from reconciler.plan import Proposal, Releases, digest_of, signed, to_json
from reconciler.service.backoff import After, after, waiting
from reconciler.service.checkout import Files, check_beside
from reconciler.service.failure import of_outcome, tally
from reconciler.service.history import History, new_cycle_id
from reconciler.service.quarantine import judge, may_try
from reconciler.service.record import counts, entries
from reconciler.service.retention import forget_old
from reconciler.service.selection import Selected, select
from reconciler.service.trouble import of_files, trouble_of
from reconciler.session import Opened, Settings, bulk, let_go, memories, open_app
from reconciler.session.execution import is_here, journal_of, run_of, still_remembers
from reconciler.session.keeping import keep_after, keep_reading

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from reconciler.http import Client
    from reconciler.model.app import App
    from reconciler.service.clock import Clock


class Progress(Protocol):
    """Called from the cycle's thread."""

    def begin(self, cycle: Cycle) -> None: ...

    def progress(self, app: str, what: str, done: int, total: int | None) -> None: ...

    def end(self, app: str) -> None: ...


class Teller(Protocol):
    """Tells people what they should know without asking; what fails of that is noted, and stops nothing."""

    async def tell(self, app: App, done: Done) -> None: ...

    async def remind(self, app: App, used: Files) -> None: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What the cycles of a runner have in common."""

    settings: Settings
    history: History
    clock: Clock
    log: FilteringBoundLogger
    progress: Progress
    teller: Teller


@dataclass(slots=True)
class Done:
    """What came of a cycle, for those who are told."""

    cycle: Cycle
    used: Files
    proposal: Proposal | None = None
    outcome: Outcome | None = None
    error: ReconcilerError | None = None
    selected: Selected | None = None
    held: Held | None = None
    held_before: Held | None = None
    quarantine: Quarantine | None = None
    quarantine_before: Quarantine | None = None
    care: After | None = None


class OneCycle:
    """Runs in an event loop of its own; `stop` is called in that loop."""

    def __init__(self, name: str, used: Files, means: Means) -> None:
        self._app = used.loaded.apps[name]
        self._used = used
        self._means = means
        self._log = means.log.bind(app=name)
        self._task: asyncio.Task[Any] | None = None
        self._run: Run | None = None
        self._stopped = False
        self._writing = False

    def stop(self) -> None:
        """Running writes finish, and what was written is read again; what only reads or computes is given up."""
        self._stopped = True
        if self._run is not None:
            self._run.stop()
        elif self._task is not None and not self._writing:
            self._task.cancel()

    async def run(self) -> Cycle | None:
        """None: the app is in quarantine, and not tried now. Raises HistoryError where nothing can be written down."""
        name, history = self._app.name, self._means.history
        before = history.quarantine(name)
        if not may_try(before, self._used.digest, self._means.clock.now()):
            assert before is not None
            self._log.info("in quarantine", reason=before.reason, next_attempt=before.next_attempt)
            await self._means.teller.remind(self._app, self._used)  # of what could not be told at its beginning
            return None
        cycle = self._new()
        self._log = self._log.bind(cycle=cycle.id)
        done = Done(cycle, self._used, quarantine_before=before)
        history.begin(cycle)
        self._means.progress.begin(cycle)
        self._log.info("cycle begins", kind=cycle.kind, commit=cycle.commit)
        try:
            self._task = asyncio.current_task()
            await self._try(done)
            self._writing = True
            self._write_down(done)
            if cycle.status != "interrupted":
                await self._means.teller.tell(self._app, done)
        finally:
            self._means.progress.end(name)
            let_go()
        return cycle

    def _new(self) -> Cycle:
        app, now = self._app, self._means.clock.now()
        configured = config_digest(app)
        return Cycle(
            new_cycle_id(now), app.name, app.tenant_url, "run",
            "incremental" if has_been_read(self._means.history, app, configured) else "initial", now,
            commit=self._used.commit, config_digest=configured, desired_digest=self._used.digest,
            tool_version=__version__,
        )  # fmt: skip

    async def _try(self, done: Done) -> None:
        """Whatever happens stands in `done`."""
        cycle = done.cycle
        try:
            await self._do(done)
            cycle.status, cycle.exit_code = _ending(done)
        except (asyncio.CancelledError, Interrupted):
            cycle.status, cycle.exit_code = "interrupted", Interrupted.exit_code
        except ReconcilerError as error:
            done.error = error
            cycle.status, cycle.exit_code, cycle.trouble = "failure", error.exit_code, trouble_of(error)
        except Exception as error:
            self._log.exception("a fault of reconciler itself: please report it", fault=type(error).__name__)
            done.error = ReconcilerError(f"a fault of reconciler itself: {type(error).__name__}", hint="see its log")
            cycle.status, cycle.exit_code, cycle.trouble = "failure", 1, trouble_of(done.error)

    async def _do(self, done: Done) -> None:
        app, used = self._app, self._used
        if used.not_reviewed is not None and not is_here(app):
            raise used.not_reviewed
        check_beside(used, app)
        settings = replace(self._means.settings, tell=lambda sentence: self._log.warning("note", text=sentence))
        with bulk():
            opened = open_app(used.loaded, app.name, memories(settings, used.loaded), settings)
        if not app.provisioning:
            async with opened.connect() as client:
                done.proposal = await opened.propose(client, self._progress)
                done.cycle.requests = client.requests
            keep_reading(opened, done.proposal)
            return
        with opened.states.hold(app.name, app.tenant_url):
            still_remembers(opened)
            async with opened.connect() as client:
                await self._apply(opened, client, done)
                done.cycle.requests = client.requests

    async def _apply(self, opened: Opened, client: Client, done: Done) -> None:
        history, name, cycle = self._means.history, self._app.name, done.cycle
        first = await opened.propose(client, self._progress)
        done.proposal = first
        done.held_before = history.held(name)
        late = waiting(history.backoffs(name), first.plan, self._means.clock.now())
        done.selected = select(first, partial(_again, opened, first), done.held_before, late)
        proposal = done.proposal = done.selected.proposal
        if done.selected.approved and done.held_before is not None:
            self._log.info("approved", digest=done.held_before.digest, by=done.held_before.approved_by)
        for sentence in done.selected.left:
            self._log.warning("approved, and no longer fits", what=sentence)
        if self._stopped:
            raise Interrupted("stopped before anything was written")
        now = self._means.clock.now()
        journal = journal_of(opened, now)
        cycle.journal, cycle.plan_digest = str(journal), proposal.plan.digest
        history.update(cycle)  # whoever finds it abandoned finds the journal
        facts: dict[str, object] = {"cycle": cycle.id}
        if done.selected.approved and done.held_before is not None:
            facts |= {"approved": done.held_before.digest, "approvedBy": done.held_before.approved_by}
        self._run = run_of(opened, client, proposal, journal, now, self._progress, facts=facts)
        done.outcome = await self._run.execute()
        await keep_after(opened, self._run)
        if not proposal.plan.pending:  # its journal tells nothing, and there will be one every interval
            for file in (journal, plan_beside(journal)):
                with suppress(OSError):
                    file.unlink()
            cycle.journal = None

    def _progress(self, what: str, done: int, total: int | None) -> None:
        self._means.progress.progress(self._app.name, what, done, total)

    def _write_down(self, done: Done) -> None:
        """The cycle comes last: one that has ended has its entries."""
        history, cycle, now = self._means.history, done.cycle, self._means.clock.now()
        cycle.ended_at = max(now, cycle.started_at)
        if done.proposal is not None:
            plan = done.proposal.plan
            cycle.plan_digest, cycle.changes_digest = plan.digest, plan.changes_digest
            cycle.counts = counts(done.proposal, done.outcome)
            if (
                self._app.provisioning and cycle.status != "interrupted"
            ):  # else the next one goes on with what was approved
                self._keep_held(done, now)
            if done.outcome is not None or not self._app.provisioning:
                history.write(entries(done.proposal, done.outcome, cycle, now))
        if cycle.status != "interrupted":
            self._care(done, now)
        if cycle.trouble is None:
            cycle.trouble = of_files(self._used)
        history.update(cycle)
        forget_old(history, self._used.loaded.settings, now)
        self._log.log(
            _LEVELS.get(cycle.status, 30), "cycle ended", status=cycle.status, exit_code=cycle.exit_code,
            seconds=round((cycle.ended_at - cycle.started_at).total_seconds(), 1), counts=cycle.counts or None,
            requests=cycle.requests, trouble=cycle.trouble.message if cycle.trouble else None,
            held=cycle.held_digest, plan=cycle.plan_digest or None,
        )  # fmt: skip

    def _keep_held(self, done: Done, now: datetime) -> None:
        assert done.proposal is not None
        name, history, plan = self._app.name, self._means.history, done.proposal.plan
        if done.outcome is not None and done.held_before is not None and done.held_before.approved_at is not None:
            history.used(name, done.held_before.digest)
        if plan.held:
            alone = signed(plan.model_copy(update={"changes": plan.held, "blocked": (), "signature": None}))
            done.held = Held(name, alone.changes_digest, to_json(alone).decode(), now)
            done.cycle.held_digest = alone.changes_digest
        history.keep_held(done.held, name)

    def _care(self, done: Done, now: datetime) -> None:
        """Who waits for how long after this."""
        name, history = self._app.name, self._means.history
        tried = failed = 0
        error = done.error
        if done.outcome is not None:
            done.care = after(name, history.backoffs(name), done.outcome, now)
            history.set_backoffs(name, done.care.rows, done.care.cleared)
            tried, failed = tally(done.outcome)
            error = of_outcome(done.outcome)
        before = done.quarantine_before
        done.quarantine = judge(name, before, error, tried, failed, self._used.digest, now)
        if done.quarantine is not None:
            if done.quarantine != before:
                history.set_quarantine(done.quarantine)
                self._log.warning(
                    "quarantine", reason=done.quarantine.reason, next_attempt=done.quarantine.next_attempt
                )
        elif before is not None:
            history.clear_quarantine(name)
            self._log.info("out of quarantine", reason=before.reason)


_LEVELS = {"success": 20, "inPart": 30, "failure": 40, "interrupted": 30}


def _ending(done: Done) -> tuple[Any, int]:
    if done.outcome is None:
        return "success", 0
    code = done.outcome.exit_code
    return {0: "success", 3: "success", Interrupted.exit_code: "interrupted"}.get(code, "inPart"), code


def _again(opened: Opened, first: Proposal, releases: Releases) -> Proposal:
    """The plan on what was read for the first one, with releases of what that held."""
    with bulk():
        return replace(opened, releases=opened.releases | releases).proposed(first.context.snapshot, None)


def has_been_read(history: History, app: App, configured: str) -> bool:
    """Whether a cycle with these mappings, this scope and connection has got to its end."""
    for cycle in history.cycles(app.name, limit=_LOOKED_AT):
        if cycle.trigger == "run" and cycle.status in ("success", "inPart"):
            return cycle.config_digest == configured
    return False


_LOOKED_AT = 100


def config_digest(app: App) -> str:
    """Of mappings, scope and connection: where a secret is, never what it is."""
    kept = {"gallery", "tenant_url", "auth", "ca_file", "scope", "groups", "profile"}
    configured = app.model_dump(mode="json", by_alias=True, include=kept)
    mappings = app.mappings.model_dump(mode="json", by_alias=True)
    return digest_of({"app": configured, "mappings": mappings})
