"""Microsoft Graph as it is documented: delta lists with links and tokens, members in parts, removed entries,
throttling, links that grow too old; and ways to misbehave.

An ASGI application for all hosts; `asked` is what it was asked, with the host. One row a page unless `page` says more.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

Send = Callable[[dict[str, Any]], Awaitable[None]]
TOKEN = "token-of-the-fake-graph"


@dataclass
class Asked:
    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass
class FakeGraph:
    page: int = 2
    """Rows on a page, and members of one row of a group."""
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    """`manager` is an id."""
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    """`members` are ids."""
    apps: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Service principals: `appId`, `appRoles`, and `assigned` rows."""
    secret: str = "secret-of-the-client"
    asked: list[Asked] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    """Come first, one for each request to Graph."""
    oldest: int = 0
    """Delta tokens before it are forgotten, with `forgets`."""
    forgets: tuple[int, str] = (410, "syncStateNotFound")
    bend: Callable[[str, dict[str, Any]], dict[str, Any]] = field(default=lambda path, document: document)
    """(path, document) → what is answered in place of it."""
    _log: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _views: list[tuple[int, list[tuple[str, dict[str, Any]]]]] = field(default_factory=list)
    """What a first request began to list, with how long the log was then."""

    # what people do at Microsoft

    def add_user(self, key: str, name: str, **more: Any) -> str:
        manager = more.pop("manager", None)
        row = {"id": key, "userPrincipalName": name, "accountEnabled": True, "userType": "Member", **more}
        self.users[key] = {**row, **({"manager": manager} if manager else {})}
        relation = {"manager@delta": [{"@odata.type": "#microsoft.graph.user", "id": manager}]} if manager else {}
        self._log.append(("users", {**row, **relation}))
        return key

    def edit_user(self, key: str, **values: Any) -> None:
        relation = []
        if "manager" in values:
            old, new = self.users[key].pop("manager", None), values.pop("manager")
            if old:
                relation.append({"id": old, "@removed": {"reason": "deleted"}})
            if new:
                relation.append({"@odata.type": "#microsoft.graph.user", "id": new})
                self.users[key]["manager"] = new
        self.users[key] |= values
        row = {name: value for name, value in self.users[key].items() if name != "manager"}
        self._log.append(("users", {**row, **({"manager@delta": relation} if relation else {})}))

    def remove_user(self, key: str, reason: str = "changed") -> None:
        del self.users[key]
        self._log.append(("users", {"id": key, "@removed": {"reason": reason}}))
        for group, row in self.groups.items():
            if key in row["members"]:
                self.edit_members(group, gone=[key])

    def add_group(self, key: str, name: str, members: list[str], **more: Any) -> str:
        self.groups[key] = {"id": key, "displayName": name, "members": [], **more}
        self._log.append(("groups", {"id": key, "displayName": name, **more}))
        self.edit_members(key, come=members)
        return key

    def edit_members(self, key: str, come: list[str] = (), gone: list[str] = ()) -> None:  # type: ignore[assignment]
        held = self.groups[key]["members"]
        held[:] = [member for member in held if member not in gone] + [m for m in come if m not in held]
        entries: list[dict[str, Any]] = [{**self._typed(m), "@removed": {"reason": "deleted"}} for m in gone]
        entries += [self._typed(member) for member in come]
        row = {name: value for name, value in self.groups[key].items() if name != "members"}
        for start in range(0, len(entries), self.page):
            self._log.append(("groups", {**row, "members@delta": entries[start : start + self.page]}))

    def remove_group(self, key: str) -> None:
        del self.groups[key]
        self._log.append(("groups", {"id": key, "@removed": {"reason": "deleted"}}))

    def add_app(self, key: str, app_id: str, **more: Any) -> None:
        self.apps[key] = {
            "id": key,
            "appId": app_id,
            "displayName": "Hootsuite",
            "appRoles": [],
            "assigned": [],
            **more,
        }

    def assign(self, app: str, principal: str, role: str = "00000000-0000-0000-0000-000000000000") -> None:
        kind = "User" if principal in self.users else "Group" if principal in self.groups else "ServicePrincipal"
        self.apps[app]["assigned"].append(
            {
                "id": f"a{len(self.apps[app]['assigned'])}",
                "principalId": principal,
                "principalType": kind,
                "appRoleId": role,
            }
        )

    def _typed(self, key: str) -> dict[str, Any]:
        kind = "user" if key in self.users else "group" if key in self.groups else "device"
        return {"@odata.type": f"#microsoft.graph.{kind}", "id": key}

    # what Graph answers

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send
    ) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        path, query = scope["path"], scope["query_string"].decode()
        asked = Asked(scope["method"], headers.get("host", ""), path, query, headers, body)
        self.asked.append(asked)
        status, extra, content = self._answer(asked)
        pairs = {"content-type": "application/json", "content-length": str(len(content)), **extra}
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
            }
        )
        await send({"type": "http.response.body", "body": content})

    def _answer(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        if asked.path.endswith("/oauth2/v2.0/token"):
            return self._token(asked)
        if self.answers:
            return self.answers.pop(0)
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(401, "InvalidAuthenticationToken", "Access token is empty.")
        status, document = self._resource(asked)
        if status == 200:
            document = self.bend(asked.path, document)
        return status, {}, json.dumps(document).encode()

    def _token(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        form = asked.form
        if "client_assertion" not in form and form.get("client_secret") != self.secret:
            told = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
            return 401, {}, json.dumps(told).encode()
        return 200, {}, json.dumps({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3599}).encode()

    def _resource(self, asked: Asked) -> tuple[int, dict[str, Any]]:
        path = asked.path.removeprefix("/v1.0/")
        query = {name: values[0] for name, values in parse_qs(asked.query, keep_blank_values=True).items()}
        if path in ("users/delta", "groups/delta"):
            return self._delta(asked, path.partition("/")[0], query)
        for key, app in self.apps.items():
            if path in (f"servicePrincipals/{key}", f"servicePrincipals(appId='{app['appId']}')"):
                return 200, {name: value for name, value in app.items() if name != "assigned"}
            if path == f"servicePrincipals/{key}/appRoleAssignedTo":
                return self._assigned(asked, app["assigned"], query)
        return _problem(404, "Request_ResourceNotFound", "Resource does not exist.")

    def _assigned(self, asked: Asked, rows: list[dict[str, Any]], query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        start = int(query.get("$skiptoken", "0"))
        document: dict[str, Any] = {"value": rows[start : start + self.page]}
        if start + self.page < len(rows):
            document["@odata.nextLink"] = _link(asked, {"$skiptoken": str(start + self.page)})
        return 200, document

    def _delta(self, asked: Asked, what: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """A token says which rows, from where to where, and what was selected: it is opaque to clients."""
        end, view = len(self._log), -1
        if "$deltatoken" in query:
            begin, _, select, _ = _unsealed(query["$deltatoken"])
            if begin < self.oldest:
                status, code = self.forgets
                return _problem(status, code, "The sync state is not found.")
        elif "$skiptoken" in query:
            begin, end, select, view = _unsealed(query["$skiptoken"])
        else:
            if unknown := set(query) - {"$select"}:
                return _problem(400, "Request_UnsupportedQuery", f"{sorted(unknown)} is not supported")
            begin, select, view = 0, query.get("$select", ""), len(self._views)
            self._views.append((end, [(what, row) for row in self._present(what)]))
        after, source = self._views[view] if view >= 0 else (end, self._log[:end])
        rows: list[dict[str, Any]] = []
        names = set(select.split(","))
        while begin < len(source) and len(rows) < self.page:
            kind, row = source[begin]
            begin += 1
            if kind == what:
                rows.append({n: v for n, v in row.items() if n == "@removed" or n.partition("@")[0] in names})
        document: dict[str, Any] = {"@odata.context": f"https://{asked.host}/v1.0/$metadata#{what}", "value": rows}
        if begin < len(source):
            document["@odata.nextLink"] = _link(asked, {"$skiptoken": sealed(begin, end, select, view)})
        else:
            document["@odata.deltaLink"] = _link(asked, {"$deltatoken": sealed(after, after, select)})
        return 200, document

    def _present(self, what: str) -> Iterator[dict[str, Any]]:
        """What there is, as a first request has it; the members of a group on several rows."""
        if what == "users":
            for user in self.users.values():
                row = {name: value for name, value in user.items() if name != "manager" and value is not None}
                manager = [self._typed(user["manager"])] if user.get("manager") else None
                yield {**row, "manager@delta": manager} if manager else row
            return
        for group in self.groups.values():
            row = {name: value for name, value in group.items() if name != "members"}
            members = [self._typed(member) for member in group["members"]]
            yield row
            for start in range(0, len(members), self.page):
                yield {"id": row["id"], "members@delta": members[start : start + self.page]}


def sealed(begin: int, end: int, select: str, view: int = -1) -> str:
    """With signs in it that a client must send back to the letter."""
    return "+/" + base64.b64encode(json.dumps([begin, end, select, view]).encode()).decode()


def _unsealed(token: str) -> tuple[int, int, str, int]:
    assert token.startswith("+/"), f"the token was not sent back to the letter: {token}"
    begin, end, select, view = json.loads(base64.b64decode(token[2:]))
    return begin, end, select, view


def _link(asked: Asked, query: dict[str, str]) -> str:
    scheme = "http" if asked.host.startswith("127.") else "https"
    return f"{scheme}://{asked.host}{asked.path}?{urlencode(query, safe='$')}"


def _problem(status: int, code: str, message: str) -> tuple[int, dict[str, Any]]:
    return status, {"error": {"code": code, "message": message}}


def _error(status: int, code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    return status, {}, json.dumps(_problem(status, code, message)[1]).encode()
