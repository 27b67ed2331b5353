"""Statuses, errors, locations and ids."""

from __future__ import annotations

import uuid
from typing import Any, Final

import orjson

from reconciler.sandbox.faults import Faults
from reconciler.sandbox.message import Answer
from reconciler.sandbox.refusal import ERROR, Refusal

_NAMESPACE: Final = uuid.UUID("1c0e3b4e-57a2-4d1c-9c34-6f6f7b8f0b42")


def refusal_answer(faults: Faults, refusal: Refusal, document: dict[str, Any]) -> Answer:
    """An error as it goes out."""
    headers = dict(refusal.headers)
    status = 200 if "errorIn200" in faults else refusal.status
    if "errors=html" in faults:
        page = f"<!doctype html><title>Error {refusal.status}</title><h1>Something went wrong</h1>"
        return Answer(status, page.encode(), {**headers, "Content-Type": "text/html"})
    if "errors=message" in faults:
        return Answer(
            status, orjson.dumps({"message": refusal.detail}), {**headers, "Content-Type": "application/json"}
        )
    if "errors=problem" in faults:
        problem = {"type": "about:blank", "title": "Error", "status": refusal.status, "detail": refusal.detail}
        return Answer(status, orjson.dumps(problem), {**headers, "Content-Type": "application/problem+json"})
    if ERROR in document.get("schemas", ()):
        if "numericStatus" in faults:
            document["status"] = refusal.status
        if "scimType=missing" in faults:
            document.pop("scimType", None)
        if "scimType=wrong" in faults:
            document["scimType"] = "tooMany"
    return Answer(status, orjson.dumps(document), headers)


def bend_created(faults: Faults, answer: Answer) -> None:
    """What the faults make of the answer to a creation."""
    if "okCreate" in faults:
        answer.status = 200
    if "noLocation" in faults:
        answer.headers.pop("Location", None)
    if "noId" in faults:
        document = orjson.loads(answer.body)
        del document["id"]
        answer.body = orjson.dumps(document)


def bend_changed(faults: Faults, answer: Answer) -> None:
    """What the faults make of the answer to a PATCH or PUT."""
    if "noContent" in faults:
        answer.status, answer.body = 204, b""


def new_id(faults: Faults, usual: str, number: int, name: str) -> str:
    if "oddIds" in faults:
        return f"{number}/a+b c@example.com"
    if "movingIds" in faults:
        return moved_id(number, name)
    return usual


def moved_id(number: int, name: str) -> str:
    """The id of what is called `name` now."""
    return str(uuid.uuid5(_NAMESPACE, f"{number} {name}"))


def bend_location(faults: Faults, base_url: str, location: str) -> str:
    if "location=relative" in faults:
        return location.removeprefix(base_url)
    if "location=wrong" in faults:
        return f"{base_url}/Users/somebody-else"
    return location


def gone(faults: Faults) -> Answer | None:
    """The answer to a DELETE of what is not there; None: the usual one."""
    for status in faults.names("deleteTwice"):
        if status == "204":
            return Answer(204)
        raise Refusal(500, "the row is not there")
    return None
