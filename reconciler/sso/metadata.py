"""SAML 2.0 metadata (saml-metadata-2.0-os) of an identity provider, from bytes that anybody may have written.

No document type, no entities, nothing fetched; bounded in size, depth and number of elements.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from reconciler.model.sso import Certificate, Provider, Signed
from reconciler.sso.certificates import BadCertificate, from_base64
from reconciler.sso.shown import shown
from reconciler.sso.signature import signature_of

MAX_BYTES: Final = 5_000_000
"""An identity provider's own metadata has some kilobytes; a federation's register of thousands is no file to review."""
_DEEPEST: Final = 40
_MOST_ELEMENTS: Final = 100_000
_MOST_CERTIFICATES: Final = 20
_LONGEST: Final = 1024  # characters of a name or an address (saml-metadata-2.0-os section 2.2.1)
_MD: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_SAML2: Final = "urn:oasis:names:tc:SAML:2.0:protocol"


class BadMetadata(Exception):
    """Why it can't be used, and what to do about it. Never leaves the session."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def provider_of(data: bytes, pinned: Certificate | None = None) -> Provider:
    """The one identity provider that metadata describes. `pinned`: who must have signed it. Raises BadMetadata."""
    root = _parsed(data)
    entity, role, until = _only(root)
    provider = _described(entity, role, until)
    signed, covered = signature_of(data, root, entity, pinned)
    if covered is not None:
        signed = _if_same(provider, signed, covered)
    return replace(provider, signed=signed)


def _if_same(provider: Provider, signed: Signed, covered: bytes) -> Signed:
    """What was signed must be what was read: a signature may cover another element with the same ID."""
    wrong = Signed("wrong", "it covers something else than the identity provider that is described")
    try:
        again = _described(*_only(_parsed(covered)))
    except BadMetadata:
        return wrong
    ends = provider.valid_until
    return signed if replace(again, valid_until=ends) == provider else wrong


def _only(root: Element) -> tuple[Element, Element, datetime | None]:
    """(EntityDescriptor, IDPSSODescriptor, the end of what is around them)."""
    if root.tag not in (f"{_MD}EntityDescriptor", f"{_MD}EntitiesDescriptor"):
        name = shown(root.tag.rpartition("}")[2])
        raise BadMetadata(
            f"is no SAML metadata: its first element is {name}",
            "metadata begins with EntityDescriptor, or EntitiesDescriptor, of SAML 2.0",
        )
    found = [(entity, role, until) for entity, until in _entities(root) for role in _roles(entity)]
    if not found:
        raise BadMetadata(
            "describes no identity provider: there is no IDPSSODescriptor",
            "ask for the metadata of the identity provider, not of the application",
        )
    if len(found) > 1:
        raise BadMetadata(
            f"describes {len(found):,} identity providers", "keep the EntityDescriptor of the one that people use"
        )
    return found[0]


def _described(entity: Element, role: Element, until: datetime | None) -> Provider:
    entity_id = entity.get("entityID", "").strip()
    if not entity_id or len(entity_id) > _LONGEST:
        raise BadMetadata("has an EntityDescriptor without a usable entityID")
    ends = [moment for moment in (until, _moment(role)) if moment is not None]
    certificates, unusable = _certificates(role)
    return Provider(
        entity_id=entity_id,
        valid_until=min(ends, default=None),
        certificates=certificates,
        unusable=unusable,
        services=tuple(_services(role)),
        formats=tuple(dict.fromkeys(_texts(role, "NameIDFormat"))),
        saml2=_SAML2 in role.get("protocolSupportEnumeration", "").split(),
        signed=Signed("none"),
    )


def _parsed(data: bytes) -> Element:
    if len(data) > MAX_BYTES:
        raise BadMetadata(f"is larger than {MAX_BYTES:,} bytes", "keep the EntityDescriptor of the one that people use")
    depth = count = 0
    try:
        walk = iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True)
        root: Element | None = None
        for event, element in walk:
            if event == "end":
                depth -= 1
                continue
            root = element if root is None else root
            depth, count = depth + 1, count + 1
            if depth > _DEEPEST or count > _MOST_ELEMENTS:
                raise BadMetadata("is nested or long beyond any metadata")
    except DefusedXmlException as error:
        raise BadMetadata("has a document type or entities in it", "no metadata needs them: take them out") from error
    except (ParseError, ValueError, LookupError, UnicodeError) as error:
        where = getattr(error, "position", None)
        raise BadMetadata(f"is no well-formed XML{f' (its line {where[0]})' if where else ''}") from error
    if root is None:
        raise BadMetadata("is empty")
    return root


def _entities(root: Element) -> Iterator[tuple[Element, datetime | None]]:
    """Each EntityDescriptor with the earliest validUntil on the way to it."""
    open_: list[tuple[Element, datetime | None]] = [(root, None)]
    while open_:
        element, above = open_.pop()
        ends = [moment for moment in (above, _moment(element)) if moment is not None]
        until = min(ends, default=None)
        if element.tag == f"{_MD}EntityDescriptor":
            yield element, until
        else:
            inner = (f"{_MD}EntityDescriptor", f"{_MD}EntitiesDescriptor")
            open_ += [(child, until) for child in element if child.tag in inner]


def _roles(entity: Element) -> list[Element]:
    return entity.findall(f"{_MD}IDPSSODescriptor")


def _moment(element: Element) -> datetime | None:
    """`validUntil`, an xs:dateTime; without an offset it is UTC (saml-core-2.0-os section 1.3.3)."""
    text = element.get("validUntil")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadMetadata("has a validUntil that is no moment", "such as 2027-06-30T00:00:00Z") from error


def _certificates(role: Element) -> tuple[tuple[Certificate, ...], tuple[str, ...]]:
    found: dict[str, Certificate] = {}
    unusable: list[str] = []
    texts = [
        each.text or ""
        for descriptor in role.findall(f"{_MD}KeyDescriptor")
        if descriptor.get("use") in (None, "signing")
        for each in descriptor.iterfind(f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate")
    ]
    if len(texts) > _MOST_CERTIFICATES:
        raise BadMetadata(f"has {len(texts):,} certificates for signing", "keep those that are in use")
    for text in texts:
        try:
            certificate = from_base64(text)
            found.setdefault(certificate.fingerprint, certificate)
        except BadCertificate as bad:
            unusable.append(str(bad))
    return tuple(found.values()), tuple(unusable)


def _services(role: Element) -> Iterator[tuple[str, str]]:
    for service in role.findall(f"{_MD}SingleSignOnService"):
        binding, location = service.get("Binding", "").strip(), service.get("Location", "").strip()
        if binding and location:
            yield binding[:_LONGEST], location[:_LONGEST]


def _texts(role: Element, name: str) -> Iterator[str]:
    for element in role.findall(f"{_MD}{name}"):
        text = (element.text or "").strip()
        if text:
            yield text[:_LONGEST]
