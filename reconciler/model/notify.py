"""Whom an app tells when something needs a person: `notify` of app.yaml."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from reconciler.model.secret import SecretReference, as_tuple
from reconciler.model.written import Written

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\Z")
"""What every mail server takes (RFC 5321 section 4.1.2): no quotes, no comments, no name beside it."""
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\Z|[0-9a-fA-F:]*:[0-9a-fA-F:.]*\Z")


def _is_address(text: str) -> str:
    if not _ADDRESS.match(text) or ".." in text:
        message = "not an e-mail address: write it alone, in ASCII, as in identity@contoso.com"
        raise ValueError(message)
    return text


def _is_host(text: str) -> str:
    if not _HOST.match(text):
        message = "not a host: write it alone, as in smtp.contoso.com; the port is a key of its own"
        raise ValueError(message)
    return text


Address = Annotated[str, AfterValidator(_is_address)]


class Smtp(Written):
    """A mail server that takes mail for others. TLS from the first byte on port 465, STARTTLS on every other."""

    host: Annotated[str, AfterValidator(_is_host)]
    port: int = Field(default=587, ge=1, le=65535)
    user: SecretReference | None = None
    password: SecretReference | None = None

    @model_validator(mode="after")
    def _both(self) -> Smtp:
        if (self.user is None) != (self.password is None):
            message = "user and password, or neither"
            raise ValueError(message)
        return self


class Email(Written):
    from_: Address = Field(alias="from")
    to: Annotated[tuple[Address, ...], BeforeValidator(as_tuple)] = Field(min_length=1, max_length=100)
    smtp: Smtp


class Webhook(Written):
    """An address that events are posted to. It is a reference: who knows a Slack webhook's address can write there."""

    url: SecretReference
    secret: SecretReference | None = None
    """Signs what is posted. The form `slack` may do without: Slack looks at no signature."""
    form: Literal["json", "slack"] = "json"

    @model_validator(mode="after")
    def _signed(self) -> Webhook:
        if self.form == "json" and self.secret is None:
            message = "a webhook of the form json needs a `secret`, by which its receiver can tell who sends"
            raise ValueError(message)
        return self


class Notify(Written):
    email: Email | None = None
    webhook: Webhook | None = None
