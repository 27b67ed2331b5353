"""What is to be known of an identity provider on one day: what holds, what ends, what is weak. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from reconciler.model.sso import Certificate, Finding, Provider
from reconciler.sso.shown import shown

SOON: Final = timedelta(days=30)
"""Before the end of a certificate from which everything says so."""
EMAIL: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
"""saml-core-2.0-os section 8.3.2."""
_TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_NEW: Final = "get new metadata from the identity provider, and give the application the same"


def sends_email(provider: Provider) -> bool:
    """It names one format, and that is an e-mail address."""
    return provider.formats == (EMAIL,)


def findings(provider: Provider, as_of: datetime, *, pinned: bool = False) -> Iterator[Finding]:
    """Of the metadata at a moment; the first says whose it is. `pinned`: app.yaml names who must have signed it."""
    yield Finding(True, f"the metadata is of {shown(provider.entity_id)}")
    yield from _validity(provider, as_of)
    yield _signature(provider, pinned)
    yield from _certificates(provider, as_of)
    yield from _services(provider)
    yield from _formats(provider)


def _validity(provider: Provider, as_of: datetime) -> Iterator[Finding]:
    until = provider.valid_until
    if until is None:
        return
    if until <= as_of:
        yield Finding(False, f"the metadata was valid until {until:%Y-%m-%d} (validUntil), and is no more", _NEW)
    elif until <= as_of + SOON:
        yield Finding(None, f"the metadata is valid until {until:%Y-%m-%d} (validUntil)", _NEW)
    else:
        yield Finding(True, f"the metadata is valid until {until:%Y-%m-%d}")


def _signature(provider: Provider, pinned: bool) -> Finding:
    signed = provider.signed
    pin = "name the certificate that it must be signed with in sso.certificate"
    match signed.by:
        case "none" if pinned:
            return Finding(False, "the metadata is not signed, and sso.certificate says who must have signed it", _NEW)
        case "none":
            return Finding(True, "the metadata is not signed: what vouches for it is the review of the file in git")
        case "pinned":
            return Finding(
                True, f"the metadata is signed with the certificate that app.yaml names: {shown(signed.text)}"
            )
        case "itself":
            text = "signed with the certificate in it: nothing was changed since, and who signed it is not proved"
            return Finding(True, f"the metadata is {text}", pin)
        case "unchecked":
            return Finding(None, f"the signature of the metadata was not checked: {signed.text}", pin)
        case "weak":
            return Finding(
                False if pinned else None,
                f"the metadata is signed with {signed.text}, which proves nothing any more",
                _NEW,
            )
        case "wrong":
            return Finding(False, f"the signature of the metadata does not hold: {signed.text}", _NEW)


def _certificates(provider: Provider, as_of: datetime) -> Iterator[Finding]:
    """Several are there while one is replaced: people can sign in while one of them holds."""
    for why in provider.unusable:
        yield Finding(None, f"a certificate for signing {why}", _NEW)
    known = provider.certificates
    if not known:
        yield Finding(False, "the metadata has no certificate for signing that can be read", _NEW)
        return
    holding = [each for each in known if each.begins <= as_of < each.ends]
    lasting = [each for each in known if each.ends > as_of + SOON]
    if not holding:
        yield Finding(False, f"no certificate for signing holds: {_told(known, as_of)}", _NEW)
    for each in known:
        yield from _one(each, as_of, [one for one in lasting if one.begins <= each.ends], bool(holding))
    for each in holding:
        if each.weak:
            yield Finding(None, f"{_name(each)} is weak: {', '.join(each.weak)}", "have the identity provider renew it")


def _one(certificate: Certificate, as_of: datetime, next_: Sequence[Certificate], some_hold: bool) -> Iterator[Finding]:
    """`next_`: those that hold on, and begin in time."""
    name, ends = _name(certificate), f"{certificate.ends:%Y-%m-%d}"
    if certificate.ends <= as_of:
        if some_hold:
            yield Finding(None, f"{name} expired on {ends}; another one holds", "it can be taken out of the metadata")
    elif certificate.begins > as_of:
        if some_hold:
            yield Finding(True, f"{name} is not valid yet: it begins on {certificate.begins:%Y-%m-%d}")
    elif certificate.ends <= as_of + SOON:
        left = (certificate.ends - as_of).days
        when = f"{ends}, in {left} {'day' if left == 1 else 'days'}"
        if next_:
            yield Finding(True, f"{name} ends on {when}; the next one is there")
        else:
            yield Finding(None, f"{name} ends on {when}: nobody can sign in then", _NEW)
    else:
        yield Finding(True, f"{name} holds until {ends}")


def _told(certificates: Sequence[Certificate], as_of: datetime) -> str:
    parts = [
        f"{_name(each)} expired on {each.ends:%Y-%m-%d}"
        if each.ends <= as_of
        else f"{_name(each)} begins on {each.begins:%Y-%m-%d}"
        for each in certificates
    ]
    return "; ".join(parts)


def _name(certificate: Certificate) -> str:
    return f"the certificate {certificate.fingerprint[:16]} ({certificate.key})"


def _services(provider: Provider) -> Iterator[Finding]:
    if not provider.saml2:
        yield Finding(False, "the identity provider does not say that it speaks SAML 2.0", _NEW)
    if not provider.services:
        yield Finding(False, "the metadata names no address to sign in at (SingleSignOnService)", _NEW)
        return
    plain = [location for _, location in provider.services if _scheme(location) != "https"]
    for location in dict.fromkeys(plain):
        yield Finding(None, f"people sign in at an address that is not https: {shown(location)}")
    if not plain:
        hosts = dict.fromkeys(shown(urlsplit(location).hostname or "") for _, location in provider.services)
        yield Finding(True, f"people sign in at {', '.join(hosts)}")


def _scheme(location: str) -> str:
    """ "" for what is no URL."""
    try:
        return urlsplit(location).scheme.lower()
    except ValueError:
        return ""


def _formats(provider: Provider) -> Iterator[Finding]:
    if provider.formats == (_TRANSIENT,):
        hint = "have it send emailAddress, persistent or unspecified"
        yield Finding(False, "the NameID is another at each sign-in (transient): it fits no account", hint)
    elif provider.formats == (_PERSISTENT,):
        hint = "nameId must be the attribute that it makes the value from"
        yield Finding(None, "the NameID may be a value that only the identity provider knows (persistent)", hint)
    elif sends_email(provider):
        yield Finding(True, "the NameID is an e-mail address")
