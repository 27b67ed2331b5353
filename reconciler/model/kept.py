"""The snapshot document, `reconciler.snapshot/1`: what an application held at one moment, kept for those who plan
without it.

It holds what mappings, matching and guardrails read, and of that nothing that a mapping redacts.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

FORMAT: Literal["reconciler.snapshot/1"] = "reconciler.snapshot/1"


class KeptSnapshot(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    format: Literal["reconciler.snapshot/1"] = FORMAT
    digest: str = Field(default="", pattern=r"^(sha256:[0-9a-f]{64})?$")
    """SHA-256 over the document as compact JSON in this order of keys, with an empty digest."""
    tool_version: str
    app: str
    tenant_url: str
    """It says something of this tenant, and nothing of any other."""
    read_at: str
    """When the reading began (RFC 3339, UTC, whole seconds)."""
    partial: bool = False
    """Only those were looked for whom the files and the memory speak of."""
    memory: str = ""
    """Digest of the bindings beside which it was kept; "": of none."""
    discovered: dict[str, Any] = {}
    """Dotted key of the profile → what the server said of it."""
    attributes: dict[str, dict[str, bool]] = {}
    """"User" and "Group" → attribute that the server's schemas have → whether a client may write it."""
    user_paths: tuple[str, ...]
    group_paths: tuple[str, ...]
    users: list[tuple[str, bool, list[Any]]]
    """By id: id, active, and the values at userPaths."""
    groups: list[tuple[str, list[Any], list[int] | None, list[str]]]
    """By id: id, the values at groupPaths, its members as positions in users (null: nobody looked), and the ids of
    members who are no listed account.
    """
