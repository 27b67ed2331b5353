"""Everything in which SCIM servers differ, as one document for each application (`gallery/NAME.yaml`).

The defaults are RFC 7643 and RFC 7644 as they are written. The keys of rates are in `model.rate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias, get_args

from pydantic import Field, field_validator, model_validator

from reconciler.model.comparison import Compare, Comparison
from reconciler.model.mapping import Mappings
from reconciler.model.path import parse_path
from reconciler.model.rate import Rate
from reconciler.model.schema import Attribute, Schema
from reconciler.model.written import Written

Update: TypeAlias = Literal["patchPath", "patchPathless", "put"]
"""How single values are written: PATCH with a path, PATCH without one, PUT of the whole resource as it was read."""
MemberForm: TypeAlias = Literal["valuePath", "valueArray", "pathless", "nested", "replace", "put"]
"""How members are written. All but the last are PATCHes:

valuePath   add {path: members, value: [{value: ID}]}; remove {path: members[value eq "ID"]}  (RFC 7644 section 3.5.2)
valueArray  add likewise; remove {path: members, value: [{value: ID}]}, as Microsoft Entra does
pathless    add and remove {value: {members: [{value: ID}]}}
nested      add and remove {path: members, value: {members: [{value: ID}]}}
replace     replace {path: members, value: [all who shall be in it]}
put         PUT of the group as it was read, with other members
"""
UPDATES: Final[tuple[Update, ...]] = get_args(Update)
MEMBER_FORMS: Final[tuple[MemberForm, ...]] = get_args(MemberForm)


class Discovery(Written):
    """Where the server describes itself (RFC 7644 section 4); null: nowhere, so it is not asked."""

    service_provider_config: str | None = "/ServiceProviderConfig"
    resource_types: str | None = "/ResourceTypes"
    schemas: str | None = "/Schemas"


class Authentication(Written):
    methods: tuple[Literal["bearer", "clientCredentials", "mutualTls"], ...] = ("bearer", "clientCredentials")
    """What the application takes; `validate` warns of any other."""
    scheme: str = "Bearer"
    """The word before the token in the header Authorization."""


class Paging(Written):
    """How lists are walked."""

    style: Literal["index", "cursor", "none"] = "index"
    """By startIndex (RFC 7644 section 3.4.2.4), by cursor (RFC 9865), or everything at once."""
    count: int = Field(default=100, ge=1)
    """Rows asked for in one page. The server may give fewer."""
    advance: Literal["received", "count", "page"] = "received"
    """What the next startIndex adds: the rows that came; the rows that were asked for; or 1, where it counts pages."""
    trusted: bool = True
    """False: lists leave out people. Everybody is looked up by id or matching attribute instead."""


class Filters(Written):
    """Attributes whose `eq` filter can be trusted, by resource."""

    users: tuple[str, ...] = ("userName",)
    groups: tuple[str, ...] = ("displayName",)


class Patch(Written):
    """How PATCH is spelled."""

    ops: Literal["lower", "capitalized"] = "lower"
    """`add` as in RFC 7644 section 3.5.2, or `Add`, as Microsoft Entra sends it."""
    booleans: Literal["json", "text"] = "json"
    """`false`, or `"False"`."""


class Users(Written):
    endpoint: str = Field(default="/Users", pattern=r"^/[^/?#]+$")
    update: Update = "patchPath"
    """The form tried first; the others follow where the server refuses it or does not do what it says."""
    multi_valued: Literal["element", "whole"] = "element"
    """How `emails[type eq "work"].value` is written: the element alone, or the whole list with it."""
    required: tuple[str, ...] = ()
    """Paths that every creation and every PUT must carry."""
    deactivate: bool = True
    """`active: false` takes access away."""
    effect: Literal["deactivated", "deleted", "removed"] = "deactivated"
    """What deactivation really does, in the words of a report."""
    reversible: bool = True
    """`active: true` gives access back."""
    lists_inactive: bool = True
    """Lists hold deactivated accounts too."""
    delete: bool = True
    """DELETE works."""
    delete_effect: Literal["deleted", "deactivated"] = "deleted"
    """What DELETE really does."""


class Groups(Written):
    supported: bool = True
    """False: the application has no groups over SCIM, and none are read."""
    endpoint: str = Field(default="/Groups", pattern=r"^/[^/?#]+$")
    update: Update = "patchPath"
    delete: bool = True
    members: MemberForm = "valuePath"
    """The form tried first."""
    read_members: Literal["inLists", "byId", "byFilter", "never"] = "inLists"
    """Where members are shown: in lists; only by GET of one group; by the filter `groups.value eq "ID"` on users; or
    nowhere: then the memory says who was put into a group.
    """
    max_members: int = Field(default=100, ge=1)
    """Members that one request may add or remove."""
    members_on_create: bool = True


class Bulk(Written):
    """POST /Bulk (RFC 7644 section 3.7) works, and counts as one request."""

    operations: int = Field(default=100, ge=1)
    bytes: int = Field(default=1_048_576, ge=1)


class Meaning(Written):
    """An error body of the application's own: with this status, or this text in it, it means this."""

    status: int | None = Field(default=None, ge=200, le=599)
    says: str = ""
    """Part of the body, in any case."""
    means: Literal["conflict", "notFound", "forbidden", "unauthorized", "invalid", "rateLimited", "unavailable"]

    @model_validator(mode="after")
    def _recognizable(self) -> Meaning:
        if self.status is None and not self.says:
            message = "an error is recognized by `status`, by `says`, or by both"
            raise ValueError(message)
        return self


class Answers(Written):
    """Statuses that deviate from the RFC."""

    created: tuple[int, ...] = (200, 201)
    """Of a creation that is done; with another 2xx the resource is looked up."""
    deleted: tuple[int, ...] = (200, 202, 204)
    not_found: tuple[int, ...] = (404,)
    """Statuses that may mean an unknown id."""
    errors: tuple[Meaning, ...] = ()


class Target(Written):
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


class Quirk(Written):
    """In what the application differs, as a sentence: which keys say so, and how it is known."""

    about: tuple[str, ...] = ()
    """Dotted keys of this document, such as `paging.count`."""
    says: str
    source: str
    """A key of `sources`."""


Impossible: TypeAlias = Literal[
    "createUser", "renameUser", "deactivateUser", "reactivateUser", "deleteUser", "createGroup", "updateGroup",
    "renameGroup", "deleteGroup", "addMembers", "removeMembers", "readMembers",
]  # fmt: skip


class Profile(Written):
    name: str
    title: str
    description: str = ""
    verified: str = "never"
    """When somebody last saw this on a real tenant: a date, or never."""
    sources: dict[str, str] = {}
    """Short name → where it is written."""
    quirks: tuple[Quirk, ...] = ()
    tenant_url: str | None = None
    """With `{…}` where the tenant's own part stands."""
    content_type: str = "application/scim+json"
    authentication: Authentication = Authentication()
    discovery: Discovery = Discovery()
    paging: Paging = Paging()
    filters: Filters = Filters()
    excluded_attributes: bool = True
    """`excludedAttributes=members` is honoured."""
    patch: Patch = Patch()
    users: Users = Users()
    groups: Groups = Groups()
    bulk: Bulk | None = None
    versions: bool = False
    """`meta.version` moves exactly when the resource does, and If-Match is honoured (RFC 7644 section 3.14)."""
    max_bytes: int | None = Field(default=None, ge=1000)
    """The largest body of a request."""
    answers: Answers = Answers()
    rate: Rate = Rate()
    compare: Compare = Compare()
    email_primary: bool = False
    """Elements of `emails` must carry `primary`."""
    settle_seconds: float = Field(default=0, ge=0, le=600)
    """How long after a write a read may still show what was before."""
    cannot: dict[Impossible, str] = {}
    """What can't be done → the sentence for the plan."""
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

    @model_validator(mode="after")
    def _sources_are_named(self) -> Profile:
        unknown = sorted({quirk.source for quirk in self.quirks} - self.sources.keys())
        if unknown:
            message = f"quirks name sources that are not there: {', '.join(unknown)}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _members_are_readable(self) -> Profile:
        if self.groups.members in {"replace", "put"} and self.groups.read_members in {"byFilter", "never"}:
            message = f"groups.members: {self.groups.members} writes the list that a group shows, and it shows none"
            raise ValueError(message)
        if self.groups.update == "put" and self.groups.read_members in {"byFilter", "never"}:
            message = "groups.update: put writes back the members that a group shows, and it shows none"
            raise ValueError(message)
        return self

    @cached_property
    def schema_of_users(self) -> Schema:
        """`targets` as model.schema takes them."""
        return {
            parse_path(text).full_name: Attribute(each.type, each.multi_valued, each.read_only)
            for text, each in self.targets.items()
        }

    @cached_property
    def comparison(self) -> Comparison:
        """`compare`, ready to be asked."""
        return Comparison(self.compare)

    @cached_property
    def comparison_of_groups(self) -> Comparison:
        return Comparison(self.compare, of_groups=True)

    def corrected(self, over: dict[str, Any]) -> Profile:
        """With the app's `profile:` merged in deeply. Raises pydantic.ValidationError."""
        return Profile.model_validate(_merge(self.model_dump(by_alias=True), over)) if over else self


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def flat(over: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted key → value, of a correction as deep as it goes."""
    found: dict[str, Any] = {}
    for key, value in over.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return found


def nested(found: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse: {"users.update": "put"} as {"users": {"update": "put"}}."""
    whole: dict[str, Any] = {}
    for key, value in found.items():
        *above, last = key.split(".")
        node = whole
        for name in above:
            node = node.setdefault(name, {})
        node[last] = value
    return whole
