"""The server without its network: takes calls, gives answers, and lets tests change things behind everybody's back."""

from __future__ import annotations

import contextlib
import hmac
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from reconciler.sandbox.bend import answering
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.habits import Habits, habits_named
from reconciler.sandbox.keep import load, save
from reconciler.sandbox.message import Answer, Call, Logged
from reconciler.sandbox.pace import Pace
from reconciler.sandbox.protocol import Protocol
from reconciler.sandbox.refusal import Crashed, Refusal
from reconciler.sandbox.rules import fill_defaults
from reconciler.sandbox.seed import people, service_account
from reconciler.sandbox.store import Resource, Store

ACTS_AS: Final = "provisioning@contoso.com"
REMEMBERED: Final = 20_000
"""Requests in the log; older ones are forgotten."""


class Sandbox:
    """One tenant. Safe to use from several threads; each call is done alone.

    `habits` is a gallery name or a record. `users` invented accounts are there at the start, beside the one that the
    token acts as (`acts_as`; None: no such account). `rate` overrides the requests a second, 0 is no limit. `latency`
    is in seconds. `token` None: any token will do. `state` is a file that is read at the start if it exists (then
    nothing is seeded) and written by `save`.
    """

    def __init__(
        self,
        habits: Habits | str = "hootsuite",
        *,
        users: int = 0,
        acts_as: str | None = ACTS_AS,
        token: str | None = None,
        faults: Iterable[str] = (),
        rate: float | None = None,
        latency: float = 0.0,
        state: Path | None = None,
        clock: Callable[[], datetime] | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        if isinstance(habits, str):
            habits = habits_named(habits)
        if rate is not None:
            habits = replace(habits, per_second=rate, buckets=() if rate == 0 else habits.buckets)
        self.habits = habits
        self.faults = Faults(faults)
        self.latency = latency
        self.requests: deque[Logged] = deque(maxlen=REMEMBERED)
        self.store = Store(self.habits, clock, self.faults)
        self._token = token
        self._pace = Pace(self.habits.per_second, self.habits.per_day, ticks, self.habits.buckets)
        self._lock = threading.RLock()
        self._protocol = Protocol(self.store)
        self._protocol.acts_as = acts_as or ""
        self._state = state
        self._saved = -1
        if not (state and load(self.store, state)):
            self._seed(users, acts_as)

    def _seed(self, users: int, acts_as: str | None) -> None:
        if acts_as:
            self.store.create("User", service_account(acts_as))
        for person in people(users):
            self.store.create("User", person)

    # What comes over the network

    def answer(self, call: Call) -> Answer:
        """The answer to one call. Never raises for what a client may send."""
        with self._lock:
            try:
                answer = self._perform(call)
            except Refusal as refusal:
                answer = answering.refusal_answer(self.faults, refusal, refusal.document(self.habits))
            except Crashed:
                answer = Answer(0, hang_up=True)
            if answer.body:
                answer.headers.setdefault("Content-Type", self.habits.content_type)
            if self.habits.tells_quota:
                answer.headers |= {
                    "X-Account-Quota": f"{self.habits.per_day} per day",
                    "X-Account-Quota-Used": str(self._pace.used),
                    "X-Account-Rate-Limit-Requests-Remaining": str(self._pace.remaining),
                }
            status = 0 if answer.hang_up else answer.status
            self.requests.append(Logged(call.method, call.path, dict(call.query), call.body, status))
            return answer

    def _perform(self, call: Call) -> Answer:
        faults = self.faults
        faults.requests += 1
        if too_many := self._pace.take(call.method, call.path, len(call.body)):
            told = {"Retry-After": self._pace.retry_after} if self.habits.tells_retry_after else {}
            raise Refusal(429, too_many, headers=told)
        if "html" in faults:
            return Answer(
                200, b"<!doctype html><title>Sign in</title><p>Please sign in.", {"Content-Type": "text/html"}
            )
        if faults.hits_every("throttle"):
            raise Refusal(429, "the sandbox was told that this is too much")
        if faults.hits_every("busy"):
            raise Refusal(503, "the sandbox was told to be busy")
        self._authorize(call)
        if not call.is_write:
            return self._protocol.perform(call)
        if "readOnly" in faults:
            raise Refusal(403, "The currently authenticated member doesn't have permission to do this request.")
        faults.writes += 1
        if call.races and "memberRace=500" in faults:
            raise Refusal(500, "the row is locked")
        if faults.hits_write("loseRequest"):
            return Answer(0, hang_up=True)
        for fault, status in (("loseAnswer", 0), ("failDone", 500), ("refuseDone", 400)):
            if faults.hits_write(fault):
                with contextlib.suppress(Refusal):
                    self._protocol.perform(call)
                if not status:
                    return Answer(0, hang_up=True)
                raise Refusal(status, "the sandbox was told to say so")
        return self._protocol.perform(call)

    def _authorize(self, call: Call) -> None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        right = scheme.lower() == "bearer" and token.strip() != ""
        if right and self._token is not None:
            right = hmac.compare_digest(token.strip().encode(), self._token.encode())
        if not right or "unauthorized" in self.faults:
            raise Refusal(401, "The access token is missing or not valid", headers={"WWW-Authenticate": "Bearer"})

    # What happens behind everybody's back

    @property
    def users(self) -> dict[str, dict[str, Any]]:
        """Id → user as clients see it; a copy."""
        return self._documents("User")

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        """Id → group as clients see it; a copy."""
        return self._documents("Group")

    def _documents(self, kind: Any) -> dict[str, dict[str, Any]]:
        with self._lock:
            return {row.id: orjson.loads(self.store.wire(row)) for row in self.store.ordered(kind)}

    def user_id(self, user_name: str) -> str:
        """The id of the account with this userName, whatever its case. Raises KeyError."""
        return self._named("User", user_name).id

    def group_id(self, display_name: str) -> str:
        """Raises KeyError."""
        return self._named("Group", display_name).id

    def members(self, group: str) -> set[str]:
        """The ids of a group's members."""
        with self._lock:
            return set(self.store.tables["Group"][group].members)

    def add_user(self, user_name: str, **attributes: Any) -> str:
        """A new account, as an administrator would make it; its id. Attributes have SCIM's names."""
        data = {
            "userName": user_name,
            "displayName": user_name.partition("@")[0],
            "emails": [{"value": user_name, "type": "work", "primary": True}],
            "active": True,
            **attributes,
        }
        with self._lock:
            fill_defaults(self.store, "User", data)
            return self.store.create("User", _assigned(data)).id

    def edit_user(self, user: str, **attributes: Any) -> None:
        """Sets attributes; None takes one away. Raises KeyError."""
        self._edit(self.store.tables["User"][user], attributes)

    def delete_user(self, user: str) -> None:
        with self._lock:
            self.store.delete(self.store.tables["User"][user])

    def add_group(self, display_name: str, members: Iterable[str] = (), **attributes: Any) -> str:
        """A new group; its id."""
        with self._lock:
            data = _assigned({"displayName": display_name, **attributes})
            return self.store.create("Group", data, list(members)).id

    def edit_group(self, group: str, **attributes: Any) -> None:
        self._edit(self.store.tables["Group"][group], attributes)

    def delete_group(self, group: str) -> None:
        with self._lock:
            self.store.delete(self.store.tables["Group"][group])

    def add_member(self, group: str, *members: str) -> None:
        with self._lock:
            row = self.store.tables["Group"][group]
            self.store.change(row, row.data, {**row.members, **dict.fromkeys(members)})

    def remove_member(self, group: str, *members: str) -> None:
        with self._lock:
            row = self.store.tables["Group"][group]
            self.store.change(row, row.data, {m: None for m in row.members if m not in members})

    def _edit(self, row: Resource, attributes: dict[str, Any]) -> None:
        with self._lock:
            self.store.change(row, _assigned({**row.data, **attributes}))

    def _named(self, kind: Any, name: str) -> Resource:
        with self._lock:
            found = self.store.named(kind, name)
            if not found:
                raise KeyError(name)
            return found[0]

    # What stays

    def save(self) -> None:
        """Writes the state file if there is one and something changed since."""
        with self._lock:
            if self._state is not None and self._saved != self.store.changes:
                save(self.store, self._state)
                self._saved = self.store.changes


def _assigned(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value is not None}
