"""What the server holds: users, groups, who is in what, and each resource's bytes as lists give them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import orjson

from reconciler.sandbox.bend import answering, versions
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.habits import Habits, KindName
from reconciler.sandbox.schema import Kind, kinds

_NAMESPACE: Final = uuid.UUID("6f1d7a52-6c1b-4b41-9a70-5a2c8d0f1e11")
_FIRST_NUMBER: Final = {"User": 16494001, "Group": 814001}
_NAME: Final = {"User": "userName", "Group": "displayName"}


@dataclass(slots=True)
class Resource:
    """One user or group. `data` holds the written attributes; `members` the ids in the order in which they came."""

    id: str
    kind: KindName
    data: dict[str, Any]
    created: str
    modified: str
    number: int
    """Grows with every creation and is never given twice: the place in lists, and what cursors remember."""
    version: int = 1
    members: dict[str, None] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)
    """Members that are listed once more."""
    wire: bytes | None = None
    """The whole resource as JSON; None after a change, made again when somebody asks."""

    @property
    def name(self) -> str:
        """What people know it by: userName or displayName."""
        return str(self.data.get(_NAME[self.kind], ""))

    @property
    def display(self) -> str:
        return str(self.data.get("displayName") or self.name)


class Store:
    """Everything in memory. Methods that change something leave all indexes and cached bytes right."""

    def __init__(
        self, habits: Habits, clock: Callable[[], datetime] | None = None, faults: Faults | None = None
    ) -> None:
        self.habits = habits
        self.faults = Faults() if faults is None else faults
        self.kinds: dict[KindName, Kind] = kinds(habits)
        self.base_url = f"https://{habits.name}.example/scim/v2"
        self.tables: dict[KindName, dict[str, Resource]] = {"User": {}, "Group": {}}
        self.changes = 0
        """Counts every change of anything: what a saver compares."""
        self.created = 0
        self._clock = clock or (lambda: datetime.now(UTC))
        self._by_name: dict[KindName, dict[str, dict[str, None]]] = {"User": {}, "Group": {}}
        self._groups_of: dict[str, dict[str, None]] = {}
        self._ordered: dict[KindName, list[Resource] | None] = {"User": [], "Group": []}

    def moment(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def find(self, identifier: str) -> Resource | None:
        return self.tables["User"].get(identifier) or self.tables["Group"].get(identifier)

    def named(self, kind: KindName, name: str) -> list[Resource]:
        """Those with this userName or displayName, whatever its case."""
        table = self.tables[kind]
        return [table[identifier] for identifier in self._by_name[kind].get(name.casefold(), ())]

    def ordered(self, kind: KindName) -> list[Resource]:
        """All of a kind, oldest first. Not to be changed by the caller."""
        rows = self._ordered[kind]
        if rows is None:
            rows = self._ordered[kind] = list(self.tables[kind].values())
        return rows

    def groups_of(self, identifier: str) -> Iterable[Resource]:
        return (self.tables["Group"][group] for group in self._groups_of.get(identifier, ()))

    def create(self, kind: KindName, data: dict[str, Any], members: Iterable[str] = ()) -> Resource:
        self.created += 1
        moment = self.moment()
        resource = Resource(self._new_id(kind, data), kind, data, moment, moment, self.created)
        self.put_back(resource)
        self._join(resource, members)
        self.changes += 1
        return resource

    def put_back(self, resource: Resource) -> None:
        """Adds a resource that already has its id and dates (from a file), without its memberships."""
        self.tables[resource.kind][resource.id] = resource
        rows = self._ordered[resource.kind]
        if rows is not None:
            rows.append(resource)
        self._by_name[resource.kind].setdefault(resource.name.casefold(), {})[resource.id] = None

    def join_all(self, resource: Resource, members: Iterable[str]) -> None:
        """Memberships from a file."""
        self._join(resource, members)

    def change(self, resource: Resource, data: dict[str, Any], members: dict[str, None] | None = None) -> bool:
        """Makes the resource hold exactly this. False, and nothing moves, if it does already."""
        before = resource.members
        moved = members is not None and members.keys() != before.keys()
        if data == resource.data and not moved:
            return False
        if data != resource.data:
            self._forget_name(resource)
            name, resource.data = resource.name, data
            self._by_name[resource.kind].setdefault(resource.name.casefold(), {})[resource.id] = None
            self._stale_neighbours(resource)
            if "movingIds" in self.faults and resource.name != name:
                self._give_id(resource, answering.moved_id(resource.number, resource.name))
        if moved and members is not None:
            self._leave(resource, [m for m in before if m not in members])
            self._join(resource, [m for m in members if m not in before])
        self.touch(resource)
        return True

    def touch(self, resource: Resource) -> None:
        """A new version of it, whether something changed or not."""
        resource.version += 1
        resource.modified = self.moment()
        resource.wire = None
        self.changes += 1

    def delete(self, resource: Resource) -> None:
        """Takes it away, and out of every group that it was in."""
        for group in () if "danglingMembers" in self.faults else list(self.groups_of(resource.id)):
            self.change(group, group.data, {m: None for m in group.members if m != resource.id})
        self._leave(resource, list(resource.members))
        self._forget_name(resource)
        del self.tables[resource.kind][resource.id]
        self._ordered[resource.kind] = None
        self.changes += 1

    def move(self, base_url: str) -> None:
        """From now on locations begin with `base_url`."""
        self.base_url = base_url
        for table in self.tables.values():
            for resource in table.values():
                resource.wire = None

    def wire(self, resource: Resource) -> bytes:
        if self.faults and self.faults.any("version", "location"):
            return orjson.dumps(self.document(resource))
        if resource.wire is None:
            resource.wire = orjson.dumps(self.document(resource))
        return resource.wire

    def listed(self, resource: Resource) -> bytes:
        """The same in a list, where members may be left out."""
        if self.habits.shows_members == "byId" and resource.kind == "Group":
            return orjson.dumps(self.document(resource, members=False))
        return self.wire(resource)

    def document(self, resource: Resource, *, members: bool = True, version: bool = True) -> dict[str, Any]:
        """The resource as clients see it (RFC 7643 section 3)."""
        kind = self.kinds[resource.kind]
        urns = [kind.urn, *(urn for urn, _ in kind.extensions.values() if urn in resource.data)]
        document: dict[str, Any] = {"schemas": urns, "id": resource.id, **resource.data}
        if resource.kind == "User":
            if groups := [self._reference(group, "User") for group in self.groups_of(resource.id)]:
                document["groups"] = groups
        elif members and resource.members and self.habits.shows_members != "never":
            document["members"] = self._members_of(resource)
        document["meta"] = {
            "resourceType": resource.kind,
            "created": resource.created,
            "lastModified": resource.modified,
            "location": self.location(resource),
        }
        if self.habits.etags and version:
            document["meta"]["version"] = self.etag(resource)
        return document

    def location(self, resource: Resource) -> str:
        endpoint = self.kinds[resource.kind].endpoint
        place = endpoint.lower() if self.habits.lower_case_locations else endpoint
        location = f"{self.base_url}/{place}/{quote(resource.id, safe='')}"
        return answering.bend_location(self.faults, self.base_url, location) if self.faults else location

    def etag(self, resource: Resource) -> str:
        usual = f'W/"{resource.number}.{resource.version}"'
        if "version" in self.faults:
            return versions.version(self.faults, usual, self.document(resource, version=False))
        return usual

    def _reference(self, resource: Resource, of: KindName) -> dict[str, str]:
        """In a user's `groups`, and in `members`: there without `display` (RFC 7643 section 8.7.1)."""
        reference = {"value": resource.id, "$ref": self.location(resource)}
        if of == "User" or self.habits.small_user:
            reference["display"] = resource.display
        if not self.habits.small_user:
            reference["type"] = resource.kind
        return reference

    def _members_of(self, group: Resource) -> list[dict[str, str]]:
        """Those who are there; with a fault also those who are not, and some twice."""
        listed = [*group.members, *(m for m in group.repeated if m in group.members)]
        found = ((m, self.find(m)) for m in listed)
        return [{"value": m} if row is None else self._reference(row, "Group") for m, row in found]

    def _new_id(self, kind: KindName, data: dict[str, Any]) -> str:
        if self.habits.numeric_ids:
            usual = str(_FIRST_NUMBER[kind] + self.created)
        else:
            usual = str(uuid.uuid5(_NAMESPACE, f"{kind} {self.created}"))
        return answering.new_id(self.faults, usual, self.created, str(data.get(_NAME[kind], "")))

    def _give_id(self, resource: Resource, new: str) -> None:
        """The resource is the same, and everybody who refers to it says its new id."""
        old, resource.id = resource.id, new
        if old == new:
            return
        table, names = self.tables[resource.kind], self._by_name[resource.kind][resource.name.casefold()]
        self.tables[resource.kind] = {new if key == old else key: row for key, row in table.items()}
        del names[old]
        names[new] = None
        for group in [self.tables["Group"][each] for each in self._groups_of.pop(old, ())]:
            group.members = {new if m == old else m: None for m in group.members}
            group.wire = None
            self._groups_of.setdefault(new, {})[group.id] = None
        for member in resource.members:
            of = self._groups_of[member]
            self._groups_of[member] = {new if group == old else group: None for group in of}
        self._stale(resource.members)

    def _forget_name(self, resource: Resource) -> None:
        names = self._by_name[resource.kind]
        holders = names[resource.name.casefold()]
        del holders[resource.id]
        if not holders:
            del names[resource.name.casefold()]

    def _stale_neighbours(self, resource: Resource) -> None:
        """Others show this one's name."""
        for group in self.groups_of(resource.id):
            group.wire = None
        self._stale(resource.members)

    def _stale(self, members: Iterable[str]) -> None:
        for member in members:
            if found := self.find(member):
                found.wire = None

    def _join(self, group: Resource, members: Iterable[str]) -> None:
        members = list(members)
        for member in members:
            group.members[member] = None
            self._groups_of.setdefault(member, {})[group.id] = None
        self._stale(members)

    def _leave(self, group: Resource, members: Iterable[str]) -> None:
        members = list(members)
        for member in members:
            del group.members[member]
            of = self._groups_of[member]
            del of[group.id]
            if not of:
                del self._groups_of[member]
        self._stale(members)
