"""X.509 certificates (RFC 5280): until when they hold, and what is weak about them. Pure, given bytes."""

from __future__ import annotations

import base64
import re
import warnings
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from reconciler.model.sso import Certificate

LEAST_RSA: Final = 2048
"""Bits (NIST SP 800-131A revision 2)."""
LEAST_CURVE: Final = 256
_LARGEST: Final = 64 * 1024  # characters
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


class BadCertificate(Exception):
    """Why it can't be read, in words. Never leaves the package."""


def from_base64(text: str) -> Certificate:
    """The content of ds:X509Certificate (XML Signature section 4.5.4.1). Raises BadCertificate."""
    bare = "".join(text.split())
    if found := _PEM.search(text):  # some write it with its PEM lines
        bare = "".join(found[1].split())
    if len(bare) > _LARGEST:
        raise BadCertificate("is larger than any certificate")
    try:
        der = base64.b64decode(bare, validate=True)
    except ValueError as error:
        raise BadCertificate("is no base64") from error
    return from_der(der)


def from_pem(data: bytes) -> Certificate:
    """The first certificate of a file. Raises BadCertificate."""
    found = _PEM.search(data[: 4 * _LARGEST].decode("ascii", errors="replace"))
    if found is None:
        raise BadCertificate("holds no certificate in PEM form")
    return from_base64(found[1])


def from_der(data: bytes) -> Certificate:
    """Raises BadCertificate."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of serial numbers that are 0, which is no matter here
            found = x509.load_der_x509_certificate(data)
            key, weak = _key(found)
            weak += _signature(found)
            return Certificate(
                subject=found.subject.rfc4514_string(),
                fingerprint=found.fingerprint(hashes.SHA256()).hex(),
                begins=found.not_valid_before_utc,
                ends=found.not_valid_after_utc,
                key=key,
                weak=weak,
                pem=found.public_bytes(serialization.Encoding.PEM).decode(),
            )
    except (ValueError, TypeError, UnsupportedAlgorithm, OverflowError) as error:
        raise BadCertificate("is no X.509 certificate that can be read") from error


def _key(found: x509.Certificate) -> tuple[str, tuple[str, ...]]:
    """(what key it is, what is weak about it)."""
    match found.public_key():
        case rsa.RSAPublicKey() as key:
            weak = (f"an RSA key of {key.key_size} bits",) if key.key_size < LEAST_RSA else ()
            return f"RSA {key.key_size}", weak
        case ec.EllipticCurvePublicKey() as curve:
            small = curve.curve.key_size < LEAST_CURVE
            return f"EC {curve.curve.name}", (f"the curve {curve.curve.name}",) if small else ()
        case ed25519.Ed25519PublicKey():
            return "Ed25519", ()
        case ed448.Ed448PublicKey():
            return "Ed448", ()
        case dsa.DSAPublicKey():
            return "DSA", ("a DSA key",)
        case _:
            return "unknown", ("a key that signs nothing",)


def _signature(found: x509.Certificate) -> tuple[str, ...]:
    """MD5 and SHA-1 collide."""
    try:
        algorithm = found.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return ("a signature of an unknown kind",)
    if isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        return (f"a signature with {'MD5' if isinstance(algorithm, hashes.MD5) else 'SHA-1'}",)
    return ()
