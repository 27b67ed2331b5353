"""Writing accounts and groups. Made only in apply/; the planner never sees it.

A lost answer is not a failure: the resource is looked up. Whether what was sent was also stored is for the caller to
verify; if it was not, the same write may be repeated in the next form of the ladder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.errors import Invalid, NotFound, NotStored, ScimError
from reconciler.http import Answer, Client
from reconciler.live import wire
from reconciler.live.bulk import Request
from reconciler.live.creation import Creation, Stored
from reconciler.live.edits import is_list
from reconciler.live.forms import Form, Writes, ladders, learned
from reconciler.live.judge import accept, remote_id, unsupported
from reconciler.live.membership import Membership, refuse_cut
from reconciler.live.reader import Kind, Reader, endpoint, place
from reconciler.live.records import member_ids
from reconciler.live.rows import carries, is_active
from reconciler.live.sure import UNSURE, write
from reconciler.model.comparison import truth
from reconciler.model.path import member, parse_path
from reconciler.model.profile import Profile
from reconciler.model.values import RemoteId, Value, is_null

_META_VERSION = parse_path("meta.version")


class Writer:
    """Writes to one application. Writes to one resource must not be concurrent: the caller sees to that.

    `versions`: `meta.version` of each resource as the plan saw it, where versions are real: a write to what changed
    since is refused by the application (RFC 7644 section 3.14), and raises PreconditionFailed.
    """

    def __init__(
        self, client: Client, profile: Profile, reader: Reader, *, versions: Iterable[tuple[Kind, str, str]] = ()
    ) -> None:
        self._client = client
        self._profile = profile
        self._reader = reader
        self._creation = Creation(client, profile, reader)
        self._ladders = ladders(profile)
        self._membership = Membership(profile, reader, self._ladders, self._send)
        self._versions = {place(k, i, profile): version for k, i, version in versions if profile.versions}

    @property
    def learned(self) -> dict[str, Any]:
        """Dotted key of the profile → what worked in this run, where the profile says something else."""
        found: dict[str, Any] = dict(learned(self._ladders))
        if self._membership.most < self._profile.groups.max_members:
            found["groups.maxMembers"] = self._membership.most
        return found

    @property
    def told(self) -> tuple[str, ...]:
        """What a person should know of this run, as sentences."""
        return tuple(self._membership.told)

    def next_form(self, kind: Writes, after: Form, paths: Iterable[str] = ()) -> Form | None:
        """The form to try when `after` was answered with success and did not write `paths`; None: there is no other."""
        found = self._ladders[kind].after(after)
        if kind == "user" and found is not None and found == _twin(paths):
            found = self._ladders[kind].after(found)
        return found

    def prefer(self, kind: Writes, form: Form) -> None:
        """For the rest of the run begin with `form`: it was verified."""
        self._ladders[kind].prefer(form)

    def form(self, kind: Writes) -> Form:
        """The form that the next write of this kind begins with."""
        return self._ladders[kind].first

    async def create_user(self, values: Mapping[str, Value]) -> Stored:
        """POST an account with `values` (target path → value; null is left out).

        Believed only if what comes back has an id and the userName that was sent. After a lost answer or a 5xx the
        account is looked up: adopted if it carries what was sent, a Conflict if not, sent once more if there is none.
        """
        return await self._creation.create("user", values, self._create_body("user", values, ()))

    async def create_group(self, values: Mapping[str, Value], members: Sequence[RemoteId] = ()) -> Stored:
        """POST a group, likewise by its displayName; members that did not fit or were not taken are added after."""
        first = members[: self._profile.groups.max_members] if self._profile.groups.members_on_create else ()
        stored = await self._creation.create("group", values, self._create_body("group", values, first))
        if members:
            await self.add_members(stored.id, await self._left_out(stored, members, bool(first)))
        return stored

    async def update_user(
        self,
        id: RemoteId,  # noqa: A002  SCIM's name for it
        values: Mapping[str, Value],
        *,
        form: Form | None = None,
    ) -> Stored | None:
        """Write `values` (None clears), and nothing else. None: the server showed no resource in its answer."""
        return await self._update("user", id, values, form)

    async def update_group(
        self,
        id: RemoteId,  # noqa: A002  SCIM's name for it
        values: Mapping[str, Value],
        *,
        form: Form | None = None,
    ) -> Stored | None:
        """The same for a group; members are written by add_members and remove_members alone."""
        return await self._update("group", id, values, form)

    async def delete_user(self, id: RemoteId) -> None:  # noqa: A002
        """DELETE; an account that is not there is deleted. Raises Conflict, Forbidden, ScimError (405: can't)."""
        await self._delete("user", id)

    async def delete_group(self, id: RemoteId) -> None:  # noqa: A002
        """DELETE, likewise."""
        await self._delete("group", id)

    async def add_members(self, group_id: RemoteId, ids: Sequence[RemoteId], *, form: Form | None = None) -> None:
        """Add accounts to a group: ceil(len(ids) / profile.groups.max_members) requests, one after the other."""
        await self._membership.change("add", group_id, ids, form)

    async def remove_members(self, group_id: RemoteId, ids: Sequence[RemoteId], *, form: Form | None = None) -> None:
        """Take accounts out of a group, likewise. Who is not in it is no error."""
        await self._membership.change("remove", group_id, ids, form)

    def creation(self, kind: Kind, values: Mapping[str, Value]) -> Request:  # and the next ones: requests for Bulk
        return Request("POST", endpoint(kind, self._profile), self._create_body(kind, values, ()))

    def _create_body(self, kind: Kind, values: Mapping[str, Value], members: Sequence[RemoteId]) -> wire.Body:
        return wire.create_body(kind, values, email_primary=self._profile.email_primary, members=members)

    def must_look(self, kind: Kind, values: Mapping[str, Value]) -> bool:
        """Whether an update has to read the resource first, so that it can't be part of a Bulk request."""
        return self._ladders[kind].first == "put" or wire.needs_current(values)

    def update(self, kind: Kind, id: str, values: Mapping[str, Value]) -> Request:  # noqa: A002
        """The PATCH of an update that does not have to look, for Bulk."""
        method, body = self._form_body(kind, self._ladders[kind].first, values, None)
        where = place(kind, id, self._profile)
        return Request(method, where, body, self._versions.get(where))

    def deletion(self, kind: Kind, id: str) -> Request:  # noqa: A002
        where = place(kind, id, self._profile)
        return Request("DELETE", where, None, self._versions.get(where))

    def wrote(self, kind: Kind, id: str) -> None:  # noqa: A002
        """A Bulk request did: what version it has is unknown."""
        self._version_of(place(kind, id, self._profile))

    def additions(self, group: str, ids: Sequence[str]) -> Request | None:
        """The PATCH that adds, for Bulk; references are allowed. None where it has to look at the group."""
        body = self._membership.additions(ids)
        groups = self._profile.groups.endpoint
        where = f"{groups}/{group}" if group.startswith("bulkId:") else place("group", group, self._profile)
        return None if body is None else Request("PATCH", where, body)

    async def adopt(self, kind: Kind, values: Mapping[str, Value], lost: Exception) -> Stored | None:
        """What a creation left behind whose answer was lost. Raises Conflict if somebody else has the name."""
        return await self._creation.adopt(kind, values, lost)

    async def _left_out(self, stored: Stored, members: Sequence[RemoteId], sent: bool) -> list[RemoteId]:
        """Members that the created group does not show; some servers ignore them in a POST."""
        shown: dict[str, Any] | None = stored.resource
        if sent and "members" not in stored.resource:
            shown = await self._reader.group(stored.id)
        held = set(member_ids(member(shown or {}, "members")))
        return [each for each in members if each not in held]

    async def _update(self, kind: Kind, key: RemoteId, values: Mapping[str, Value], form: Form | None) -> Stored | None:
        async def once(form: Form) -> Stored | None:
            return await self._update_as(kind, key, values, form)

        return await (once(form) if form is not None else self._ladders[kind].climb(once, without=_twin(values)))

    async def _send(self, method: str, path: str, body: Any) -> Any:
        """One write to a resource that is there, on the condition that nobody else wrote to it meanwhile."""
        version = self._version_of(path)
        headers = {"if-match": version} if version else None
        answer = await self._client.send(method, path, body=body, headers=headers)
        try:
            shown = accept(answer, self._profile.answers.errors)
        except ScimError as error:
            if version and not isinstance(error, UNSURE):
                self._versions[path] = version  # nothing was written: it is the condition of the next form too
            if isinstance(error, NotFound) and method != "DELETE" and await self._is_there(path):
                raise unsupported(answer) from error
            raise
        if method == "DELETE" and answer.status not in self._profile.answers.deleted:
            raise _not_deleted(answer)
        if self._profile.versions and (now := _version(shown) or answer.headers.get("etag")):
            self._versions[path] = now
        return shown

    def _version_of(self, path: str) -> str | None:
        """As last seen, of what is now written to: from then on it is unknown, until an answer tells."""
        return self._versions.pop(path, None) if self._profile.versions else None

    async def _is_there(self, path: str) -> bool:
        """Some servers say 404 of a method that they don't have."""
        answer = await self._client.send("GET", path)
        return 200 <= answer.status < 300

    async def _update_as(self, kind: Kind, key: RemoteId, values: Mapping[str, Value], form: Form) -> Stored | None:
        current = None
        if form == "put" or wire.needs_current(values):
            current = await self._there(kind, key)
        if kind == "group" and form == "put" and current is not None and form != self._ladders[kind].start:
            refuse_cut(current, place(kind, key, self._profile), "groups.update: put")
        method, body = self._form_body(kind, form, values, current)
        if body is None:
            return Stored(key, current) if current is not None else None
        shown: dict[str, Any] = {}

        async def look() -> bool:
            found = await (self._get(kind, key) if self._takes_away(kind, values) else self._there(kind, key))
            if found is not None and not carries(found, values, self._profile):
                return False
            shown.update(found or {})
            return True

        answered = await write(self._send, method, place(kind, key, self._profile), lambda: body, look)
        if isinstance(answered, dict):
            shown = answered
        now = remote_id(shown)
        return Stored(RemoteId(now), shown) if now is not None else None

    def _takes_away(self, kind: Kind, values: Mapping[str, Value]) -> bool:
        """Whether the account may be gone afterwards: some applications delete what is deactivated."""
        goes = kind == "user" and self._profile.users.effect != "deactivated"
        return goes and any(parse_path(t).schema_name == "active" and not truth(v) for t, v in values.items())

    def _form_body(
        self, kind: Kind, form: Form, values: Mapping[str, Value], current: dict[str, Any] | None
    ) -> tuple[str, wire.Body | None]:
        primary = self._profile.email_primary
        if form == "put":
            assert current is not None
            body = wire.replace_body(current, values, email_primary=primary)
            return "PUT", self._complete(body, current) if kind == "user" else body
        if form in ("patchPath", "patchWhole"):
            whole = form == "patchWhole"
            operations = wire.operations_by_path(values, current, email_primary=primary, whole_lists=whole)
        else:
            one = wire.operation_without_path(values, current, email_primary=primary)
            operations = [one] if one else []
        return "PATCH", wire.patch(operations, self._profile.patch) if operations else None

    def _complete(self, body: wire.Body, current: dict[str, Any]) -> wire.Body:
        """With what every PUT of a user must carry, where the application does not show it.

        Raises Invalid for what is unknown.
        """
        for text in self._profile.users.required:
            path = parse_path(text)
            if not is_null(path.read(body)):
                continue
            if path.canonical != "active":
                raise Invalid(
                    f"a PUT needs {text}, and the application shows none that could be sent back",
                    request="PUT",
                    status=400,
                    hint=f"map {text}, or take it out of users.required in the app's profile",
                )
            body["active"] = is_active(current)
        return body

    async def _get(self, kind: Kind, key: RemoteId) -> dict[str, Any] | None:
        return await (self._reader.user(key) if kind == "user" else self._reader.group(key))

    async def _there(self, kind: Kind, key: RemoteId) -> dict[str, Any]:
        found = await self._get(kind, key)
        if found is None:
            message = "it is gone: nothing can be written to it"
            raise NotFound(message, request=f"GET {place(kind, key, self._profile)}", status=404, hint="plan again")
        return found

    async def _delete(self, kind: Kind, key: RemoteId) -> None:
        async def gone() -> bool:
            found = await self._get(kind, key)
            only_off = kind == "user" and self._profile.users.delete_effect == "deactivated"
            return found is None or (only_off and not is_active(found))

        try:
            await write(self._send, "DELETE", place(kind, key, self._profile), lambda: None, gone)
        except ScimError as error:
            unclear = isinstance(error, NotStored) or error.status in self._profile.answers.not_found
            if error.status != 404 and not (unclear and await gone()):
                raise


def _not_deleted(answer: Answer) -> NotStored:
    return NotStored(
        f"the deletion was answered with {answer.status}, and the resource is still there",
        request=answer.request,
        status=answer.status,
        hint="`cannot` in the app's profile says what the application can't do",
    )


def _twin(paths: Iterable[str]) -> Form | None:
    """Where no path leads into a multi-valued attribute, whole lists make no difference."""
    return None if any(is_list(parse_path(path)) for path in paths) else "patchWhole"


def _version(resource: Any) -> str | None:
    found = _META_VERSION.read(resource) if isinstance(resource, dict) else None
    return found if isinstance(found, str) and found else None
