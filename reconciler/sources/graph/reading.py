"""Graph is read: who is assigned, then groups, then people, so that whoever is named is there when they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import GraphError, IncompleteRead
from reconciler.http import Client, ClientCredentials
from reconciler.sources.graph.api import Graph, LinkTooOld, Row
from reconciler.sources.graph.clouds import Cloud
from reconciler.sources.graph.delta import lay_groups, lay_users
from reconciler.sources.graph.fields import text_of
from reconciler.sources.graph.kept import Kept, Scope, is_key

if TYPE_CHECKING:
    import httpx

Progress = Callable[[str, int, int | None], None]

_ATTEMPTS: Final = 8
"""Of one request: Graph asks those to wait who ask for much, and a tenant is not read in one minute."""
_CONCURRENCY: Final = 4
_NO_ROLE: Final = "00000000-0000-0000-0000-000000000000"
_USERS: Final = "User.Read.All"
_GROUPS: Final = "GroupMember.Read.All"
_APPS: Final = "Application.Read.All"


@dataclass(frozen=True, slots=True)
class Which:
    """The application whose assignments are read: one of its two ids, or neither."""

    app_id: str = ""
    service_principal: str = ""

    @property
    def path(self) -> str:
        return (
            f"servicePrincipals(appId='{self.app_id}')"
            if self.app_id
            else f"servicePrincipals/{self.service_principal}"
        )


@dataclass(frozen=True, slots=True)
class Assignment:
    principal: str
    kind: str
    """`User`, `Group`, or what else Graph says."""
    role: str
    """Its value; "": none."""


@dataclass(slots=True)
class Reading:
    kept: Kept
    assigned: list[Assignment] = field(default_factory=list)
    app: str = ""
    """The application's name at Microsoft; may be hostile."""
    full: bool = True
    """Everything was read, not only what changed."""
    notes: list[str] = field(default_factory=list)


@asynccontextmanager
async def connected(
    cloud: Cloud,
    tenant: str,
    client_id: str,
    *,
    secret: str | None = None,
    key: str | None = None,
    certificate: str | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Graph]:
    """Graph, with client credentials: a secret, or a private key and its certificate (both PEM)."""
    credentials = ClientCredentials(
        cloud.token_url(tenant),
        client_id,
        secret=secret,
        private_key=key,
        certificate=certificate,
        scope=cloud.scope,
        secret_in="body",  # noqa: S106  a place, no secret
    )
    async with Client(
        cloud.base,
        oauth=credentials,
        content_type="application/json",
        concurrency=_CONCURRENCY,
        attempts=_ATTEMPTS,
        transport=transport,
    ) as client:
        yield Graph(client, cloud.base)


async def read(graph: Graph, scope: Scope, kept: Kept | None, which: Which | None, progress: Progress) -> Reading:
    """What changed since `kept`, laid over it; everything where there is none, or Graph knows it no more.

    `kept` is changed: it may be saved only if this returns. Raises GraphError, IncompleteRead and TransportError.
    """
    reading = Reading(kept or Kept(), full=kept is None or not (kept.users_link and kept.groups_link))
    if which is not None:
        await _assigned(graph, which, reading, progress)
    try:
        await _lists(graph, scope, reading.kept, progress)
    except (LinkTooOld, IncompleteRead) as error:
        if reading.full and not isinstance(error, LinkTooOld):
            raise
        if not reading.full:
            reading.notes.append("Graph knows no more what was read last time: everything is read again")
        reading.kept, reading.full = _forgotten(reading.kept), True
        await _again(graph, scope, reading.kept, progress)
    return reading


def _forgotten(kept: Kept) -> Kept:
    """All but the ids that were given."""
    return Kept(user_ids=kept.user_ids, group_ids=kept.group_ids)


async def _again(graph: Graph, scope: Scope, kept: Kept, progress: Progress) -> None:
    try:
        await _lists(graph, scope, kept, progress)
    except LinkTooOld as error:
        raise GraphError(
            f"{graph.base}: Graph forgets its own links while they are read",
            hint="run again later",
            status=410,
        ) from error


async def _lists(graph: Graph, scope: Scope, kept: Kept, progress: Progress) -> None:
    for what, fields, permission, held, lay, link in (
        ("groups", scope.groups, _GROUPS, kept.groups, lay_groups, kept.groups_link),
        ("users", scope.users, _USERS, kept.users, lay_users, kept.users_link),
    ):
        params = {"$select": ",".join(fields)}
        done, last = 0, ""
        async for page in graph.pages(f"{what}/delta", params, permission=permission, link=link, delta=True):
            lay(held, page.rows)
            done, last = done + len(page.rows), page.delta
            progress(what, done, None)
        if what == "groups":
            kept.groups_link = last
        else:
            kept.users_link = last


async def _assigned(graph: Graph, which: Which, reading: Reading, progress: Progress) -> None:
    found = await graph.one(which.path, {"$select": "id,displayName,appRoles"}, permission=_APPS)
    identity = found.get("id")
    if not is_key(identity):
        raise IncompleteRead("Graph gave a service principal without an id", hint="run again")
    reading.app = text_of(found, "displayName")
    roles = {text_of(role, "id"): role for role in _objects(found.get("appRoles"))}
    path = f"servicePrincipals/{identity}/appRoleAssignedTo"
    done = 0
    async for page in graph.pages(path, {"$top": "999"}, permission=_APPS):
        for row in page.rows:
            principal, role = row.get("principalId"), text_of(row, "appRoleId")
            if not is_key(principal):
                raise IncompleteRead("Graph gave an assignment to nobody", hint="run again")
            value = "" if role == _NO_ROLE else text_of(roles.get(role, {}), "value")
            reading.assigned.append(Assignment(str(principal), text_of(row, "principalType"), value))
        done += len(page.rows)
        progress("assignments", done, None)


def _objects(given: Any) -> Iterable[Row]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
