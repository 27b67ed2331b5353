"""The only code that writes to applications: executes a plan, verifies it, remembers what was done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from reconciler.apply.after import after
from reconciler.apply.canary import is_lost
from reconciler.apply.execute import Executor
from reconciler.apply.journal import Journal
from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.apply.remember import Memory
from reconciler.apply.together import Together
from reconciler.apply.used import note_used
from reconciler.apply.values import Values, checked_by, told
from reconciler.apply.verify import Verifier, stayers
from reconciler.errors import ReconcilerError
from reconciler.http import Client
from reconciler.live import Bulk, Reader, Writer
from reconciler.model.profile import Profile
from reconciler.model.snapshot import Snapshot
from reconciler.model.state import State
from reconciler.model.trailer import Trailer
from reconciler.plan import VERSION, GivenBack, Proposal, given_back, given_up, instant, pieces
from reconciler.plan.context import Context

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Run:
    """One apply: what it works with. `stop()`, at any time, ends it gracefully."""

    proposal: Proposal
    client: Client
    profile: Profile
    state: State
    journal: Path
    save: Callable[[State], None]
    now: datetime
    progress: Progress | None = None
    trailers: Sequence[Trailer] = ()
    """Releases in force that commits gave."""
    stale: bool = False
    """Something that was approved no longer fits."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """What else the journal tells at its beginning."""
    _stopped: bool = field(default=False, init=False)
    _executor: Executor | None = field(default=None, init=False)

    def stop(self) -> None:
        """Running writes finish, the rest is skipped."""
        self._stopped = True
        if self._executor is not None:
            self._executor.stop()

    async def after(self, snapshot: Snapshot) -> Snapshot | None:
        """What the application holds, when this was executed on what `snapshot` says; None: that is not known."""
        assert self._executor is not None
        reader = Reader(self.client, self.profile)
        return await after(snapshot, self._executor.outcome, self._executor.names, reader, self.profile)

    async def execute(self) -> Outcome:
        """Executes what is not held, verifies it, and leaves the state saved, whatever happens.

        Failures of the application are statuses. Raises ReconcilerError only where the journal or the state can't be
        written.
        """
        plan, context, before = self.proposal.plan, self.proposal.context, self.client.requests
        reader = Reader(self.client, self.profile)
        writer = Writer(self.client, self.profile, reader, versions=_versions(context.snapshot, context.deleting))
        facts = {**self.facts, **_facts(given_back(context, plan.pending))}
        memory = Memory(self.state, self.proposal, self.now)
        concurrency = self.profile.rate.concurrency
        journal = Journal(self.journal)
        bulk = Bulk(self.client, self.profile)
        executor = Executor(
            plan,
            writer,
            journal,
            concurrency=concurrency,
            values=Values(context.behind, checked_by(self.profile)),
            known=context.snapshot.numbers,
            known_groups={group.id for group in context.snapshot.groups},
            leavers_last=context.app.order == "leaversLast",
            freed=given_up(context),
            expect=lambda steps: self._expect(memory, steps),
            done=memory.done,
            progress=self.progress,
            stage_end=lambda: self.save(self.state),
            together=Together(bulk, writer, reader, self.profile) if bulk.works else None,
            canary=context.app.canary,
            prove=lambda steps: verifier.prove(steps, repair=not executor.stopping),
        )
        verifier = Verifier(
            reader, writer, self.profile, executor.names, journal, concurrency=concurrency,
            progress=self.progress, sizes=_sizes(context), stayers=stayers(self.proposal),
            over=context.app.profile,
        )  # fmt: skip
        executor.outcome.stale = self.stale
        self._executor = executor
        if self._stopped:
            executor.stop()
        with journal:
            journal.keep(pieces(plan))
            await journal.note("begin", app=plan.app, tenantUrl=plan.tenant_url, commit=plan.desired.commit,
                               digest=plan.digest, changesDigest=plan.changes_digest, **facts)  # fmt: skip
            finished = False
            try:
                outcome = await executor.run()
                outcome.learned += bulk.learned
                await self._verify(verifier, outcome)
                outcome.learned += [*writer.told, *(_said(key, value) for key, value in writer.learned.items())]
                finished = self.proposal.whole and not (outcome.interrupted or outcome.ended)
            finally:
                memory.close(executor.outcome, finished=finished)
                note_used(self.state, self.trailers, plan, executor.outcome, instant(self.now))
                self.save(self.state)
            outcome.requests = self.client.requests - before
            await journal.note("end", exitCode=outcome.exit_code, requests=outcome.requests,
                               done=outcome.count(Status.DONE), failed=outcome.count(Status.FAILED),
                               skipped=outcome.count(Status.SKIPPED), notStored=outcome.count(Status.NOT_STORED),
                               held=outcome.count(Status.HELD))  # fmt: skip
        return outcome

    def _expect(self, memory: Memory, steps: Sequence[Step]) -> None:
        memory.expect(steps)
        self.save(self.state)

    async def _verify(self, verifier: Verifier, outcome: Outcome) -> None:
        """A reading that fails now says so of every step that it leaves unproven."""
        try:
            await verifier.verify(outcome)
        except ReconcilerError as error:
            outcome.unverified = told(error, hides=any(step.hides for step in outcome.steps))


def _sizes(context: Context) -> tuple[int, int]:
    """How many users and groups a list would bring."""
    snapshot, desired = context.snapshot, context.desired
    return max(len(snapshot.accounts), desired.in_scope), max(len(snapshot.groups), len(desired.groups))


def _versions(snapshot: Snapshot, deleting: Collection[int]) -> Iterator[tuple[Literal["user", "group"], str, str]]:
    """What the plan saw, where the application has versions; not of groups that change as it deletes their members."""
    if VERSION in snapshot.user_paths:
        at = snapshot.user_paths.index(VERSION)
        yield from (("user", each.id, str(each.values[at])) for each in snapshot.accounts if each.values[at])
    if VERSION in snapshot.group_paths:
        at = snapshot.group_paths.index(VERSION)
        yield from (
            ("group", each.id, str(each.values[at]))
            for each in snapshot.groups
            if each.values[at] and each.members.isdisjoint(deleting)
        )


def _facts(given: GivenBack) -> dict[str, object]:
    """For an undo to know: it takes away again what was not taken away by us."""
    if not given:
        return {}
    memberships = {group: sorted(people) for group, people in sorted(given.memberships.items())}
    return {"givenBack": {"accounts": sorted(given.accounts), "memberships": memberships}}


def _said(key: str, value: object) -> str:
    return f"{key}: {value} is what works here; under `profile` in app.yaml it saves the attempts"


__all__ = ["Journal", "Outcome", "Run", "Status", "Step", "is_lost"]
