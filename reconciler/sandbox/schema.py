"""The attributes that each kind of resource has, from the schemas that RFC 7643 section 8.7 publishes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from scim2_models import EnterpriseUser, Group, User

from reconciler.model.path import parse_path
from reconciler.sandbox.habits import Habits, KindName

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

_HOOTSUITES = (
    "userName",
    "name",
    "emails",
    "displayName",
    "timezone",
    "preferredLanguage",
    "title",
    "groups",
    "active",
)
_HOOTSUITES_SUBS = {"name": ("givenName", "familyName"), "emails": ("primary", "value", "type")}


@dataclass(frozen=True, slots=True)
class Attribute:
    """RFC 7643 section 2.2. `subs` by lower-case name."""

    name: str
    type: str = "string"
    multi: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    subs: dict[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource type. `attributes` by lower-case name; `extensions` by lower-case URN, with the URN as written."""

    name: KindName
    endpoint: str
    urn: str
    attributes: dict[str, Attribute]
    extensions: dict[str, tuple[str, dict[str, Attribute]]]
    documents: tuple[dict[str, Any], ...]
    """The Schema resources (RFC 7643 section 7), the core one first."""


_COMMON = (
    Attribute("id", case_exact=True, mutability="readOnly", returned="always"),
    Attribute(
        "meta",
        "complex",
        mutability="readOnly",
        subs={
            "resourcetype": Attribute("resourceType", case_exact=True, mutability="readOnly"),
            "created": Attribute("created", "dateTime", mutability="readOnly"),
            "lastmodified": Attribute("lastModified", "dateTime", mutability="readOnly"),
            "location": Attribute("location", "reference", case_exact=True, mutability="readOnly"),
            "version": Attribute("version", case_exact=True, mutability="readOnly"),
        },
    ),
)
EXTERNAL_ID: Final = Attribute("externalId", case_exact=True)


@lru_cache
def kinds(habits: Habits) -> dict[KindName, Kind]:
    """The resource types of a server with these habits."""
    user = _published(User)
    if habits.small_user:
        user = {**user, "attributes": [_small(a) for a in user["attributes"] if a["name"] in _HOOTSUITES]}
    group = _published(Group)
    if not habits.small_user:
        group = {
            **group,
            "attributes": [_as_published(a) if a["name"] == "members" else a for a in group["attributes"]],
        }
    extensions = {} if habits.small_user else {ENTERPRISE.lower(): (ENTERPRISE, _published(EnterpriseUser))}
    for path, type_, multi, read_only in habits.attributes:
        target = parse_path(path)
        own = _own(target.name, type_, multi, read_only)
        if not target.urn or target.urn.lower() == USER.lower():
            user = {**user, "attributes": [*user["attributes"], own]}
            continue
        empty = {"id": target.urn, "name": target.urn.rpartition(":")[2], "attributes": []}
        written, document = extensions.get(target.urn.lower(), (target.urn, empty))
        extended = {**document, "attributes": [*document["attributes"], own]}
        extensions = {**extensions, target.urn.lower(): (written, extended)}
    return {
        "User": _kind("User", USER, user, extensions, habits.user_external_id, habits.users_endpoint),
        "Group": _kind("Group", GROUP, group, {}, True, habits.groups_endpoint or "/Groups"),
    }


def _own(name: str, type_: str, multi: bool, read_only: bool) -> dict[str, Any]:
    """An attribute of the application's own, as schemas write it."""
    return {
        "name": name,
        "type": "string" if type_ in ("date", "reference") else type_,
        "multiValued": multi,
        "required": False,
        "caseExact": True,
        "mutability": "readOnly" if read_only else "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }


def _kind(
    name: KindName, urn: str, schema: dict[str, Any], extensions: dict[str, tuple[str, dict[str, Any]]],
    external_id: bool, endpoint: str,
) -> Kind:  # fmt: skip
    own = _table(schema["attributes"])
    common = {a.name.lower(): a for a in (*_COMMON, *((EXTERNAL_ID,) if external_id else ()))}
    return Kind(
        name,
        endpoint.strip("/"),
        urn,
        {**common, **own},
        {key: (written, _table(document["attributes"])) for key, (written, document) in extensions.items()},
        (schema, *(document for _, document in extensions.values())),
    )


def _published(model: type[User[Any] | Group | EnterpriseUser]) -> dict[str, Any]:
    return model.to_schema().model_dump(mode="json", by_alias=True, exclude_none=True)


def _small(attribute: dict[str, Any]) -> dict[str, Any]:
    keep = _HOOTSUITES_SUBS.get(attribute["name"])
    if keep is None:
        return attribute
    return {**attribute, "subAttributes": [s for s in attribute["subAttributes"] if s["name"] in keep]}


def _as_published(members: dict[str, Any]) -> dict[str, Any]:
    """RFC 7643 section 8.7.1 lists no `display` of a member."""
    return {**members, "subAttributes": [s for s in members["subAttributes"] if s["name"] != "display"]}


def _table(attributes: list[dict[str, Any]]) -> dict[str, Attribute]:
    return {
        a["name"].lower(): Attribute(
            a["name"],
            a["type"],
            a["multiValued"],
            a.get("caseExact", False),
            a.get("mutability", "readWrite"),
            a.get("returned", "default"),
            _table(a.get("subAttributes", [])),
        )
        for a in attributes
    }
