"""From `target path → value` to what goes over the wire: bodies of POST and PUT, operations of PATCH.

Only what is given is written. A PUT is an edit of what the server holds, so that attributes nobody mapped survive.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias

from reconciler.live.edits import (
    Resource,
    assign,
    copy_list,
    copy_object,
    edit,
    is_list,
    mark_primary,
    spelled,
    wire_value,
)
from reconciler.live.elements import Edit, element_operations, whole_list_operations
from reconciler.model.path import AttributePath, member, parse_path
from reconciler.model.profile import Patch
from reconciler.model.schema import is_manager
from reconciler.model.values import Value, is_null

Body: TypeAlias = dict[str, Any]

CORE: Final[dict[str, str]] = {
    "user": "urn:ietf:params:scim:schemas:core:2.0:User",
    "group": "urn:ietf:params:scim:schemas:core:2.0:Group",
}
_PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_RFC: Final = Patch()
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
    content = copy.deepcopy({key: value for key, value in current.items() if key.lower() not in _READ_ONLY})
    edit(content, values)
    if email_primary and _touched(values, "emails"):
        mark_primary(content)
    schemas = list(member(content, "schemas") or [])
    known = {str(urn).lower() for urn in schemas}
    schemas += [key for key in content if key.lower().startswith("urn:") and key.lower() not in known]
    if schemas:
        content[spelled(content, "schemas")] = schemas
    return content


def replace_members(current: Resource, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Body:
    """The body of a PUT that changes nothing but members; those who stay are echoed as they came."""
    content = replace_body(current, {})
    gone = set(remove)
    held = [each for each in member(content, "members") or [] if _member_id(each) not in gone]
    present = {_member_id(each) for each in held}
    content[spelled(content, "members")] = [*held, *({"value": each} for each in add if each not in present)]
    return content


def patch(operations: Sequence[Body], spelling: Patch = _RFC) -> Body:
    """A PatchOp message (RFC 7644 section 3.5.2); operations are named as the application wants them."""
    return {"schemas": [_PATCH_OP], "Operations": [_spelled(operation, spelling) for operation in operations]}


def _spelled(operation: Body, spelling: Patch) -> Body:
    if spelling.ops == "capitalized":
        operation = {**operation, "op": operation["op"].capitalize()}
    if spelling.booleans == "text" and "value" in operation:
        operation = {**operation, "value": _texts(operation["value"])}
    return operation


def _texts(node: Any) -> Any:
    """`False` as "False", at any depth."""
    if isinstance(node, bool):
        return str(node)
    if isinstance(node, dict):
        return {name: _texts(value) for name, value in node.items()}
    return [_texts(value) for value in node] if isinstance(node, list) else node


def operations_by_path(
    values: Mapping[str, Value],
    current: Resource | None = None,
    *,
    email_primary: bool = False,
    whole_lists: bool = False,
) -> list[Body]:
    """One operation for each path, or for all paths into one element. Paths into multi-valued attributes need
    `current`. `whole_lists`: they are replaced as a whole, edited.
    """
    operations: list[Body] = []
    lists: dict[str, list[Edit]] = {}
    for text, value in values.items():
        path = parse_path(text)
        if is_list(path) and path.sub and current is not None:
            lists.setdefault(path.place.lower(), []).append((path, value))
        elif not is_null(value):
            operations.append({"op": "replace", "path": path.spelled, "value": _whole_value(path, value)})
        elif current is None or not is_null(path.read(current)):
            operations.append({"op": "remove", "path": _removable(path)})
    for place, edits in lists.items():
        mark = email_primary and place == "emails"
        write = whole_list_operations if whole_lists else element_operations
        operations += write(edits, current or {}, mark=mark)
    return operations


def operation_without_path(
    values: Mapping[str, Value], current: Resource | None = None, *, email_primary: bool = False
) -> Body | None:
    """One `replace` with a nested value. Multi-valued attributes are sent as the whole edited list, so that what
    stands beside the edit survives: they need `current`. A cleared attribute is sent as null (RFC 7643 section 2.5).
    None: there is nothing to change.
    """
    value: Resource = {}
    lists: dict[str, Value] = {}
    for text, wanted in values.items():
        path = parse_path(text)
        if is_null(wanted) and current is not None and is_null(path.read(current)):
            continue
        if is_list(path) and path.sub:
            copy_list(value, path, current or {})
            lists[text] = wanted
        elif is_null(wanted) and path.sub and not is_manager(path):
            # Some servers replace the object, others merge: what stands beside the null goes with it.
            copy_object(value, path, current or {})
            assign(value, path, None)
        elif is_null(wanted):
            assign(value, replace(path, sub=""), None)
        else:
            assign(value, path, wanted)
    edit(value, lists)
    if email_primary and _touched(values, "emails"):
        mark_primary(value)
    return {"op": "replace", "value": value} if value else None


def needs_current(values: Mapping[str, Value]) -> bool:
    """Whether a PATCH of these has to look at the resource first."""
    paths = [(parse_path(text), value) for text, value in values.items()]
    return any(is_list(path) or (path.sub and is_null(value)) for path, value in paths)


def _whole_value(path: AttributePath, value: Value) -> Any:
    """What stands at the path as requests spell it: of `…:User:manager` the object around the id."""
    return {path.sub: wire_value(path, value)} if path.names_whole else wire_value(path, value)


def _removable(path: AttributePath) -> str:
    """What `remove` names: the whole, where its value goes."""
    whole = (is_list(path) or is_manager(path)) and path.sub.lower() == "value"
    return path.selection if whole else path.spelled


def _touched(values: Mapping[str, Value], name: str) -> bool:
    return any(parse_path(text).name.lower() == name for text in values)


def _member_id(element: Any) -> str:
    return str(element.get("value") if isinstance(element, dict) else element)
