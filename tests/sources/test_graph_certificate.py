"""A certificate says who we are to Microsoft: how its key signs, and what can't sign."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from reconciler.errors import SecretError
from reconciler.http import in_process
from reconciler.sources.graph import CLOUDS, connected
from tests.sources.graph_server import FakeGraph

CLIENT = "11111111-2222-3333-4444-555555555555"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key: Key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def certificate(key: Key) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "reconciler")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    return builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, SHA256())


def ask(key: str, certificate: str) -> FakeGraph:
    fake = FakeGraph()
    fake.add_app("sp1", "a1")

    async def asked() -> None:
        async with connected(
            CLOUDS["usgov"], "contoso.us", CLIENT, key=key, certificate=certificate, transport=in_process(fake)
        ) as graph:
            await graph.one("servicePrincipals/sp1", {}, permission="Application.Read.All")

    asyncio.run(asked())
    return fake


def test_the_key_signs_as_microsoft_asks_for_it(key: rsa.RSAPrivateKey) -> None:
    own = certificate(key)
    fake = ask(pem(key), own.public_bytes(Encoding.PEM).decode())
    form = fake.asked[0].form
    assert "client_secret" not in form
    assertion = form["client_assertion"]
    thumbprint = hashlib.sha256(own.public_bytes(Encoding.DER)).digest()
    header = jwt.get_unverified_header(assertion)
    assert header["alg"] == "PS256"
    assert header["x5t#S256"] == base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")
    audience = "https://login.microsoftonline.us/contoso.us/oauth2/v2.0/token"
    claims = jwt.decode(assertion, key.public_key(), algorithms=["PS256"], audience=audience)
    assert (claims["iss"], claims["sub"]) == (CLIENT, CLIENT)


def test_a_certificate_of_another_key_is_refused_before_anything_is_sent(key: rsa.RSAPrivateKey) -> None:
    other = certificate(ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.PEM).decode()
    with pytest.raises(SecretError, match="not the private key's"):
        ask(pem(key), other)


def test_a_certificate_that_is_none_is_refused(key: rsa.RSAPrivateKey) -> None:
    with pytest.raises(SecretError, match="certificate can't be read"):
        ask(pem(key), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
