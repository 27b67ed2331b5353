"""Where a secret is: what stands in the files in its place."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from reconciler.model.written import Written


def as_tuple(value: Any) -> Any:
    """Behind a BeforeValidator strict mode sees a list, and no list is a tuple to it."""
    return tuple(value) if isinstance(value, list) else value


_KINDS_OF_REFERENCE = ("env", "file", "command", "keyring")


class SecretReference(Written):
    """Where a secret is, never what it is: exactly one of env, file, command, keyring."""

    env: str | None = None
    file: str | None = None
    command: Annotated[tuple[str, ...] | None, BeforeValidator(as_tuple)] = Field(default=None, min_length=1)
    keyring: str | None = Field(default=None, pattern=r"^[^/].*/[^/]+$")
    """service/name, in the keyring of the system."""

    @model_validator(mode="before")
    @classmethod
    def _never_literal(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            message = "a secret is never written into a file: name where it is, such as {env: NAME}"
            raise ValueError(message)  # noqa: TRY004  pydantic reports ValueErrors, with their place
        if sum(1 for key in _KINDS_OF_REFERENCE if given.get(key)) != 1:
            message = "exactly one of env, file, command, keyring"
            raise ValueError(message)
        return given
