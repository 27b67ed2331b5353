"""A company, an application and a memory in a few words each, planned by the real projection and the real planner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from reconciler.desired.schemas import published
from reconciler.gallery import load_profile
from reconciler.model.app import App
from reconciler.model.desired import Desired
from reconciler.model.directory import Directory, Group, Member, User
from reconciler.model.mapping import Mappings
from reconciler.model.path import parse_path
from reconciler.model.plan import Blocked, Change, Plan
from reconciler.model.snapshot import Account, LiveGroup, Snapshot
from reconciler.model.state import Binding, Revocation, State
from reconciler.model.values import GroupId, RemoteId, UserId
from reconciler.model.window import ALWAYS, Window, between
from reconciler.plan import (
    Earlier,
    Proposal,
    Releases,
    digest,
    propose,
    read_paths,
    read_plans,
    revoked_people,
    to_json,
)
from reconciler.project import project

TENANT = "https://scim.example.com/v2"
NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
MAIL = 'emails[type eq "work"].value'


def fits(plan: Plan) -> None:
    """Every plan that any of these tests makes fits the published schema, and is read again as it was written."""
    data = to_json(plan)
    assert read_plans(data, "p.json") == [plan]
    if len(plan.changes) < 50:
        _schema().validate(orjson.loads(data))


@lru_cache(maxsize=1)
def _schema() -> Draft202012Validator:
    return Draft202012Validator(published("plan"))


class World:
    """People are called by one word: `ada` is Ada Adason, ada@contoso.com, in users/ada.yaml."""

    def __init__(self, gallery: str = "scim") -> None:
        self.profile = load_profile(gallery)
        self.users: dict[UserId, User] = {}
        self.groups: dict[GroupId, Group] = {}
        self.app_keys: dict[str, Any] = {
            "gallery": gallery,
            "tenantUrl": TENANT,
            "scope": {"everyone": True},
            "unmanaged": {"users": "report"},
        }
        self.mappings = Mappings()
        self.accounts: dict[str, dict[str, Any]] = {}
        self.teams: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.state = State(app="chat", tenant_url=TENANT)
        self.now = NOW
        self.revoked: dict[UserId, str] = {}

    # -- what git says

    def user(self, name: str, /, **keys: Any) -> User:
        """Attributes by name (None takes one away); kind, enabled, formerly, accounts, file are the record's own."""
        own: dict[str, Any] = {k: keys.pop(k) for k in ("kind", "enabled", "formerly", "accounts") if k in keys}
        own["window"] = window(keys.pop("window", ""))
        file = keys.pop("file", f"users/{name}.yaml")
        attributes = {
            "userPrincipalName": f"{name}@contoso.com",
            "mail": f"{name}@contoso.com",
            "givenName": name.title(),
            "surname": f"{name.title()}son",
            "displayName": f"{name.title()} {name.title()}son",
            **keys,
        }
        attributes = {k: v for k, v in attributes.items() if v is not None}
        lines = {k: n for n, k in enumerate(attributes, start=2)}
        user = User(UserId(name), attributes, file, 1, lines, **own)
        self.users[user.id] = user
        return user

    def people(self, *names: str) -> None:
        for name in names:
            self.user(name)

    def group(self, name: str, /, *members: str, **keys: Any) -> Group:
        """`@name` nests a group; `name FROM..UNTIL` has a window, in UTC. `editors` is called Editors."""
        own = {k: keys.pop(k) for k in ("formerly", "accounts", "sensitive") if k in keys}
        entries = tuple(_entry(line, written) for line, written in enumerate(members, start=4))
        attributes = {"displayName": name.title(), **keys}
        lines = {k: n for n, k in enumerate(attributes, start=2)}
        group = Group(GroupId(name), attributes, entries, f"groups/{name}.yaml", 1, lines, **own)
        self.groups[group.id] = group
        return group

    def app(self, **keys: Any) -> None:
        self.app_keys |= keys

    def assigned(self, *users: str, groups: tuple[str, ...] = ()) -> None:
        self.app(scope={"assigned": {"users": users, "groups": groups}})

    def map(self, *users: dict[str, Any]) -> None:
        self.mappings = Mappings.model_validate({"users": users})

    # -- what the application holds

    def account(self, id_: str, name: str, /, *, active: bool = True, **paths: Any) -> None:
        """As `user` would be written. `mail`, `given`, `surname` stand for their paths; None takes one away."""
        long = {"mail": MAIL, "given": "name.givenName", "surname": "name.familyName"}
        values = {
            "userName": f"{name}@contoso.com",
            MAIL: f"{name}@contoso.com",
            "displayName": f"{name.title()} {name.title()}son",
            "name.givenName": name.title(),
            "name.familyName": f"{name.title()}son",
            **{long.get(k, k): v for k, v in paths.items()},
        }
        self.accounts[id_] = {**values, "active": active}

    def team(self, id_: str, name: str, *members: str) -> None:
        self.teams[id_] = (name, members)

    # -- what we remember

    def bind(self, key: str, id_: str, **keys: Any) -> None:
        name = key.partition(":")[2]
        kind = "users" if key.startswith("user:") else "groups"
        left: dict[str, Any] = {"active": True} if kind == "users" else {}
        shown = f"{name.title()} {name.title()}son" if kind == "users" else name.title()
        binding: dict[str, Any] = {
            "id": id_, "since": "2026-01-01T00:00:00Z", "commit": None, **left,
            "name": shown, "file": f"{kind}/{name}.yaml", **keys,
        }  # fmt: skip
        self.state.bindings[key] = Binding(**binding)  # type: ignore[typeddict-item]

    def left(self, team: str, *members: str) -> None:
        """The state says that we left these people in a group."""
        self.state.bindings[f"group:{team}"]["members"] = sorted(members)

    def ours(self, id_: str, name: str, /, **account: Any) -> None:
        """A person, the account, and the binding between them: nothing to do."""
        self.user(name)
        self.account(id_, name, **account)
        self.bind(f"user:{name}", id_)

    def settled(self, count: int) -> None:
        """`count` more people with whom nothing is to do: p0 with the account 1000, and so on."""
        for n in range(count):
            self.ours(str(1000 + n), f"p{n}")

    def leave(self, *names: str) -> None:
        """Their files are deleted, and the lines that name them."""
        for name in names:
            del self.users[UserId(name)]
        for group in self.groups.values():
            group.members = tuple(m for m in group.members if m.user not in names)

    def remember(self, desired: Desired) -> None:
        """`wanted` of every binding, as an apply would leave it."""
        for person in desired.people:
            if f"user:{person.user.id}" in self.state.bindings:
                self.state.bindings[f"user:{person.user.id}"]["wanted"] = digest(tuple(person.values))
        for group in desired.groups:
            if f"group:{group.group.id}" in self.state.bindings:
                self.state.bindings[f"group:{group.group.id}"]["wanted"] = digest(tuple(group.values))

    def revoke(self, key: str, *accounts: str, until: str | None = None) -> None:
        """As `revoke` leaves it; `accounts` are those that it deactivated."""
        revocation = Revocation(reason="a lost laptop", at="2026-11-23T03:00:00Z", by="night", until=until)
        if accounts:
            revocation["accounts"] = list(accounts)
        self.state.revocations[key] = revocation

    # -- the plan

    @property
    def the_app(self) -> App:
        return App.model_validate({**self.app_keys, "name": "chat", "mappings": self.mappings})

    @property
    def desired(self) -> Desired:
        directory = Directory(
            {k: self.users[k] for k in sorted(self.users)}, {k: self.groups[k] for k in sorted(self.groups)}
        )
        managed = [UserId(k[5:]) for k in self.state.bindings if k.startswith("user:")]
        revoked = self.revoked | revoked_people(self.state, directory, "chat", self.now)
        return project(
            directory, self.the_app, self.profile, managed=[*managed, *revoked], revoked=revoked, as_of=self.now
        )

    def snapshot(self, *desired: Desired) -> Snapshot:
        """With everything that any of them needs."""
        paths = [read_paths(each, self.the_app, self.profile) for each in desired]
        users, groups = (tuple(dict.fromkeys(path for pair in paths for path in pair[n])) for n in (0, 1))
        names = {parse_path(p).canonical: p for p in users}
        accounts = []
        for id_, values in self.accounts.items():
            known = {names[parse_path(p).canonical]: v for p, v in values.items() if parse_path(p).canonical in names}
            accounts.append(Account(RemoteId(id_), values["active"], tuple(known.get(p) for p in users)))
        numbers = {a.id: n for n, a in enumerate(accounts)}
        teams = [
            LiveGroup(
                RemoteId(id_),
                tuple(name if p == "displayName" else None for p in groups),
                {numbers[RemoteId(m)] for m in members if RemoteId(m) in numbers},
                frozenset(RemoteId(m) for m in members if RemoteId(m) not in numbers),
            )
            for id_, (name, members) in self.teams.items()
        ]
        return Snapshot(TENANT, users, groups, accounts, teams, NOW).number()

    def propose(self, *allow: str, base: Earlier | None = None, then: Desired | None = None) -> Proposal:
        """`base`: the revision to compare with; `then`: what the files asked for at the last apply."""
        desired = self.desired
        app = self.the_app
        profile = self.profile.corrected(app.profile)
        state = self.state.model_copy(update={"fresh": not self.state.bindings and self.state.commit is None})
        releases = Releases.parse(allow)
        others = [] if base is None or base.version is None else [base.version.desired]
        snapshot = self.snapshot(desired, *others)
        made = propose(app, profile, desired, snapshot, state, as_of=self.now, releases=releases, base=base, then=then)
        fits(made.plan)
        return made

    def plan(self, *allow: str) -> Plan:
        return self.propose(*allow).plan

    def hours(self, hours: float) -> str:
        """An instant before now, as the state writes it."""
        return (self.now - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def window(written: str) -> Window:
    """`FROM..UNTIL`, either end left out."""
    from_, _, until = written.partition("..")
    return between(from_, until, UTC) if written else ALWAYS


def _entry(line: int, written: str) -> Member:
    name, _, when = written.partition(" ")
    if name.startswith("@"):
        return Member(line, group=GroupId(name[1:]), window=window(when))
    return Member(line, user=UserId(name), window=window(when))


def short(plan: Plan) -> list[tuple[str, str]]:
    """(action, key) of every change that runs."""
    return [(c.action, c.key) for c in plan.pending]


class Read:
    """Questions that tests ask of a plan."""

    @staticmethod
    def runs(plan: Plan) -> list[tuple[str, str]]:
        return short(plan)

    @staticmethod
    def held(plan: Plan) -> list[tuple[str, str, str]]:
        """(action, key, the releases it waits for)."""
        return [(c.action, c.key, " ".join(h.release for h in c.held)) for c in plan.held]

    @staticmethod
    def blocked(plan: Plan) -> list[tuple[str, str, str]]:
        return [(b.wanted, b.key, b.reason) for b in plan.blocked]

    @staticmethod
    def notes(plan: Plan) -> set[tuple[str, str]]:
        return {(n.code, n.key) for n in plan.notes}

    @staticmethod
    def change(plan: Plan, key: str) -> Change:
        found = [c for c in plan.changes if c.key == key]
        assert len(found) == 1, found
        return found[0]

    @staticmethod
    def block(plan: Plan) -> Blocked:
        assert len(plan.blocked) == 1, plan.blocked
        return plan.blocked[0]

    @staticmethod
    def members(plan: Plan) -> set[tuple[str, str, str, str]]:
        """(action, group, member, releases) of every membership that changes."""
        return {
            (c.action, c.key, m.key, " ".join(h.release for h in c.held))
            for c in plan.changes
            for m in getattr(c, "members", ())
        }

    @staticmethod
    def rail(plan: Plan, name: str) -> Any:
        (found,) = [g for g in plan.guardrails if g.name == name]
        return found


@pytest.fixture
def world() -> World:
    """Plain SCIM: everything works there."""
    return World()


@pytest.fixture
def hootsuite() -> World:
    return World("hootsuite")


@pytest.fixture
def new_world() -> type[World]:
    return World


@pytest.fixture
def read() -> type[Read]:
    return Read
