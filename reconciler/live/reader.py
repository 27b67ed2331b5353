"""Reading an application: whole lists into a Snapshot, single resources, look-ups. Nothing here writes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote

from reconciler.errors import IncompleteRead, Invalid, NotFound, ScimError, ServerFailed, Unsupported
from reconciler.http import Client
from reconciler.live.judge import resource
from reconciler.live.lookup import each, look_up
from reconciler.live.page import Page, parse
from reconciler.live.paging import Listing, Progress
from reconciler.live.records import Showing, account_maker, group_maker, matters, member_ids, numbered, unread
from reconciler.live.rows import is_active
from reconciler.live.ways import Ways
from reconciler.model.interest import Interest, Names
from reconciler.model.path import member, parse_path
from reconciler.model.profile import Profile
from reconciler.model.snapshot import Account, LiveGroup, Snapshot
from reconciler.model.values import Value

Kind: TypeAlias = Literal["user", "group"]

_LIKELY: Final = 10
"""Groups that are asked one by one for members that no list shows."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What a test of the connection showed: the filter of a value that nobody has should find nobody."""

    request: str
    rows: int
    """Resources that came back; anything but 0 means that the filter is not honoured."""
    refused: bool = False
    """The server refused the filter, or the paging beside it; whether the connection works, the list has to tell."""

    @property
    def filters(self) -> bool:
        return self.rows == 0 and not self.refused


class Reader:
    """Reads one application. It has no method that writes, and it is all that a planner gets."""

    def __init__(self, client: Client, profile: Profile) -> None:
        self._client = client
        self._profile = profile
        self._readable: set[Kind] = set()
        self._ways = Ways(profile.paging)
        self._filters_members = False

    async def read(
        self,
        user_paths: Sequence[str],
        group_paths: Sequence[str],
        *,
        interest: Interest | None = None,
        members: bool = True,
        narrowly: bool = False,
        progress: Progress | None = None,
    ) -> Snapshot:
        """Everything that the application holds, sorted by id: of each resource the values at the given paths.

        Where lists can't be trusted, or `narrowly`, or members are shown elsewhere than in lists, only whom and what
        `interest` is about is read, and the snapshot says that it is partial; without one, every group. Pages are
        dropped as soon as their rows are made. With `members` false, groups come without members. Raises IncompleteRead
        for a list that can't be believed, NotScim and ScimError for what is no list.
        """
        before = self._client.requests
        interest = interest or Interest(every_group=True)
        snapshot = Snapshot("", tuple(user_paths), tuple(group_paths), [], [], datetime.now(UTC))
        make = account_maker(user_paths)
        narrowly = narrowly or not self._profile.paging.trusted
        if not narrowly:
            accounts = self._listing("user", make, progress=progress)
            snapshot.accounts = [*await self._all("user", accounts), *await self._unlisted(accounts, interest, make)]
            snapshot.tenant_url = accounts.base
        else:
            found = await self._look_up("user", interest.accounts, interest.people, progress)
            snapshot.accounts = [make(key, account) for key, account in found.items()]
            snapshot.partial = True
        snapshot.accounts.sort(key=lambda account: account.id)
        snapshot.number()
        if self._profile.groups.supported:
            await self._read_groups(snapshot, interest, members=members, narrowly=narrowly, progress=progress)
        snapshot.requests = self._client.requests - before
        return snapshot

    async def _look_up(
        self, kind: Kind, ids: Iterable[str], named: Sequence[Names], progress: Progress | None
    ) -> Mapping[str, dict[str, Any]]:
        hits = 0

        async def find(path: str, value: Value) -> Sequence[dict[str, Any]] | str:
            nonlocal hits
            rows = await self._by_filter(kind, path, value)
            hits += 0 if isinstance(rows, str) else len(rows)
            return rows

        def told(done: int, total: int) -> None:
            if progress:
                progress(f"{kind}s", done, total)

        width = self._profile.rate.concurrency
        found = await look_up(ids, named, lambda key: self._get(kind, key), find, width=width, progress=told)
        if named and not hits:
            await self._sure_to_find(kind, {path for names in named for path, _ in names}, list(found.values()))
        return found

    async def _sure_to_find(self, kind: Kind, paths: Iterable[str], known: list[dict[str, Any]]) -> None:
        """Filters that found nobody have to find one that is there: else everybody would be made a second time."""
        if not known:
            answer = await self._client.send("GET", endpoint(kind, self._profile), params=self._ways.page_of(1))
            known = parse(answer, self._profile.answers.errors).rows
        there = next((each for each in known if is_active(each)), {})
        for path in sorted(paths):
            value = parse_path(path).read(there)
            if isinstance(value, str) and value and await self._by_filter(kind, path, value) == []:
                raise IncompleteRead(
                    f"lists of this application can't be trusted, and the filter by {path} does not find the {kind} "
                    f"{there['id']}, who is there",
                    hint="`filters` in the app's profile names what can be filtered by; one of it has to match",
                )

    async def _unlisted(
        self, listed: Listing[Account], interest: Interest, make: Callable[[str, dict[str, Any]], Account]
    ) -> list[Account]:
        """Accounts that the memory knows and the list leaves out, where it leaves out the inactive."""
        if self._profile.users.lists_inactive:
            return []
        found: list[Account] = []

        async def get(key: str) -> None:
            account = await self.user(key)
            if account is not None:
                found.append(make(key, account))

        await each(sorted(interest.accounts - listed.ids), get, self._profile.rate.concurrency)
        return found

    async def _read_groups(
        self, snapshot: Snapshot, interest: Interest, *, members: bool, narrowly: bool, progress: Progress | None
    ) -> None:
        """The groups, and of those that matter the members, from where the application shows them."""
        shown = self._profile.groups.read_members
        listed = members and shown == "inLists"
        showing = Showing()
        convert = group_maker(snapshot.group_paths, snapshot.numbers if listed else None, showing)
        if narrowly:
            found = await self._look_up("group", interest.groups, interest.teams, progress)
            snapshot.groups = sorted((convert(key, each) for key, each in found.items()), key=lambda group: group.id)
            if members and shown in {"byId", "byFilter"}:
                await self._fill(snapshot, snapshot.groups, by_filter=shown == "byFilter", progress=progress)
            elif not listed:
                unread(snapshot.groups)
            return
        lean = {"excludedAttributes": "members"} if self._profile.excluded_attributes else {}
        groups = self._listing("group", convert, params={} if listed else lean, progress=progress)
        if listed and lean and not interest.every_group:
            groups.thin(lean, when=lambda total: showing.leave_out(total, interest, self._profile.paging.count))
        snapshot.groups = sorted(await self._all("group", groups), key=lambda group: group.id)
        if not listed:
            unread(snapshot.groups)
        if not members or not snapshot.groups:
            return
        ours = [group for group in snapshot.groups if matters(group, interest)]
        if showing.lean:
            ours = [group for group in ours if group.id not in showing.read]
            unread(each for each in snapshot.groups if each.id not in showing.read)
            await self._fill(snapshot, ours, by_filter=False, progress=progress)
            snapshot.partial_members = True
            return
        if shown == "byId" or (listed and not showing.members and await self._hides(ours or snapshot.groups, interest)):
            shown = "byId"
        if shown in {"byId", "byFilter"}:
            unread(snapshot.groups)
            await self._fill(snapshot, ours, by_filter=shown == "byFilter", progress=progress)
            snapshot.partial_members = len(ours) < len(snapshot.groups)

    async def _hides(self, groups: Sequence[LiveGroup], interest: Interest) -> bool:
        """Whether some group shows members that the list did not: no list of this application shows any."""
        likely = sorted(groups, key=lambda group: group.id not in interest.filled)
        for group in likely[:_LIKELY]:
            if await self._listed_members(group.id):
                return True
        return False

    async def _fill(
        self, snapshot: Snapshot, groups: Sequence[LiveGroup], *, by_filter: bool, progress: Progress | None
    ) -> None:
        """The members of these groups, one by one."""
        done = 0

        async def fill(group: LiveGroup) -> None:
            nonlocal done
            ids = await (self._filtered_members(group.id) if by_filter else self._listed_members(group.id))
            group.members, group.others = numbered(ids, snapshot.numbers)
            group.members_read = True
            done += 1
            if progress:
                progress("members", done, len(groups))

        await each(groups, fill, self._profile.rate.concurrency)

    async def probe(self, path: str = "userName") -> Connection:
        """The test of the connection that Entra makes: filter by a value that nobody has (RFC 7644 section 3.4.2).

        A working connection answers 200 and an empty list. Raises NotScim and ScimError; rows that come back in spite
        of the filter, and a filter that is refused where the list itself is not, are no error here, but told.
        """
        users = self._profile.users.endpoint
        wanted = {"filter": _equals(path, str(uuid.uuid4())), **self._ways.page_of(1)}
        try:
            page = parse(await self._client.send("GET", users, params=wanted), self._profile.answers.errors)
        except (Invalid, NotFound, ServerFailed, Unsupported) as error:
            listing = self._listing("user", lambda key, _: key)
            try:
                await listing.begin()
            except ScimError:
                raise error from None
            return Connection(error.request, 0, refused=True)
        return Connection(page.answer.request, len(page.rows))

    async def user(self, id: str) -> dict[str, Any] | None:  # noqa: A002  SCIM's name for it
        """One account as the application shows it; None if there is none (see `_get`)."""
        return await self._get("user", id)

    async def group(self, id: str) -> dict[str, Any] | None:  # noqa: A002  SCIM's name for it
        """One group with its members; None if there is none (see `_get`)."""
        return await self._get("group", id)

    async def members(self, group: str) -> list[str] | None:
        """The ids of the members of one group; None where the application shows none."""
        match self._profile.groups.read_members:
            case "never":
                return None
            case "byFilter":
                return await self._filtered_members(group)
            case _:
                return await self._listed_members(group)

    async def _listed_members(self, group: str) -> list[str]:
        return member_ids(member(await self._get("group", group) or {}, "members"))

    async def _filtered_members(self, group: str) -> list[str]:
        """By the filter that AWS documents: users say which groups they are in, and groups show nothing."""
        await self._sure_to_filter()
        params = {"filter": _equals("groups.value", group)}

        def convert(key: str, found: dict[str, Any]) -> str:
            shown = member_ids(member(found, "groups"))
            if shown and group not in shown:
                raise IncompleteRead(
                    f"GET {self._profile.users.endpoint}: a filter by groups.value brought somebody of another group",
                    hint="groups.readMembers in the app's profile says where members are shown",
                )
            return key

        return list(await self._listing("user", convert, params=params).read(self.user))

    async def _sure_to_filter(self) -> None:
        """Nobody is in a group that does not exist: else everybody would be in every group."""
        if self._filters_members:
            return
        page = await self._filtered("user", _equals("groups.value", str(uuid.uuid4())))
        if page is not None and page.rows:
            raise IncompleteRead(
                f"{page.answer.request.split('?')[0]}: the filter by groups.value is not honoured: it finds people in "
                "a group that does not exist",
                hint="groups.readMembers in the app's profile says where members are shown",
            )
        self._filters_members = True

    async def find_user(self, path: str, value: str, *, sure: bool = False) -> list[dict[str, Any]]:
        """The accounts that hold `value` at `path`, compared here: by a filter that can be trusted, else by listing.

        With `sure` a filter that finds nobody is not believed: what is about to be made must not be there already.
        """
        return await self._find("user", path, value, sure=sure)

    async def find_group(self, path: str, value: str, *, sure: bool = False) -> list[dict[str, Any]]:
        """The groups that hold `value` at `path`, likewise."""
        return await self._find("group", path, value, sure=sure)

    async def _get(self, kind: Kind, id: str) -> dict[str, Any] | None:  # noqa: A002
        """GET by id. 404 is None. Another status that may mean an unknown id (Hootsuite: 403) is None only where it
        can't mean a lack of permission: after this token has read something of the kind, for which a page of one is
        fetched if need be. Otherwise the refusal is raised.
        """
        answer = await self._client.send("GET", place(kind, id, self._profile))
        if answer.status == 404:
            return None
        if answer.status in self._profile.answers.not_found and answer.status >= 400:
            await self._sure_to_read(kind)
            return None
        found = resource(answer, id, self._profile.answers.errors)
        self._readable.add(kind)
        return found

    async def _sure_to_read(self, kind: Kind) -> None:
        if kind not in self._readable:
            answer = await self._client.send("GET", endpoint(kind, self._profile), params=self._ways.page_of(1))
            parse(answer, self._profile.answers.errors)
            self._readable.add(kind)

    async def _find(self, kind: Kind, path: str, value: str, *, sure: bool) -> list[dict[str, Any]]:
        target = parse_path(path)
        rule = self._profile.comparison.rule(target)

        def fits(found: dict[str, Any]) -> bool:
            return rule.same(value, target.read(found))

        trusted = self._profile.filters.users if kind == "user" else self._profile.filters.groups
        names = {target.text.lower(), target.schema_name}
        for name in trusted:
            if name.lower() in names and not target.urn:
                page = await self._filtered(kind, _equals(name, value))
                honoured = page is not None and all(map(fits, page.rows)) and (page.total or 0) <= len(page.rows)
                if page is not None and honoured and (page.rows or not sure or not self._profile.paging.trusted):
                    return page.rows
                break  # not honoured, refused, or not sure enough: look at everything
        everything = self._listing(kind, lambda _, found: found if fits(found) else None)
        return await self._all(kind, everything)

    async def _by_filter(self, kind: Kind, path: str, value: Value) -> Sequence[dict[str, Any]] | str:
        """Those that hold a value, by a filter that can be trusted; in words, why there is none.

        Whoever is inactive may be left out of that, as out of lists.
        """
        target = parse_path(path)
        named = {target.text.lower(), target.schema_name}
        trusted = self._profile.filters.users if kind == "user" else self._profile.filters.groups
        name = next((each for each in trusted if each.lower() in named and not target.urn), None)
        if name is None:
            return f"no filter by {path} is trusted"
        page = await self._filtered(kind, _equals(name, str(value)))
        if page is None:
            return f"the filter by {name} is refused"
        rule = self._profile.comparison.rule(target)
        if not all(rule.same(value, target.read(row)) for row in page.rows):
            return f"the filter by {name} is not honoured: others came"
        return page.rows

    async def _filtered(self, kind: Kind, text: str) -> Page | None:
        """One page by filter; None if the server can't (some fail on quotes in a value, some crash)."""
        params = {"filter": text, **self._ways.page_of(self._profile.paging.count)}
        answer = await self._client.send("GET", endpoint(kind, self._profile), params=params)
        if answer.status in {400, 404, 422} or answer.status >= 500:
            return None
        return parse(answer, self._profile.answers.errors)

    def _listing(
        self,
        kind: Kind,
        convert: Callable[[str, dict[str, Any]], Any],
        *,
        params: dict[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Listing[Any]:
        width = self._profile.rate.concurrency
        place = endpoint(kind, self._profile)
        paging = self._profile.paging
        return Listing(
            self._client, place, paging, convert, params=params, meanings=self._profile.answers.errors,
            concurrency=width, progress=progress, ways=self._ways,
        )  # fmt: skip

    async def _all(self, kind: Kind, listing: Listing[Any]) -> list[Any]:
        found = await listing.read(lambda id: self._get(kind, id))  # noqa: A006
        self._readable.add(kind)
        return [kept for kept in found.values() if kept is not None]


def endpoint(kind: Kind, profile: Profile) -> str:
    """The path of a list."""
    return profile.users.endpoint if kind == "user" else profile.groups.endpoint


def place(kind: Kind, id: str, profile: Profile) -> str:  # noqa: A002  SCIM's name for it
    """The path of one resource; ids are opaque and may hold "/", "@", "+" and blanks."""
    return f"{endpoint(kind, profile)}/{quote(id, safe='')}"


def _equals(name: str, value: str) -> str:
    """An `eq` filter; values are written as in JSON (RFC 7644 section 3.4.2.2)."""
    return f"{name} eq {json.dumps(value, ensure_ascii=False)}"
