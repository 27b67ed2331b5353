"""Access taken away at once, without a plan: first the memory, so that every later plan knows, then the account."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from reconciler.apply.deactivate import deactivate
from reconciler.errors import Locked, ReconcilerError, StateError
from reconciler.http import Client
from reconciler.live import Reader, is_active, row
from reconciler.model.app import App, Clause, Guardrails
from reconciler.model.clauses import clause_holds
from reconciler.model.comparison import equal
from reconciler.model.profile import Profile
from reconciler.model.state import Revocation, State, in_force
from reconciler.project import Leaver
from reconciler.state import States, mark_revoked

Connect = Callable[[], AbstractAsyncContextManager[Client]]
PATIENCE = 120.0
"""Seconds for which an apply that runs is waited for, once the account is inactive."""
POLL = 1.0


class Result(StrEnum):
    """What came of it in one app."""

    DEACTIVATED = "deactivated"
    ALREADY = "alreadyInactive"
    NONE = "noAccount"
    UNCLEAR = "unclear"
    """Several accounts could be meant, or somebody else's."""
    PROTECTED = "protected"
    ACTS_AS = "actsAs"
    IGNORED = "ignored"
    CANNOT = "appCannot"
    FAILED = "failed"


WITHOUT_ACCESS: Final = (Result.DEACTIVATED, Result.ALREADY)
WITHDRAWN: Final = (Result.PROTECTED, Result.ACTS_AS, Result.IGNORED)
"""Accounts that are not to be touched: then nothing is remembered either."""


@dataclass(slots=True)
class Revoked:
    app: str
    result: Result
    account: str | None = None
    name: str = ""
    message: str = ""
    trouble: str = ""
    """Why the memory does not have it."""
    busy: bool = False
    """An apply was running, and was still running when nobody waited any longer."""
    journal: Path | None = None

    @property
    def remembered(self) -> bool:
        return not self.trouble and self.result not in WITHDRAWN

    @property
    def settled(self) -> bool:
        """Nobody has to look after this app any more."""
        return self.remembered and not self.busy and self.result in (*WITHOUT_ACCESS, Result.NONE)


@dataclass(slots=True)
class Revoking:
    """One key in one app."""

    app: App
    profile: Profile
    states: States
    key: str
    """user:ID or account:REMOTE-ID."""
    revocation: Revocation
    leaver: Leaver
    pin: str | None
    journal: Path
    now: datetime
    even_protected: bool = False
    heir_of: Collection[str] = ()
    """Ids that this person had before, and that nobody has now: what was protected by one of them stays so."""
    state: State = field(init=False)
    earlier: Revocation | None = field(init=False, default=None)
    """What was in force before this one: it is never weakened."""
    longer: str = field(init=False, default="")
    written: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.state = State(app=self.app.name, tenant_url=self.app.tenant_url, fresh=True)

    async def run(self, connect: Connect) -> Revoked:
        """Memory, account, memory; and once more when the apply has ended that was running. Failures are results."""
        told = await self._run(connect)
        if self.longer:
            told.message = "; ".join(each for each in (told.message, self.longer) if each)
        return told

    async def _run(self, connect: Connect) -> Revoked:
        if self._protects(self.key, *self._former) and not self.even_protected:
            return self._told(Result.PROTECTED, "protected: --even-protected revokes them")
        self._remember()
        busy = self._is_busy()
        told = await self._act(connect)
        told.trouble = self._withdraw() if told.result in WITHDRAWN else self._remember()
        if not busy and not self._is_busy():
            return told
        free = await self._ended()
        again = await self._act(connect)
        if not (told.result is Result.DEACTIVATED and again.result is Result.ALREADY):
            told = again
        told.trouble = self._withdraw() if told.result in WITHDRAWN else self._remember()
        told.busy = not free
        return told

    async def _act(self, connect: Connect) -> Revoked:
        """Finds the account and deactivates it."""
        try:
            async with connect() as client:
                reader = Reader(client, self.profile)
                found = await self._find(reader)
                return found if isinstance(found, Revoked) else await self._deactivate(client, reader, found)
        except ReconcilerError as error:
            return self._told(Result.FAILED, _line(error))

    # -- the memory

    def _remember(self) -> str:
        """Writes the revocation. Returns why that can't be: the account is deactivated all the same."""

        def add(state: State) -> None:
            before = state.revocations.get(self.key)
            if before is not None and in_force(before, self.now):
                self._keep(before)
            state.revocations[self.key] = self.revocation
            mark_revoked(state, self.now)

        trouble = self._revise(add)
        self.written = self.written or not trouble
        return trouble

    def _keep(self, before: Revocation) -> None:
        """Its accounts, and its end where that is later."""
        if not self.written:
            self.earlier = before
        if kept := before.get("accounts", []):
            self.revocation["accounts"] = sorted({*kept, *self.revocation.get("accounts", [])})
        until, other = self.revocation["until"], before["until"]
        if until is not None and (other is None or datetime.fromisoformat(other) > datetime.fromisoformat(until)):
            self.revocation["until"] = other
            self.longer = f"an earlier revocation lasts longer, and stays: until {other or 'it is released'}"

    def _withdraw(self) -> str:
        """What was in force before stays."""

        def back(state: State) -> None:
            state.revocations.pop(self.key, None)
            if self.earlier is not None:
                state.revocations[self.key] = self.earlier

        return self._revise(back)

    def _revise(self, change: Callable[[State], object]) -> str:
        name, url = self.app.name, self.app.tenant_url
        try:
            self.state = self.states.revise(name, url, change)
        except (StateError, Locked) as error:
            with contextlib.suppress(StateError):
                self.state = self.states.load(name, url)
            return _line(error)
        return ""

    def _is_busy(self) -> bool:
        try:
            return self.states.busy(self.app.name, self.app.tenant_url)
        except StateError:
            return False

    async def _ended(self) -> bool:
        """Whether the apply that runs has ended in time."""
        end = time.monotonic() + PATIENCE
        while self._is_busy():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(POLL)
        return True

    # -- whose account it is

    async def _find(self, reader: Reader) -> dict[str, Any] | Revoked:
        """A pin decides, then the binding, then the first matching attribute that finds anybody: as in a plan."""
        if self.key.startswith("account:"):
            id_ = self.key.partition(":")[2]
            return await reader.user(id_) or self._told(Result.NONE, f"there is no account {id_}")
        bindings = (self.state.bindings.get(key) for key in (self.key, *self._former))
        for known in (self.pin, *(binding["id"] for binding in bindings if binding is not None)):
            if known is not None and (resource := await reader.user(known)) is not None:
                return resource
        return await self._match(reader)

    async def _match(self, reader: Reader) -> dict[str, Any] | Revoked:
        own = (self.key, *self._former)
        bound = {b["id"]: k for k, b in self.state.bindings.items() if k.startswith("user:") and k not in own}
        for path, value in self.leaver.match:
            hits = await reader.find_user(path, str(value))
            if len(hits) > 1:
                ids = ", ".join(sorted(str(hit["id"]) for hit in hits))
                message = f"{path} finds {len(hits)} accounts: {ids}; account:ID revokes the one that is meant"
                return self._told(Result.UNCLEAR, message)
            if hits and (other := bound.get(str(hits[0]["id"]))):
                message = f"{path} finds {hits[0]['id']}, which belongs to {other}; account:{hits[0]['id']} revokes it"
                return self._told(Result.UNCLEAR, message)
            if hits:
                return hits[0]
        if not self.leaver.match:
            message = "no account is remembered, and no file says what it is called; account:ID revokes one"
            return self._told(Result.NONE, message)
        return self._told(Result.NONE, "no account is remembered, and none is found by the matching attributes")

    # -- what is done

    async def _deactivate(self, client: Client, reader: Reader, resource: dict[str, Any]) -> Revoked:
        refused = self._refused(resource)
        if refused is not None:
            return refused
        done = await deactivate(
            self.app, self.profile, client, reader, resource, key=self.key, leaver=self.leaver, journal=self.journal,
            now=self.now,
        )  # fmt: skip
        told = self._told(Result(done.result), done.message, resource)
        told.journal = self.journal if done.written else None
        if told.result is Result.DEACTIVATED:
            self.revocation["accounts"] = sorted({*self.revocation.get("accounts", []), str(resource["id"])})
        return told

    def _refused(self, resource: dict[str, Any]) -> Revoked | None:
        (login,) = row(resource, ["userName"])
        if self.app.guardrails.acts_as is not None and equal(self.app.guardrails.acts_as, login, exact=False):
            return self._told(Result.ACTS_AS, "the token belongs to this account: it is never touched", resource)
        if any(_fits(clause, resource) for clause in self.app.ignore.users if isinstance(clause, Clause)):
            return self._told(Result.IGNORED, "under `ignore`: deactivate it in the application itself", resource)
        if self._is_protected(resource) and not self.even_protected:
            return self._told(Result.PROTECTED, "protected: --even-protected revokes it", resource)
        users = self.profile.users
        nearest = users.delete and users.delete_effect == "deactivated"
        if is_active(resource) and not (users.deactivate or nearest):
            title = self.profile.title
            message = f"{title} can't deactivate anybody over SCIM: do it in {title} itself"
            return self._told(Result.CANNOT, message, resource)
        return None

    def _is_protected(self, resource: dict[str, Any]) -> bool:
        owners = (key for key, binding in self.state.bindings.items() if binding["id"] == str(resource["id"]))
        clauses = (c for rails in self._rails() for c in rails.protected.users if isinstance(c, Clause))
        return self._protects(self.key, *self._former, *owners) or any(_fits(clause, resource) for clause in clauses)

    def _rails(self) -> Sequence[Guardrails]:
        """Those of the files, and those that the memory has: what either protects is protected."""
        known = self.state.guardrails
        return [self.app.guardrails, *([] if known is None else [known])]

    @property
    def _former(self) -> Iterator[str]:
        return (f"user:{each}" for each in self.heir_of)

    def _protects(self, *keys: str) -> bool:
        return any(f"user:{each}" in keys for rails in self._rails() for each in rails.protected.users)

    def _told(self, result: Result, message: str = "", resource: dict[str, Any] | None = None) -> Revoked:
        if resource is None:
            return Revoked(self.app.name, result, message=message)
        redacted = any(column.redacts for column in self.leaver.columns)
        names = [str(name) for name in row(resource, ["userName", "displayName"]) if name and not redacted]
        return Revoked(self.app.name, result, str(resource["id"]), next(iter(names), ""), message)


def release(states: States, app: App, key: str, now: datetime) -> Revocation | None:
    """Ends a revocation: the account was left inactive by us, so that the next plan gives it back. None: there is none.

    Raises StateError.
    """
    ended: list[Revocation] = []

    def end(state: State) -> None:
        mark_revoked(state, now)
        revocation = state.revocations.pop(key, None)
        ended[:] = [] if revocation is None else [revocation]

    if key not in states.load(app.name, app.tenant_url).revocations:
        return None
    states.revise(app.name, app.tenant_url, end)
    return next(iter(ended), None)


def _fits(clause: Clause, resource: dict[str, Any]) -> bool:
    return clause_holds(clause, row(resource, [clause.attribute])[0])


def _line(error: ReconcilerError) -> str:
    return str(error).replace("\n    ", " — ")
