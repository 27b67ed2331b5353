"""What is known of attributes that mappings may write: SCIM's own schemas (RFC 7643 sections 4.1, 4.2 and 4.3), and
what a profile says of an application's own.

Attributes that neither knows have no entry: whatever fits into JSON flows to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from reconciler.model.path import AttributePath

Type: TypeAlias = Literal["string", "boolean", "integer", "decimal", "date", "dateTime", "reference", "complex"]
"""Those of RFC 7643 section 2.3. A reference is one to a person's account; `date` is text, YYYY-MM-DD; binary values
and references to anything else are strings."""

_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"
_ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user"


@dataclass(frozen=True, slots=True)
class Attribute:
    type: Type
    multi_valued: bool = False
    read_only: bool = False


Schema: TypeAlias = Mapping[str, Attribute]
"""`AttributePath.full_name` → what it is."""
_NOTHING: Final[Schema] = {}


_STRINGS = [
    "userName", "name.formatted", "name.familyName", "name.givenName", "name.middleName", "name.honorificPrefix",
    "name.honorificSuffix", "displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage",
    "locale", "timezone", "externalId",
]  # fmt: skip
_MULTI = ["emails", "phoneNumbers", "ims", "photos", "addresses", "entitlements", "roles", "x509Certificates"]
_ADDRESS = ["formatted", "streetAddress", "locality", "region", "postalCode", "country"]

_USER: Final = {
    **{name: Attribute("string") for name in _STRINGS},
    "active": Attribute("boolean"),
    "name": Attribute("complex"),
    **{name: Attribute("complex", multi_valued=True) for name in _MULTI},
    **{f"{name}.{sub}": Attribute("string") for name in _MULTI for sub in ("value", "display", "type")},
    **{f"{name}.primary": Attribute("boolean") for name in _MULTI},
    **{f"addresses.{sub}": Attribute("string") for sub in _ADDRESS},
}
_GROUP: Final = {
    "displayName": Attribute("string"),
    "externalId": Attribute("string"),
    "members": Attribute("complex", multi_valued=True),
}
USER: Final[Schema] = {name.lower(): attribute for name, attribute in _USER.items()}
GROUP: Final[Schema] = {name.lower(): attribute for name, attribute in _GROUP.items()}
ENTERPRISE: Final[dict[str, Attribute]] = {
    **{
        name.lower(): Attribute("string")
        for name in ("employeeNumber", "costCenter", "organization", "division", "department")
    },
    "manager.value": Attribute("reference"),
}

READ_ONLY: Final[dict[str, str]] = {
    "id": "the application gives it (RFC 7643 section 3.1)",
    "meta": "the application keeps it (RFC 7643 section 3.1)",
    "schemas": "it follows from the other mappings",
}
"""Targets that no mapping may write → why. Of users and of groups."""
READ_ONLY_USER: Final[dict[str, str]] = {
    **READ_ONLY,
    "groups": "membership is written through groups (RFC 7643 section 4.1.2)",
    "members": "only groups have members",
    "password": "a password never stands in files",
}


def describe(path: AttributePath, *, group: bool = False, schema: Schema = _NOTHING) -> Attribute | None:
    """What is said of a target, by the profile's `schema` first; None where nothing is."""
    if (own := schema.get(path.full_name)) is not None:
        return own
    if path.urn.lower() == _ENTERPRISE:
        return ENTERPRISE.get(path.schema_name)
    if not is_core(path):
        return None
    return (GROUP if group else USER).get(path.schema_name)


def refusal(path: AttributePath, *, group: bool = False, schema: Schema = _NOTHING) -> str:
    """Why a mapping may not write this target; empty if it may."""
    of_the_other = f"{_CORE}{'user' if group else 'group'}:"
    if path.text.lower().startswith(of_the_other):
        return f"it is an attribute of {'users' if group else 'groups'}"
    own = schema.get(path.full_name)
    if own is not None and own.read_only:
        return "the application computes it (`schema` of its profile)"
    if is_manager(path) and path.schema_name != "manager.value":
        return "it follows from the manager's id (RFC 7643 section 4.3)"
    if not is_core(path):
        return ""
    return (READ_ONLY if group else READ_ONLY_USER).get(path.name.lower(), "")


def core_names(*, group: bool = False) -> tuple[str, ...]:
    """Targets of SCIM's own schema, as RFC 7643 spells them."""
    return tuple(_GROUP if group else _USER)


def is_core(path: AttributePath) -> bool:
    """Of the User or Group schema itself, whose URN may be left out (RFC 7644 section 3.10)."""
    return not path.urn or path.urn.lower().startswith(_CORE)


def is_active(path: AttributePath) -> bool:
    return is_core(path) and path.schema_name == "active" and not path.key


def is_manager(path: AttributePath) -> bool:
    """The enterprise extension's, or a part of it."""
    return path.urn.lower() == _ENTERPRISE and path.name.lower() == "manager"
