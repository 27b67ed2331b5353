"""Mapping tests: examples of what mappings make of inputs. The form of tests.yaml."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reconciler.errors import Place


class Case(BaseModel):
    """One example: an `expression`, or all user mappings on one person (`user`, or `inputs` alone)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    expression: str | None = None
    user: str | None = None
    inputs: dict[str, Any] = {}
    """Source attributes; None: the attribute has no value."""
    expected: Any
    """The value, or target → value; `__IGNORE_FLOW__`: left out of the flow."""
    now: str | None = None
    """The value of Now(), as UTC unless it says otherwise."""
    target_has: tuple[str, ...] = ()
    """Values that other accounts have already, for SelectUniqueValue."""
    place: Place | None = Field(default=None, exclude=True)
