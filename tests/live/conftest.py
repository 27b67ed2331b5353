"""A small SCIM server in memory whose habits a test can spoil, behind httpx.MockTransport."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from reconciler.http import Client
from reconciler.live import Reader, Writer
from reconciler.model.profile import Profile

Interceptor = Callable[[str, str, Any], Any]
BASE = "https://app.example/scim/v2"


@dataclass
class FakeScim:
    """`intercept(method, path, body)` may answer instead: an httpx.Response, an exception, or None to go on.
    `after` likewise once the request was carried out: the answer that gets lost.
    """

    users: list[dict[str, Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    intercept: Interceptor | None = None
    after: Interceptor | None = None
    cap: int | None = None
    total: Callable[[int, int], Any] = lambda rows, page: rows
    """(rows in all, rows in this page) → totalResults."""
    honours_filter: bool = True
    starts: bool = True
    log: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    made: int = 0

    def sent(self, *methods: str) -> list[tuple[str, str, Any]]:
        """(method, path, body) of what was received, by method."""
        return [(m, path, body) for m, path, _, body in self.log if m in methods]

    def lists(self, path: str = "/Users") -> list[dict[str, str]]:
        """The parameters of the list requests."""
        return [params for method, where, params, _ in self.log if method == "GET" and where == path]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.raw_path.decode().split("?")[0].removeprefix("/scim/v2"))
        raw_path = request.url.raw_path.decode().split("?")[0].removeprefix("/scim/v2")
        body = json.loads(request.content) if request.content else None
        self.log.append((request.method, raw_path, dict(request.url.params), body))
        if self.intercept and (answer := self.intercept(request.method, path, body)) is not None:
            return given(answer)
        done = self._do(request, path, body)
        if self.after and (answer := self.after(request.method, path, body)) is not None:
            return given(answer)
        return done

    def _do(self, request: httpx.Request, path: str, body: Any) -> httpx.Response:
        _, kind, *rest = path.split("/", 2)
        rows = self.users if kind == "Users" else self.groups
        if not rest:
            return self._list(rows, dict(request.url.params)) if request.method == "GET" else self._create(rows, body)
        found = next((row for row in rows if str(row["id"]) == rest[0]), None)
        if found is None:
            return error(404, "no such resource")
        match request.method:
            case "GET":
                return httpx.Response(200, json=found)
            case "DELETE":
                rows.remove(found)
                return httpx.Response(204)
            case "PUT":
                body["id"] = found["id"]
                found.clear()
                found.update(body)
                return httpx.Response(200, json=found)
            case _:
                for operation in body["Operations"]:
                    patched(found, operation)
                return httpx.Response(204)

    def _list(self, rows: list[dict[str, Any]], params: dict[str, str]) -> httpx.Response:
        wanted = re.fullmatch(r'(\w+) eq (".*")', params.get("filter", ""))
        if wanted and self.honours_filter:
            rows = [r for r in rows if str(r.get(wanted[1], "")).lower() == json.loads(wanted[2]).lower()]
        start = int(params.get("startIndex", 1)) if self.starts else 1
        count = min(int(params.get("count", 1000)), self.cap or 10**9)
        page = rows[start - 1 : start - 1 + count]
        answer: dict[str, Any] = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "Resources": page}
        total = self.total(len(rows), len(page))
        if total is not None:
            answer["totalResults"] = total
        return httpx.Response(200, json=answer)

    def _create(self, rows: list[dict[str, Any]], body: dict[str, Any]) -> httpx.Response:
        name = "userName" if rows is self.users else "displayName"
        if any(str(row.get(name)).lower() == str(body.get(name)).lower() for row in rows):
            return error(409, f"{name} is taken", "uniqueness")
        self.made += 1
        rows.append({**body, "id": f"n{self.made}"})
        return httpx.Response(201, json=rows[-1])


def given(answer: Any) -> httpx.Response:
    if isinstance(answer, Exception):
        raise answer
    assert isinstance(answer, httpx.Response)
    return answer


def error(status: int, detail: str, scim_type: str | None = None) -> httpx.Response:
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status), "detail": detail}
    return httpx.Response(status, json=body | ({"scimType": scim_type} if scim_type else {}))


def patched(resource: dict[str, Any], operation: dict[str, Any]) -> None:
    """As much of RFC 7644 section 3.5.2 as these tests need."""
    op, path = operation["op"], operation.get("path")
    value: Any = operation.get("value")
    if path is None:
        for name, each in value.items():
            patched(resource, {"op": op, "path": name, "value": each})
    elif chosen := re.fullmatch(r'members\[value eq (".*")\]', path):
        resource["members"] = [m for m in resource.get("members", []) if m["value"] != json.loads(chosen[1])]
    elif path == "members" and op == "remove":
        gone = {m["value"] for m in value}
        resource["members"] = [m for m in resource.get("members", []) if m["value"] not in gone]
    elif op == "add" and isinstance(value, list):
        resource[path] = [*resource.get(path, []), *value]
    elif inside := re.fullmatch(r'(\w+)\[type eq "(\w+)"\](?:\.(\w+))?', path):
        name, kind, sub = inside.groups()
        for element in [e for e in resource.get(name, []) if e.get("type") == kind]:
            if op == "remove":
                resource[name].remove(element)
            else:
                element[sub] = value
    elif "." in path and not path.startswith("urn:"):
        name, sub = path.split(".")
        patched(resource.setdefault(name, {}), {"op": op, "path": sub, "value": value})
    elif op == "remove" or value is None:
        resource.pop(path, None)
    elif isinstance(value, dict):
        resource.setdefault(path, {}).update(value)
    else:
        resource[path] = value


@dataclass
class Rig:
    fake: FakeScim
    client: Client
    reader: Reader
    writer: Writer


async def _no_wait(_: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
def using() -> Callable[..., Any]:
    """`using(fake, work, **profile)` runs `await work(rig)` with a client on that fake, and gives what it returns."""

    def run(fake: Any, work: Callable[[Rig], Awaitable[Any]], **profile: Any) -> Any:
        async def main() -> Any:
            transport = httpx.MockTransport(fake)
            described = Profile(name="fake", title="Fake").corrected(profile)
            async with Client(BASE, bearer=lambda: "s3cr3t", transport=transport, sleep=_no_wait, attempts=2) as client:
                reader = Reader(client, described)
                return await work(Rig(fake, client, reader, Writer(client, described, reader)))

        return asyncio.run(main())

    return run


@pytest.fixture
def scim() -> type[FakeScim]:
    return FakeScim


@pytest.fixture
def refusal() -> Callable[..., httpx.Response]:
    return error


@pytest.fixture
def people() -> Callable[..., list[dict[str, Any]]]:
    """`people(n)`: n accounts, in an order that is not that of their ids."""

    def make(number: int) -> list[dict[str, Any]]:
        return [
            {
                "id": f"u{(number - i):06d}",
                "userName": f"person{i}@contoso.com",
                "active": i % 7 != 0,
                "displayName": f"Person {i}",
                "name": {"givenName": f"Given{i}", "familyName": f"Family{i}"},
                "emails": [{"type": "work", "primary": True, "value": f"person{i}@contoso.com"}],
                "preferredLanguage": "en",
                "timezone": "Europe/Berlin",
            }
            for i in range(number)
        ]

    return make
