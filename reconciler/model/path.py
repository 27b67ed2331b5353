"""SCIM attribute paths (RFC 7644 section 3.5.2, figure 7) as mappings write them, and reading by them.

userName    name.givenName    emails[type eq "work"].value    members
urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from reconciler.model.values import Value

_PATH = re.compile(
    r"""(?:(?P<urn>[Uu][Rr][Nn]:[^\[\]\s"]+):)?
        (?P<name>[A-Za-z$][\w$-]*)
        (?:\[\s*(?P<key>[A-Za-z][\w-]*)\s+(?P<op>[Ee][Qq])\s+(?P<literal>"(?:[^"\\]|\\.)*"|true|false|[Tt]rue|[Ff]alse|-?\d+)\s*\])?
        (?:\.(?P<sub>[A-Za-z$][\w$-]*))?\Z""",
    re.VERBOSE,
)


_CORE = "urn:ietf:params:scim:schemas:core:2.0:"
_MANAGER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:manager"


@dataclass(frozen=True)
class AttributePath:
    """One target: [schema URN:]name[[key eq literal]][.sub]. Names compare without case (RFC 7643 section 2.1)."""

    text: str
    urn: str
    name: str
    key: str
    literal: Value
    sub: str

    @cached_property
    def canonical(self) -> str:
        """The same for all spellings of one path: what overlays and duplicates compare."""
        where = f'[{self.key.lower()} eq "{_comparable(self.literal)}"]' if self.key else ""
        head = f"{self.urn.lower()}:" if self.urn else ""
        return f"{head}{self.name.lower()}{where}{f'.{self.sub.lower()}' if self.sub else ''}"

    @cached_property
    def schema_name(self) -> str:
        """The name without the value filter, lower-case: `emails.value`, as profiles' comparison rules write it."""
        return f"{self.name.lower()}.{self.sub.lower()}" if self.sub else self.name.lower()

    @cached_property
    def full_name(self) -> str:
        """`schema_name` behind the URN of its extension, lower-case: what profiles' `schema` is looked up by."""
        return f"{self.urn.lower()}:{self.schema_name}" if self.urn else self.schema_name

    @cached_property
    def place(self) -> str:
        """The path without the value filter and the sub-attribute, as requests spell it."""
        return f"{self.urn}:{self.name}" if self.urn else self.name

    @cached_property
    def selection(self) -> str:
        """The path without the sub-attribute: the elements that the filter selects, or the whole attribute."""
        return f"{self.place}[{self.key} eq {json.dumps(self.literal, ensure_ascii=False)}]" if self.key else self.place

    @cached_property
    def names_whole(self) -> bool:
        """Whether the sub-attribute is implied: `…:User:manager` means its `value`."""
        return bool(self.sub) and not self.text.lower().endswith(f".{self.sub.lower()}")

    @cached_property
    def spelled(self) -> str:
        """The path as requests spell it: as it was written, with `primary eq true` for the service's "True"."""
        return f"{self.selection}.{self.sub}" if self.sub and not self.names_whole else self.selection

    def read(self, resource: dict[str, Any]) -> Value:
        """The value that a resource holds here; None if absent. Lists become tuples.

        With a filter the first matching element counts, the primary one first; without one and with a `sub`, a
        multi-valued attribute gives its primary (else first) element's.
        """
        node: Any = resource
        if self.urn:
            node = member(resource, self.urn)
        if not isinstance(node, dict):
            return None
        node = member(node, self.name)
        if self.key:
            node = _pick(self.matching(node))
        elif self.sub and isinstance(node, list):
            node = _pick([e for e in node if isinstance(e, dict)])
        if self.sub and not self._is_plain(node):
            node = member(node, self.sub) if isinstance(node, dict) else None
        return freeze(node)

    def _is_plain(self, node: Any) -> bool:
        """Some servers give the `value` where a complex value should be: `"manager": "26118915"`."""
        return not self.key and self.sub.lower() == "value" and isinstance(node, str | int)

    def matching(self, elements: Any) -> list[dict[str, Any]]:
        """The elements of a multi-valued attribute that the filter selects."""
        if isinstance(elements, dict):
            elements = [elements]
        if not isinstance(elements, list):
            return []
        want = _comparable(self.literal)
        found = [e for e in elements if isinstance(e, dict) and _comparable(member(e, self.key)) == want]
        return found or self._unlabelled(elements)

    def _unlabelled(self, elements: list[Any]) -> list[dict[str, Any]]:
        """Some servers keep one e-mail address, without its `type`: it is the one for work, and no other."""
        only = elements[0] if len(elements) == 1 else None
        if self.literal != "work" or self.key.lower() != "type" or not isinstance(only, dict):
            return []
        return [] if member(only, "type") else [only]


def _comparable(value: Any) -> str:
    return str(value).lower()


def _pick(elements: list[dict[str, Any]]) -> dict[str, Any] | None:
    for element in elements:
        if str(member(element, "primary")).lower() == "true":
            return element
    return elements[0] if elements else None


def member(node: dict[str, Any], name: str) -> Any:
    """node[name], whatever the case of the name."""
    if name in node:
        return node[name]
    lower = name.lower()
    for key, value in node.items():
        if key.lower() == lower:
            return value
    return None


def freeze(node: Any) -> Value:
    return tuple(freeze(e) for e in node) if isinstance(node, list) else node


@lru_cache(maxsize=4096)
def parse_path(text: str) -> AttributePath:
    """Raises ValueError if `text` is not an attribute path."""
    found = _PATH.match(text)
    if not found:
        message = f"not a SCIM attribute path: {text!r}"
        raise ValueError(message)
    literal: Value = found["literal"]
    if literal is not None:
        if literal.startswith('"'):
            literal = re.sub(r"\\(.)", r"\1", literal[1:-1])
        elif literal.lower() in ("true", "false"):
            literal = literal.lower() == "true"
        else:
            literal = int(literal)
    if (found["key"] or "").lower() == "primary" and str(literal).lower() in ("true", "false"):
        literal = str(literal).lower() == "true"  # the service writes [primary eq "True"] for a boolean
    urn = found["urn"] or ""
    if urn.lower().startswith(_CORE):  # a core attribute by its full name stands in the resource itself
        urn = ""
    sub = found["sub"] or ""
    if not sub and not found["key"] and f"{urn}:{found['name']}".lower() == _MANAGER:
        sub = "value"
    return AttributePath(text, urn, found["name"], found["key"] or "", literal, sub)
