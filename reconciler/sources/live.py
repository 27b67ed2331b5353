"""What an application holds → a draft: people, groups with their members, and who is assigned.

Whose an account is that is described already, the plan has said; what it leaves in doubt is refused here too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final

from reconciler.model.app import App
from reconciler.model.described import Described, Way
from reconciler.model.directory import Directory, Group, User
from reconciler.model.path import parse_path
from reconciler.model.profile import Profile
from reconciler.model.schema import is_active
from reconciler.model.snapshot import Account, LiveGroup, Snapshot
from reconciler.model.values import GroupId, RemoteId, UserId, Value, is_null
from reconciler.sources.draft import Draft, Record, Refused
from reconciler.sources.invert import Inversion, Inverted
from reconciler.sources.live_names import is_named, new_ids, notes_of
from reconciler.sources.naming import id_of

_RECOGNIZED: Final = ("userPrincipalName", "mail", "employeeId")
_NOBODY: Final[Mapping[str, Value]] = {
    "accountEnabled": True, "IsSoftDeleted": "False", "appRoleAssignments": (), "id": "somebody",
}  # fmt: skip


def draft_of(
    app: App,
    profile: Profile,
    snapshot: Snapshot,
    users: Inversion,
    groups: Inversion,
    known: Described,
    *,
    prune: bool = False,
) -> Draft:
    """The draft without files of the app. Its ids are the same whatever order the application lists in.

    `prune`: memberships that the application has not are going to leave the files; nobody loses their account by it.
    """
    return _Live(app, profile, snapshot, users, groups, known, prune=prune).draft()


class _Live:
    def __init__(
        self,
        app: App,
        profile: Profile,
        snapshot: Snapshot,
        users: Inversion,
        groups: Inversion,
        known: Described,
        *,
        prune: bool,
    ) -> None:
        self.app = app
        self.profile = profile
        self.snapshot = snapshot
        self.users = users
        self.groups = groups
        self.known = known
        self.prune = prune
        self.dropped: set[UserId] = set()
        """Who is in a group by the files, with a line of their own, and not in the application."""
        self.made = Draft()
        self.id_of: dict[int, UserId] = {}
        """Account → person, of everybody who is in the draft."""
        self.member_of: defaultdict[int, list[LiveGroup]] = defaultdict(list)
        for group in snapshot.groups:
            for member in group.members:
                self.member_of[member].append(group)
        self.group_id: dict[int, GroupId] = {}
        self.required = _required(profile, users)

    def draft(self) -> Draft:
        self._people()
        self._teams()
        self._assigned()
        self.made.notes += notes_of(self.profile, self.snapshot, self.users)
        whole = self.profile.paging.trusted and self.profile.users.lists_inactive and not self.snapshot.partial
        self.made.complete = whole and bool(self.snapshot.accounts) and not self.made.refused
        return self.made

    # -- people

    def _people(self) -> None:
        rows: dict[int, Inverted] = {}
        for at, account in enumerate(self.snapshot.accounts):
            if at in self.known.untouched:
                if why := self.known.untouched[at]:
                    self._refuse(account, why)
                continue
            rows[at] = self._row(at, self.known.people)
            source = {**self._prior(at), **rows[at].values}
            if why := self._unfit(self._live(account), rows[at], source):
                self._refuse(account, why, "put it right in the application, and run again")
                del rows[at]
        self._without_doubles(rows)
        self._name(rows)
        if self.users.refers:
            rows = {at: self._row(at, self.id_of) for at in self.id_of}
        for at in sorted(self.id_of):
            self._person(at, rows[at])

    def _row(self, at: int, owners: Mapping[int, UserId]) -> Inverted:
        numbers = self.snapshot.numbers

        def owner(remote: str) -> UserId | None:
            number = numbers.get(RemoteId(remote))
            return None if number is None else owners.get(number)

        return self.users.of(self._live(self.snapshot.accounts[at]), self._prior(at), owner)

    def _prior(self, at: int) -> Mapping[str, Value]:
        """What the files say of the person whose account it is."""
        user = self.known.directory.users.get(self.known.people[at]) if at in self.known.people else None
        return _NOBODY if user is None else {**_NOBODY, **user.attributes, "id": user.id}

    def _live(self, each: Account | LiveGroup) -> Mapping[str, Value]:
        paths = self.snapshot.user_paths if isinstance(each, Account) else self.snapshot.group_paths
        return dict(zip(paths, each.values, strict=True))

    def _unfit(self, live: Mapping[str, Value], row: Inverted, source: Mapping[str, Value]) -> str:
        """Why no file can describe somebody; "" if one can."""
        if row.misfits:
            return f"the mapping of {row.misfits[0]} does not take what it has there"
        matching = [way for way in self.users.ways if way.written.matching]
        if all(is_null(way.flow(source)[1]) for way in matching):
            return f"it has no {' and no '.join(way.path.text for way in matching)} by which it is found"
        for way in matching:
            have = live.get(way.path.text)
            if not way.rule.same(way.flow(source)[1], have) and not is_null(have):
                return f"no attribute gives its {way.path.text}, by which it is found"
        for way in self.required:
            if is_null(way.flow(source)[1]) and is_null(way.written.default):
                return f"{self.profile.title} requires {way.path.text}, and it has none"
        return ""

    def _without_doubles(self, rows: dict[int, Inverted]) -> None:
        """Accounts that no matching attribute tells apart: all of them are refused."""
        for way in self.users.ways:
            if not way.written.matching:
                continue
            at_path = self.snapshot.user_paths.index(way.path.text)
            holders: defaultdict[str, list[int]] = defaultdict(list)
            for at in rows:
                value = self.snapshot.accounts[at].values[at_path]
                if not is_null(value):
                    holders[str(value).casefold()].append(at)
            for each in holders.values():
                for at in each if len(each) > 1 else ():
                    account = self.snapshot.accounts[at]
                    other = self.snapshot.accounts[each[0] if each[0] != at else each[1]].id
                    more = f" and {len(each) - 2:,} more" if len(each) > 2 else ""
                    why = f"{way.path.text} finds the account, and {other}{more} has the same"
                    self._refuse(account, why, "give one of them another, or delete it in the application")
                    del rows[at]

    def _name(self, rows: Mapping[int, Inverted]) -> None:
        """Ids: those that the files have; new ones from the name that they sign in with."""
        directory = self.known.directory
        index = {name: _index(directory, name) for name in _RECOGNIZED}
        new = []
        for at, row in rows.items():
            if at in self.known.people:
                self.id_of[at] = self.known.people[at]
                continue
            hits = {name: index[name].get(str(row.values.get(name) or "").casefold(), []) for name in _RECOGNIZED}
            own = next((hits[name] for name in _RECOGNIZED if row.values.get(name) is not None), [])
            anyone = {user.id for found in hits.values() for user in found}
            if len(anyone) > 1 or anyone - {user.id for user in own}:
                names = ", ".join(sorted(anyone))
                why = f"it may be that of {names}, who is in the files under another name"
                remedy = f"if so, say it there: accounts: {{{self.app.name}: {self.snapshot.accounts[at].id!r}}}"
                self._refuse(self.snapshot.accounts[at], why, remedy)
            elif own:
                self.id_of[at] = own[0].id
            else:
                new.append(at)
        doubly = Counter(self.id_of.values())
        for at in [at for at, user in self.id_of.items() if doubly[user] > 1 and at not in self.known.people]:
            self._refuse(self.snapshot.accounts[at], f"{self.id_of.pop(at)} has another account too")
        taken = {*map(str.casefold, directory.users), *map(str.casefold, self.id_of.values())}
        named = {at: (self._sign_in(at, rows[at]), str(self.snapshot.accounts[at].id)) for at in new}
        self.id_of.update((at, UserId(each)) for at, each in new_ids(named, taken).items())

    def _sign_in(self, at: int, row: Inverted) -> str:
        account = self.snapshot.accounts[at]
        own = self._live(account).get("userName")
        return str(row.values.get("userPrincipalName") or own or row.values.get("mail") or "")

    def _person(self, at: int, row: Inverted) -> None:
        account, user = self.snapshot.accounts[at], self.known.directory.users.get(self.id_of[at])
        values: dict[str, Any] = {k: list(v) if isinstance(v, tuple) else v for k, v in row.values.items()}
        told = self._tells_activity and self.id_of[at] not in self.known.revoked
        if told and account.active != (user is None or user.enabled):
            values["accountEnabled"] = account.active
        if at in self.apart:
            names = ", ".join(sorted(self._name_of(each) for each in self.member_of[at]))
            row.lost.append(f"deactivated, and still in {names}: not assigned here, so that nothing is taken from it")
        remarks = tuple(f"{self.app.name}: {each}" for each in row.lost)
        self.made.users[self.id_of[at]] = Record(self.id_of[at], values, remarks, self._where(account))

    @property
    def _tells_activity(self) -> bool:
        return self.profile.users.deactivate or any(is_active(way.path) for way in self.users.ways)

    @cached_property
    def apart(self) -> frozenset[int]:
        """Deactivated accounts that are in groups still: whoever is disabled in files loses all memberships, so their
        people are described, and get nothing here.
        """
        known = self.known
        return frozenset(
            at for at in self.id_of
            if not self.snapshot.accounts[at].active and self._tells_activity and self.member_of[at]
            and at not in known.people
        )  # fmt: skip

    # -- groups

    def _teams(self) -> None:
        if not self.profile.groups.supported or self.app.groups == "none":
            return
        rows = {}
        for at, group in enumerate(self.snapshot.groups):
            if at in self.known.untouched_groups:
                continue
            own = self.known.directory.groups.get(self.known.groups[at]) if at in self.known.groups else None
            prior = {**_NOBODY, **({} if own is None else {**own.attributes, "id": own.id})}
            live = self._live(group)
            row = self.groups.of(live, prior)
            name = row.values.get("displayName") or (own.name if own is not None else None)
            if row.misfits or not name or any(w.written.matching and not is_null(live.get(w.path.text))
                                              and not w.rule.same(w.flow({**prior, **row.values})[1], live[w.path.text])
                                              for w in self.groups.ways):  # fmt: skip
                self._refuse(group, "no attribute gives the name by which it is found")
                continue
            rows[at] = (row, str(name))
        self._name_teams(rows)
        number = {self.snapshot.groups[at].id: at for at in self.group_id}
        for at in sorted(self.group_id):
            self._team(at, rows[at][0], number)

    def _name_teams(self, rows: Mapping[int, tuple[Inverted, str]]) -> None:
        directory = self.known.directory
        by_name: defaultdict[str, list[Group]] = defaultdict(list)
        for each in directory.groups.values():
            by_name[each.name.casefold()].append(each)
        same = Counter(name.casefold() for _, name in rows.values())
        slugs = Counter(id_of(name, "", ()) if is_named(name) else "" for _, name in rows.values())
        claimed = set(self.known.groups.values())
        taken = {*map(str.casefold, directory.groups)}
        reserved = taken | slugs.keys()
        for at, (_, name) in rows.items():
            group, there = self.snapshot.groups[at], by_name[name.casefold()]
            if at in self.known.groups:
                self.group_id[at] = self.known.groups[at]
            elif same[name.casefold()] > 1:
                self._refuse(group, "another group has the same name", "rename one of them, or delete it")
            elif len(there) > 1 or (there and there[0].id in claimed):
                self._refuse(group, f"{', '.join(each.id for each in there)} in the files has the same name")
            elif there:
                self.group_id[at] = there[0].id
            else:
                slug = id_of(name, "", ()) if is_named(name) else ""
                alone = slug and slugs[slug] == 1
                self.group_id[at] = GroupId(id_of(name, group.id, taken if alone else reserved))

    def _team(self, at: int, row: Inverted, number: Mapping[RemoteId, int]) -> None:
        group, identity = self.snapshot.groups[at], self.group_id[at]
        own = self.known.directory.groups.get(identity)
        values: dict[str, Any] = dict(row.values)
        lost = list(row.lost)
        if group.members_read and self._reads_members:
            values["members"] = self._members(at, own, number, lost)
        remarks = tuple(f"{self.app.name}: {each}" for each in lost)
        self.made.groups[identity] = Record(identity, values, remarks, self._where(group))

    @property
    def _reads_members(self) -> bool:
        return self.profile.groups.read_members != "never"

    def _members(self, at: int, own: Group | None, number: Mapping[RemoteId, int], lost: list[str]) -> list[Any]:
        """Entries of the files stay as far as they hold; who is in it by them in another way needs no own line."""
        group = self.snapshot.groups[at]
        live = {self.id_of[each] for each in group.members if each in self.id_of and each not in self.apart}
        there = self.known.members.get(own.id, frozenset()) if own is not None else frozenset()
        entries: list[Any] = []
        named: set[str] = set()
        for each in own.members if own is not None else ():
            if each.group is not None:
                entries.append({"group": str(each.group)})
                named.add(f"group:{each.group}")
            elif each.user is not None and (each.user in live or each.user not in there):
                entries.append(str(each.user))
                named.add(each.user)
            elif each.user is not None:
                self.dropped.add(each.user)
        strangers = 0
        for other in sorted(group.others):
            if other not in number:
                strangers += 1
                continue
            inner = self.snapshot.groups[number[other]]
            if number[other] == at or not inner.members <= group.members or inner.others:
                name = self.group_id[number[other]]
                lost.append(
                    f"the group {name} is in it, and not everybody who is in that one: its line would let them in"
                )
            elif f"group:{self.group_id[number[other]]}" not in named:
                entries.append({"group": str(self.group_id[number[other]])})
        if strangers:
            lost.append(f"{strangers} of its members are no account and no group that the lists show")
        return [*entries, *sorted(str(user) for user in live - there - named)]

    # -- scope

    def _assigned(self) -> None:
        assigned, known = self.app.scope.assigned, self.known
        if assigned is None:
            self._keep(())
            return
        mine = {*self.group_id.values()} if self.app.groups in ("assigned", "all") else set()
        kept_groups = [
            str(each.group) for each in assigned.groups
            if each.group in mine or self.app.groups != "assigned" or each.from_ or each.until
        ]  # fmt: skip
        new_groups = sorted(mine - known.app_groups - set(kept_groups)) if self.app.groups == "assigned" else []
        reached = {
            self.id_of[member] for at in self.group_id for member in self.snapshot.groups[at].members
            if member in self.id_of and (self.group_id[at] in mine or self.group_id[at] in known.app_groups)
        }  # fmt: skip
        everybody = set(self.id_of.values())
        kept_users = [
            str(each.user) for each in assigned.users if each.user in everybody or each.from_ or each.until
        ]  # fmt: skip
        apart = {self.id_of[at] for at in self.apart}
        in_scope = known.in_scope - self.dropped if self.prune else known.in_scope
        alone = everybody - apart - in_scope - reached - self.app.scope.excluded - set(kept_users)
        self._keep(kept_groups)
        groups, users = [*kept_groups, *map(str, new_groups)], [*kept_users, *sorted(map(str, alone))]
        self.made.assigned[self.app.name] = {"groups": groups, "users": users}

    def _keep(self, assigned: Iterable[str]) -> None:
        """Groups of the files that are not the application's, and bring people into those that are: no prune takes
        them.
        """
        todo = [*self.made.groups, *assigned]
        seen = set(todo)
        while todo:
            group = self.known.directory.groups.get(GroupId(todo.pop()))
            if group is None:
                continue
            self.made.groups.setdefault(group.id, Record(group.id, {}))
            inner = {str(each.group) for each in group.members if each.group is not None} - seen
            seen |= inner
            todo += inner

    def _refuse(self, each: Account | LiveGroup, why: str, remedy: str = "") -> None:
        self.made.refused.append(Refused(self._where(each), why, remedy))

    def _where(self, each: Account | LiveGroup) -> str:
        name = self._name_of(each)
        kind = "account" if isinstance(each, Account) else "group"
        return f"{kind} {each.id}" + (f" ({name})" if name != each.id else "")

    def _name_of(self, each: Account | LiveGroup) -> str:
        live = self._live(each)
        return str(live.get("userName") or live.get("displayName") or each.id)


def _required(profile: Profile, users: Inversion) -> list[Way]:
    """The mappings without whose value nobody can be described, those that match aside."""
    found = []
    for text in profile.users.required:
        path = parse_path(text)
        same = [way for way in users.ways if way.path.canonical == path.canonical]
        same = same or [way for way in users.ways if way.path.schema_name == path.schema_name]
        found += [way for way in same[:1] if not way.written.matching and not is_active(way.path)]
    return found


def _index(directory: Directory, name: str) -> Mapping[str, list[User]]:
    found: defaultdict[str, list[User]] = defaultdict(list)
    for user in directory:
        if (value := user.attributes.get(name)) is not None:
            found[str(value).casefold()].append(user)
    found.pop("", None)
    return found
