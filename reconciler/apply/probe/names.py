"""Names by which what a probe made is recognised, in this run and in a later one: exactly these, or it is not ours."""

from __future__ import annotations

import re
import secrets
from typing import Final

PREFIX: Final = "reconciler-probe-"
_USER: Final = re.compile(r"reconciler-probe-[0-9a-f]{12}-[a-z]@[a-z0-9.-]+", re.IGNORECASE)
_GROUP: Final = re.compile(r"reconciler probe [0-9a-f]{12}( renamed \d)?, may be deleted( too)?", re.IGNORECASE)
_RESERVED: Final = re.compile(r"\.(invalid|test|example|localhost|example\.(com|net|org))$")


class Names:
    """Of one run: twelve random digits in each, so that no two runs meet."""

    def __init__(self, domain: str) -> None:
        self.tag = secrets.token_hex(6)
        self.domain = domain

    @property
    def reserved(self) -> bool:
        """Whether nobody can have the domain (RFC 2606, RFC 6761)."""
        return bool(_RESERVED.search(f".{self.domain.lower()}"))

    def user(self, letter: str) -> str:
        return f"{PREFIX}{self.tag}-{letter}@{self.domain}"

    def group(self, renamed: int = 0, *, too: bool = False) -> str:
        middle = f" renamed {renamed}" if renamed else ""
        return f"reconciler probe {self.tag}{middle}, may be deleted{' too' if too else ''}"

    def are_ours(self, name: object) -> bool:
        """Whether this run gave the name."""
        return is_leftover(name) and self.tag in str(name).lower()


def is_leftover(name: object) -> bool:
    """Whether a userName or a group's displayName is one that a probe gives, as a whole."""
    return isinstance(name, str) and bool(_USER.fullmatch(name) or _GROUP.fullmatch(name))
