"""People and groups as the files describe them. Bulk data: slim records, one a file entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from reconciler.model.app import Condition
from reconciler.model.values import GroupId, UserId, Value
from reconciler.model.window import ALWAYS, Window

GRAPH_ATTRIBUTES = (
    "userPrincipalName", "mail", "mailNickname", "otherMails", "givenName", "surname", "displayName",
    "accountEnabled", "preferredLanguage", "usageLocation", "department", "jobTitle", "companyName", "employeeId",
    "employeeType", "employeeHireDate", "employeeLeaveDateTime", "officeLocation", "streetAddress", "city", "state",
    "postalCode", "country", "mobilePhone", "businessPhones", "faxNumber", "manager",
    *(f"extensionAttribute{n}" for n in range(1, 16)), "timeZone",
)  # fmt: skip
"""Microsoft Graph's names for a user's attributes, and timeZone."""
MULTI_VALUED = frozenset({"otherMails", "businessPhones"})
DATES = frozenset({"employeeHireDate", "employeeLeaveDateTime"})
"""Of Graph's attributes those that compare as dates."""
COMPUTED = frozenset({"IsSoftDeleted", "members", "id", "appRoleAssignments"})
"""Source attributes that mappings may read and that no file holds."""


@dataclass(slots=True)
class User:
    """One person. `attributes` are those of Graph that the file gives, except accountEnabled, which is `enabled`."""

    id: UserId
    attributes: dict[str, Value]
    file: str
    """Relative to the desired state, with forward slashes."""
    line: int
    lines: Mapping[str, int]
    """Attribute (and `id`, `accountEnabled`, …) → line."""
    kind: str = "person"
    owner: str = ""
    enabled: bool = True
    formerly: tuple[dict[str, Value], ...] = ()
    """Earlier attributes, each entry one identity; may hold an `id`."""
    accounts: dict[str, str] = field(default_factory=dict)
    """App → the id of this very account."""
    window: Window = ALWAYS
    """Outside of it the person has no access to anything."""

    @property
    def name(self) -> str:
        return str(self.attributes.get("displayName") or self.id)


@dataclass(slots=True)
class Member:
    """One entry of a group's `members`: exactly one of user and group."""

    line: int
    user: UserId | None = None
    group: GroupId | None = None
    reason: str = ""
    window: Window = ALWAYS


@dataclass(slots=True)
class Rule:
    """People for whom all conditions hold count as members of the group that has the rule."""

    all: tuple[Condition, ...]
    line: int


@dataclass(slots=True)
class Group:
    id: GroupId
    attributes: dict[str, Value]
    """displayName, description, and nothing else for now."""
    members: tuple[Member, ...]
    file: str
    line: int
    lines: dict[str, int]
    sensitive: bool = False
    formerly: tuple[dict[str, Value], ...] = ()
    accounts: dict[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()

    @property
    def name(self) -> str:
        return str(self.attributes.get("displayName") or self.id)


@dataclass(slots=True)
class Directory:
    """All people and groups, by id, in the order of their ids."""

    users: dict[UserId, User]
    groups: dict[GroupId, Group]
    digest: str = ""
    """sha256 over the content of all files that were read."""
    commit: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    """Custom attribute → type."""
    multi_valued: frozenset[str] = MULTI_VALUED
    """Attributes with several values, Graph's and custom ones."""
    zone: tzinfo = UTC
    """In which whole days are meant."""
    soon_days: int = 30
    """How far ahead a plan tells of what starts and ends."""

    def __iter__(self) -> Iterator[User]:
        return iter(self.users.values())
