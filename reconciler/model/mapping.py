"""Attribute mappings: how source attributes become the application's. The form of mappings.yaml and of the gallery."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from reconciler.model.path import parse_path
from reconciler.model.written import Written


class Mapping(Written):
    """One target and exactly one of `source`, `constant`, `expression`, `none: true`."""

    target: str
    source: str | None = None
    constant: str | bool | int | None = None
    expression: str | None = Field(default=None, max_length=10_000)
    none: bool = False
    matching: int | None = Field(default=None, ge=1)
    """Precedence; 1 is tried first."""
    apply: Literal["always", "onCreate"] = "always"
    default: str | bool | int | None = None
    """Flows on creation when the value is null, never on update."""
    when_null: Literal["skip", "clear"] = "skip"
    values: dict[str, str | bool | int] | None = None
    """Source value → target value."""
    otherwise: Literal["keep", "skip", "error"] = "keep"
    """What happens to a value that `values` does not list."""

    @field_validator("target")
    @classmethod
    def _is_path(cls, target: str) -> str:
        parse_path(target)
        return target

    @model_validator(mode="before")
    @classmethod
    def _one_kind(cls, given: Any) -> Any:
        if isinstance(given, dict):
            kinds = [k for k in ("source", "constant", "expression", "none") if given.get(k) not in (None, False)]
            if "constant" in given and given["constant"] is False and "constant" not in kinds:
                kinds.append("constant")
            if len(kinds) != 1:
                message = "exactly one of source, constant, expression, `none: true`"
                raise ValueError(message)
        return given


class Mappings(Written):
    """`users` and `groups`; `replace: true` starts from nothing instead of from the gallery's."""

    replace: bool = False
    users: tuple[Mapping, ...] = ()
    groups: tuple[Mapping, ...] = ()

    def over(self, base: Mappings) -> Mappings:
        """These laid over `base` by target: same target replaces, `none: true` removes."""
        if self.replace:
            base = Mappings()
        return Mappings(users=_lay(base.users, self.users), groups=_lay(base.groups, self.groups))


def _lay(base: tuple[Mapping, ...], over: tuple[Mapping, ...]) -> tuple[Mapping, ...]:
    table = {parse_path(m.target).canonical: m for m in base}
    for mapping in over:
        table[parse_path(mapping.target).canonical] = mapping
    return tuple(m for m in table.values() if not m.none)
