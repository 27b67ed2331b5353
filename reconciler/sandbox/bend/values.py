"""Attributes: what is refused, what is stored of them, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.sandbox.faults import Faults
from reconciler.sandbox.refusal import Refusal, invalid_value
from reconciler.sandbox.schema import ENTERPRISE, Kind
from reconciler.sandbox.store import Resource

_SHOWN: Final = frozenset({"dropActive", "textActive", "allInactive", "unassigned", "noGroups", "noLocation"})
_OPTIONAL: Final = ("title", "nickName", "preferredLanguage", "timezone", "externalId", "displayName")


def bends_documents(faults: Faults) -> bool:
    return faults.any(*_SHOWN)


def bend_document(faults: Faults, document: dict[str, Any]) -> dict[str, Any]:
    """What the faults make of a resource as clients see it."""
    if "active" in document:
        _bend_active(faults, document)
    if "noGroups" in faults:
        document.pop("groups", None)
    if "noLocation" in faults and "meta" in document:
        document["meta"].pop("location", None)
    for how in faults.names("unassigned"):
        for name in _OPTIONAL:
            document.setdefault(name, None if how == "null" else "")
    return document


def _bend_active(faults: Faults, document: dict[str, Any]) -> None:
    if "allInactive" in faults:
        document["active"] = False
    if "textActive" in faults:
        document["active"] = str(document["active"])
    if "dropActive" in faults:
        del document["active"]


def refuse_seat(faults: Faults, users: Iterable[Resource], data: dict[str, Any], before: Resource | None) -> None:
    """Raises Refusal if `data` makes one more user active than there are seats."""
    active = data.get("active") is True and not (before is not None and before.data.get("active") is True)
    if active and any(sum(1 for u in users if u.data.get("active")) >= seats for seats in faults.numbers("seats")):
        raise invalid_value("There are no more seats in this organization")


def without_unknown(faults: Faults, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
    """A whole resource without what the server was told not to know. Raises Refusal if it minds."""
    unknown = faults.names("unknown")
    if "refuseUnknown" in faults:
        for name in body:
            if name.casefold() in unknown or not _is_known(kind, name):
                raise Refusal(400, f"there is no attribute {name}", "invalidSyntax")
    return {name: value for name, value in body.items() if name.casefold() not in unknown}


def refuse_unknown(faults: Faults, name: str) -> None:
    """Raises Refusal for a path to what the server was told not to know."""
    if name.casefold() in faults.names("unknown"):
        raise Refusal(400, f"there is no attribute {name}", "invalidPath")


def unknown_kept(faults: Faults, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of a body beside the attributes that the server knows."""
    if "keepUnknown" not in faults:
        return {}
    return {name: value for name, value in body.items() if not _is_known(kind, name)}


def _is_known(kind: Kind, name: str) -> bool:
    return name.lower() == "schemas" or name.lower() in kind.attributes or name.lower() in kind.extensions


def bend_data(faults: Faults, data: dict[str, Any], before: Resource | None) -> None:
    """What the faults make of attributes that are about to be stored."""
    if not faults:
        return
    dropped = {n for n in data if n.casefold() in faults.names("notKept")}
    if "dropEnterprise" in faults:
        dropped |= {ENTERPRISE} & data.keys()
    for name in dropped:
        del data[name]
        if before is not None and name in before.data:
            data[name] = before.data[name]
    _drop_below(faults.names("drops"), data)
    if "lowerCase" in faults:
        _each_address(data, str.lower)
    if "lowerDomains" in faults:
        _each_address(data, _with_lower_domain)
    _compute(faults, data)


def _drop_below(names: frozenset[str], data: dict[str, Any]) -> None:
    for value in data.values() if names else ():
        for element in value if isinstance(value, list) else ():
            for name in names & element.keys() if isinstance(element, dict) else ():
                del element[name]


def _each_address(data: dict[str, Any], change: Any) -> None:
    if "userName" in data:
        data["userName"] = change(data["userName"])
    for email in data.get("emails", ()):
        if "value" in email:
            email["value"] = change(email["value"])


def _with_lower_domain(address: str) -> str:
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{domain.lower()}" if at else address


def _compute(faults: Faults, data: dict[str, Any]) -> None:
    name = data.get("name", {})
    whole = " ".join(name[part] for part in ("givenName", "familyName") if name.get(part))
    if not whole:
        return
    if "computes=displayName" in faults:
        data["displayName"] = whole
    if "computes=formatted" in faults:
        data["name"] = {**name, "formatted": whole}
