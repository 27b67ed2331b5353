"""/ServiceProviderConfig, /ResourceTypes and /Schemas (RFC 7643 sections 5 to 7, RFC 9865 section 4)."""

from __future__ import annotations

from typing import Any, Final

from reconciler.sandbox.listing import LIST
from reconciler.sandbox.refusal import Refusal
from reconciler.sandbox.schema import Kind
from reconciler.sandbox.store import Store

_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0"


def find(store: Store, endpoint: str, identifier: str | None) -> dict[str, Any] | None:
    """What stands at one of the three endpoints; None if the server has no such endpoint. Raises Refusal 404."""
    habits, path = store.habits, f"/{endpoint}"
    if path == habits.configuration and identifier is None:
        return _configuration(store)
    if path == habits.resource_types:
        return _one_or_all([_resource_type(store, kind) for kind in _kinds(store)], identifier)
    if path == habits.schemas:
        return _one_or_all([_schema(store, d) for kind in _kinds(store) for d in kind.documents], identifier)
    return None


def _kinds(store: Store) -> list[Kind]:
    return [kind for kind in store.kinds.values() if kind.name == "User" or store.habits.groups_endpoint]


def _one_or_all(documents: list[dict[str, Any]], identifier: str | None) -> dict[str, Any]:
    if identifier is None:
        return {
            "schemas": [LIST],
            "totalResults": len(documents),
            "itemsPerPage": len(documents),
            "startIndex": 1,
            "Resources": documents,
        }
    for document in documents:
        if document["id"].lower() == identifier.lower():
            return document
    raise Refusal(404, f"there is no {identifier}")


def _configuration(store: Store) -> dict[str, Any]:
    habits = store.habits
    return {
        "schemas": [f"{_CORE}:ServiceProviderConfig"],
        "patch": {"supported": habits.user_update != "put"},
        "bulk": {
            "supported": habits.bulk,
            "maxOperations": habits.bulk_operations,
            "maxPayloadSize": habits.bulk_bytes,
        },
        "filter": {"supported": True, "maxResults": habits.page_cap},
        "changePassword": {"supported": False},
        "sort": {"supported": habits.sorts},
        "etag": {"supported": habits.etags},
        "pagination": {
            "cursor": habits.cursors,
            "index": habits.indexes,
            "defaultPaginationMethod": "index" if habits.indexes else "cursor",
            "defaultPageSize": habits.page_size,
            "maxPageSize": habits.page_cap,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "Authorization: Bearer, with any token unless the sandbox was given one",
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{store.base_url}/ServiceProviderConfig"},
    }


def _resource_type(store: Store, kind: Kind) -> dict[str, Any]:
    document: dict[str, Any] = {
        "schemas": [f"{_CORE}:ResourceType"],
        "id": kind.name,
        "name": kind.name,
        "endpoint": f"/{kind.endpoint}",
        "schema": kind.urn,
        "meta": {"resourceType": "ResourceType", "location": f"{store.base_url}/ResourceTypes/{kind.name}"},
    }
    if kind.extensions:
        document["schemaExtensions"] = [{"schema": urn, "required": False} for urn, _ in kind.extensions.values()]
    return document


def _schema(store: Store, schema: dict[str, Any]) -> dict[str, Any]:
    location = f"{store.base_url}/Schemas/{schema['id']}"
    return {**schema, "schemas": [f"{_CORE}:Schema"], "meta": {"resourceType": "Schema", "location": location}}
