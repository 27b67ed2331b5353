"""From `target path → value` to what goes over the wire: bodies of POST and PUT, operations of PATCH.

Only what is given is written. A PUT is an edit of what the server holds, so that attributes nobody mapped survive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from reconciler.live.rows import truth
from reconciler.model.path import AttributePath, member, parse_path
from reconciler.model.values import Value, is_null

Body: TypeAlias = dict[str, Any]
Resource: TypeAlias = dict[str, Any]

CORE: Final[dict[str, str]] = {
    "user": "urn:ietf:params:scim:schemas:core:2.0:User",
    "group": "urn:ietf:params:scim:schemas:core:2.0:Group",
}
_PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_MULTI_VALUED: Final = frozenset(
    {"addresses", "emails", "entitlements", "ims", "phonenumbers", "photos", "roles", "x509certificates"}
)  # RFC 7643 section 4.1.2, lower-case
_READ_ONLY: Final = frozenset({"meta", "groups"})  # RFC 7643 sections 3.1 and 4.1.2: ignored in a PUT, refused by some


def create_body(
    kind: Literal["user", "group"],
    values: Mapping[str, Value],
    *,
    email_primary: bool = False,
    members: Sequence[str] = (),
) -> Body:
    """The body of a POST (RFC 7644 section 3.3). Null values are left out; `schemas` names exactly what is used."""
    content: Resource = {}
    for text, value in values.items():
        if not is_null(value):
            assign(content, parse_path(text), value)
    if members:
        content["members"] = [{"value": each} for each in members]
    if email_primary:
        mark_primary(content)
    urns = [key for key in content if key.lower().startswith("urn:")]
    return {"schemas": [CORE[kind], *urns], **content}


def replace_body(current: Resource, values: Mapping[str, Value], *, email_primary: bool = False) -> Body:
    """The body of a PUT (RFC 7644 section 3.5.1): `current` edited in place, without what the server alone sets."""
    content = {key: value for key, value in current.items() if key.lower() not in _READ_ONLY}
    edit(content, values)
    if email_primary and _touched(values, "emails"):
        mark_primary(content)
    schemas = list(member(content, "schemas") or [])
    known = {str(urn).lower() for urn in schemas}
    schemas += [key for key in content if key.lower().startswith("urn:") and key.lower() not in known]
    if schemas:
        content[_spelled(content, "schemas")] = schemas
    return content


def replace_members(current: Resource, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Body:
    """The body of a PUT that changes nothing but members; those who stay are echoed as they came."""
    content = replace_body(current, {})
    gone = set(remove)
    held = [each for each in member(content, "members") or [] if _member_id(each) not in gone]
    present = {_member_id(each) for each in held}
    content[_spelled(content, "members")] = [*held, *({"value": each} for each in add if each not in present)]
    return content


def patch(operations: Sequence[Body]) -> Body:
    """A PatchOp message (RFC 7644 section 3.5.2); operations are named in lower case, as the RFC does."""
    return {"schemas": [_PATCH_OP], "Operations": list(operations)}


def operations_by_path(
    values: Mapping[str, Value], current: Resource | None = None, *, email_primary: bool = False
) -> list[Body]:
    """One operation for each path. Paths with a filter need `current`: what is not there can't be replaced
    (noTarget, RFC 7644 section 3.5.2.3), so missing elements are added, whole.
    """
    operations: list[Body] = []
    fresh: dict[str, Resource] = {}
    for text, value in values.items():
        path = parse_path(text)
        if is_list(path) and path.sub and not path.key and not is_null(value) and current is not None:
            operations.append(_whole_list(current, path, value))
        elif path.key and not is_null(value) and current is not None and not _elements(current, path):
            _add_element(fresh, path, value)
        elif not is_null(value):
            operations.append({"op": "replace", "path": path.text, "value": wire_value(path, value)})
        elif current is None or not is_null(path.read(current)):
            operations.append({"op": "remove", "path": _removable(path)})
    for where, addition in fresh.items():
        if email_primary and where.lower() == "emails":
            has_one = any(_is_primary(e) for e in _list(current or {}, where))
            mark_primary(addition, taken=has_one)
        operations.append({"op": "add", "path": where, "value": next(iter(addition.values()))})
    return operations


def operation_without_path(
    values: Mapping[str, Value], current: Resource | None = None, *, email_primary: bool = False
) -> Body | None:
    """One `replace` with a nested value. Multi-valued attributes are sent as the whole edited list, so that what
    stands beside the edit survives: they need `current`. A cleared attribute is sent as null (RFC 7643 section 2.5).
    None: there is nothing to change.
    """
    value: Resource = {}
    for text, wanted in values.items():
        path = parse_path(text)
        if is_null(wanted) and current is not None and is_null(path.read(current)):
            continue
        if is_list(path):
            _copy_list(value, path, current or {})
            edit(value, {text: wanted})
        elif is_null(wanted):
            assign(value, path, None)
        else:
            assign(value, path, wanted)
    if email_primary and _touched(values, "emails"):
        mark_primary(value)
    return {"op": "replace", "value": value} if value else None


def needs_current(values: Mapping[str, Value]) -> bool:
    """Whether a PATCH of these has to look at the resource first."""
    return any(is_list(parse_path(text)) for text in values)


def is_list(path: AttributePath) -> bool:
    """Whether the path leads into a multi-valued attribute."""
    return bool(path.key) or (not path.urn and path.name.lower() in _MULTI_VALUED)


def edit(content: Resource, values: Mapping[str, Value]) -> None:
    """Write each value at its path; null removes what is there."""
    for text, value in values.items():
        path = parse_path(text)
        if is_null(value):
            erase(content, path)
        else:
            assign(content, path, value)


def assign(content: Resource, path: AttributePath, value: Value) -> None:
    """Write one value so that `path.read` gives it back: into the first matching element, the primary one first."""
    home = _home(content, path)
    name = _spelled(home, path.name)
    value = wire_value(path, value)
    if not path.key and not path.sub:
        home[name] = value
        return
    if not is_list(path):
        node = home.get(name)
        if not isinstance(node, dict | list):
            node = home[name] = {}
        if isinstance(node, dict):
            node[_spelled(node, path.sub)] = value
            return
    elements = _list(home, name)
    home[name] = elements
    matching = path.matching(elements) if path.key else [e for e in elements if isinstance(e, dict)]
    if matching:
        element = next((e for e in matching if _is_primary(e)), matching[0])
    else:
        element = {path.key: path.literal} if path.key else {}
        elements.append(element)
    if path.sub:
        element[_spelled(element, path.sub)] = value
    elif isinstance(value, dict):
        element.update(value)
    else:
        element["value"] = value


def erase(content: Resource, path: AttributePath) -> None:
    """Take away what `path.read` finds. An element without its `value` says nothing and goes as a whole."""
    home = member(content, path.urn) if path.urn else content
    if not isinstance(home, dict):
        return
    name = _spelled(home, path.name)
    if not path.key and not path.sub:
        home.pop(name, None)
    elif isinstance(home.get(name), dict) and not path.key:
        home[name].pop(_spelled(home[name], path.sub), None)
    elif name in home:
        elements = _list(home, name)
        matching = path.matching(elements) if path.key else [e for e in elements if isinstance(e, dict)]
        if not path.sub or path.sub.lower() == "value":
            home[name] = [e for e in elements if not any(e is gone for gone in matching)]
        else:
            for element in matching:
                element.pop(_spelled(element, path.sub), None)


def wire_value(path: AttributePath, value: Value) -> Any:
    """Tuples as lists; `active` and `primary` as real booleans, also where a mapping gave "True" or "False"."""
    leaf = (path.sub or path.name).lower()
    if isinstance(value, str) and leaf in {"active", "primary"} and value.strip().lower() in {"true", "false"}:
        return truth(value)
    return _thaw(value)


def mark_primary(content: Resource, *, taken: bool = False) -> None:
    """Give every e-mail a `primary`: true once (RFC 7643 section 2.4), where it is said already or on the first."""
    elements = [e for e in _list(content, _spelled(content, "emails")) if isinstance(e, dict)]
    taken = taken or any(_is_primary(e) for e in elements)
    for element in elements:
        if member(element, "primary") is None:
            element["primary"] = not taken
            taken = True


def _is_primary(element: Any) -> bool:
    return isinstance(element, dict) and str(member(element, "primary")).lower() == "true"


def _home(content: Resource, path: AttributePath) -> Resource:
    """The object that the attribute stands in: the resource, or one of its extensions."""
    if not path.urn:
        return content
    name = _spelled(content, path.urn)
    if not isinstance(content.get(name), dict):
        content[name] = {}
    extension: Resource = content[name]
    return extension


def _elements(current: Resource, path: AttributePath) -> list[Resource]:
    home = member(current, path.urn) if path.urn else current
    return path.matching(member(home, path.name)) if isinstance(home, dict) else []


def _add_element(fresh: dict[str, Resource], path: AttributePath, value: Value) -> None:
    """Several paths into one element that is yet to be made become one element."""
    where = f"{path.urn}:{path.name}" if path.urn else path.name
    bare = AttributePath(path.text, "", path.name, path.key, path.literal, path.sub)
    assign(fresh.setdefault(where, {}), bare, value)


def _removable(path: AttributePath) -> str:
    """What `remove` names: of an element the whole, where its value goes."""
    return path.text.rpartition(".")[0] if is_list(path) and path.sub.lower() == "value" else path.text


def _whole_list(current: Resource, path: AttributePath, value: Value) -> Body:
    """Without a filter a sub-attribute would be written into every element (RFC 7644 section 3.5.2.3)."""
    edited: Resource = {}
    _copy_list(edited, path, current)
    assign(edited, path, value)
    return {"op": "replace", "path": path.name, "value": edited[path.name]}


def _copy_list(value: Resource, path: AttributePath, current: Resource) -> None:
    """Put the list that `path` leads into beside the edits, once, as it is now."""
    source = member(current, path.urn) if path.urn else current
    home = _home(value, path)
    if member(home, path.name) is None and isinstance(source, dict):
        home[path.name] = [dict(e) if isinstance(e, dict) else e for e in _list(source, _spelled(source, path.name))]


def _list(home: Resource, name: str) -> list[Any]:
    node = home.get(name)
    if isinstance(node, list):
        return node
    return [node] if isinstance(node, dict) else []


def _spelled(node: Mapping[str, Any], name: str) -> str:
    """The key that stands for `name` already, whatever its case; else `name`."""
    if name in node:
        return name
    lower = name.lower()
    return next((key for key in node if key.lower() == lower), name)


def _touched(values: Mapping[str, Value], name: str) -> bool:
    return any(parse_path(text).name.lower() == name for text in values)


def _member_id(element: Any) -> str:
    return str(element.get("value") if isinstance(element, dict) else element)


def _thaw(value: Value) -> Any:
    if isinstance(value, tuple | list):
        return [_thaw(each) for each in value]
    return dict(value) if isinstance(value, dict) else value
