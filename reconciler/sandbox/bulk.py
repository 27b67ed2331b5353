"""POST /Bulk (RFC 7644 section 3.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson

from reconciler.sandbox.habits import Habits
from reconciler.sandbox.message import Answer, Call
from reconciler.sandbox.refusal import Refusal, invalid_syntax, invalid_value

REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


def perform(call: Call, do: Callable[[Call], Answer], habits: Habits) -> dict[str, Any]:
    """The BulkResponse. Each operation stands for itself; `failOnErrors` many failures end the rest.

    An operation that refers to a bulkId which comes later waits for it (section 3.7.2). Raises Refusal if the request
    as a whole can't be taken.
    """
    if len(call.body) > habits.bulk_bytes:
        raise Refusal(413, f"the body is larger than {habits.bulk_bytes} bytes")
    body = call.json()
    operations = body.get("Operations") if isinstance(body, dict) else None
    if not isinstance(operations, list) or REQUEST not in (body.get("schemas") or ()):
        raise invalid_syntax(f"a message of {REQUEST} with Operations is needed")
    if len(operations) > habits.bulk_operations:
        raise Refusal(413, f"more than {habits.bulk_operations} operations")
    limit = body.get("failOnErrors") or len(operations) + 1
    results: dict[int, dict[str, Any]] = {}
    known: dict[str, str] = {}
    waiting = list(enumerate(operations))
    failed = 0
    while waiting and failed < limit:
        ready = [(n, op) for n, op in waiting if not _unknown(op, known, waiting)] or waiting[:1]
        for number, operation in ready:
            if failed >= limit:
                break
            results[number] = _one(operation, known, do, habits)
            failed += int(results[number]["status"]) >= 400
        waiting = [(n, op) for n, op in waiting if n not in results]
    return {"schemas": [RESPONSE], "Operations": [results[n] for n in sorted(results)]}


def _one(operation: Any, known: dict[str, str], do: Callable[[Call], Answer], habits: Habits) -> dict[str, Any]:
    if not isinstance(operation, dict):
        return _result({}, _refused(invalid_syntax("each operation must be an object"), habits))
    method = str(operation.get("method", "")).upper()
    try:
        if method not in ("POST", "PUT", "PATCH", "DELETE"):
            raise invalid_syntax("method must be POST, PUT, PATCH or DELETE")
        if method == "POST" and not operation.get("bulkId"):
            raise invalid_syntax("POST needs a bulkId")
        path, data = _resolved([operation.get("path", ""), operation.get("data")], known)
        if not str(path).startswith((habits.users_endpoint, habits.groups_endpoint or habits.users_endpoint)):
            raise invalid_syntax("path must be that of a user or a group")
        headers = {"if-match": operation["version"]} if operation.get("version") else {}
        answer = do(Call(method, path, headers=headers, body=b"" if data is None else orjson.dumps(data)))
    except Refusal as refusal:
        answer = _refused(refusal, habits)
    else:
        if method == "POST":
            known[str(operation["bulkId"])] = str(orjson.loads(answer.body).get("id", ""))
    return _result({**operation, "method": method}, answer)


def _result(operation: dict[str, Any], answer: Answer) -> dict[str, Any]:
    result: dict[str, Any] = {k: operation[k] for k in ("method", "bulkId") if operation.get(k)}
    result["status"] = str(answer.status)
    shown = orjson.loads(answer.body) if answer.body else {}
    if answer.status >= 400:
        result["response"] = shown
    elif "meta" in shown:
        if "location" in shown["meta"]:
            result["location"] = shown["meta"]["location"]
        if "version" in shown["meta"]:
            result["version"] = shown["meta"]["version"]
    return result


def _refused(refusal: Refusal, habits: Habits) -> Answer:
    return Answer(refusal.status, orjson.dumps(refusal.document(habits)))


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        return {name for value in node.values() for name in _references(value)}
    if isinstance(node, list):
        return {name for value in node for name in _references(value)}
    if isinstance(node, str) and "bulkId:" in node:
        return {node.partition("bulkId:")[2].partition("/")[0]}
    return set()


def _unknown(operation: Any, known: dict[str, str], waiting: list[tuple[int, Any]]) -> bool:
    """It refers to something that another waiting operation will make."""
    if not isinstance(operation, dict):
        return False
    missing = _references([operation.get("path"), operation.get("data")]) - known.keys()
    return bool(missing) and any(
        isinstance(other, dict) and other is not operation and other.get("bulkId") in missing for _, other in waiting
    )


def _resolved(node: Any, known: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _resolved(value, known) for key, value in node.items()}
    if isinstance(node, list):
        return [_resolved(value, known) for value in node]
    if isinstance(node, str) and "bulkId:" in node:
        name = node.partition("bulkId:")[2].partition("/")[0]
        if name not in known:
            raise invalid_value(f"there is no bulkId {name}")
        return node.replace(f"bulkId:{name}", known[name])
    return node
