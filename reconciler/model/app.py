"""An application as its folder describes it: app.yaml. The models are the schema; keys are camelCase."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, timedelta, tzinfo
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from reconciler.model.interval import DEFAULT, interval_of
from reconciler.model.mapping import Mappings
from reconciler.model.notify import Notify
from reconciler.model.secret import SecretReference, as_tuple
from reconciler.model.sso import Sso
from reconciler.model.values import GroupId, UserId
from reconciler.model.window import ALWAYS, EXAMPLE, Window, between, opens_at
from reconciler.model.written import Written


class Operator(StrEnum):
    """The operators of Microsoft Entra ID's scoping filters, and one more."""  # their rules: model.clauses

    AND = "&"
    NOT_AND = "!&"
    ENDS_WITH = "ENDS_WITH"
    EQUALS = "EQUALS"
    NOT_EQUALS = "NOT EQUALS"
    GREATER_THAN = "Greater_Than"
    GREATER_THAN_OR_EQUALS = "Greater_Than_OR_EQUALS"
    INCLUDES = "Includes"
    IS_TRUE = "IS TRUE"
    IS_FALSE = "IS FALSE"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"
    REGEX_MATCH = "REGEX MATCH"
    NOT_REGEX_MATCH = "NOT REGEX MATCH"
    IS_MEMBER_OF = "IS MEMBER OF"
    """Of a group, at any depth. About people, so it has no attribute; the service has no such operator."""


UNARY = frozenset({Operator.IS_TRUE, Operator.IS_FALSE, Operator.IS_NULL, Operator.IS_NOT_NULL})


class Clause(Written):
    """One comparison. IS TRUE, IS FALSE, IS NULL and IS NOT NULL take no value, all others need one."""

    attribute: str = ""
    operator: Operator
    value: str | bool | int | None = None

    @model_validator(mode="after")
    def _arity(self) -> Clause:
        message = ""
        if self.operator is Operator.IS_MEMBER_OF:
            if self.attribute:
                message = f"{self.operator} takes no attribute: it asks whether a person is in a group"
            elif not isinstance(self.value, str) or not self.value:
                message = f"{self.operator} needs the id of a group as its value"
        elif not self.attribute:
            message = f"{self.operator} needs an attribute"
        elif self.operator in UNARY and self.value is not None:
            message = f"{self.operator} takes no value"
        elif self.operator not in UNARY and self.value is None:
            message = f"{self.operator} needs a value"
        if message:
            raise ValueError(message)
        return self


class Not(Written):
    """`not: {…}`: the clause does not hold. On a null value that is false too."""  # see model.clauses

    clause: Clause = Field(alias="not")


def _kind_of_condition(given: Any) -> str:
    return "Not" if isinstance(given, Not) or (isinstance(given, dict) and "not" in given) else "Clause"


Condition: TypeAlias = Annotated[
    Annotated[Clause, Tag("Clause")] | Annotated[Not, Tag("Not")], Discriminator(_kind_of_condition)
]
"""What stands in a scoping filter."""


class ClientCredentials(Written):
    """OAuth 2.0 client credentials (RFC 6749 section 4.4), with a secret or a signed assertion (RFC 7523)."""

    token_url: str
    client_id: str = Field(min_length=1)
    client_secret: SecretReference | None = None
    private_key: SecretReference | None = None
    key_id: str | None = None
    """`kid` of what the private key signs."""
    scope: str | None = None
    audience: str | None = None
    """Sent along with the request, where the server asks for it."""
    assertion_audience: str | None = None
    """`aud` of what the private key signs; left out: the tokenUrl."""
    secret_in: Literal["header", "body"] = "header"  # noqa: S105  a place, no secret
    """Where the client secret stands in the request."""

    @model_validator(mode="after")
    def _one_of(self) -> ClientCredentials:
        message = ""
        if (self.client_secret is None) == (self.private_key is None):
            message = "exactly one of clientSecret and privateKey"
        elif self.private_key is None and (self.key_id is not None or self.assertion_audience is not None):
            message = "keyId and assertionAudience are about a privateKey"
        elif self.client_secret is None and "secret_in" in self.model_fields_set:
            message = "secretIn is about a clientSecret"
        if message:
            raise ValueError(message)
        return self


class MutualTls(Written):
    """A certificate that is shown to the application (RFC 8446 section 4.4.2)."""

    certificate: str
    """A file in PEM form, with those that lead to its authority."""
    key: SecretReference


class Auth(Written):
    """Who we are: a token, or credentials that get one; and a certificate, beside either or alone."""

    bearer: SecretReference | None = None
    client_credentials: ClientCredentials | None = None
    mutual_tls: MutualTls | None = None
    expires: str | None = None
    """The last day on which the token, secret or certificate works: YYYY-MM-DD."""

    @model_validator(mode="after")
    def _one_of(self) -> Auth:
        message = ""
        if self.bearer is not None and self.client_credentials is not None:
            message = "bearer or clientCredentials, not both: there is one header for a token"
        elif self.bearer is None and self.client_credentials is None and self.mutual_tls is None:
            message = "one of bearer, clientCredentials, mutualTls"
        if message:
            raise ValueError(message)
        return self

    @property
    def method(self) -> Literal["bearer", "clientCredentials", "mutualTls"]:
        """By what the application knows us: a token; a certificate only where there is no token beside it."""
        if self.bearer is not None:
            return "bearer"
        return "mutualTls" if self.client_credentials is None else "clientCredentials"

    @field_validator("expires")
    @classmethod
    def _is_day(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                date.fromisoformat(text)
            except ValueError as error:
                message = "not a day: write it as 2027-06-30"
                raise ValueError(message) from error
        return text


def references(holder: Written | None) -> Iterator[SecretReference]:
    """Every secret that an `auth` names, of whatever kind."""
    for name in type(holder).model_fields if holder is not None else ():
        value = getattr(holder, name)
        if isinstance(value, SecretReference):
            yield value
        elif isinstance(value, Written):
            yield from references(value)


Roles: TypeAlias = Annotated[tuple[Annotated[str, Field(pattern=r"^\S(.*\S)?$")], ...], BeforeValidator(as_tuple)]
"""Values of roles, as the application knows them."""


class _Assignment(Written):
    """With the window that it holds in, as it is written: whole days are meant in a zone that no app.yaml knows."""

    from_: str = Field(default="", alias="from")
    """The first day on which the assignment holds, or the moment from which it does."""
    until: str = ""
    """The last day on which the assignment holds, or the moment at which it ends."""

    @field_validator("from_", "until")
    @classmethod
    def _is_moment(cls, text: str) -> str:
        try:
            opens_at(text, UTC)
        except ValueError as error:
            message = f"neither a day nor a time with an offset, {EXAMPLE}"
            raise ValueError(message) from error
        return text

    def window(self, zone: tzinfo) -> Window:
        """Raises ValueError where a day is out of reach in this zone."""
        return between(self.from_, self.until, zone) if self.from_ or self.until else ALWAYS


class AssignedGroup(_Assignment):
    group: GroupId
    roles: Roles = ()
    """What everybody in the group has in the application, at any depth."""


class AssignedUser(_Assignment):
    user: UserId
    roles: Roles = ()


def _group_entry(value: Any) -> Any:
    return {"group": value} if isinstance(value, str) else value


def _user_entry(value: Any) -> Any:
    return {"user": value} if isinstance(value, str) else value


class Assigned(Written):
    groups: tuple[Annotated[AssignedGroup, BeforeValidator(_group_entry)], ...] = ()
    users: tuple[Annotated[AssignedUser, BeforeValidator(_user_entry)], ...] = ()
    exclude: tuple[UserId, ...] = ()


class Scope(Written):
    """Who gets access: `assigned` or `everyone`, narrowed by filters (any of them; all clauses of it)."""

    everyone: bool = False
    assigned: Assigned | None = None
    exclude: tuple[UserId, ...] = ()
    filters: tuple[tuple[Condition, ...], ...] = ()
    group_filters: tuple[tuple[Condition, ...], ...] = ()

    @model_validator(mode="after")
    def _one_of(self) -> Scope:
        if self.everyone == (self.assigned is not None):
            message = "exactly one of `assigned` and `everyone: true`"
            raise ValueError(message)
        return self

    @property
    def excluded(self) -> frozenset[UserId]:
        return frozenset((*self.exclude, *(self.assigned.exclude if self.assigned else ())))


class Deprovision(Written):
    """What happens to people and groups that we provisioned and that left scope."""

    users: Literal["deactivate", "delete", "keep"] = "deactivate"
    groups: Literal["delete", "empty", "keep"] = "delete"


class Unmanaged(Written):
    """What happens to accounts, groups and members that we never provisioned and nobody in scope matches."""

    users: Literal["deprovision", "report", "ignore"]
    groups: Literal["delete", "empty", "report", "ignore"] = "report"
    members: Literal["remove", "report"] = "report"


class Drift(Written):
    taken_away: Literal["hold", "repair"] = "hold"
    given: Literal["hold", "repair"] = "repair"


class Ignore(Written):
    """Accounts and groups that are never touched: any of the clauses. Attributes are the application's."""

    users: tuple[Clause, ...] = ()
    groups: tuple[Clause, ...] = ()


class Limit(Written):
    """Broken when `count` or `percent` is exceeded; never with fewer than `ignoreBelow`, where one is given."""

    count: int | None = Field(default=None, ge=0)
    percent: float | None = Field(default=None, ge=0, le=100)
    ignore_below: int = Field(default=0, ge=0)


class Protected(Written):
    """Never removed and never renamed. Users by id, or accounts by a clause on the application's attributes."""

    users: tuple[UserId | Clause, ...] = ()
    groups: tuple[GroupId | Clause, ...] = ()


class Guardrails(Written):
    deprovision_users: Limit = Limit(count=20, percent=10, ignore_below=5)
    delete_groups: Limit = Limit(count=2)
    remove_members: Limit | None = None
    """For each group. Left out: 40 %, ignoreBelow 3, and 50 % in groups of fewer than 10."""
    rename_users: Limit = Limit(count=10)
    update_users: Limit = Limit(percent=30, ignore_below=20)
    clear_attributes: Limit = Limit(count=20)
    create_users: Limit = Limit()
    minimum_members: dict[GroupId, Annotated[int, Field(ge=1)]] = {}
    """Group → how many members it has to keep: what would leave it fewer is held."""
    protected: Protected = Protected()
    acts_as: str | None = None
    """The userName of the account that the token belongs to."""


class App(Written):
    """One application. `name` is the folder's; `mappings` are the file's, laid over the gallery's."""

    name: str = Field(exclude=True)
    mappings: Mappings = Field(default=Mappings(), exclude=True)
    gallery: str = "scim"
    tenant_url: str
    auth: Auth | None = None
    ca_file: str | None = Field(default=None, min_length=1)
    """Certificates of authorities to trust beside the usual ones, in PEM form."""
    provisioning: bool = True
    scope: Scope
    groups: Literal["assigned", "all", "none"] | tuple[GroupId, ...] = "assigned"
    deprovision: Deprovision = Deprovision()
    unmanaged: Unmanaged
    drift: Drift = Drift()
    ignore: Ignore = Ignore()
    guardrails: Guardrails = Guardrails()
    canary: int = Field(default=3, ge=0)
    """The first of each kind of change are made and verified before the rest of the kind; 0: none."""
    order: Literal["leaversFirst", "leaversLast"] = "leaversFirst"
    interval: str = DEFAULT
    """How often `run` does a cycle, such as 40m or 1h30m."""
    notify: Notify | None = None
    sso: Sso | None = None
    profile: dict[str, Any] = {}
    """Corrections to the gallery's profile, merged deeply."""

    @field_validator("sso", mode="before")
    @classmethod
    def _empty_is_none(cls, given: Any) -> Any:
        return None if given == {} else given

    @model_validator(mode="after")
    def _rules(self) -> App:
        if self.unmanaged.users == "deprovision" and not self.guardrails.acts_as:
            message = "guardrails.actsAs is required when unmanaged.users is deprovision"
            raise ValueError(message)
        return self

    @field_validator("interval")
    @classmethod
    def _is_interval(cls, text: str) -> str:
        interval_of(text)
        return text

    @property
    def every(self) -> timedelta:
        """`interval`, as a length of time."""
        return interval_of(self.interval)
