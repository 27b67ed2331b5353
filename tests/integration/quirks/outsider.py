"""A SCIM server that none of the product's code had a hand in, and whose habits are switches.

Plain http.server in a thread, one lock around everything, on this machine only. It starts out reasonable (RFC 7644,
though without PATCH's fine points); every habit makes it as odd as some server that exists.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tests.integration.quirks.edits import Edits, Refusal, get

Row = dict[str, Any]
Said = tuple[int, Any]
CORE = ("username", "active", "emails", "displayname", "name", "externalid", "schemas", "members", "id", "meta")
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Outsider:
    """Users and groups as they are, whatever the answers pretend; and what was asked of it."""

    def __init__(self, habits: Iterable[str] = ()) -> None:
        self.habits = frozenset(habits)
        self.users: dict[str, Row] = {}
        self.groups: dict[str, Row] = {}
        self.log: list[tuple[str, str, Any]] = []
        """(method, path and query, body) of every request."""
        self.tokens: set[str | None] = set()
        self.lost: set[str] = set()
        """userNames of accounts that were deleted or made inactive, by whatever request."""
        self.overlaps: list[str] = []
        """Resources to which two writes were under way at a time: servers lose one of them."""
        self.busiest = 0
        """Writes under way at a time, at most."""
        self.override: Any = None
        """Called with (method, path, body) before everything else; an answer, or None to go on."""
        self.edits = Edits(self.habits)
        self._number = itertools.count(101)
        self._lock = threading.RLock()
        self._random = random.Random(7)
        self._grown = False
        self._expired = False
        self._under_way: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/scim/v2"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def has(self, habit: str) -> bool:
        return habit in self.habits

    def add_user(self, name: str, /, **more: Any) -> str:
        """An account that was there before us; its id."""
        row = {"userName": name, "active": True, **more}
        row["id"] = self._id("u", name)
        self.users[row["id"]] = row
        return str(row["id"])

    def add_group(self, name: str, *members: str) -> str:
        row: Row = {"displayName": name, "members": [{"value": m} for m in members]}
        row["id"] = self._id("g", name)
        self.groups[row["id"]] = row
        return str(row["id"])

    def _id(self, letter: str, name: str) -> str:
        number = next(self._number)
        if self.has("ids-numbers"):
            return str(number)
        if self.has("ids-odd"):
            return f"{letter} {number}/a@b+c?é#%2F"
        if self.has("ids-follow-name"):
            return name
        return f"{letter}{number}"

    # -- one request

    @contextmanager
    def under_way(self, method: str, path: str) -> Iterator[None]:
        """Watches for writes to one resource that overlap."""
        if method in ("GET", "POST"):
            yield
            return
        with self._lock:
            if path in self._under_way:
                self.overlaps.append(path)
            self._under_way.append(path)
            self.busiest = max(self.busiest, len(self._under_way))
        yield
        with self._lock:
            self._under_way.remove(path)

    def answer(self, method: str, target: str, body: Any, token: str | None) -> Said:
        """Status and body (a dict, text, or None); status 0: the connection is cut."""
        with self._lock:
            self.tokens.add(token)
            self.log.append((method, target, body))
            if self.override and (said := self.override(method, target, body)) is not None:
                return self._dressed(*said)
            if self.has("429-every-7th") and len(self.log) % 7 == 0:
                return 429, None
            try:
                said = self._do(method, target, body)
            except Refusal as no:
                said = no.status, self.error(no.status, no.detail, no.scim_type)
            said = self._spoiled(method, target, *said)
            return self._dressed(*said)

    def error(self, status: int, detail: str, scim_type: str = "") -> Row:
        body: Row = {"schemas": [ERROR], "status": str(status), "detail": detail}
        if self.has("status-number"):
            body["status"] = status
        if scim_type:
            body["scimType"] = "somethingElse" if self.has("scimtype-wrong") else scim_type
        return body

    def _dressed(self, status: int, body: Any) -> Said:
        is_error = isinstance(body, dict) and ERROR in body.get("schemas", ())
        if is_error and self.has("html-errors"):
            return status, f"<html><h1>{status}</h1>{body['detail']}</html>"
        if is_error and self.has("error-in-200"):
            return 200, body
        return status, body

    def _spoiled(self, method: str, target: str, status: int, body: Any) -> Said:
        """Errors and silences after the deed."""
        seldom = method in ("POST", "PATCH", "PUT", "DELETE") and status < 300 and self._random.random() < 0.34
        for habit, said in (
            ("applied-then-500", (500, self.error(500, "oh no"))),
            ("applied-then-silence", (0, None)),
            ("applied-then-400", (400, self.error(400, "can't be", "invalidValue"))),
        ):
            if self.has(habit) and seldom:
                return said
        return status, body

    def _do(self, method: str, target: str, body: Any) -> Said:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        kind, *rest = parts.path.split("/")[3:]
        table = {"Users": self.users, "Groups": self.groups}.get(kind)
        if table is None:
            raise Refusal(404, "no such endpoint")
        if not rest:
            return self._list(kind, table, query) if method == "GET" else self._create(kind, table, body)
        return self._one(method, kind, table, unquote(rest[0]), body)

    def _one(self, method: str, kind: str, table: dict[str, Row], key: str, body: Any) -> Said:
        if key not in table:
            if method == "DELETE" and self.has("delete-twice-500"):
                raise Refusal(500, "null pointer")
            raise Refusal(403 if self.has("unknown-is-403") else 404, f"{key} is not here")
        row = table[key]
        match method:
            case "GET":
                return 200, self._shown(kind, row)
            case "DELETE":
                return self._delete(kind, table, key)
            case "PATCH" | "PUT":
                return self._change(method, kind, table, key, body)
        raise Refusal(405, "not that")

    def _delete(self, kind: str, table: dict[str, Row], key: str) -> Said:
        if self.has("no-delete"):
            raise Refusal(405, "nothing is deleted here")
        if kind == "Users":
            self.lost.add(table[key]["userName"])
            if self.has("delete-deactivates"):
                table[key]["active"] = False
                return 204, None
            if not self.has("dangling-members"):
                for group in self.groups.values():
                    group["members"] = [m for m in group.get("members", []) if m.get("value") != key]
        del table[key]
        return (200, None) if self.has("delete-200-empty") else (204, None)

    # -- lists

    def _list(self, kind: str, table: dict[str, Row], query: dict[str, str]) -> Said:
        rows = [self._shown(kind, row) for row in table.values()]
        if self.has("inactive-unlisted"):
            rows = [row for row in rows if row.get("active") in (True, None, "True")]
        if "filter" in query:
            rows = self._filtered(rows, query["filter"])
        if kind == "Groups" and query.get("excludedAttributes") == "members":
            rows = [{k: v for k, v in row.items() if k != "members"} for row in rows]
        if self.has("needs-both") and not {"startIndex", "count"} <= query.keys():
            return self._page([], 0, 1)
        if self.has("count-500") and "count" in query:
            raise Refusal(500, "'<' not supported between instances of 'int' and 'str'")
        if self.has("cursor-only"):
            return self._from_cursor(rows, query)
        start, count = int(query.get("startIndex", 1)), int(query.get("count", 100))
        if self.has("zero-start-refused") and start < 1:
            raise Refusal(400, "startIndex begins at 1")
        for status in (400, 422):
            if self.has(f"big-count-{status}") and count > 60:
                raise Refusal(status, "count is too large", "tooMany")
        if self.has("reorders"):
            self._random.shuffle(rows)
        total = len(rows)
        if self.has("grows") and kind == "Users" and start > 1 and not self._grown:
            self._grown = True
            self.add_user("late@elsewhere.example")
        cap = next((n for n in (1, 7, 50, 100) if self.has(f"cap-{n}")), 1000)
        if self.has("ignores-paging"):
            return self._page(rows, total, 1)
        if self.has("same-page-forever") or (start > total and self.has("past-end-first-page")):
            start = 1
        page = rows[max(start, 1) - 1 :][: min(count, cap)]
        return self._page(page, total, start)

    def _from_cursor(self, rows: list[Row], query: dict[str, str]) -> Said:
        """RFC 9865; three to a page. `cursor-expires` says once that the third page's cursor is too old."""
        if "startIndex" in query or ("cursor" not in query and len(rows) > 3):
            raise Refusal(501, "Pagination by index is not supported")
        start = int(query.get("cursor", "").removeprefix("after ") or 0)
        if self.has("cursor-expires") and start == 6 and not self._expired:
            self._expired = True
            raise Refusal(400, "start again", "expiredCursor")
        _, body = self._page(rows[start : start + 3], len(rows), 1)
        if not self.has("cursor-without-total"):
            body["totalResults"] = len(rows)
        else:
            del body["totalResults"]
        return 200, body | ({"nextCursor": f"after {start + 3}"} if start + 3 < len(rows) else {})

    def _page(self, rows: list[Row], total: int, start: int) -> Said:
        body: Row = {"schemas": [LIST], "totalResults": total, "startIndex": start, "itemsPerPage": len(rows)}
        body["Resources"] = rows
        if self.has("total-missing"):
            del body["totalResults"]
        if self.has("total-text"):
            body["totalResults"] = str(total)
        if self.has("total-is-page"):
            body["totalResults"] = len(rows)
        if self.has("total-one-too-many"):
            body["totalResults"] = total + 1
        if self.has("no-resources-key") and not rows:
            del body["Resources"]
        return 200, body

    def _filtered(self, rows: list[Row], text: str) -> list[Row]:
        for status in (400, 404, 500, 501):
            if self.has(f"filter-{status}"):
                raise Refusal(status, "no filters", "invalidFilter")
        if self.has("filter-ignored"):
            return rows
        found = re.fullmatch(r'(\w+) eq ("(?:[^"\\]|\\.)*")', text)
        if self.has("filter-finds-nothing") or not found:
            return []
        if self.has("filter-quotes-break") and text.count('"') != 2:
            raise Refusal(500, "unterminated string")
        value = str(json.loads(found[2]))
        if self.has("filter-case"):
            return [row for row in rows if str(row.get(found[1], "")) == value]
        return [row for row in rows if str(get(row, found[1]) or "").casefold() == value.casefold()]

    # -- writes

    def _create(self, kind: str, table: dict[str, Row], body: Row) -> Said:
        label = "userName" if kind == "Users" else "displayName"
        if not body.get(label):
            raise Refusal(400, f"{label} is required", "invalidValue")
        self._unique(kind, table, None, body[label])
        self._known(kind, body)
        row = {k: v for k, v in body.items() if k != "id"}
        row["id"] = self._id(kind[0].lower(), str(body[label]))
        if kind == "Groups":
            row["members"] = [] if self.has("post-members-ignored") else row.get("members", [])
        if kind == "Users" and not self.has("active-unless-sent"):
            row.setdefault("active", True)
        self.edits.settle(kind, row)
        table[row["id"]] = row
        shown = self._shown(kind, row)
        status = 200 if self.has("create-200") else 201
        if self.has("create-empty"):
            return status, None
        if self.has("create-without-id"):
            return status, {k: v for k, v in shown.items() if k != "id"}
        if self.has("create-id-only"):
            return status, {"id": shown["id"]}
        if self.has("create-answers-somebody-else") and kind == "Users":
            return status, self._shown(kind, next(iter(table.values())))
        return status, shown

    def _unique(self, kind: str, table: dict[str, Row], key: str | None, name: str) -> None:
        label = "userName" if kind == "Users" else "displayName"
        if self.has("duplicates-accepted") or (kind == "Groups" and self.has("duplicate-groups-accepted")):
            return
        fold = (lambda text: text) if self.has("case-duplicates-accepted") else str.casefold
        if any(other != key and fold(str(row[label])) == fold(name) for other, row in table.items()):
            status = next((n for n in (400, 500) if self.has(f"duplicate-{n}")), 409)
            raise Refusal(status, f"{name} is taken", "uniqueness" if status != 500 else "")

    def _known(self, kind: str, body: Row) -> None:
        if self.has("unknown-refused") and (odd := [k for k in body if k.lower() not in CORE and k[:4] != "urn:"]):
            raise Refusal(400, f"unknown attribute {odd[0]}", "invalidSyntax")

    def _change(self, method: str, kind: str, table: dict[str, Row], key: str, body: Row) -> Said:
        before, label = table[key], "userName" if kind == "Users" else "displayName"
        after: Row = json.loads(json.dumps(before))
        if method == "PATCH":
            self.edits.patch(kind, after, body)
        else:
            self.edits.put(kind, after, body)
        if not after.get(label):
            raise Refusal(400, f"{label} is required", "invalidValue")
        if self.has("no-group-rename") and kind == "Groups" and after[label] != before[label]:
            raise Refusal(400, "groups can't be renamed", "mutability")
        if str(after[label]).casefold() != str(before[label]).casefold():
            self._unique(kind, table, key, str(after[label]))
        self._known(kind, after)
        self.edits.settle(kind, after)
        if kind == "Users" and str(after.get("active", True)) != str(before.get("active", True)):
            self._switched(after)
        after["id"] = str(after[label]) if self.has("ids-follow-name") else key
        del table[key]
        if not (self.has("inactive-deletes") and str(after.get("active", True)).lower() == "false"):
            table[after["id"]] = after
            self._renumber(key, after["id"])
        if method == "PATCH" and self.has("patch-204"):
            return 204, None
        return (200, None) if self.has("change-200-empty") else (200, self._shown(kind, after))

    def _switched(self, row: Row) -> None:
        if str(row.get("active", True)).lower() == "false":
            self.lost.add(row["userName"])

    def _renumber(self, old: str, new: str) -> None:
        for group in self.groups.values() if old != new else ():
            for member in group.get("members", []):
                if member.get("value") == old:
                    member["value"] = new

    def _shown(self, kind: str, row: Row) -> Row:
        """What a reader sees: a copy, with the habits of values."""
        shown: Row = json.loads(json.dumps(row))
        location = "http://elsewhere.example/x" if self.has("location-wrong") else f"{kind}/{quote(row['id'])}"
        shown["meta"] = {"location": location, "resourceType": kind[:-1]}
        if self.has("ids-numbers"):
            shown["id"] = int(shown["id"])
            for member in shown.get("members", []):
                member["value"] = int(member["value"])
        if kind == "Groups" and self.has("members-unlisted"):
            shown["members"] = []
        if kind == "Users" and "active" in shown and self.has("active-text"):
            shown["active"] = str(str(shown["active"]).lower() == "true")
        if self.has("nulls"):
            shown |= {"title": None, "nickName": "", "phoneNumbers": [], "timezone": shown.get("timezone", "")}
        return shown


def _handler(outsider: Outsider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def setup(self) -> None:
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().setup()

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            content = json.loads(raw) if raw else None
            with outsider.under_way(self.command, self.path):
                if outsider.has("slow"):
                    time.sleep(0.02)
                status, body = outsider.answer(self.command, self.path, content, self.headers.get("authorization"))
            if not status:
                self.close_connection = True
                return
            sent = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", str(body))
            self.send_header("content-type", "text/html" if sent[:1] == b"<" else "application/scim+json")
            if status != 204:
                self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent if status != 204 else b"")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def handle(self) -> None:
            with suppress(ConnectionError):
                super().handle()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

    return Handler
