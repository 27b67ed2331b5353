"""What a plan is made from, and the look-ups that its parts share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

from reconciler.model.app import App, Clause, Guardrails, Protected
from reconciler.model.clauses import clause_holds
from reconciler.model.comparison import equal
from reconciler.model.desired import Column, Desired, DesiredGroup, Person
from reconciler.model.path import parse_path
from reconciler.model.plan import Blocked, BlockedReason, Change, Difference, Note, Override
from reconciler.model.profile import Profile
from reconciler.model.snapshot import Snapshot
from reconciler.model.state import Binding, NotKept, Revocation, State
from reconciler.model.values import (
    Choice,
    Generated,
    Redacted,
    Reference,
    RemoteId,
    Value,
    account_key,
    is_null,
    user_key,
)
from reconciler.plan.difference import EXACT, REDACTED, as_json
from reconciler.plan.identity import Identity, Theirs
from reconciler.plan.releases import Releases
from reconciler.plan.strict import people, pinned, protected

NAMES = ("userName", "displayName", "name.givenName", "name.familyName")
SIGN_IN = frozenset({"username", "emails.value"})
"""The names that people sign in with."""


VERSION = "meta.version"
"""Read where versions are real, for the conditions of writes (RFC 7644 section 3.14); no part of what is compared."""


def read_paths(
    desired: Desired, app: App, profile: Profile, stricter: Sequence[Guardrails] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the snapshot must hold of each account and of each group: mapped, matching, naming, and guarded paths.

    `stricter`: as `propose` is given it.
    """
    guarded = protected(app, stricter)
    versions = [VERSION] if profile.versions else []
    users = [
        c.path
        for n, c in enumerate(desired.user_columns)
        if not c.on_create or c.matching or _chosen(desired.people, n)
    ]
    users += [*NAMES, "active"]
    users += [c.attribute for c in _clauses(app.ignore.users, guarded.users)]
    groups = [
        c.path
        for n, c in enumerate(desired.group_columns)
        if c.matching or not c.on_create or _chosen(desired.groups, n)
    ]
    groups.append("displayName")
    groups += [c.attribute for c in _clauses(app.ignore.groups, guarded.groups)]
    return tuple(dict.fromkeys([*users, *versions])), tuple(dict.fromkeys([*groups, *versions]))


def _chosen(ours: Sequence[Person | DesiredGroup], position: int) -> bool:
    """Whether values of a column depend on what others have there in the application."""
    return any(isinstance(each.values[position], Choice) for each in ours)


def _clauses(*lists: Iterable[str | Clause]) -> list[Clause]:
    return [c for one in lists for c in one if isinstance(c, Clause)]


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody, or a group, that an earlier revision wanted, and that was found in the application without doubt."""

    id: str
    name: str
    file: str


@dataclass
class Context:
    """Everything is read-only but the findings: changes, blocked, notes."""

    app: App
    profile: Profile
    desired: Desired
    snapshot: Snapshot
    state: State
    releases: Releases
    as_of: datetime
    overrides: Sequence[Override] = ()
    """What corrects the gallery's profile."""
    stricter: Sequence[Guardrails] = ()
    """Guardrails of other revisions, which hold beside today's."""
    looked_for: frozenset[str] | None = None
    """Keys of all who were looked for; None: everybody."""
    users: Identity = field(default_factory=Identity)
    groups: Identity = field(default_factory=Identity)
    changes: list[Change] = field(default_factory=list)
    blocked: list[Blocked] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    leaving: dict[int, str] = field(default_factory=dict)
    """Account → key of the person who is deprovisioned by this plan."""
    deleting: set[int] = field(default_factory=set)
    """Accounts that this plan deletes: their memberships go with them."""
    gone: dict[int, str] = field(default_factory=dict)
    """Account → key of a bound person who has no file any more."""
    left_out: dict[int, str] = field(default_factory=dict)
    """Account → key of somebody for whom nothing flows (IgnoreObjectFlow): nothing is done to it."""
    known: Mapping[str, Known] = field(default_factory=dict)
    """Key → whose account it was at an earlier revision, where there is no memory that could say it."""
    behind: dict[str, dict[str, Value]] = field(default_factory=dict)
    """Key → path → what the plan's document does not hold: a Redacted, a Generated, or a Reference."""

    @cached_property
    def revoked(self) -> Mapping[str, Revocation]:
        """user:ID or account:REMOTE-ID → the revocation that holds."""
        return self.state.revoked(self.as_of)

    @cached_property
    def not_kept(self) -> Mapping[str, Mapping[str, NotKept]]:
        """What the application did not keep, while mapping and profile are the same."""
        return self.state.not_kept if self.state.mappings_digest == self.desired.mappings_digest else {}

    def column(self, path: str) -> int:
        paths = self.snapshot.user_paths
        return paths.index(path) if path in paths else -1

    @cached_property
    def _user_name(self) -> int:
        return self.column("userName")

    @cached_property
    def _naming(self) -> tuple[int, ...]:
        """The columns that name an account in what people read: none that a mapping redacts."""
        redacted = {parse_path(c.path).canonical for c in self.desired.user_columns if c.redacts}
        names = [name for name in ("displayName", "userName") if parse_path(name).canonical not in redacted]
        return tuple(self.column(name) for name in names)

    @cached_property
    def group_display(self) -> int:
        return self.snapshot.group_paths.index("displayName")

    def account_name(self, at: int) -> str:
        account = self.snapshot.accounts[at]
        return str(next((name for n in self._naming if (name := account.values[n])), account.id))

    def login(self, at: int) -> str:
        """The userName, to be read by people; another name of the account where it has none, or none to be shown."""
        return (self._user_name in self._naming and self.user_name(at)) or self.account_name(at)

    def user_name(self, at: int) -> str:
        """As the application has it: to compare with."""
        return str(self.snapshot.accounts[at].values[self._user_name] or "")

    def group_name(self, at: int) -> str:
        group = self.snapshot.groups[at]
        return str(group.values[self.group_display] or group.id)

    @cached_property
    def ignored_accounts(self) -> frozenset[int]:
        rows = [a.values for a in self.snapshot.accounts]
        return _matching(self.app.ignore.users, self.snapshot.read_user_paths, rows)

    @cached_property
    def ignored_groups(self) -> frozenset[int]:
        rows = [g.values for g in self.snapshot.groups]
        return _matching(self.app.ignore.groups, self.snapshot.read_group_paths, rows)

    @cached_property
    def _protected(self) -> Protected:
        return protected(self.app, self.stricter)

    @cached_property
    def protected_accounts(self) -> frozenset[int]:
        """By clause, or because the token belonged to it under another revision; people by id are added where they are
        known.
        """
        accounts = self.snapshot.accounts
        found = _matching(_clauses(self._protected.users), self.snapshot.read_user_paths, [a.values for a in accounts])
        tokens = {rails.acts_as for rails in self.stricter if rails.acts_as}
        if not tokens:
            return found
        return found | {
            at for at in range(len(accounts)) if any(equal(t, self.user_name(at), exact=False) for t in tokens)
        }

    @cached_property
    def _protected_strangers(self) -> frozenset[int]:
        """Accounts that nobody owns and that carry a name of somebody protected by id, whose binding may be lost."""
        ids = [u for u in self._protected.users if isinstance(u, str)]
        users = [self.desired.directory.users[u] for u in ids if u in self.desired.directory.users]
        names = {str(v).casefold() for user in users for v in user.attributes.values() if isinstance(v, str) and v}
        columns = [self.column(c.path) for c in self.desired.user_columns if c.matching] if users else []
        return frozenset(
            at
            for at, account in enumerate(self.snapshot.accounts)
            if any(str(account.values[c] or "").casefold() in names for c in columns)
        )

    @cached_property
    def _protected_pins(self) -> frozenset[str]:
        return pinned(self._protected, self.desired.directory, self.app.name)

    @cached_property
    def protected_users(self) -> frozenset[str]:
        return people(self._protected, self.desired.directory)

    @cached_property
    def protected_app_groups(self) -> frozenset[int]:
        rows = [g.values for g in self.snapshot.groups]
        return _matching(_clauses(self._protected.groups), self.snapshot.read_group_paths, rows)

    @cached_property
    def protected_groups(self) -> frozenset[str]:
        return frozenset(f"group:{g}" for g in self._protected.groups if isinstance(g, str))

    @cached_property
    def acts_as(self) -> int | None:
        """The account that the token belongs to."""
        name = self.app.guardrails.acts_as
        if name is None:
            return None
        accounts = self.snapshot.accounts
        same = [at for at in range(len(accounts)) if equal(name, self.user_name(at), exact=False)]
        return min(same, key=lambda at: accounts[at].id, default=None)

    def guarded(self, key: str, at: int | None) -> Literal["actsAs", "protected"] | None:
        """Why nothing may be taken from this account: "actsAs", "protected", or None."""
        if at is not None and at == self.acts_as:
            return "actsAs"
        protected = key in self.protected_users or (key.startswith("account:") and at in self._protected_strangers)
        if at is not None and not protected:  # by a clause, or by a pin, which goes before the memory
            protected = at in self.protected_accounts or self.snapshot.accounts[at].id in self._protected_pins
        return "protected" if protected and f"protected:{key}" not in self.releases else None

    def group_guarded(self, key: str, at: int | None) -> bool:
        protected = key in self.protected_groups or (at is not None and at in self.protected_app_groups)
        return protected and f"protected:{key}" not in self.releases

    def binding(self, key: str) -> Binding | None:
        """What the state holds of a key; of one that took over another's account, what it held of that one."""
        bindings = self.state.bindings
        if key in bindings:
            return bindings[key]
        side = self.users if key.startswith("user:") else self.groups
        former = side.heirs.get(key)
        return None if former is None else bindings.get(former)

    @cached_property
    def bound_users(self) -> Mapping[str, str]:
        """Account id → key of the person it is bound to."""
        return {b["id"]: key for key, b in self.state.bindings.items() if key.startswith("user:")}

    @cached_property
    def bound_groups(self) -> Mapping[str, str]:
        """Group id → key of the group it is bound to."""
        return {b["id"]: key for key, b in self.state.bindings.items() if key.startswith("group:")}

    @cached_property
    def member_of(self) -> Mapping[int, Sequence[int]]:
        """Account → groups; made only when somebody leaves."""
        member_of: dict[int, list[int]] = {}
        for number, group in enumerate(self.snapshot.groups):
            for at in group.members:
                member_of.setdefault(at, []).append(number)
        return member_of

    @cached_property
    def namesakes(self) -> frozenset[int]:
        """Accounts with a name of somebody in scope who has another one: `unmanaged` can't say whose they are."""
        wanted = [person.match for person in self.desired.people if person.wanted]
        rows = [account.values for account in self.snapshot.accounts]
        found = _named(self.desired.user_columns, self.snapshot.user_paths, wanted, rows)
        return found - self.users.owner.keys()

    @cached_property
    def namesake_groups(self) -> frozenset[int]:
        """The same of groups."""
        wanted = [group.match for group in self.desired.groups]
        rows = [group.values for group in self.snapshot.groups]
        found = _named(self.desired.group_columns, self.snapshot.group_paths, wanted, rows)
        return found - self.groups.owner.keys()

    @cached_property
    def untouchable(self) -> frozenset[int]:
        """Accounts that no pin may claim: protected by a clause or through whom they belong to, or the token's."""
        bindings = self.state.bindings
        bound = (self.snapshot.numbers.get(RemoteId(bindings[k]["id"])) for k in self.protected_users if k in bindings)
        found = {*self.protected_accounts, *(at for at in bound if at is not None)}
        return frozenset(found if self.acts_as is None else {*found, self.acts_as})

    def remembered(self, key: str) -> str:
        """The name that a binding keeps for the day on which the file is gone; "" if none."""
        binding = self.binding(key)
        return binding.get("name", "") if binding is not None else ""

    def key_of(self, at: int) -> str:
        """Who an account belongs to: the person's key, or the account's own."""
        owner = self.users.owner.get(at)
        if owner is not None:
            return user_key(self.desired.people[owner].user.id)
        return self.gone.get(at) or self.left_out.get(at) or account_key(self.snapshot.accounts[at].id)

    def who(self, at: int) -> str:
        owner = self.users.owner.get(at)
        return self.desired.people[owner].user.name if owner is not None else self.account_name(at)

    def account_of(self, reference: Reference) -> RemoteId | None:
        """The id of somebody's account: matched, or, of those of whom nothing is wanted, bound."""
        number = self.desired.numbers.get(reference.user)
        at = None if number is None else self.users.found.get(number, self.users.ignored.get(number))
        if at is not None:
            return self.snapshot.accounts[at].id
        if number is not None:
            return None
        key = user_key(reference.user)
        if key in self._left_out:
            return self.snapshot.accounts[self._left_out[key]].id
        binding = self.state.bindings.get(key)
        id_ = None if binding is None else RemoteId(binding["id"])
        return id_ if id_ in self.snapshot.numbers else None

    @cached_property
    def _left_out(self) -> Mapping[str, int]:
        return {key: at for at, key in self.left_out.items()}

    def difference(self, key: str, column: Column, before: Value, after: Value) -> Difference:
        """For the document; what it may not hold is kept in `behind`."""
        if column.redacts and not (is_null(after) or isinstance(after, (Redacted, Generated))):
            after = Redacted(after)  # the default
        if isinstance(after, (Redacted, Generated, Reference)):
            self.behind.setdefault(key, {})[column.path] = after
        if column.redacts:
            return Difference(before=REDACTED, after=after if is_null(after) else as_json(after))
        if isinstance(after, Reference):
            id_ = self.account_of(after)
            return Difference(before=self._owner(before), after=as_json(after) | ({"id": id_} if id_ else {}))
        return Difference(before=as_json(before), after=as_json(after))

    def _owner(self, id_: Value) -> Value:
        """Whose account an id in the application is."""
        at = self.snapshot.numbers.get(id_) if isinstance(id_, str) else None  # type: ignore[call-overload]
        return id_ if at is None else {"key": self.key_of(at), "id": id_}

    def block(self, key: str, id_: str | None, name: str, wanted: str, reason: BlockedReason, text: str) -> None:
        """Notes what is wanted, and impossible or forbidden."""
        self.blocked.append(Blocked(key=key, id=id_, name=name, wanted=wanted, reason=reason, text=text))


def theirs(
    columns: Sequence[Column],
    paths: Sequence[str],
    ids: Sequence[str],
    rows: Sequence[Sequence[Value]],
    ignored: frozenset[int],
    untouchable: frozenset[int],
) -> Theirs:
    """The application's side of matching."""
    matching = sorted((c for c in columns if c.matching), key=lambda c: c.matching)
    at = [paths.index(c.path) for c in matching]
    return Theirs(
        ids=ids,
        numbers={id_: number for number, id_ in enumerate(ids)},
        value=lambda number, column: rows[number][at[column]],
        exact=tuple(parse_path(c.path).schema_name in EXACT for c in matching),
        ignored=ignored,
        untouchable=untouchable,
    )


def _named(
    columns: Sequence[Column], paths: Sequence[str], wanted: Sequence[Sequence[Value]], rows: Sequence[Sequence[Value]]
) -> frozenset[int]:
    """The rows that hold a matching value which somebody wants, without regard to case."""
    found: set[int] = set()
    for position, column in enumerate(sorted((c for c in columns if c.matching), key=lambda c: c.matching)):
        names = {str(match[position]).casefold() for match in wanted if not is_null(match[position])}
        at = paths.index(column.path)
        found.update(n for n, row in enumerate(rows) if not is_null(row[at]) and str(row[at]).casefold() in names)
    return frozenset(found)


def _matching(clauses: Sequence[Clause], paths: Sequence[str], rows: Sequence[Sequence[Value]]) -> frozenset[int]:
    """The numbers of the rows for which any clause holds; of what nobody read none does."""
    tests = [(clause, paths.index(clause.attribute)) for clause in clauses if clause.attribute in paths]
    if not tests:
        return frozenset()
    return frozenset(
        number for number, row in enumerate(rows) if any(clause_holds(clause, row[column]) for clause, column in tests)
    )
