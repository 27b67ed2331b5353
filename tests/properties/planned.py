"""A pair in the planner's own nouns: project, propose, and remember what was done. No files, no network."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, cast

from reconciler.apply import Outcome, Status, Step
from reconciler.apply.remember import Memory
from reconciler.gallery import load_profile
from reconciler.model.app import App, Clause
from reconciler.model.desired import Desired
from reconciler.model.directory import Directory, Group, Member, Rule, User
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile
from reconciler.model.snapshot import Account, LiveGroup, Snapshot
from reconciler.model.state import Binding, State
from reconciler.model.values import GroupId, RemoteId, UserId
from reconciler.model.window import ALWAYS, Window, between
from reconciler.plan import Proposal, Releases, propose, read_paths
from reconciler.project import project
from tests.properties.application import PATHS, Application
from tests.properties.pairs import RULES, Pair

TENANT: Final = "https://scim.example.com/v2"
NOW: Final = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


class Planned:
    """One pair, planned as often as it is needed; the memory moves on with what is done."""

    def __init__(self, pair: Pair, gallery: str = "scim", bindings: dict[str, dict[str, Any]] | None = None) -> None:
        self.pair = pair
        self.profile: Profile = load_profile(gallery)
        self.app = _app(pair, gallery)
        self.directory = _directory(pair)
        self._projected: dict[frozenset[UserId], Desired] = {}
        self.state = State(app="chat", tenant_url=TENANT)
        bound = pair.bindings if bindings is None else bindings
        self.state.bindings = {key: cast("Binding", remembered(key, each)) for key, each in (bound or {}).items()}

    def propose(self, accounts: dict[str, Any], teams: dict[str, Any], *allow: str) -> Proposal:
        desired = self._desired()
        users, groups = read_paths(desired, self.app, self.profile)
        state = self.state.model_copy(update={"fresh": not self.state.bindings and self.state.commit is None})
        releases = Releases.parse([*allow, *(["emptyScope"] if self.state.bindings else [])])
        snapshot = _snapshot(accounts, teams, users, groups)
        made = propose(self.app, self.profile, desired, snapshot, state, as_of=NOW, releases=releases)
        self.proposal = made
        return made

    def _desired(self) -> Desired:
        """The same files want the same; of those who are out of scope, of whom we manage."""
        managed = frozenset(UserId(k[5:]) for k in self.state.bindings if k.startswith("user:"))
        managed -= self.pair.wanted
        if managed not in self._projected:
            made = project(self.directory, self.app, self.profile, managed=managed, as_of=NOW)
            self._projected[managed] = made
        return self._projected[managed]

    def done(self, application: Application) -> None:
        """Everything of the last plan that was not held was done."""
        proposal = self.proposal
        memory = Memory(self.state, proposal, NOW)
        steps = [Step(n, c, id=c.id or application.made.get(c.key)) for n, c in enumerate(proposal.plan.changes)]
        for step in steps:
            step.status = Status.HELD if step.change.held else Status.DONE
            if not step.change.held:
                memory.done(step)
        memory.close(Outcome(steps), finished=True)
        self.state.commit = "0" * 40

    def looks_empty(self, application: Application) -> bool:
        """Fewer than half of those who are bound are there: an error, by the contract."""
        bound = [each["id"] for key, each in self.state.bindings.items() if key.startswith("user:")]
        return 2 * len([id_ for id_ in bound if id_ in application.accounts]) < len(bound)


def _app(pair: Pair, gallery: str) -> App:
    scope = {"assigned": assigned(pair)}
    groups = tuple(sorted(name for name, each in pair.groups.items() if each["assigned"]))
    keys = {"name": "chat", "gallery": gallery, "tenantUrl": TENANT, "scope": scope, "groups": groups, **pair.app}
    return App.model_validate(keys)


def assigned(pair: Pair) -> dict[str, Any]:
    """As app.yaml says it."""
    people = [{"user": n, **each["assignment"]} for n, each in sorted(pair.people.items()) if each["assigned"]]
    return {"users": people, "groups": [{"group": n, **window} for n, window in sorted(pair.assigned.items())]}


def _window(written: dict[str, str]) -> Window:
    return between(written.get("from", ""), written.get("until", ""), UTC) if written else ALWAYS


def _directory(pair: Pair) -> Directory:
    users = {UserId(name): _user(name, pair.people[name]) for name in sorted(pair.people)}
    groups = {GroupId(name): _group(name, pair) for name in sorted(pair.groups)}
    return Directory(users, groups)


def _user(name: str, each: dict[str, Any]) -> User:
    attributes = {
        "userPrincipalName": each["userName"], "mail": each["mail"], "displayName": each["displayName"],
        "givenName": each["given"], "surname": each["family"], "timeZone": each["timezone"],
    }  # fmt: skip
    return User(
        UserId(name),
        {key: value for key, value in attributes.items() if value is not None},
        f"users/{name}.yaml",
        1,
        {},
        enabled=each["enabled"],
        formerly=(*({"userPrincipalName": f} for f in each["formerly"]), *({"id": f} for f in each["formerIds"])),
        accounts={"chat": each["pin"]} if each["pin"] else {},
        window=_window(each["window"]),
    )


def _group(name: str, pair: Pair) -> Group:
    each = pair.groups[name]
    entries = tuple(
        Member(
            2,
            user=None if m.startswith("@") else UserId(m),
            group=GroupId(m[1:]) if m.startswith("@") else None,
            window=_window(each["windows"].get(m, {})),
        )
        for m in each["members"]
    )
    rules = tuple(Rule(tuple(Clause.model_validate(RULES[c][0]) for c in rule), 2) for rule in each["rules"])
    former = tuple({"displayName": f} for f in each["formerly"])
    return Group(GroupId(name), {"displayName": each["name"]}, entries, f"groups/{name}.yaml", 1, {}, formerly=former,
                 rules=rules)  # fmt: skip


def remembered(key: str, each: dict[str, Any]) -> dict[str, Any]:
    """A binding, as an apply leaves it."""
    kind, _, name = key.partition(":")
    return {"since": "2026-01-01T00:00:00Z", "commit": None, "name": f"{name.title()} Surname",
            "file": f"{kind}s/{name}.yaml", **each}  # fmt: skip


def _snapshot(
    accounts: dict[str, Any], teams: dict[str, Any], users: tuple[str, ...], groups: tuple[str, ...]
) -> Snapshot:
    ours = {parse_path(path).canonical: name for path, name in PATHS.items()}
    names = [ours.get(parse_path(path).canonical, "") for path in users]
    rows = [
        Account(RemoteId(id_), each["active"], tuple(each.get(name) for name in names))
        for id_, each in accounts.items()
    ]
    numbers = {account.id: number for number, account in enumerate(rows)}
    live = [
        LiveGroup(
            RemoteId(id_),
            tuple(each["name"] if path == "displayName" else None for path in groups),
            {numbers[m] for m in each["members"] if m in numbers},
            frozenset(m for m in each["members"] if m not in numbers),
        )
        for id_, each in teams.items()
    ]
    return Snapshot(TENANT, users, groups, rows, live, NOW).number()
