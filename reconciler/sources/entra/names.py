"""How Entra's schemas call attributes of people and groups, and how files of a desired state do.

Schemas have the names of the older Azure AD Graph, not those of Microsoft Graph: `mobile` is mobilePhone. Directory
extensions are `extension_APPID_NAME`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from reconciler.model.directory import COMPUTED, GRAPH_ATTRIBUTES
from reconciler.sources.entra.document import Kind

_RENAMED: Final = {
    "mobile": "mobilePhone",
    "facsimileTelephoneNumber": "faxNumber",
    "physicalDeliveryOfficeName": "officeLocation",
    "originalUserPrincipalName": "userPrincipalName",
    "objectId": "id",
    "telephoneNumber": "businessPhones",
}
_FIRST: Final = frozenset({"telephoneNumber"})
"""One value there, a list here: the first is meant."""
_SAYS: Final = {
    "objectId": "objectId is an id of Entra; here it is the id of the file, so accounts made by Entra hold another",
    "originalUserPrincipalName": "originalUserPrincipalName is userPrincipalName here; they differ for guests alone",
}
"""What a reader should know of a name that was taken over as another one."""
_EXTENSION: Final = re.compile(r"extension_[0-9a-f]{32}_(?P<name>\w+)\Z", re.IGNORECASE)
_GROUPS: Final = ("displayName", "description", "id", "members")
_USUAL: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of ours for one of Entra's."""

    name: str
    first: bool = False
    """Of a list the first value is meant, where one is needed."""
    says: str = ""

    @property
    def reading(self) -> str:
        """As an expression has it."""
        return f"Item([{self.name}], 1)" if self.first else f"[{self.name}]"


class Names:
    """`custom`: attributes that reconciler.yaml adds. They go before everything else, also under Entra's names."""

    def __init__(self, custom: Collection[str] = ()) -> None:
        known = (*GRAPH_ATTRIBUTES, *(COMPUTED - {"members"}))
        self._people = {name.lower(): Attribute(name) for name in known}
        for old, new in _RENAMED.items():
            self._people[old.lower()] = Attribute(new, old in _FIRST, _SAYS.get(old, ""))
        self._people |= {name.lower(): Attribute(name) for name in custom}
        self._groups = {name.lower(): Attribute(name) for name in _GROUPS}
        self._groups["objectid"] = Attribute("id", says=_SAYS["objectId"])

    def find(self, name: str, kind: Kind) -> Attribute | None:
        """None if nothing here corresponds."""
        if kind == "groups":
            return self._groups.get(name.lower())
        extension = _EXTENSION.match(name)
        return self._people.get(name.lower()) or (self._people.get(extension["name"].lower()) if extension else None)

    def remedy(self, name: str, kind: Kind) -> str:
        """What to do about a name that nothing here corresponds to."""
        extension = _EXTENSION.match(name)
        own = extension["name"] if extension else name
        if kind == "groups":
            return "groups have displayName, description and members here"
        if not _USUAL.match(own):
            return "people have no such attribute here"
        return f"add `attributes: {{{own}: {{type: string}}}}` to reconciler.yaml, and import once more"
