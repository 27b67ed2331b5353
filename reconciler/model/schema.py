"""What SCIM's own schemas say of attributes that mappings may write (RFC 7643 sections 4.1, 4.2 and 4.3).

Attributes that no schema here knows (an application's own) have no entry: whatever fits into JSON flows to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from reconciler.model.path import AttributePath

Type: TypeAlias = Literal["string", "boolean", "complex"]

_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"
_ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user"


@dataclass(frozen=True, slots=True)
class Attribute:
    type: Type
    multi_valued: bool = False


_STRINGS = [
    "userName", "name.formatted", "name.familyName", "name.givenName", "name.middleName", "name.honorificPrefix",
    "name.honorificSuffix", "displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage",
    "locale", "timezone", "externalId",
]  # fmt: skip
_MULTI = ["emails", "phoneNumbers", "ims", "photos", "addresses", "entitlements", "roles", "x509Certificates"]
_ADDRESS = ["formatted", "streetAddress", "locality", "region", "postalCode", "country", "type"]

USER: Final[dict[str, Attribute]] = {
    **{name.lower(): Attribute("string") for name in _STRINGS},
    "active": Attribute("boolean"),
    "name": Attribute("complex"),
    **{name.lower(): Attribute("complex", multi_valued=True) for name in _MULTI},
    **{f"{name.lower()}.{sub}": Attribute("string") for name in _MULTI for sub in ("value", "display", "type")},
    **{f"{name.lower()}.primary": Attribute("boolean") for name in _MULTI},
    **{f"addresses.{sub.lower()}": Attribute("string") for sub in _ADDRESS},
}
"""Lower-case path without value filter → what it is."""
GROUP: Final[dict[str, Attribute]] = {
    "displayname": Attribute("string"),
    "externalid": Attribute("string"),
    "members": Attribute("complex", multi_valued=True),
}
ENTERPRISE: Final[dict[str, Attribute]] = {
    name.lower(): Attribute("string")
    for name in ("employeeNumber", "costCenter", "organization", "division", "department")
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


def describe(path: AttributePath, *, group: bool = False) -> Attribute | None:
    """The schema's word on a target; None where it has none."""
    if path.urn.lower() == _ENTERPRISE:
        return ENTERPRISE.get(path.schema_name)
    if not is_core(path):
        return None
    return (GROUP if group else USER).get(path.schema_name)


def refusal(path: AttributePath, *, group: bool = False) -> str:
    """Why a mapping may not write this target; empty if it may."""
    if not is_core(path):
        return ""
    return (READ_ONLY if group else READ_ONLY_USER).get(path.name.lower(), "")


def is_core(path: AttributePath) -> bool:
    """Of the User or Group schema itself, whose URN may be left out (RFC 7644 section 3.10)."""
    return not path.urn or path.urn.lower().startswith(_CORE)


def is_active(path: AttributePath) -> bool:
    return is_core(path) and path.schema_name == "active" and not path.key


def is_manager(path: AttributePath) -> bool:
    return path.urn.lower() == _ENTERPRISE and path.name.lower() == "manager"
