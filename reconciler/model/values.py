"""The values that flow from files to applications, and the ids that must not be mixed up."""

from __future__ import annotations

import enum
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

Value: TypeAlias = Any
"""str, bool, int, float, None, a tuple of these (multi-valued), or a dict (complex)."""
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
