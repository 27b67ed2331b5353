"""In what servers differ, one switch a behaviour, and the two servers that we know how to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reconciler.gallery import load_profile

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
    deletes: bool = True
    lower_case_locations: bool = False

    user_filters: tuple[str, ...] | None = None
    """Attributes (lower case) that may stand in one plain `eq`. None: the whole filter language."""
    group_filters: tuple[str, ...] | None = None
    page_size: int = 100
    """Rows in a page when the client does not say."""
    page_cap: int = 1000
    """More are not given, whatever is asked, and nothing is said."""
    cursors: bool = True
    sorts: bool = True
    projects: bool = True
    """Honours attributes and excludedAttributes."""
    etags: bool = True
    bulk: bool = True
    me: bool = True
    search: bool = True
    """POST /.search."""
    tells_configuration: bool = True
    """Has /ServiceProviderConfig."""

    required_user: tuple[str, ...] = ("userName",)
    required_group: tuple[str, ...] = ("displayName",)
    schemas_required: tuple[str, ...] = ("User", "Group", "PatchOp")
    """Bodies that must say their schemas."""
    email_primary: bool = False
    """Each element of emails must carry `primary`."""
    default_timezone: str | None = None
    checks_timezone: bool = False
    languages: tuple[str, ...] = ()
    """The only values of preferredLanguage; empty: any."""
    user_name_lengths: tuple[int, int] | None = None
    """Of a user's displayName."""
    group_name_lengths: tuple[int, int] | None = None
    unique_group_names: bool = False
    conflict: int = 409
    user_external_id: bool = True
    small_user: bool = False
    """Hootsuite's few attributes instead of the whole core schema with the enterprise extension."""
    nested_groups: bool = True
    pathless_groups_only: bool = False
    """PATCH on a group must not have a path, and `remove` takes what it removes from the value."""

    per_second: float = 0
    """Requests a second; 0: no limit, and no daily quota."""
    per_day: int = 0
    tells_retry_after: bool = True
    tells_quota: bool = False
    """X-Account-… headers on every answer."""


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
        tells_configuration=False,
        required_user=profile.users.required,
        schemas_required=("Group",),
        email_primary=True,
        default_timezone="America/Vancouver",
        checks_timezone=True,
        languages=profile.languages,
        user_name_lengths=profile.lengths["users.displayName"],
        group_name_lengths=profile.lengths["groups.displayName"],
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
HABITS = {habits.name: habits for habits in (HOOTSUITE, SCIM)}
"""By the name of their gallery entry."""
