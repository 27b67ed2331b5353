"""How a server says no: RFC 7644 section 3.12, and the two other forms that Hootsuite's host uses."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.habits import Habits

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Refusal(Exception):
    """A request that is answered with an error. `scim_type` is one of RFC 7644 section 3.12, or empty."""

    def __init__(self, status: int, detail: str, scim_type: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.scim_type = scim_type
        self.headers = headers or {}

    def document(self, habits: Habits) -> dict[str, Any]:
        if habits.oauth_errors and self.status == 401:
            return {"error": "invalid_token", "error_description": self.detail}
        if habits.oauth_errors and self.status == 429:
            return {"errors": [{"code": 1003, "message": self.detail, "id": "sandbox-429"}]}
        document = {"schemas": [ERROR], "status": str(self.status), "detail": self.detail}
        if self.scim_type:
            known = habits.scim_types is None or self.scim_type in habits.scim_types
            document["scimType"] = self.scim_type if known else "invalidSyntax"
        return document


class Crashed(Exception):
    """The server fell over: the connection ends without an answer."""


def invalid_value(detail: str) -> Refusal:
    return Refusal(400, detail, "invalidValue")


def invalid_syntax(detail: str) -> Refusal:
    return Refusal(400, detail, "invalidSyntax")


def invalid_path(detail: str) -> Refusal:
    return Refusal(400, detail, "invalidPath")


def no_target(detail: str) -> Refusal:
    return Refusal(400, detail, "noTarget")


def invalid_filter(detail: str) -> Refusal:
    return Refusal(400, detail, "invalidFilter")
