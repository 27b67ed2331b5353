"""Writing at a path inside of a resource, so that reading the path gives back what was written and nothing else moves.

Resources come in every shape that servers make of RFC 7643: names in another case, an object where a list belongs,
null, several elements that one filter selects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from reconciler.model.comparison import truth
from reconciler.model.path import AttributePath, member, parse_path
from reconciler.model.schema import is_manager
from reconciler.model.values import Value, is_null

Resource: TypeAlias = dict[str, Any]

_MULTI_VALUED: Final = frozenset(
    {"addresses", "emails", "entitlements", "ims", "phonenumbers", "photos", "roles", "x509certificates"}
)  # RFC 7643 section 4.1.2, lower-case
_OF_THE_MANAGER: Final = ("$ref", "displayName")
"""What says the same as the id (RFC 7643 section 4.3): it would contradict another one."""


def is_list(path: AttributePath) -> bool:
    """Whether the path leads into a multi-valued attribute."""
    return bool(path.key) or (not path.urn and path.name.lower() in _MULTI_VALUED)


def edit(content: Resource, values: Mapping[str, Value]) -> None:
    """Write each value at its path; null removes what is there.

    Removals come first: one of them may take the element away that another path writes into.
    """
    paths = [(parse_path(text), value) for text, value in values.items()]
    for path, value in paths:
        if is_null(value) and not is_null(path.read(content)):
            erase(content, path)
    for path, value in paths:
        if not is_null(value):
            assign(content, path, value)


def assign(content: Resource, path: AttributePath, value: Value) -> None:
    """Write one value so that `path.read` gives it back: into the first matching element, the primary one first."""
    home = _home(content, path)
    name = spelled(home, path.name)
    value = wire_value(path, value)
    if not path.key and not path.sub:
        home[name] = value
    elif is_list(path) or (home.get(name) and isinstance(home[name], list)):
        _assign_element(home, name, path, value)
    else:
        if not isinstance(home.get(name), dict):
            home[name] = {}
        _assign_part(home[name], path, value)


def _assign_part(node: Resource, path: AttributePath, value: Any) -> None:
    sub = spelled(node, path.sub)
    if is_manager(path) and node.get(sub) != value:
        for other in _OF_THE_MANAGER:
            node.pop(spelled(node, other), None)
    node[sub] = value


def _assign_element(home: Resource, name: str, path: AttributePath, value: Any) -> None:
    home[name] = elements = elements_of(home, name)
    matching = selected(path, elements)
    if matching:
        element = next((e for e in matching if is_primary(e)), matching[0])
        if path.key and is_null(member(element, path.key)):
            element[spelled(element, path.key)] = path.literal
    else:
        element = {path.key: path.literal} if path.key else {}
        elements.append(element)
    if path.sub:
        _assign_part(element, path, value)
    elif isinstance(value, dict):
        element.update(value)
    else:
        element["value"] = value
    if path.sub.lower() == "primary" and value is True:
        _only_primary(elements, element)


def _only_primary(elements: list[Any], winner: Resource) -> None:
    """`true` stands in one element at most (RFC 7643 section 2.4)."""
    for each in elements:
        if each is not winner and is_primary(each):
            each[spelled(each, "primary")] = False


def erase(content: Resource, path: AttributePath) -> None:
    """Take away what `path.read` finds, which is not null.

    An element without its `value` says nothing and goes as a whole.
    """
    home = member(content, path.urn) if path.urn else content
    if not isinstance(home, dict):
        return
    name = spelled(home, path.name)
    node = home.get(name)
    if not path.key and (not path.sub or not isinstance(node, dict | list) or _goes_whole(path)):
        if path.sub.lower() in ("", "value"):
            home.pop(name, None)
    elif isinstance(node, dict) and not is_list(path):
        node.pop(spelled(node, path.sub), None)
    elif isinstance(node, dict | list):
        elements = elements_of(home, name)
        matching = selected(path, elements)
        if path.sub.lower() in ("", "value"):
            home[name] = [e for e in elements if not any(e is gone for gone in matching)]
        else:
            for element in matching:
                element.pop(spelled(element, path.sub), None)


def _goes_whole(path: AttributePath) -> bool:
    return is_manager(path) and path.sub.lower() == "value"


def selected(path: AttributePath, elements: list[Any]) -> list[Resource]:
    """The elements that a path leads into: those that its filter selects, or all."""
    return path.matching(elements) if path.key else [e for e in elements if isinstance(e, dict)]


def copy_list(content: Resource, path: AttributePath, current: Resource) -> None:
    """Put the list that `path` leads into beside the edits, once, as `current` has it now."""
    source = member(current, path.urn) if path.urn else current
    if not isinstance(source, dict):
        return
    home = _home(content, path)
    if member(home, path.name) is None:
        elements = elements_of(source, spelled(source, path.name))
        home[path.name] = [echoed(e) if isinstance(e, dict) else e for e in elements]


def copy_object(content: Resource, path: AttributePath, current: Resource) -> None:
    """The same of the object that a sub-attribute stands in; only if there is one."""
    source = member(current, path.urn) if path.urn else current
    held = member(source, path.name) if isinstance(source, dict) else None
    if isinstance(held, dict):
        home = _home(content, path)
        home[path.name] = {**held, **(member(home, path.name) or {})}


def echoed(element: Resource) -> Resource:
    """A copy to send back: some servers show "True", and what the schema calls a boolean has to be sent as one."""
    name = spelled(element, "primary")
    held = element.get(name)
    if isinstance(held, str) and held.lower() in ("true", "false"):
        return {**element, name: held.lower() == "true"}
    return dict(element)


def mark_primary(content: Resource, *, taken: bool = False) -> None:
    """Give every e-mail a `primary`: true once (RFC 7643 section 2.4), where it is said already or on the first."""
    elements = [e for e in elements_of(content, spelled(content, "emails")) if isinstance(e, dict)]
    taken = taken or any(is_primary(e) for e in elements)
    for element in elements:
        if member(element, "primary") is None:
            element["primary"] = not taken
            taken = True


def wire_value(path: AttributePath, value: Value) -> Any:
    """Tuples as lists; `active` and `primary` as real booleans, also where a mapping gave "True" or "False"."""
    leaf = (path.sub or path.name).lower()
    if isinstance(value, str) and leaf in {"active", "primary"} and value.strip().lower() in {"true", "false"}:
        return truth(value)
    return _thaw(value)


def elements_of(home: Resource, name: str) -> list[Any]:
    """The elements under a key; an object where a list belongs is its only element."""
    node = home.get(name)
    if isinstance(node, list):
        return node
    return [node] if isinstance(node, dict) else []


def is_primary(element: Any) -> bool:
    return isinstance(element, dict) and str(member(element, "primary")).lower() == "true"


def spelled(node: Mapping[str, Any], name: str) -> str:
    """The key that stands for `name` already, whatever its case; else `name`."""
    if name in node:
        return name
    lower = name.lower()
    return next((key for key in node if key.lower() == lower), name)


def _home(content: Resource, path: AttributePath) -> Resource:
    """The object that the attribute stands in: the resource, or one of its extensions."""
    if not path.urn:
        return content
    name = spelled(content, path.urn)
    if not isinstance(content.get(name), dict):
        content[name] = {}
    extension: Resource = content[name]
    return extension


def _thaw(value: Value) -> Any:
    if isinstance(value, tuple | list):
        return [_thaw(each) for each in value]
    return dict(value) if isinstance(value, dict) else value
