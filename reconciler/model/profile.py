"""Everything in which SCIM servers differ, as one document for each application (`gallery/NAME.yaml`)."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from reconciler.model.mapping import Mappings
from reconciler.model.path import parse_path
from reconciler.model.schema import Attribute, Schema


class _Written(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Paging(_Written):
    """How lists are walked (RFC 7644 section 3.4.2.4). The client advances by the rows received, never by `count`."""

    style: Literal["index", "none"] = "index"
    count: int = Field(default=100, ge=1)
    """Rows asked for in one page. The server may give fewer."""


class Filters(_Written):
    """Attributes whose `eq` filter can be trusted, by resource."""

    users: tuple[str, ...] = ("userName",)
    groups: tuple[str, ...] = ("displayName",)


class Users(_Written):
    update: Literal["patchPath", "patchPathless", "put"] = "patchPath"
    """The form tried first; the others follow where the server refuses it or does not do what it says."""
    deactivate: bool = True
    """`active: false` takes access away."""
    delete: bool = True
    """DELETE /Users/{id} works."""
    effect: Literal["deactivated", "deleted", "removed"] = "deactivated"
    """What deactivation really does, in the words of a report."""
    required: tuple[str, ...] = ()
    """Paths without which the application refuses a creation."""


class Groups(_Written):
    update: Literal["patchPath", "patchPathless", "put"] = "patchPath"
    delete: bool = True
    members: Literal["patchPath", "patchPathless", "put"] = "patchPath"
    """How membership is written: PATCH with `path: members`, PATCH without a path, or PUT after GET."""
    max_members: int = Field(default=100, ge=1)
    """Members that one request may add or remove."""
    members_on_create: bool = True


class Rate(_Written):
    per_second: float | None = Field(default=None, gt=0)
    per_day: int | None = Field(default=None, gt=0)
    concurrency: int = Field(default=16, ge=1, le=256)
    """Requests at a time, at most."""


class Compare(_Written):
    """What the application changes by itself. Paths as `AttributePath.schema_name` writes them, in any case."""

    case_insensitive: tuple[str, ...] = ("userName", "emails.value")
    ignore: tuple[str, ...] = ()
    """Mapped paths that are written on creation and never compared."""


class Target(_Written):
    """An attribute of the application's own. The type alone is its short form."""

    type: Literal["string", "boolean", "integer", "decimal", "date", "dateTime", "reference"]
    multi_valued: bool = False
    read_only: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"type": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_person(self) -> Target:
        if self.type == "reference" and self.multi_valued:
            message = "a reference is to one person: it can't be multiValued"
            raise ValueError(message)
        return self


class Profile(_Written):
    name: str
    title: str
    description: str = ""
    verified: str = "never"
    """When somebody last saw this on a real tenant: a date, or never."""
    sources: tuple[str, ...] = ()
    tenant_url: str | None = None
    content_type: str = "application/scim+json"
    paging: Paging = Paging()
    filters: Filters = Filters()
    excluded_attributes: bool = True
    """`excludedAttributes=members` is honoured."""
    users: Users = Users()
    groups: Groups = Groups()
    rate: Rate = Rate()
    compare: Compare = Compare()
    email_primary: bool = False
    """Elements of `emails` must carry `primary`."""
    not_found: tuple[int, ...] = (404,)
    """Statuses that may mean an unknown id."""
    settle_seconds: float = Field(default=0, ge=0)
    cannot: dict[str, str] = {}
    """What can't be done → the sentence for the plan: deleteUser, deleteGroup, renameGroup."""
    languages: tuple[str, ...] = ()
    """Values that preferredLanguage may have; empty: any."""
    lengths: dict[str, tuple[int, int]] = {}
    """`users.PATH` or `groups.PATH` → shortest and longest value, as lint."""
    targets: dict[str, Target] = Field(default={}, alias="schema")
    """Paths of users, without value filter → what the application's own attributes are."""
    mappings: Mappings = Mappings()

    @field_validator("targets")
    @classmethod
    def _are_paths(cls, targets: dict[str, Target]) -> dict[str, Target]:
        for text in targets:
            if parse_path(text).key:
                message = f"{text}: `schema` names attributes without a value filter"
                raise ValueError(message)
        return targets

    @cached_property
    def schema_of_users(self) -> Schema:
        """`targets` as model.schema takes them."""
        return {
            parse_path(text).full_name: Attribute(each.type, each.multi_valued, each.read_only)
            for text, each in self.targets.items()
        }

    def corrected(self, over: dict[str, Any]) -> Profile:
        """With the app's `profile:` merged in deeply. Raises pydantic.ValidationError."""
        return Profile.model_validate(_merge(self.model_dump(by_alias=True), over)) if over else self


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
