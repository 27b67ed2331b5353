"""The values that flow from files to applications, and the ids that must not be mixed up."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NewType, TypeAlias

UserId = NewType("UserId", str)
"""The id of a person in the desired state; never changes."""
GroupId = NewType("GroupId", str)
"""The id of a group in the desired state."""
RemoteId = NewType("RemoteId", str)
"""The id that the application gave (RFC 7643 section 3.1). Opaque."""
Key = NewType("Key", str)
"""How plans, state and releases name a thing: user:ID, group:ID, account:REMOTE-ID, appGroup:REMOTE-ID."""


class Unset(enum.Enum):
    """The type of UNSET: nothing flows. Not None (an empty value), not [] (an empty list)."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET


class IgnoreObject(enum.Enum):
    """The type of IGNORE_OBJECT: nothing at all flows for this person. Only the target objectFilter takes it."""

    IGNORE_OBJECT = "ignoreObject"

    def __repr__(self) -> str:
        return "IGNORE_OBJECT"


IGNORE_OBJECT: Final = IgnoreObject.IGNORE_OBJECT


@dataclass(frozen=True, slots=True)
class Generated:
    """A value that apply draws when it creates the resource: no plan, journal or history holds one.

    `function` is Guid or RandomString; the rest is what project.draw evaluates again.
    """

    function: str
    expression: str
    inputs: tuple[tuple[str, Value], ...] = ()
    """The attributes that the expression reads."""
    now: datetime | None = None

    def __str__(self) -> str:
        return f"[{self.function}]"


@dataclass(frozen=True, slots=True, repr=False)
class Redacted:
    """A value that flows, and that no output shows. Equal where the values are."""

    value: Value

    def __str__(self) -> str:
        return "[Redact]"

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class Choice:
    """The first of these that nobody has becomes the value, on creation (SelectUniqueValue)."""

    candidates: tuple[str, ...]

    def __str__(self) -> str:
        return " or ".join(self.candidates)


@dataclass(frozen=True, slots=True)
class Reference:
    """A person, where the application wants the id of that person's account (RFC 7643 section 4.3, `manager`).

    `project` can't know ids. Whoever compares or writes one sees to this: it is equal to what the application holds
    if the account bound or matched to `user` has that id; it is written, as that id, after the account exists (a
    creation of the same plan counts); and if `user` has no account in this application and gets none, nothing flows,
    with a note. A Column's `default` may be one. It never stands in a list or in a matching column.
    """

    user: UserId

    def __str__(self) -> str:
        return self.user


def choose(candidates: Iterable[str], taken: Callable[[str], bool]) -> str | None:
    """The first candidate that is not taken; None if all are."""
    return next((candidate for candidate in candidates if not taken(candidate)), None)


Value: TypeAlias = Any
"""str, bool, int, float, None, a tuple of these (multi-valued), or a dict (complex). A mapping's result may also
be Generated, Redacted, a Choice or a Reference."""
Flow: TypeAlias = Any
"""A Value, or UNSET."""


def user_key(user: str) -> Key:
    return Key(f"user:{user}")


def group_key(group: str) -> Key:
    return Key(f"group:{group}")


def account_key(account: str) -> Key:
    return Key(f"account:{account}")


def app_group_key(group: str) -> Key:
    return Key(f"appGroup:{group}")


def is_null(value: Value) -> bool:
    """Null, "" and empty lists are the same thing (RFC 7643 section 2.5)."""
    return value is None or value is UNSET or value == "" or value == () or value == [] or value == {}
