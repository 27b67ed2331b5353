"""What was read of a tenant, so that next time only what changed is asked for: rows, links and the ids given to people.

One file beside the memory, for whoever may read that. It is believed whole or not at all: without it everything is
read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from reconciler.sources.graph.api import Row

_VERSION: Final = 1
_KEY: Final = re.compile(r"[0-9A-Za-z._-]{1,80}")
"""Graph's ids are GUIDs; what else one would be must still be harmless."""


def is_key(value: Any) -> bool:
    """Whether it can be an id of Graph's."""
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Scope:
    """Of which tenant, as which client, and which attributes: links of one scope are worth nothing in another."""

    cloud: str
    tenant: str
    client: str
    users: tuple[str, ...]
    groups: tuple[str, ...]

    @property
    def file(self) -> str:
        """Its name: one a tenant and client."""
        told = f"{self.cloud}\n{self.tenant.lower()}\n{self.client.lower()}"
        return f"{hashlib.sha256(told.encode()).hexdigest()[:20]}.json"

    def written(self) -> dict[str, Any]:
        return {
            "cloud": self.cloud,
            "tenant": self.tenant.lower(),
            "client": self.client.lower(),
            "users": list(self.users),
            "groups": list(self.groups),
        }


@dataclass(slots=True)
class Kept:
    """By Graph's ids."""

    users: dict[str, Row] = field(default_factory=dict)
    """As Graph has them; `manager` is an id."""
    groups: dict[str, Row] = field(default_factory=dict)
    """As Graph has them; `members` is id → `user`, `group` or another word for what it is."""
    users_link: str = ""
    groups_link: str = ""
    user_ids: dict[str, str] = field(default_factory=dict)
    """Graph's id → ours, once given: a new name does not make another person of somebody, and nobody gets the id of
    one who is gone."""
    group_ids: dict[str, str] = field(default_factory=dict)


def load(folder: Path, scope: Scope) -> tuple[Kept | None, str]:
    """(what was kept of this scope, why it can't be used): None, "" if there is nothing. Reads, and raises nothing."""
    try:
        content = (folder / scope.file).read_bytes()
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"what was kept can't be read: {error.strerror or error}"
    digest, _, body = content.partition(b"\n")
    if digest != hashlib.sha256(body).hexdigest().encode():
        return None, "what was kept is damaged"
    try:
        found = orjson.loads(body)
        if found["version"] != _VERSION or found["scope"] != scope.written():
            return None, "what was kept is of another version, or of other attributes"
        names = ("users", "groups", "usersLink", "groupsLink", "userIds", "groupIds")
        return Kept(*(found[name] for name in names)), ""
    except (ValueError, KeyError, TypeError):
        return None, "what was kept is damaged"


def save(folder: Path, scope: Scope, kept: Kept) -> None:
    """Whole or not at all, readable by its owner alone. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignore = folder.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    body = orjson.dumps(
        {
            "version": _VERSION,
            "scope": scope.written(),
            "usersLink": kept.users_link,
            "groupsLink": kept.groups_link,
            "userIds": kept.user_ids,
            "groupIds": kept.group_ids,
            "users": kept.users,
            "groups": kept.groups,
        }
    )
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".graph.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(folder / scope.file)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
