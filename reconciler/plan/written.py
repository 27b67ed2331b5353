"""The plan as it is written: deterministic to the byte. Change by change, since there may be 100,000 of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from reconciler.model.plan import Change, Plan

_UNAPPROVED = ("origin", "reasons", "source", "held", "suspect")
"""What may move without changing what was approved."""
_ORDER = ("action", "key", "id", "name", "origin", "suspect", "reasons", "temporary", "sensitive", "set", "members",
          "groups", "candidates", "source", "held")  # fmt: skip
"""In which the keys of a change are read best."""
_UNSAID_OF_CHANGES = ("id", "source", "suspect", "sensitive", "temporary", "groups", "candidates")
_UNSAID = {
    "guardrails": ("earlier", "unknown", "released"),
    "blocked": ("id",),
    "soon": ("group", "groupName", "from", "until", "reason", "source"),
    "later": ("group", "groupName", "from", "until", "before", "reason", "sensitive", "source"),
    "notes": ("id",),
}
"""Part of a plan → keys that are left out where they would say nothing: null, false, or an empty list."""
_COVERED_BY_NO_DIGEST = ("digest", "signature")


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def sha256(value: bytes) -> str:
    return f"sha256:{hashlib.sha256(value).hexdigest()}"


def digest_of(written: Mapping[str, Any]) -> str:
    """Of a whole document: everything in it but `digest` and `signature`."""
    return sha256(canonical({key: value for key, value in written.items() if key not in _COVERED_BY_NO_DIGEST}))


def digest_of_plan(plan: Plan) -> str:
    """The same, of a plan that nobody has written yet."""
    whole = {key: value for key, value in _frame(plan).items() if key not in _COVERED_BY_NO_DIGEST}
    return _digest(whole, (canonical(_written(change)) for change in plan.changes))


def changes_digest(plan: Plan) -> str:
    """Names what was approved: app, tenant and changes, without origin, reasons, source and held.

    Those four also order changes and split member lists, so lists are joined again and the order is that of the bytes.
    """
    return _digest({"app": plan.app, "tenantUrl": plan.tenant_url, "changes": []}, _in_order(plan.changes))


def digest_of_changes(changes: Iterable[Change]) -> str:
    """The same of a few changes, whosever they are."""
    return _digest({"changes": []}, _in_order(changes))


def _in_order(changes: Iterable[Change]) -> list[bytes]:
    # a copy takes what it needs, and not what orjson had reserved
    return sorted(bytes(memoryview(canonical(change))) for change in _approved(changes))


def _digest(frame: Mapping[str, Any], changes: Iterable[bytes]) -> str:
    """Of the canonical form of `frame`, with these as its `changes`, which are empty there."""
    before, empty, after = canonical(frame).partition(b'"changes":[]')
    hashed = hashlib.sha256(before + empty[:-1])
    for number, change in enumerate(changes):
        hashed.update(b"," + change if number else change)
    hashed.update(b"]" + after)
    return f"sha256:{hashed.hexdigest()}"


def _approved(changes: Iterable[Change]) -> Iterator[dict[str, Any]]:
    lists: dict[tuple[str, str], dict[str, Any]] = {}
    for change in changes:
        written = _written(change)
        for key in _UNAPPROVED:
            written.pop(key, None)
        if "members" not in written:
            yield written
            continue
        first = lists.setdefault((change.action, change.key), written)
        if first is not written:
            first["members"] += written["members"]
    for each in lists.values():
        each["members"].sort(key=lambda member: (member["key"], canonical(member)))
        yield each


def document(plan: Plan) -> dict[str, Any]:
    """The plan as it is written. Of a creation `set` has `after` alone."""
    written = _frame(plan)
    written["changes"] = [_written(change) for change in plan.changes]
    return written


def _frame(plan: Plan) -> dict[str, Any]:
    """Without its changes, whose place is kept."""
    written: dict[str, Any] = plan.model_copy(update={"changes": ()}).model_dump(mode="json", by_alias=True)
    for part, keys in _UNSAID.items():
        for each in written[part]:
            _drop_unsaid(each, keys)
    if not plan.later:
        del written["later"]
    if plan.live.source == "application":
        del written["live"]["source"]
    for guardrail in written["guardrails"]:
        guardrail["percent"] = _whole(guardrail["percent"])
    if plan.signature is None:
        del written["signature"]
    return written


def _written(change: Change) -> dict[str, Any]:
    dumped = change.model_dump(mode="json", by_alias=True)
    _drop_unsaid(dumped, _UNSAID_OF_CHANGES)
    if change.action.startswith("create"):
        for difference in dumped["set"].values():
            del difference["before"]
    return {**{key: dumped[key] for key in _ORDER if key in dumped}, **dumped}


def _drop_unsaid(written: dict[str, Any], keys: Iterable[str]) -> None:
    for key in keys:
        if key in written and not written[key]:
            del written[key]


def _whole(percent: float | None) -> float | None:
    """10 rather than 10.0: other languages know one number only, and must find the same digest."""
    return int(percent) if percent is not None and percent.is_integer() else percent


def to_json(plan: Plan) -> bytes:
    """The document as bytes: the same for equal plans."""
    return b"".join(pieces(plan))


def pieces(plan: Plan) -> Iterator[bytes]:
    """The same, change by change: for who writes it away, and needs no second copy of it."""
    frame = orjson.dumps(_frame(plan), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if not plan.changes:
        yield frame
        return
    before, _, after = frame.partition(b'\n  "changes": []')
    yield before + b'\n  "changes": ['
    for number, change in enumerate(plan.changes):
        written = orjson.dumps(_written(change), option=orjson.OPT_INDENT_2).replace(b"\n", b"\n    ")
        yield (b",\n    " if number else b"\n    ") + written
    yield b"\n  ]" + after


__all__ = ["canonical", "changes_digest", "digest_of", "digest_of_plan", "document", "pieces", "sha256", "to_json"]
