"""What a server says of itself (RFC 7644 section 4), with tolerance for every broken form of it.

It corrects the profile only where that is safe: a smaller page, a missing verb, a place. What it says of its own
abilities is not believed otherwise: servers claim filters and versions that they do not have.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.errors import ReconcilerError
from reconciler.http import Client
from reconciler.live.judge import accept
from reconciler.model.discovered import Discovered
from reconciler.model.path import member
from reconciler.model.profile import Discovery, Profile

_PATIENCE: Final = 10.0
"""Seconds for each of the three questions: nobody waits for a server that does not know what it is."""
_LEAST: Final = 10
"""A smaller page is not believed: a server that means it gives fewer rows, whatever is asked."""
_DIGITS: Final = 16  # of a number that somebody means
_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"
_COMMON: Final = ("id", "externalid", "meta", "schemas")  # of every resource (RFC 7643 section 3.1)


async def discover(client: Client, profile: Profile, over: Mapping[str, Any]) -> Discovered:
    """Asks for what the profile names a place for, side by side, each once. Never fails: a server that does not
    answer, or in no form that can be read, has said nothing. `over` is the app's own `profile:`, whose word stands
    unless it asks for more than the server has.
    """
    places: Discovery = profile.discovery
    config, types, schemas = await asyncio.gather(
        _ask(client, places.service_provider_config),
        _ask(client, places.resource_types),
        _ask(client, places.schemas),
    )
    found = {**_from_configuration(_one(config), profile), **_from_types(types, profile)}
    return Discovered.of(profile, found, over, _attributes(schemas))


async def _ask(client: Client, path: str | None) -> Any:
    if path is None:
        return None
    try:
        async with asyncio.timeout(_PATIENCE):
            return accept(await client.send("GET", path, attempts=1))
    except (ReconcilerError, TimeoutError):
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
        found["users.update"] = "put"
        if profile.groups.read_members in {"inLists", "byId"}:
            found |= {"groups.update": "put", "groups.members": "put"}
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
    smallest = min((each for each in most if each is not None and each >= _LEAST), default=None)
    if smallest is not None and smallest < profile.paging.count:
        found["paging.count"] = smallest
    return found


def _from_types(types: Any, profile: Profile) -> dict[str, Any]:
    """Where users and groups are, if that is a plain path and the profile has no place of its own (RFC 7643 6)."""
    found: dict[str, Any] = {}
    for kind, key, now, usual in (
        ("user", "users", profile.users.endpoint, "/Users"),
        ("group", "groups", profile.groups.endpoint, "/Groups"),
    ):
        places = {
            f"/{place.strip('/')}"
            for each in _resources(types)
            if str(member(each, "schema")).lower() == f"{_CORE}{kind}".lower()
            and isinstance(place := member(each, "endpoint"), str)
        }
        path = places.pop() if len(places) == 1 else usual
        if now == usual != path and re.fullmatch(r"/[A-Za-z0-9]+", path):
            found[f"{key}.endpoint"] = path
    return found


def _attributes(schemas: Any) -> dict[str, dict[str, bool]]:
    """What the schemas have of users and of groups; extensions count for both."""
    own: dict[str, dict[str, bool]] = {}
    more: dict[str, bool] = {}
    for schema in _resources(schemas):
        name, writable = str(member(schema, "id") or "").lower(), _writable(member(schema, "attributes"))
        kind = {f"{_CORE}user".lower(): "User", f"{_CORE}group".lower(): "Group"}.get(name)
        if kind and writable:
            own[kind] = writable | dict.fromkeys(_COMMON, True)
        elif name:
            more |= {f"{name}:{attribute}": free for attribute, free in writable.items()}
    return {kind: {**attributes, **more} for kind, attributes in own.items()}


def _writable(listed: Any, above: str = "") -> dict[str, bool]:
    """Name, of sub-attributes behind that of their attribute → whether a client may write it (RFC 7643 section 7)."""
    found: dict[str, bool] = {}
    for each in listed if isinstance(listed, list) else ():
        if not isinstance(each, dict) or not isinstance(name := member(each, "name"), str) or not name:
            continue
        path = f"{above}{name.lower()}"
        found[path] = str(member(each, "mutability")).lower() != "readonly"
        if not above:
            found |= _writable(member(each, "subAttributes"), f"{path}.")
    return found


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
    text = "" if isinstance(value, bool) else str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else None
