"""What mappings may read: the attributes of people and groups, and what kind of value each has."""

from __future__ import annotations

from typing import Final

from reconciler.model.directory import DATES, GRAPH_ATTRIBUTES, Directory
from reconciler.model.schema import Attribute, Schema
from reconciler.project.filters import GROUP_ATTRIBUTES

ROLES: Final = "appRoleAssignments"
"""Names of roles, of the application's: see `approles`."""
SOFT: Final = "IsSoftDeleted"
_TEXT: Final = Attribute("string")
_KNOWN: Final = {
    "accountEnabled": Attribute("boolean"),
    "manager": Attribute("reference"),
    **dict.fromkeys(DATES, Attribute("dateTime")),
}
"""Of Graph's attributes those that are no text."""
_CUSTOM: Final = {
    "string": _TEXT,
    "boolean": Attribute("boolean"),
    "integer": Attribute("integer"),
    "date": Attribute("date"),
    "reference": Attribute("reference"),
}

GROUP_SOURCES: Final[Schema] = dict.fromkeys((*GROUP_ATTRIBUTES, "id", SOFT), _TEXT)


def user_sources(directory: Directory) -> dict[str, Attribute]:
    """Source attribute → what its values are; computed ones included."""
    found = {name: _KNOWN.get(name, _TEXT) for name in (*GRAPH_ATTRIBUTES, "id", SOFT)}
    found[ROLES] = Attribute("string", multi_valued=True)
    found.update((name, _CUSTOM[kind]) for name, kind in directory.attributes.items())
    for name in directory.multi_valued:
        found[name] = Attribute(found.get(name, _TEXT).type, multi_valued=True)
    return found
