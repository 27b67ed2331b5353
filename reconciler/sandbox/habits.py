"""In what servers differ, one switch a behaviour, and the servers that the gallery knows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from reconciler.errors import ReconcilerError
from reconciler.gallery import load_profile, names
from reconciler.model.profile import MemberForm, Profile, Update
from reconciler.model.rate import Bucket, Quota, Rate

KindName = Literal["User", "Group"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a server behaves. The defaults are RFC 7643 and RFC 7644 as they are written."""

    name: str = "scim"
    content_type: str = "application/scim+json"
    accepts: tuple[str, ...] = ("application/scim+json", "application/json")
    """Media types of request bodies; others are refused with 415."""
    oauth_errors: bool = False
    """401 in OAuth's form, 429 in the form of Hootsuite's REST interface, instead of SCIM's Error."""
    scim_types: frozenset[str] | None = None
    """The scimTypes that the server knows; others become invalidSyntax. None: all of RFC 7644 section 3.12."""

    numeric_ids: bool = False
    unknown_id: int = 404
    created: int = 201
    deleted: int = 204
    deletes: bool = True
    deletes_groups: bool = True
    deactivates_on_delete: bool = False
    users_endpoint: str = "/Users"
    groups_endpoint: str | None = "/Groups"
    """None: there are no groups."""
    lower_case_locations: bool = False

    user_filters: tuple[str, ...] | None = None
    """Attributes (lower case) that may stand in one plain `eq`. None: the whole filter language."""
    group_filters: tuple[str, ...] | None = None
    page_size: int = 100
    """Rows in a page when the client does not say."""
    page_cap: int = 1000
    """More are not given, whatever is asked, and nothing is said."""
    pages: bool = True
    """False: everything comes at once."""
    counts_pages: bool = False
    """startIndex is the number of a page."""
    indexes: bool = True
    """False: startIndex is refused."""
    cursors: bool = True
    leaves_out: bool = False
    """Lists without a filter leave out every second resource."""
    lists_inactive: bool = True
    shows_members: Literal["inLists", "byId", "never"] = "inLists"
    sorts: bool = True
    projects: bool = True
    """Honours attributes and excludedAttributes."""
    refuses_projection: bool = False
    """Answers them with 400."""
    etags: bool = True
    bulk: bool = True
    bulk_operations: int = 1000
    bulk_bytes: int = 1_048_576
    max_bytes: int | None = None
    """Larger bodies are refused with 413."""
    me: bool = True
    search: bool = True
    """POST /.search."""
    configuration: str | None = "/ServiceProviderConfig"
    resource_types: str | None = "/ResourceTypes"
    schemas: str | None = "/Schemas"

    required_user: tuple[str, ...] = ("userName",)
    required_group: tuple[str, ...] = ("displayName",)
    schemas_required: tuple[str, ...] = ("User", "Group", "PatchOp")
    """Bodies that must say their schemas."""
    defaults: tuple[tuple[str, str | bool | int], ...] = ()
    """Attributes of users that are filled in where nothing was sent."""
    stored_as: tuple[tuple[str, str, str], ...] = ()
    """Attribute of users, what is sent, what it is stored as."""
    attributes: tuple[tuple[str, str, bool, bool], ...] = ()
    """The application's own: path, type, multi-valued, read-only."""
    cannot: tuple[tuple[str, str], ...] = ()
    """As in the profile."""
    deactivates: bool = True
    """False: an account stays active whatever is written."""
    ends_deactivated: bool = False
    """Whoever is deactivated is gone."""
    reactivates: bool = True
    email_primary: bool = False
    """Each element of emails must carry `primary`."""
    checks_timezone: bool = False
    languages: tuple[str, ...] = ()
    """The only values of preferredLanguage; empty: any."""
    lengths: tuple[tuple[str, int, int], ...] = ()
    """`users.PATH` or `groups.PATH`, shortest, longest."""
    unique_group_names: bool = False
    conflict: int = 409
    user_external_id: bool = True
    small_user: bool = False
    """Hootsuite's few attributes instead of the whole core schema with the enterprise extension."""
    nested_groups: bool = True
    user_update: Update = "patchPath"
    """patchPath: every form is taken. patchPathless: only that and PUT. put: only that."""
    group_update: Update = "patchPath"
    member_form: MemberForm | None = None
    """The only one; None: every one."""
    max_members: int | None = None
    """Members that one request may add or remove."""
    members_on_create: bool = True
    capitalized_ops: bool = False
    text_booleans: bool = False
    pathless_groups_only: bool = False
    """PATCH on a group must not have a path, and `remove` takes what it removes from the value."""

    per_second: float = 0
    """Requests a second; 0: no limit, and no daily quota."""
    per_day: int = 0
    buckets: tuple[Bucket, ...] = ()
    tells_retry_after: bool = True
    tells_quota: bool = False
    """X-Account-… headers on every answer."""


def _lengths(profile: Profile) -> tuple[tuple[str, int, int], ...]:
    return tuple((path, *limits) for path, limits in profile.lengths.items())


def _hootsuite() -> Habits:
    """What the gallery's sources say of Hootsuite; where they are silent, the less convenient choice."""
    profile = load_profile("hootsuite")
    return Habits(
        name="hootsuite",
        content_type=profile.content_type,
        accepts=("application/json",),
        oauth_errors=True,
        scim_types=frozenset({"invalidSyntax", "mutability", "invalidValue", "uniqueness"}),
        numeric_ids=True,
        unknown_id=403,
        created=200,
        deletes=False,
        deletes_groups=False,
        lower_case_locations=True,
        user_filters=("username",),
        group_filters=("displayname",),
        page_cap=100,
        cursors=False,
        sorts=False,
        projects=False,
        etags=False,
        bulk=False,
        me=False,
        search=False,
        configuration=None,
        members_on_create=False,
        required_user=profile.users.required,
        schemas_required=("Group",),
        email_primary=True,
        defaults=tuple(profile.compare.defaults.items()),
        checks_timezone=True,
        languages=profile.languages,
        lengths=_lengths(profile),
        unique_group_names=True,
        conflict=400,
        user_external_id=False,
        small_user=True,
        nested_groups=False,
        pathless_groups_only=True,
        per_second=profile.rate.per_second or 0,
        per_day=profile.rate.per_day or 0,
        tells_retry_after=False,
        tells_quota=True,
    )


SCIM = Habits()
HOOTSUITE = _hootsuite()


@lru_cache
def habits_named(name: str) -> Habits:
    """Those of a gallery entry. Raises ReconcilerError."""
    known = {habits.name: habits for habits in (HOOTSUITE, SCIM)}
    if name not in names():
        raise ReconcilerError(f"the sandbox can't be {name!r}", hint=f"it can be: {', '.join(names())}")
    return known.get(name) or habits_of(load_profile(name))


def habits_of(profile: Profile) -> Habits:
    """A server that does what the profile says, and nothing that it does not promise."""
    users, groups, paging = profile.users, profile.groups, profile.paging
    json_only = profile.content_type.startswith("application/json")
    by_filter = ("groups.value",) if groups.read_members == "byFilter" else ()
    return Habits(
        name=profile.name,
        content_type=profile.content_type,
        accepts=("application/json",) if json_only else ("application/scim+json", "application/json"),
        unknown_id=_first(profile.answers.not_found, 404),
        created=_first(profile.answers.created, 201),
        deleted=_first(profile.answers.deleted, 204),
        deletes=users.delete,
        deletes_groups=groups.delete,
        deactivates_on_delete=users.delete_effect == "deactivated",
        users_endpoint=users.endpoint,
        groups_endpoint=groups.endpoint if groups.supported else None,
        user_filters=tuple(name.lower() for name in (*profile.filters.users, *by_filter)),
        group_filters=tuple(name.lower() for name in profile.filters.groups),
        page_size=paging.count,
        page_cap=paging.count,
        pages=paging.style != "none",
        counts_pages=paging.advance == "page",
        indexes=paging.style == "index",
        cursors=paging.style == "cursor",
        leaves_out=not paging.trusted,
        lists_inactive=users.lists_inactive,
        shows_members="never" if groups.read_members == "byFilter" else groups.read_members,
        sorts=False,
        refuses_projection=not profile.excluded_attributes,
        etags=profile.versions,
        bulk=profile.bulk is not None,
        bulk_operations=profile.bulk.operations if profile.bulk else 0,
        bulk_bytes=profile.bulk.bytes if profile.bulk else 0,
        max_bytes=profile.max_bytes,
        me=False,
        search=False,
        configuration=profile.discovery.service_provider_config,
        resource_types=profile.discovery.resource_types,
        schemas=profile.discovery.schemas,
        required_user=users.required or ("userName",),
        defaults=tuple(profile.compare.defaults.items()),
        stored_as=tuple((path, *pair) for path, table in profile.compare.values.items() for pair in table.items()),
        attributes=tuple((path, t.type, t.multi_valued, t.read_only) for path, t in profile.targets.items()),
        cannot=tuple(profile.cannot.items()),
        deactivates=users.deactivate,
        ends_deactivated=users.effect != "deactivated",
        reactivates=users.reversible,
        email_primary=profile.email_primary,
        languages=profile.languages,
        lengths=_lengths(profile),
        user_update=users.update,
        group_update=groups.update,
        member_form=None if groups.members == "valuePath" else groups.members,
        max_members=groups.max_members,
        members_on_create=groups.members_on_create,
        nested_groups=False,
        capitalized_ops=profile.patch.ops == "capitalized",
        text_booleans=profile.patch.booleans == "text",
        per_second=profile.rate.per_second or 0,
        per_day=profile.rate.per_day or 0,
        buckets=_buckets(profile.rate),
    )


def _first(statuses: tuple[int, ...], usual: int) -> int:
    """What the RFC says, where the profile knows that too."""
    return usual if usual in statuses or not statuses else statuses[0]


def _buckets(rate: Rate) -> tuple[Bucket, ...]:
    """Every limit but that of a second and that of a day, for all together."""
    found = list(rate.buckets)
    kinds: tuple[tuple[Quota, tuple[str, ...]], ...] = (
        (rate, ()),
        (rate.reads, ("GET",)),
        (rate.writes, ("POST", "PUT", "PATCH", "DELETE")),
    )
    for quota, methods in kinds:
        if quota.per_minute:
            found.append(Bucket.model_validate({"methods": methods, "count": quota.per_minute, "seconds": 60}))
        if quota.per_second and methods:
            count = max(1, int(quota.per_second))
            found.append(
                Bucket.model_validate({"methods": methods, "count": count, "seconds": count / quota.per_second})
            )
    return tuple(found)
