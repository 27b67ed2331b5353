"""What a server says of itself (RFC 7644 section 4), with tolerance for every broken form of it.

It corrects the profile only where that is safe: a smaller page, a missing verb, a place. What it says of its own
abilities is not believed otherwise: servers claim filters and versions that they do not have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.errors import ReconcilerError
from reconciler.http import Client
from reconciler.live.judge import accept
from reconciler.model.discovered import Discovered, from_app
from reconciler.model.path import member
from reconciler.model.plan import Override
from reconciler.model.profile import Discovery, Profile, flat

_PATIENCE: Final = 10.0
"""Seconds for all three questions: nobody waits for a server that does not know what it is."""
_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"
_COMMON: Final = ("id", "externalid", "meta", "schemas")  # of every resource (RFC 7643 section 3.1)


async def discover(client: Client, profile: Profile, over: Mapping[str, Any]) -> Discovered:
    """Asks for what the profile names a place for, side by side, each once. Never fails: a server that does not
    answer, or in no form that can be read, has said nothing. `over` is the app's own `profile:`, whose word stands
    unless it asks for more than the server has.
    """
    places: Discovery = profile.discovery
    try:
        async with asyncio.timeout(_PATIENCE):
            config, types, schemas = await asyncio.gather(
                _ask(client, places.service_provider_config),
                _ask(client, places.resource_types),
                _ask(client, places.schemas),
            )
    except TimeoutError:
        config = types = schemas = None
    found = {**_from_configuration(_one(config), profile), **_from_types(types, profile)}
    said = flat(dict(over))
    found = {key: value for key, value in found.items() if key not in said or key == "paging.count"}
    overrides = {each.key: each for each in from_app(over)}
    overrides |= {key: Override(key=key, value=value, source="discovery") for key, value in found.items()}
    corrected = profile.corrected(_nested(found))
    return Discovered(corrected, tuple(overrides[key] for key in sorted(overrides)), _attributes(schemas))


async def _ask(client: Client, path: str | None) -> Any:
    if path is None:
        return None
    try:
        return accept(await client.send("GET", path, attempts=1))
    except ReconcilerError:
        return None


def _one(document: Any) -> dict[str, Any]:
    """The configuration, also of servers that put it into a list."""
    return next(_resources(document), {})


def _resources(document: Any) -> Iterator[dict[str, Any]]:
    """The resources of a ListResponse, of a bare list, or the one that stands alone."""
    rows = document if isinstance(document, list) else None
    if isinstance(document, dict):
        rows = member(document, "Resources")
        if not isinstance(rows, list):
            rows = [document]
    yield from (row for row in rows or () if isinstance(row, dict))


def _from_configuration(config: dict[str, Any], profile: Profile) -> dict[str, Any]:
    """Dotted key → value, of what a ServiceProviderConfig takes away (RFC 7643 section 5, RFC 9865 section 4)."""
    found: dict[str, Any] = {}
    if _supports(config, "patch") is False:
        found |= {"users.update": "put", "groups.update": "put"}
        if profile.groups.read_members in {"inLists", "byId"}:
            found["groups.members"] = "put"
    if _supports(config, "filter") is False:
        found |= {"filters.users": [], "filters.groups": []}
    if _supports(config, "bulk") is False and profile.bulk is not None:
        found["bulk"] = None
    if _supports(config, "etag") is False and profile.versions:
        found["versions"] = False
    return found | _from_paging(config, profile)


def _from_paging(config: dict[str, Any], profile: Profile) -> dict[str, Any]:
    paging = member(config, "pagination")
    paging = paging if isinstance(paging, dict) else {}
    found: dict[str, Any] = {}
    by_cursor, by_index = _truth(member(paging, "cursor")), _truth(member(paging, "index"))
    if by_cursor and by_index is False and profile.paging.style == "index":
        found["paging.style"] = "cursor"
    if by_index and by_cursor is False and profile.paging.style == "cursor":
        found["paging.style"] = "index"
    most = _number(member(paging, "maxPageSize")), _number(_inside(config, "filter", "maxResults"))
    smallest = min((each for each in most if each), default=None)
    if smallest is not None and smallest < profile.paging.count:
        found["paging.count"] = smallest
    return found


def _from_types(types: Any, profile: Profile) -> dict[str, Any]:
    """Where users and groups are, if that is a plain path and the profile has no place of its own (RFC 7643 6)."""
    found: dict[str, Any] = {}
    for kind, key, usual in (("user", "users", "/Users"), ("group", "groups", "/Groups")):
        now = profile.users.endpoint if kind == "user" else profile.groups.endpoint
        for each in _resources(types):
            schema = str(member(each, "schema") or "").lower()
            place = member(each, "endpoint")
            if schema != f"{_CORE}{kind}".lower() or not isinstance(place, str):
                continue
            path = "/" + place.strip("/")
            if now == usual and path.count("/") == 1 and path.replace("/", "").isalnum() and path != usual:
                found[f"{key}.endpoint"] = path
    return found


def _attributes(schemas: Any) -> dict[str, dict[str, bool]]:
    """What the schemas have of users and of groups; extensions count for both."""
    own: dict[str, dict[str, bool]] = {}
    more: dict[str, bool] = {}
    for schema in _resources(schemas):
        name, listed = str(member(schema, "id") or ""), member(schema, "attributes")
        if not name or not isinstance(listed, list):
            continue
        kind = {f"{_CORE}user".lower(): "User", f"{_CORE}group".lower(): "Group"}.get(name.lower())
        writable = {
            str(member(each, "name")).lower(): str(member(each, "mutability") or "").lower() != "readonly"
            for each in listed
            if isinstance(each, dict) and member(each, "name")
        }
        if kind and writable:
            own[kind] = writable | dict.fromkeys(_COMMON, True)
        else:
            more |= {f"{name.lower()}:{attribute}": free for attribute, free in writable.items()}
    return {kind: {**attributes, **more} for kind, attributes in own.items()}


def _supports(config: dict[str, Any], feature: str) -> bool | None:
    """None: it does not say."""
    return _truth(_inside(config, feature, "supported"))


def _inside(config: dict[str, Any], name: str, sub: str) -> Any:
    node = member(config, name)
    return member(node, sub) if isinstance(node, dict) else None


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(str(value).strip().lower())


def _number(value: Any) -> int | None:
    text = str(value).strip()
    return int(text) if not isinstance(value, bool) and text.isascii() and text.isdigit() and int(text) > 0 else None


def _nested(found: Mapping[str, Any]) -> dict[str, Any]:
    """{"users.update": "put"} as {"users": {"update": "put"}}."""
    nested: dict[str, Any] = {}
    for key, value in found.items():
        *above, last = key.split(".")
        node = nested
        for name in above:
            node = node.setdefault(name, {})
        node[last] = value
    return nested
