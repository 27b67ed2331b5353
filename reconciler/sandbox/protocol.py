"""The operations of RFC 7644 section 3 on a store. Knows nothing of HTTP connections, tokens or pace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from reconciler.sandbox import discovery, forms
from reconciler.sandbox.bend import answering, patching, reading, values, versions
from reconciler.sandbox.bulk import perform
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.habits import KindName
from reconciler.sandbox.intake import accept
from reconciler.sandbox.listing import page_bytes, read_page
from reconciler.sandbox.message import Answer, Call
from reconciler.sandbox.page import Page
from reconciler.sandbox.patch import Draft, member_ids, patch
from reconciler.sandbox.projection import project, read_projection
from reconciler.sandbox.refusal import Refusal, invalid_syntax, invalid_value
from reconciler.sandbox.rules import check, check_change, check_members, fill_defaults, store_as
from reconciler.sandbox.store import Resource, Store


class Protocol:
    """Answers one call after the other. Every call is all or nothing."""

    def __init__(self, store: Store) -> None:
        self.store = store
        groups = store.habits.groups_endpoint
        self._kinds: dict[str, KindName] = {store.habits.users_endpoint.strip("/"): "User"}
        if groups:
            self._kinds[groups.strip("/")] = "Group"
        self.acts_as = ""
        """The userName behind the token."""

    def perform(self, call: Call) -> Answer:
        """Raises Refusal."""
        habits = self.store.habits
        if habits.max_bytes and len(call.body) > habits.max_bytes:
            raise Refusal(413, f"the body is larger than {habits.max_bytes} bytes")
        match call.segments:
            case (endpoint,) if endpoint in self._kinds:
                return self._collection(self._kinds[endpoint], call)
            case (endpoint, ".search") if endpoint in self._kinds and habits.search:
                return self._search((self._kinds[endpoint],), call)
            case (".search",) if habits.search:
                return self._search(("User", "Group"), call)
            case (endpoint, identifier) if endpoint in self._kinds:
                return self._resource(self._kinds[endpoint], identifier, call)
            case ("Me",) if habits.me:
                _allow(call, "GET")
                return self._show(self._me(), call)
            case ("Bulk",) if habits.bulk:
                _allow(call, "POST")
                return self._json(200, perform(call, self.perform, habits))
            case (endpoint, *rest) if len(rest) < 2:
                found = discovery.find(self.store, endpoint, rest[0] if rest else None)
                if found is not None:
                    _allow(call, "GET")
                    return self._json(200, found)
        raise Refusal(404, f"there is nothing at {call.path}")

    def _collection(self, kind: KindName, call: Call) -> Answer:
        _allow(call, "GET", "POST")
        if call.method == "POST":
            return self._create(kind, call)
        return self._list((kind,), call.query)

    def _resource(self, kind: KindName, identifier: str, call: Call) -> Answer:
        habits = self.store.habits
        deletes = habits.deletes if kind == "User" else habits.deletes_groups
        _allow(call, "GET", "PUT", "PATCH", *(("DELETE",) if deletes else ()))
        if call.method == "DELETE" and identifier not in self.store.tables[kind]:
            answer = answering.gone(self.faults)
            if answer is not None:
                return answer
        resource = self._find(kind, identifier)
        if call.method == "GET":
            if self.store.habits.etags and call.headers.get("if-none-match") in ("*", self.store.etag(resource)):
                return Answer(304, headers=self._etag(resource))
            return self._show(resource, call)
        wanted = call.headers.get("if-match")
        minds = self.store.habits.etags and "ignoreIfMatch" not in self.faults
        if minds and wanted not in (None, "*", self.store.etag(resource)):
            raise Refusal(412, "the resource has changed since")
        if call.method == "DELETE":
            return self._delete(resource)
        if call.method == "PUT":
            self._replace(resource, call)
        else:
            self._modify(resource, call)
        answer = self._show(resource, call)
        answering.bend_changed(self.faults, answer)
        if kind == "User" and habits.ends_deactivated and not resource.data.get("active", True):
            self.store.delete(resource)
        return answer

    def _delete(self, resource: Resource) -> Answer:
        if resource.kind == "User" and self.store.habits.deactivates_on_delete:
            self.store.change(resource, {**resource.data, "active": False})
        else:
            self.store.delete(resource)
        return Answer(self.store.habits.deleted)

    def _find(self, kind: KindName, identifier: str) -> Resource:
        resource = self.store.tables[kind].get(identifier)
        if resource is None:
            status = self.store.habits.unknown_id
            if status == 403:
                raise Refusal(403, "The currently authenticated member doesn't have permission to do this request.")
            raise Refusal(status, f"{kind} {identifier} not found")
        return resource

    def _me(self) -> Resource:
        found = self.store.named("User", self.acts_as) if self.acts_as else []
        if not found:
            raise Refusal(404, "the token belongs to no account")
        return found[0]

    def _list(self, kinds: tuple[KindName, ...], query: Mapping[str, str]) -> Answer:
        query = reading.bend_query(self.faults, query)
        page = read_page(self.store, kinds, query)
        if self.faults:
            page = reading.bend_page(self.faults, page, query, lambda: self._first_page(kinds, query))
        projection = read_projection(self.store.habits, query)
        body = page_bytes(self.store, page, projection)
        if values.bends_documents(self.faults) or "total" in self.faults:
            document = orjson.loads(body)
            document["Resources"] = [values.bend_document(self.faults, d) for d in document["Resources"]]
            reading.bend_list(self.faults, document)
            body = orjson.dumps(document)
        return Answer(200, body)

    def _first_page(self, kinds: tuple[KindName, ...], query: Mapping[str, str]) -> Page:
        at_start = {**query, "startIndex": "1"}
        if "cursor" in query:
            at_start = {**query, "cursor": ""}
        return read_page(self.store, kinds, at_start)

    def _search(self, kinds: tuple[KindName, ...], call: Call) -> Answer:
        """RFC 7644 section 3.4.3: the same parameters, in a body."""
        _allow(call, "POST")
        body = self._body(call)
        query = {
            key: ",".join(map(str, value)) if isinstance(value, list) else str(value)
            for key, value in body.items()
            if key != "schemas" and value is not None
        }
        return self._list(kinds, query)

    def _create(self, kind: KindName, call: Call) -> Answer:
        habits = self.store.habits
        if reason := dict(habits.cannot).get(f"create{kind}"):
            raise Refusal(403, reason)
        data, members = self._taken(kind, self._body(call))
        if habits.max_members and len(members) > habits.max_members:
            raise invalid_value(f"more than {habits.max_members} members in one request")
        fill_defaults(self.store, kind, data)
        values.bend_data(self.faults, data, None)
        store_as(habits, kind, data)
        if "noMembersInPost" in self.faults or not habits.members_on_create:
            members = []
        check(self.store, kind, data)
        check_members(self.store, None, members)
        self._check_seat(kind, data, None)
        name = str(data["userName" if kind == "User" else "displayName"])
        if name.casefold() in self.faults.names("failCreate"):
            raise invalid_value(f"the sandbox was told to refuse {name}")
        resource = self.store.create(kind, data, members)
        if "wrongCreate" in self.faults:
            resource = self.store.ordered(kind)[0]
        answer = self._show(resource, call)
        answer.status = self.store.habits.created
        answer.headers["Location"] = self.store.location(resource)
        answering.bend_created(self.faults, answer)
        answer.delay = sum(self.faults.numbers("slowCreate")) * len(self.store.tables[kind]) / 1_000_000
        return answer

    def _replace(self, resource: Resource, call: Call) -> None:
        """What is not in the body is cleared (RFC 7644 section 3.5.1)."""
        data, members = self._taken(resource.kind, self._body(call))
        self._keep(resource, data, dict.fromkeys(members))

    def _modify(self, resource: Resource, call: Call) -> None:
        forms.refuse_patch(self.store.habits, resource.kind)
        body = self._body(call)
        patching.refuse_form(self.faults, body.get("Operations"))
        draft = Draft(orjson.loads(orjson.dumps(resource.data)), dict(resource.members))
        patch(self.store.kinds[resource.kind], self.store.habits, draft, body, self.faults)
        if "ignorePatch" not in self.faults and not (call.races and "memberRace=lost" in self.faults):
            self._keep(resource, draft.data, draft.members)
            resource.repeated += draft.repeated

    def _keep(self, resource: Resource, data: dict[str, Any], members: dict[str, None]) -> None:
        values.bend_data(self.faults, data, resource)
        store_as(self.store.habits, resource.kind, data)
        check_change(self.store.habits, resource, data, members)
        check(self.store, resource.kind, data, resource)
        check_members(self.store, resource, members)
        self._check_seat(resource.kind, data, resource)
        if not self.store.change(resource, data, members) and versions.bumps(self.faults):
            self.store.touch(resource)

    def _check_seat(self, kind: KindName, data: dict[str, Any], before: Resource | None) -> None:
        if kind == "User":
            values.refuse_seat(self.faults, self.store.tables["User"].values(), data, before)

    def _taken(self, kind: KindName, body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The attributes to store, and the members apart from them."""
        habits = self.store.habits
        known = self.store.kinds[kind]
        left = values.without_unknown(self.faults, known, body) if self.faults else body
        data = accept(known, left, schemas_required=kind in habits.schemas_required)
        data |= values.unknown_kept(self.faults, known, body)
        return data, member_ids(data.pop("members", []))

    @property
    def faults(self) -> Faults:
        return self.store.faults

    def _body(self, call: Call) -> dict[str, Any]:
        media_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type and media_type not in self.store.habits.accepts:
            raise Refusal(415, f"bodies must be {' or '.join(self.store.habits.accepts)}")
        body = call.json()
        if not isinstance(body, dict):
            raise invalid_syntax("the body must be a JSON object")
        return body

    def _show(self, resource: Resource, call: Call) -> Answer:
        projection = read_projection(self.store.habits, call.query)
        if projection is None and not values.bends_documents(self.faults):
            return Answer(200, self.store.wire(resource), self._etag(resource))
        document = project(self.store, resource, projection) if projection else self.store.document(resource)
        return self._json(200, values.bend_document(self.faults, document), self._etag(resource))

    def _etag(self, resource: Resource) -> dict[str, str]:
        return {"ETag": self.store.etag(resource)} if self.store.habits.etags else {}

    def _json(self, status: int, document: Any, headers: dict[str, str] | None = None) -> Answer:
        return Answer(status, orjson.dumps(document), headers or {})


def _allow(call: Call, *methods: str) -> None:
    if call.method not in methods:
        raise Refusal(405, f"{call.method} is not supported here", headers={"Allow": ", ".join(methods)})
