"""`attributes` and `excludedAttributes` (RFC 7644 section 3.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.sandbox.habits import Habits
from reconciler.sandbox.refusal import invalid_value
from reconciler.sandbox.store import Resource, Store

_ALWAYS = frozenset({"schemas", "id"})


@dataclass(frozen=True, slots=True)
class Projection:
    """Names in lower case: name, name.sub, or a schema URN with or without :name. Exactly one side is filled."""

    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    @property
    def wants_members(self) -> bool:
        if self.only:
            return any(name.rpartition(":")[2].split(".")[0] == "members" for name in self.only)
        return "members" not in self.without


def read_projection(habits: Habits, query: Mapping[str, str]) -> Projection | None:
    """None: everything. Raises Refusal if both parameters are given, or this server takes none."""
    if habits.refuses_projection and (query.get("attributes") or query.get("excludedAttributes")):
        raise invalid_value("attributes and excludedAttributes are not supported")
    if not habits.projects:
        return None
    only, without = _names(query.get("attributes", "")), _names(query.get("excludedAttributes", ""))
    if only and without:
        raise invalid_value("attributes and excludedAttributes exclude each other")
    return Projection(only, without) if only or without else None


def project(store: Store, resource: Resource, projection: Projection) -> dict[str, Any]:
    """The resource without what was not asked for; `schemas` and `id` always stay."""
    document = store.document(resource, members=projection.wants_members)
    core = store.kinds[resource.kind].urn.lower() + ":"
    if projection.only:
        return _pick(document, frozenset(name.removeprefix(core) for name in projection.only))
    return _omit(document, frozenset(name.removeprefix(core) for name in projection.without))


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in text.split(",") if name.strip())


def _below(names: frozenset[str], key: str) -> frozenset[str]:
    """The names under `key`, which is an attribute (name.sub) or an extension (urn:name)."""
    mark = ":" if key.startswith("urn:") else "."
    return frozenset(name[len(key) + 1 :] for name in names if name.startswith(key + mark))


def _pick(node: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    picked: dict[str, Any] = {}
    for key, value in node.items():
        lower = key.lower()
        if lower in names or lower in _ALWAYS:
            picked[key] = value
        elif below := _below(names, lower):
            picked[key] = _each(value, lambda inner, below=below: _pick(inner, below))
    return picked


def _omit(node: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for key, value in node.items():
        lower = key.lower()
        if lower in names and lower not in _ALWAYS:
            continue
        below = _below(names, lower)
        left[key] = _each(value, lambda inner, below=below: _omit(inner, below)) if below else value
    return left


def _each(value: Any, change: Any) -> Any:
    if isinstance(value, list):
        return [change(e) if isinstance(e, dict) else e for e in value]
    return change(value) if isinstance(value, dict) else value
