"""Ed25519 signatures of plans (RFC 8032): who made a plan, for those who let nobody else's plan be applied.

What is signed is the text of `digest`, which covers everything in the document.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING

from reconciler.errors import Place, PlanError, SecretError
from reconciler.model.plan import Plan, Signature
from reconciler.plan.written import digest_of_plan

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_MADE_BY = "`ssh-keygen -t ed25519 -f KEY`, or `openssl genpkey -algorithm ed25519 -out KEY`, makes one"


def sign(plan: Plan, private: Ed25519PrivateKey) -> Plan:
    """The plan with its signature."""
    value = private.sign(plan.digest.encode())
    signature = Signature(key_id=_key_id(private.public_key()), value=base64.b64encode(value).decode())
    return plan.model_copy(update={"signature": signature})


def check_signature(plan: Plan, public_key: bytes, file: str) -> None:
    """Passes if the plan was signed with the private key of this public one: PEM or OpenSSH.

    Raises PlanError where there is no signature, where another key made it, or where it does not fit; SecretError,
    naming `file`, for whatever is no public key.
    """
    public = _public(public_key, file)
    signature = plan.signature
    if signature is None:
        hint = f"make it with `reconciler plan --sign KEY`, where KEY belongs to {file}"
        raise PlanError(f"the plan for {plan.app} is not signed", hint=hint)
    if signature.key_id != _key_id(public):
        raise PlanError(
            f"the plan for {plan.app} is signed with another key: {signature.key_id[:71]!r}, and that of {file} is "
            f"{_key_id(public)}",
            hint="have it made where that key is, or name the key that you trust",
        )
    if digest_of_plan(plan) != plan.digest or not _fits(public, signature.value, plan.digest):
        hint = "somebody altered the plan or its signature: have it made again"
        raise PlanError(f"the signature of the plan for {plan.app} does not fit it", hint=hint)


def _fits(public: Ed25519PublicKey, value: str, digest: str) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        public.verify(base64.b64decode(value, validate=True), digest.encode())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _key_id(public: Ed25519PublicKey) -> str:
    return f"sha256:{hashlib.sha256(public.public_bytes_raw()).hexdigest()}"


def private_key(key: bytes, file: str) -> Ed25519PrivateKey:
    """A private key: PEM (PKCS #8) or OpenSSH, without a passphrase.

    Raises SecretError, naming `file`, for whatever is no such key.
    """
    _need_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    load = serialization.load_ssh_private_key if _OPENSSH in key else serialization.load_pem_private_key
    try:
        found = load(key, password=None)
    except TypeError as error:
        hint = "a key for machines has none: keep the file where only they can read it"
        raise SecretError("the key has a passphrase", hint=hint, place=Place(file)) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = f"name the file of a private Ed25519 key, PEM or OpenSSH; {_MADE_BY}"
        raise SecretError("is no private key that can be used", hint=hint, place=Place(file)) from error
    if not isinstance(found, Ed25519PrivateKey):
        raise SecretError("is a key of another kind than Ed25519", hint=_MADE_BY, place=Place(file))
    return found


def _public(key: bytes, file: str) -> Ed25519PublicKey:
    _need_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if b"PRIVATE KEY-----" in key:
        hint = "name the public one, and keep the private one where plans are made"
        raise SecretError("is a private key", hint=hint, place=Place(file))
    load = serialization.load_pem_public_key if b"-----BEGIN" in key else serialization.load_ssh_public_key
    try:
        found = load(key.strip())
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = "name the public key that belongs to the one of `plan --sign`: PEM, or a line `ssh-ed25519 …`"
        raise SecretError("is no public key that can be used", hint=hint, place=Place(file)) from error
    if not isinstance(found, Ed25519PublicKey):
        raise SecretError("is a key of another kind than Ed25519", hint=_MADE_BY, place=Place(file))
    return found


def _need_cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        hint = "pip install 'reconciler[sign]'"
        raise SecretError("signatures need the package cryptography, which is not installed", hint=hint) from error
