"""In which order keys stand in each kind of file: that of the documentation, and so of the models."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, get_args

from pydantic import BaseModel

from reconciler.model.app import App, AssignedGroup, AssignedUser, Clause, Guardrails, Not
from reconciler.model.cases import Case
from reconciler.model.mapping import Mappings
from reconciler.model.profile import Profile
from reconciler.model.settings import Settings

WHO: Final = ("id", "kind", "owner", "userPrincipalName", "mail", "mailNickname", "otherMails", "givenName", "surname",
              "displayName")  # fmt: skip
"""Of a person: what stands above everything else."""
PERSON: Final = (
    *WHO, "accountEnabled", "from", "until", "employeeId", "companyName", "employeeType", "employeeHireDate",
    "employeeLeaveDateTime", "preferredLanguage", "timeZone", "usageLocation", "country", "state", "city", "postalCode",
    "streetAddress", "officeLocation", "department", "jobTitle", "businessPhones", "mobilePhone", "faxNumber",
    *(f"extensionAttribute{n}" for n in range(1, 16)),
)  # fmt: skip
LAST: Final = ("manager", "formerly", "accounts")
"""Of a person: what stands below the organization's own attributes."""
GROUP: Final = ("id", "displayName", "description", "sensitive", "formerly", "accounts", "members", "rules")
MEMBER: Final = ("user", "group", "from", "until", "reason")
APP: Final = (
    "gallery", "tenantUrl", "sharedTenant", "auth", "caFile", "provisioning", "scope", "groups", "deprovision",
    "unmanaged", "drift", "ignore", "guardrails", "canary", "order", "interval", "notify", "sso", "profile",
)  # fmt: skip
"""With the keys that are part of the format and that no model has yet."""
GUARDRAILS: Final = (
    "deprovisionUsers", "deleteGroups", "removeMembers", "renameUsers", "updateUsers", "clearAttributes", "createUsers",
    "protected", "actsAs", "minimumMembers",
)  # fmt: skip

ASSIGNED: Final = ("user", "group", "from", "until", "roles")
_OTHERWISE: Final[Mapping[type[BaseModel], tuple[str, ...]]] = {
    Guardrails: GUARDRAILS,
    AssignedUser: ASSIGNED,
    AssignedGroup: ASSIGNED,
}
"""Models whose fields stand in another order than keys do in files."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What may be in a mapping or list. Keys that it does not know keep their order, behind those that it knows."""

    ranks: Mapping[str, int] = field(default_factory=dict)
    inside: Mapping[str, Shape] = field(default_factory=dict)
    """Key → what its value, or each entry of its list, may be."""
    apart: bool = False
    """Entries of this list stand apart, with a blank line between, where they are longer than a line."""
    others: int = 1000
    """The rank of unknown keys."""

    def rank(self, key: str) -> int:
        return self.ranks.get(key, self.others)

    def of(self, key: str) -> Shape:
        return self.inside.get(key, ANY)


ANY: Final = Shape()


def _shape(keys: tuple[str, ...], inside: Mapping[str, Shape] | None = None, *, apart: bool = False) -> Shape:
    return Shape({key: number for number, key in enumerate(keys)}, inside or {}, apart)


def shape_of(file: str) -> Shape:
    """Of the file of a desired state with this name, relative and with forward slashes."""
    folder, _, name = file.partition("/")
    match folder, name.rpartition("/")[2]:
        case "users", _:
            return _person()
        case "groups", _:
            clauses = {"all": _of(Clause)}
            inside = {"formerly": _person(), "members": _shape(MEMBER), "rules": _shape(("all",), clauses)}
            return _shape(GROUP, inside, apart=True)
        case "apps", "app.yaml":
            return _app()
        case "apps", "mappings.yaml":
            return _of(Mappings)
        case "apps", "tests.yaml":
            case = _of(Case)
            return _shape(("cases",), {"cases": Shape(case.ranks, case.inside, apart=True)})
        case "reconciler.yaml", _:
            settings = _of(Settings)
            return Shape(settings.ranks, {**settings.inside, "defaults": _app()})
        case _:
            return ANY


@cache
def _person() -> Shape:
    ranks = {key: number for number, key in enumerate(PERSON)} | {key: 2000 + n for n, key in enumerate(LAST)}
    return Shape(ranks, {"formerly": Shape(ranks)}, apart=True)


@cache
def _app() -> Shape:
    return _shape(APP, {**_of(App).inside, "profile": _of(Profile)})


@cache
def _of(model: type[BaseModel]) -> Shape:
    """Of a model: its fields in their order, and the models inside them."""
    if model is Not:
        return Shape({"not": 0}, {"not": _of(Clause)})
    inside: dict[str, Shape] = {}
    keys: list[str] = []
    for name, one in model.model_fields.items():
        if one.exclude:
            continue
        key = one.alias or name
        keys.append(key)
        shapes = [_of(each) for each in _models_in(one.annotation)]
        if shapes and not _is_table(one.annotation):
            inside[key] = _joined(shapes)
        elif shapes:  # names of the organization's own → entries of this form
            inside[key] = Shape(inside=_Everything(_joined(shapes)))
    return _shape(_OTHERWISE.get(model, tuple(keys)), inside)


def _joined(shapes: list[Shape]) -> Shape:
    """Of a value that has one of several forms: they share no keys."""
    ranks = [key for shape in shapes for key in shape.ranks]
    return _shape(tuple(dict.fromkeys(ranks)), {key: one for shape in shapes for key, one in shape.inside.items()})


class _Everything(dict[str, Shape]):
    """The same shape under any key."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def get(self, _key: str, _default: Any = None) -> Any:
        return self.shape


def _is_table(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is dict


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
