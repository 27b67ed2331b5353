"""The plan, tried on a copy of the application in this process: the only part of apply that knows the sandbox."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from reconciler.apply import Run
from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.http import Client, in_process
from reconciler.live import Reader
from reconciler.live.wire import create_body
from reconciler.model.path import parse_path
from reconciler.model.plan import Change, Plan
from reconciler.model.profile import Profile
from reconciler.model.snapshot import Snapshot
from reconciler.model.state import State
from reconciler.model.values import Value
from reconciler.plan import (
    VERSION,
    Moved,
    Narrowed,
    Proposal,
    given_up,
    interest_of,
    narrow,
    propose,
    read_paths,
)
from reconciler.sandbox import create_app
from reconciler.sandbox.copy import Copy, Held

_ADDRESS: Final = "http://127.0.0.1/scim/v2"
_BAD: Final = (Status.FAILED, Status.SKIPPED, Status.NOT_STORED)


@dataclass(slots=True)
class Rehearsal:
    """What came of it."""

    plan: Plan
    """As it was made on the application."""
    doubts: Sequence[str]
    """In what the copy may not be like the application."""
    outcome: Outcome | None = None
    """None: the copy asks for other changes than the application, and nothing was tried."""
    after: Plan | None = None
    """The plan on the copy, when everything was done."""
    unlike: Sequence[str] = field(default=())
    """What the plan on the copy has and the plan on the application has not, or the other way round."""
    narrowed: Narrowed | None = None
    """What of an approved plan is rehearsed."""
    requests: int = 0
    """What an apply costs: reading, writing and verifying."""

    @property
    def failures(self) -> list[Step]:
        return [s for s in self.outcome.steps if s.status in _BAD or s.skipped_members] if self.outcome else []

    @property
    def moved(self) -> tuple[Moved, ...]:
        return self.narrowed.moved if self.narrowed is not None else ()

    @property
    def left(self) -> tuple[Change, ...]:
        """What would still be pending after an apply; of an approved plan, of what that says."""
        if self.after is None:
            return ()
        if self.narrowed is not None:
            return narrow(self.plan, self.after).plan.pending
        return self.after.pending

    @property
    def exit_code(self) -> int:
        """1: it would not end where it should; 5: something approved moved; 3: it would, and something is held."""
        if self.unlike or self.failures or self.left or (self.outcome and self.outcome.unverified):
            return 1
        if self.moved:
            return 5
        return 3 if self.plan.held else 0


class Rehearser:
    """`proposal` was made on the application; `profile` is as it was found to be, and `state` is not touched.
    `approved`: only what this has in common with it is tried.
    """

    def __init__(self, proposal: Proposal, profile: Profile, state: State, approved: Plan | None = None) -> None:
        self.proposal = proposal
        self.approved = approved
        self.profile = profile.model_copy(update={"settle_seconds": 0.0})
        self.state = state.model_copy(deep=True)

    async def rehearse(self) -> Rehearsal:
        """Copies, plans, applies and plans again. Nothing leaves this process."""
        context = self.proposal.context
        paths = [column.path for column in context.desired.user_columns]
        copy = Copy(self.profile, paths, *_held(context.snapshot), base_url=_ADDRESS)
        rehearsal = Rehearsal(self.proposal.plan, copy.doubts)
        async with Client(
            _ADDRESS,
            bearer=lambda: "rehearsal",
            content_type=self.profile.content_type,
            concurrency=self.profile.rate.concurrency,
            transport=in_process(create_app(copy.sandbox)),
        ) as client:
            proposal = await self._propose(client)
            rehearsal.unlike = _unlike(self.proposal.plan, proposal.plan)
            if rehearsal.unlike:
                return rehearsal
            if self.approved is not None:
                found = narrow(self.approved, proposal.plan, given_up(proposal.context))
                rehearsal.narrowed, rehearsal.plan = found, found.plan
                proposal = proposal.reduced(found.plan, whole=found.complete)
            with tempfile.TemporaryDirectory(prefix="reconciler-rehearsal-") as folder:
                journal = Path(folder) / "journal.jsonl"
                run = Run(proposal, client, self.profile, self.state, journal, lambda _state: None, context.as_of)
                rehearsal.outcome = await run.execute()
            rehearsal.requests = client.requests
            self.state.fresh = False
            rehearsal.after = (await self._propose(client)).plan
        return rehearsal

    async def _propose(self, client: Client) -> Proposal:
        context = self.proposal.context
        users, groups = read_paths(context.desired, context.app, self.profile, context.stricter)
        snapshot = await Reader(client, self.profile).read(
            users,
            groups,
            interest=interest_of(context.desired, context.app, self.state),
            members=context.desired.maps_members,
        )
        known = context.snapshot
        snapshot.tenant_url, snapshot.source = known.tenant_url, known.source
        snapshot.partial, snapshot.blind = snapshot.partial or known.partial, known.blind
        snapshot.unread_user_paths, snapshot.unread_group_paths = known.unread_user_paths, known.unread_group_paths
        return propose(
            context.app,
            self.profile,
            context.desired,
            snapshot,
            self.state,
            as_of=context.as_of,
            releases=context.releases,
            stricter=context.stricter,
        )


def _held(snapshot: Snapshot) -> tuple[list[Held], list[Held]]:
    """Accounts and groups as resources, of what was read of them."""
    ids = [account.id for account in snapshot.accounts]
    users = [
        Held(a.id, {**_data("user", snapshot.user_paths, a.values), "active": a.active}) for a in snapshot.accounts
    ]
    groups = [
        Held(
            g.id,
            _data("group", snapshot.group_paths, g.values),
            [*(ids[at] for at in sorted(g.members)), *sorted(g.others)],
        )
        for g in snapshot.groups
    ]
    return users, groups


def _data(kind: Any, paths: Sequence[str], row: Sequence[Value]) -> dict[str, Any]:
    values = {p: v for p, v in zip(paths, row, strict=True) if p != VERSION and parse_path(p).canonical != "active"}
    body: dict[str, Any] = create_body(kind, values)
    del body["schemas"]
    return body


def _unlike(ours: Plan, copys: Plan) -> list[str]:
    if ours.changes_digest == copys.changes_digest:
        return []
    here, there = ({_shown(change) for change in plan.changes} for plan in (ours, copys))
    return sorted(
        [f"{each}: not on the copy" for each in here - there] + [f"{e}: on the copy alone" for e in there - here]
    )


def _shown(change: Change) -> str:
    paths = ", ".join(sorted(getattr(change, "set", {}))) or ", ".join(m.key for m in getattr(change, "members", ()))
    return f"{change.action} {change.key} {paths}".strip()
