"""One account deactivated outside of a plan, with the executor, the verification and the journal of an apply."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from reconciler import __version__
from reconciler.apply.execute import Executor
from reconciler.apply.journal import Journal
from reconciler.apply.outcome import Outcome, Status, Step
from reconciler.apply.values import Values, checked_by
from reconciler.apply.verify import Verifier
from reconciler.http import Client
from reconciler.live import Reader, Writer, is_active, row
from reconciler.model.app import App
from reconciler.model.path import parse_path
from reconciler.model.plan import (
    Budget,
    DeactivateUser,
    DeleteUser,
    DesiredFacts,
    Difference,
    LiveFacts,
    Plan,
    ProfileFacts,
    Reason,
)
from reconciler.model.profile import Profile
from reconciler.model.values import UNSET, Generated, Redacted, Reference, Value
from reconciler.plan import as_json, instant
from reconciler.project import Leaver


@dataclass(frozen=True, slots=True)
class Deactivated:
    result: Literal["deactivated", "alreadyInactive", "failed"]
    message: str = ""
    written: bool = False


async def deactivate(
    app: App,
    profile: Profile,
    client: Client,
    reader: Reader,
    resource: dict[str, Any],
    *,
    key: str,
    leaver: Leaver,
    journal: Path,
    now: datetime,
) -> Deactivated:
    """Writes what the mappings say of somebody who goes, else plain `active: false`, and reads it again.

    Raises ReconcilerError where the journal can't be written, or the account can't be read again.
    """
    wanted = _wanted(leaver)
    same = profile.comparison.same
    before = dict(zip(wanted, row(resource, list(wanted)), strict=True))
    missing = {p: v for p, v in wanted.items() if not same(parse_path(p), _bare(v), before[p])}
    if not missing or not is_active(resource):
        return Deactivated("alreadyInactive", "it was inactive already")
    steps = await _run(app, profile, client, reader, str(resource["id"]), key, before, missing, journal, now)
    bad = [step for step in steps if step.status is not Status.DONE]
    if bad:
        return Deactivated("failed", bad[0].message, written=True)
    return Deactivated("deactivated", written=True)


async def _run(
    app: App, profile: Profile, client: Client, reader: Reader, id_: str, key: str, before: dict[str, Value],
    missing: dict[str, Value], path: Path, now: datetime,
) -> list[Step]:  # fmt: skip
    plan = _plan(app, profile, id_, key, before, missing, now)
    writer = Writer(client, profile, reader)
    hidden = {p: v for p, v in missing.items() if isinstance(v, (Redacted, Generated))}
    with Journal(path) as journal:
        await journal.note("begin", app=app.name, tenantUrl=app.tenant_url, revoked=key)
        executor = Executor(
            plan, writer, journal, concurrency=1, values=Values({key: hidden}, checked_by(profile)),
            done=lambda _step: None,
        )  # fmt: skip
        outcome: Outcome = await executor.run()
        verifier = Verifier(reader, writer, profile, executor.names, journal, sizes=(1, 0), concurrency=1)
        await verifier.verify(outcome)
        await journal.note("end", exitCode=outcome.exit_code)
    return outcome.steps


def _plan(
    app: App, profile: Profile, id_: str, key: str, before: dict[str, Value], missing: dict[str, Value], now: datetime
) -> Plan:
    """One change, and nothing of what a plan knows beside it."""
    change = (
        DeactivateUser(
            key=key, id=id_, name=id_, reasons=(Reason.REVOKED,),
            set={p: Difference(before=as_json(before[p]), after=as_json(v)) for p, v in missing.items()},
        )
        if profile.users.deactivate
        else DeleteUser(key=key, id=id_, name=id_, reasons=(Reason.REVOKED,))
    )  # fmt: skip
    return Plan(
        tool_version=__version__,
        app=app.name,
        tenant_url=app.tenant_url,
        as_of=instant(now),
        desired=DesiredFacts(digest="", users=0, groups=0),
        live=LiveFacts(digest="", users=0, groups=0, read_at=instant(now)),
        profile=ProfileFacts(name=profile.name, verified=profile.verified),
        budget=Budget(requests=0),
        changes=(change,),
    )


def _wanted(leaver: Leaver) -> dict[str, Value]:
    """Path → value, of what is written; a person who is referred to is not needed by whoever goes."""
    wanted = {
        column.path: value
        for column, value in zip(leaver.columns, leaver.values, strict=True)
        if column.soft and value is not UNSET and not isinstance(value, Reference)
    }
    return wanted or {"active": False}


def _bare(value: Value) -> Value:
    return value.value if isinstance(value, Redacted) else value
