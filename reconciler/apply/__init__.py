"""The only code that writes to applications: executes a plan, verifies it, remembers what was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.apply.execute import Executor
from reconciler.apply.journal import Journal
from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.apply.remember import Memory
from reconciler.apply.verify import Verifier
from reconciler.errors import ReconcilerError
from reconciler.http import Client
from reconciler.live import Reader, Writer
from reconciler.model.profile import Profile
from reconciler.model.state import State
from reconciler.plan import Proposal

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Run:
    """One apply: what it works with. `stop` is set while it runs; calling it ends the run gracefully."""

    proposal: Proposal
    client: Client
    profile: Profile
    state: State
    journal: Path
    save: Callable[[State], None]
    now: datetime
    progress: Progress | None = None
    stop: Callable[[], None] = lambda: None

    async def execute(self) -> Outcome:
        """Executes what is not held, verifies it, and leaves the state saved, whatever happens."""
        plan, before = self.proposal.plan, self.client.requests
        reader = Reader(self.client, self.profile)
        writer = Writer(self.client, self.profile, reader)
        memory = Memory(self.state, self.proposal, self.now)
        concurrency = self.profile.rate.concurrency
        with Journal(self.journal) as journal:
            await journal.note("begin", app=plan.app, tenantUrl=plan.tenant_url, commit=plan.desired.commit,
                               digest=plan.digest, changesDigest=plan.changes_digest)  # fmt: skip
            executor = Executor(
                plan,
                writer,
                journal,
                concurrency=concurrency,
                leavers_last=self.proposal.context.app.order == "leaversLast",
                done=memory.done,
                progress=self.progress,
                stage_end=lambda: self.save(self.state),
            )
            self.stop = executor.stop
            try:
                outcome = await executor.run()
                await self._verify(Verifier(
                    reader, writer, self.profile, executor.names, concurrency=concurrency, progress=self.progress,
                    sizes=(plan.live.users, plan.live.groups),
                ), outcome)  # fmt: skip
            finally:
                memory.close(executor.outcome)
                self.save(self.state)
            outcome.requests = self.client.requests - before
            await journal.note("end", exitCode=outcome.exit_code, requests=outcome.requests,
                               done=outcome.count(Status.DONE), failed=outcome.count(Status.FAILED),
                               skipped=outcome.count(Status.SKIPPED), notStored=outcome.count(Status.NOT_STORED),
                               held=outcome.count(Status.HELD))  # fmt: skip
        return outcome

    async def _verify(self, verifier: Verifier, outcome: Outcome) -> None:
        """A reading that fails now says so of every step that it leaves unproven."""
        try:
            await verifier.verify(outcome.steps)
        except ReconcilerError as error:
            outcome.unverified = str(error)


__all__ = ["Journal", "Outcome", "Run", "Status", "Step"]
