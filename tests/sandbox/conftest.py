"""A client without a network: what a test says is what the sandbox gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from reconciler.sandbox import Call, Sandbox

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Reply(NamedTuple):
    status: int
    json: Any
    headers: dict[str, str]


class Client:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        parts = urlsplit(path)
        sent = {"authorization": "Bearer test", **{k.replace("_", "-"): v for k, v in headers.items()}}
        data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        answer = self.sandbox.answer(
            Call(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), sent, data)
        )
        json = orjson.loads(answer.body) if answer.body and "json" in answer.headers["Content-Type"] else None
        return Reply(answer.status, json, answer.headers)

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, **headers)

    def user(self, user_name: str = "ada@example.com", **attributes: Any) -> Reply:
        body = {"schemas": [USER], "userName": user_name, "displayName": "Ada", "active": True, **attributes}
        return self.ask("POST", "/Users", {k: v for k, v in body.items() if v is not None})

    def group(self, name: str = "Team", **attributes: Any) -> Reply:
        return self.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": name, **attributes})

    def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> Reply:
        return self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def found(self, kind: str, text: str) -> list[str]:
        """The names that a filter finds."""
        answer = self.sandbox.answer(Call("GET", f"/{kind}", {"filter": text}, {"authorization": "Bearer test"}))
        document = orjson.loads(answer.body)
        assert answer.status == 200, document
        return [row.get("userName") or row["displayName"] for row in document["Resources"]]


@pytest.fixture
def client_of() -> Callable[[Sandbox], Client]:
    return Client


@pytest.fixture
def hootsuite() -> Client:
    return Client(Sandbox("hootsuite", rate=0, acts_as=None))


@pytest.fixture
def scim() -> Client:
    return Client(Sandbox("scim", acts_as=None))
