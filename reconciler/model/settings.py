"""What holds for the whole desired state: reconciler.yaml."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from reconciler.model.directory import COMPUTED, GRAPH_ATTRIBUTES
from reconciler.model.interval import span_of
from reconciler.model.written import Written

SHORTEST_KEPT: Final = timedelta(days=7)


class CustomAttribute(Written):
    """A source attribute of the organization's own."""

    type: Literal["string", "boolean", "integer", "date", "reference"]
    multi_valued: bool = False


class HistorySettings(Written):
    keep: str | None = None
    """For how long: `400d`. None: for good."""

    @field_validator("keep")
    @classmethod
    def _is_long_enough(cls, keep: str | None) -> str | None:
        if keep is not None and span_of(keep) < SHORTEST_KEPT:
            message = f"a history is kept for {SHORTEST_KEPT.days}d at least: backoff, drift and reports look back"
            raise ValueError(message)
        return keep

    @property
    def span(self) -> timedelta | None:
        return None if self.keep is None else span_of(self.keep)


class Settings(Written):
    state: Literal["file", "git"] = "file"
    """Where the memory of each app lives."""
    time_zone: str = "UTC"
    """In which whole days are meant; an IANA name."""
    soon_days: int = Field(default=30, ge=0)
    """How far ahead, in days, a plan tells of what starts and ends."""
    history: HistorySettings = Field(default_factory=HistorySettings)
    attributes: dict[str, CustomAttribute] = Field(default_factory=dict)
    defaults: dict[str, Any] = Field(default_factory=dict)
    """Keys of app.yaml, laid under each app's own file."""

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        if not _known(name) and _known("Europe/Berlin"):
            message = "not a time zone: write an IANA name such as Europe/Berlin"
            raise ValueError(message)
        return name

    @field_validator("attributes")
    @classmethod
    def _own_names(cls, attributes: dict[str, CustomAttribute]) -> dict[str, CustomAttribute]:
        taken = {*GRAPH_ATTRIBUTES, *COMPUTED, "kind", "owner", "formerly", "accounts", "from", "until", "roles"}
        if both := sorted(taken & attributes.keys()):
            message = f"already an attribute of every person: {', '.join(both)}"
            raise ValueError(message)
        return attributes


def _known(zone: str) -> bool:
    """Some machines carry no time zones at all: there no name can be judged."""
    try:
        ZoneInfo(zone)
    except (KeyError, OSError, ValueError):
        return zone == "UTC"
    return True
