"""Certificates and SAML metadata, made by hand."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.signer import XMLSigner

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"


@cache
def key(kind: str = "rsa2048") -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key({"p256": ec.SECP256R1(), "p192": ec.SECP192R1()}[kind])


@cache
def certificate(
    days: int = 365, *, begins: int = -30, kind: str = "rsa2048", name: str = "idp.contoso.com"
) -> x509.Certificate:
    """From `begins` to `days`, counted from NOW."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    mine = key(kind)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(mine.public_key())
        .serial_number(abs(hash((days, begins, kind, name))) % 10**12 + 1)
        .not_valid_before((NOW + timedelta(days=begins)).replace(tzinfo=None))
        .not_valid_after((NOW + timedelta(days=days)).replace(tzinfo=None))
        .sign(mine, hashes.SHA256())
    )


def der64(one: x509.Certificate) -> str:
    return base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode()


def pem(one: x509.Certificate) -> bytes:
    return one.public_bytes(serialization.Encoding.PEM)


def key_descriptor(text: str, use: str = "signing") -> str:
    return (
        f"<KeyDescriptor{f' use={use!r}' if use else ''}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{text}"
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>"
    )


def entity(
    *certificates: x509.Certificate,
    attributes: str = "",
    formats: tuple[str, ...] = (EMAIL,),
    services: str = '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
    'Location="https://idp.contoso.com/saml"/>',
    keys: str | None = None,
    protocol: str = "urn:oasis:names:tc:SAML:2.0:protocol",
    entity_id: str = "https://idp.contoso.com/",
) -> str:
    keys = "".join(key_descriptor(der64(each)) for each in certificates or (certificate(),)) if keys is None else keys
    names = "".join(f"<NameIDFormat>{each}</NameIDFormat>" for each in formats)
    return (
        '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" '
        f'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ID="_1" entityID="{entity_id}" {attributes}>'
        f'<IDPSSODescriptor protocolSupportEnumeration="{protocol}">{keys}{names}{services}</IDPSSODescriptor>'
        "</EntityDescriptor>"
    )


def metadata(*certificates: x509.Certificate, **keys: object) -> bytes:
    return entity(*certificates, **keys).encode()  # type: ignore[arg-type]


def signed(text: str, by: x509.Certificate, kind: str = "rsa2048") -> bytes:
    private = key(kind).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    root = XMLSigner(signature_algorithm="rsa-sha256" if kind.startswith("rsa") else "ecdsa-sha256").sign(
        etree.fromstring(text.encode()), key=private, cert=[by], reference_uri="_1", id_attribute="ID"
    )
    return bytes(etree.tostring(root))
