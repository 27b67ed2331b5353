"""Bodies become what is stored: names in their right case, values of the right type, nothing read-only."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.refusal import invalid_syntax, invalid_value
from reconciler.sandbox.schema import Attribute, Kind

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "reference": (str,),
    "dateTime": (str,),
    "binary": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "decimal": (int, float),
}


def accept(kind: Kind, body: Any, *, schemas_required: bool) -> dict[str, Any]:
    """The writable attributes of a body that describes a whole resource.

    Read-only attributes and unknown ones are dropped (RFC 7644 section 3.3), null and [] are unassigned
    (RFC 7643 section 2.5). Raises Refusal: invalidSyntax or invalidValue.
    """
    if not isinstance(body, dict):
        raise invalid_syntax("the body must be a JSON object")
    schemas = next((value for key, value in body.items() if key.lower() == "schemas"), None)
    listed = {str(urn).lower() for urn in schemas} if isinstance(schemas, list) else set()
    if schemas_required and kind.urn.lower() not in listed:
        raise invalid_syntax(f"schemas must contain {kind.urn}")
    taken = _accept_table(kind.attributes, body, "")
    for key, value in body.items():
        extension = kind.extensions.get(key.lower())
        if extension and value:
            urn, table = extension
            if not isinstance(value, dict):
                raise invalid_value(f"{urn} must be an object")
            if inner := _accept_table(table, value, f"{urn}:"):
                taken[urn] = inner
    return taken


def accept_value(attribute: Attribute, value: Any, where: str) -> Any:
    """One attribute's value in the form that is stored; None if it is unassigned. Raises Refusal."""
    if not attribute.multi:
        return _accept_one(attribute, value, where)
    elements = value if isinstance(value, list) else [value]
    taken = [e for e in (_accept_one(attribute, element, where) for element in elements) if e is not None]
    if sum(1 for e in taken if isinstance(e, dict) and e.get("primary") is True) > 1:
        raise invalid_value(f"{where}: more than one element is primary")
    return taken or None


def _accept_one(attribute: Attribute, value: Any, where: str) -> Any:
    if value is None:
        return None
    if attribute.type == "complex":
        if not isinstance(value, dict):
            raise invalid_value(f"{where} must be an object")
        return _accept_table(attribute.subs, value, f"{where}.") or None
    right = _TYPES[attribute.type]
    if not isinstance(value, right) or (isinstance(value, bool) and bool not in right):
        raise invalid_value(f"{where} must be a {attribute.type}")
    return value


def _accept_table(table: dict[str, Attribute], body: dict[str, Any], prefix: str) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    for key, value in body.items():
        attribute = table.get(key.lower())
        if attribute is None or attribute.mutability == "readOnly":
            continue
        accepted = accept_value(attribute, value, f"{prefix}{attribute.name}")
        if accepted is not None and attribute.returned != "never":
            taken[attribute.name] = accepted
    return taken
