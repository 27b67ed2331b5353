"""Temporary names: what an account or a group is called while others take the names that it waits for.

Made from the old name and the key, so that the same plan always names the same, and so that whoever finds one left
behind by a run that was killed knows whose it is, and which name is on its way to somebody else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container
from typing import Final, NamedTuple

_MARK: Final = ".renaming-"
_LOCAL_PART: Final = 64
"""RFC 5321 section 4.5.3.1.1."""
_TRIES: Final = 8
_FORM: Final = re.compile(rf"(?P<own>.*){re.escape(_MARK)}(?P<token>[0-9a-f]{{8}})(?P<domain>@[^@]*)?\Z", re.DOTALL)


class LeftBehind(NamedTuple):
    """What a temporary name tells."""

    former: str
    """The name that was given up for it."""
    token: str


def temporary_name(key: str, former: str, taken: Container[str], longest: int | None = None) -> str | None:
    """A name for `key` that nobody has or wants. `taken` is casefolded. None: there is none of that length."""
    own, at, domain = former.rpartition("@")
    own, domain = (own, at + domain) if at else (domain, "")
    room = _LOCAL_PART if at else max(_LOCAL_PART, len(former))
    if longest is not None:
        room = min(room, longest - len(domain))
    for token in tokens(key):
        ending = f"{_MARK}{token}"
        name = f"{own[: room - len(ending)]}{ending}{domain}"
        if room > len(ending) and name.casefold() not in taken:
            return name
    return None


def left_behind(name: str) -> LeftBehind | None:
    """What `name` tells if it is a temporary one."""
    found = _FORM.match(name)
    return LeftBehind(found["own"] + (found["domain"] or ""), found["token"]) if found else None


def tokens(key: str) -> list[str]:
    """What the temporary names of `key` can carry."""
    return [hashlib.sha256(f"{key}\n{n}".encode()).hexdigest()[:8] for n in range(_TRIES)]
