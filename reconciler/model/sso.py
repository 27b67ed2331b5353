"""How people sign in to an application: `sso` of app.yaml, and what is known of the identity provider behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pydantic import Field, field_validator, model_validator

from reconciler.model.written import Written

SUB: Final = "sub"
"""The claim that names the person (OpenID Connect Core 1.0 section 2)."""
_FILE: Final = r"^[^\x00-\x1f\\]+$"


class Sso(Written):
    """SAML: `metadata` and `nameId`; OpenID Connect: `issuer` and `subject`."""

    metadata: str | None = Field(default=None, min_length=1, pattern=_FILE)
    """SAML metadata of the identity provider: a file beside app.yaml."""
    certificate: str | None = Field(default=None, min_length=1, pattern=_FILE)
    """The certificate that the metadata must be signed with, in PEM form: a file beside app.yaml."""
    name_id: str | None = Field(default=None, min_length=1)
    """The source attribute that the identity provider sends as NameID."""
    issuer: str | None = Field(default=None, min_length=1)
    """As the identity provider calls itself: compared character by character."""
    subject: str | None = Field(default=None, min_length=1)
    """The source attribute that the claim holds."""
    claim: str | None = Field(default=None, min_length=1)
    """By which the application knows who signs in; left out: sub."""

    @field_validator("metadata", "certificate")
    @classmethod
    def _is_beside(cls, name: str | None) -> str | None:
        if name is not None and (name.startswith("/") or ".." in name.split("/")):
            message = "a file beside this one: no path that leads elsewhere"
            raise ValueError(message)
        return name

    @model_validator(mode="after")
    def _one_of(self) -> Sso:
        message = ""
        if (self.metadata is None) == (self.issuer is None):
            message = "exactly one of metadata (SAML) and issuer (OpenID Connect)"
        elif self.metadata is not None and self.name_id is None:
            message = "nameId is missing: the attribute of people that is sent as NameID"
        elif self.metadata is not None and (self.subject is not None or self.claim is not None):
            message = "subject and claim are about an issuer"
        elif self.issuer is not None and self.subject is None:
            message = "subject is missing: the attribute of people that the claim holds"
        elif self.issuer is not None and (self.name_id is not None or self.certificate is not None):
            message = "nameId and certificate are about SAML metadata"
        if message:
            raise ValueError(message)
        return self

    @property
    def attribute(self) -> str:
        """Of people: what names them at the sign-in."""
        return self.name_id or self.subject or ""

    @property
    def word(self) -> str:
        """What the application gets, in words."""
        return "NameID" if self.metadata is not None else f"claim {self.claim or SUB}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Of the identity provider. `ok`: True: fine; False: people can't sign in, or nobody should; None: to be known."""

    ok: bool | None
    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """An X.509 certificate (RFC 5280) as far as it matters here."""

    subject: str
    fingerprint: str
    """SHA-256 of its DER form, hex."""
    begins: datetime
    ends: datetime
    key: str
    """Such as `RSA 2048`."""
    weak: tuple[str, ...] = ()
    """What is weak about it, in words."""
    pem: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signature on the metadata is worth."""

    by: Literal["none", "unchecked", "wrong", "weak", "itself", "pinned"]
    """`itself`: by the certificate that stands in the signature; `pinned`: by the one that app.yaml names."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """One identity provider, as its SAML metadata describes it (saml-metadata-2.0-os)."""

    entity_id: str
    valid_until: datetime | None
    """The earliest that any element around it gives (section 2.3.2)."""
    certificates: tuple[Certificate, ...]
    """For signing: KeyDescriptor without `use`, or with `signing` (section 2.4.1.1)."""
    unusable: tuple[str, ...]
    """Why a certificate could not be read, in words."""
    services: tuple[tuple[str, str], ...]
    """(binding, location) of each SingleSignOnService (section 2.4.3)."""
    formats: tuple[str, ...]
    """NameIDFormat (section 2.4.2)."""
    saml2: bool
    """Whether protocolSupportEnumeration names SAML 2.0."""
    signed: Signed


@dataclass(frozen=True, slots=True)
class SignOn:
    """What a plan is told of the identity provider."""

    findings: tuple[Finding, ...] = ()
    email: bool = False
    """It sends nothing but e-mail addresses as NameID."""
