"""A private key says who we are: a signed JSON Web Token (RFC 7523 section 2.2)."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import SecretError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE: Final = 300  # seconds
_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_SHORTEST: Final = 2048  # bits of an RSA key (RFC 7518 section 3.3)


class Signer:
    """Signs for one client with one private key in PEM form. Raises SecretError for a key that can't sign.

    With a `certificate` (PEM) the server knows the key by its thumbprint, and RSA signs with PSS: so Microsoft's
    identity platform asks for it ("Application authentication certificate credentials").
    """

    def __init__(
        self, key: str, *, client_id: str, audience: str, key_id: str | None = None, certificate: str | None = None
    ) -> None:
        self._key = _read(key)
        self._algorithm = _algorithm(self._key)
        self._client_id = client_id
        self._audience = audience
        self._headers = {} if key_id is None else {"kid": key_id}
        if certificate is not None:
            self._headers["x5t#S256"] = _thumbprint(certificate, self._key)
            self._algorithm = self._algorithm.replace("RS256", "PS256")

    def sign(self, now: float) -> str:
        """A new assertion, for once. `now` is in seconds since 1970."""
        import jwt

        claims: dict[str, Any] = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": self._audience,
            "iat": int(now),
            "exp": int(now) + _LIFE,
            "jti": secrets.token_urlsafe(24),
        }
        return jwt.encode(claims, self._key, algorithm=self._algorithm, headers=self._headers or None)  # type: ignore[arg-type]


def _read(key: str) -> PrivateKeyTypes:
    try:
        import jwt  # noqa: F401
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise SecretError(
            "auth.clientCredentials.privateKey needs a library that signs", hint="pip install 'reconciler[sign]'"
        ) from error
    try:
        return load_pem_private_key(key.encode(), password=None)
    except TypeError as error:
        raise SecretError("the private key has a passphrase", hint="nobody is there to type it") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SecretError("the private key can't be read", hint="it is text in PEM form") from error


def _thumbprint(certificate: str, key: PrivateKeyTypes) -> str:
    """SHA-256 of the certificate, as RFC 7515 section 4.1.8 writes it. Raises SecretError if it is not this key's."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509 import load_pem_x509_certificate

    try:
        found = load_pem_x509_certificate(certificate.encode())
        theirs = found.public_key()
    except ValueError as error:
        raise SecretError("the certificate can't be read", hint="it is text in PEM form") from error
    if theirs != key.public_key():
        raise SecretError("the certificate is not the private key's", hint="put the two that belong together there")
    return base64.urlsafe_b64encode(found.fingerprint(SHA256())).rstrip(b"=").decode()


def _algorithm(key: PrivateKeyTypes) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    match key:
        case rsa.RSAPrivateKey() if key.key_size >= _SHORTEST:
            return "RS256"
        case ec.EllipticCurvePrivateKey() if key.curve.name in _CURVES:
            return _CURVES[key.curve.name]
        case ed25519.Ed25519PrivateKey():
            return "EdDSA"
    raise SecretError(
        "the private key is of a kind that is not signed with",
        hint="RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519",
    )
