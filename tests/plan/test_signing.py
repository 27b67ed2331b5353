"""Signed plans: a missing, a foreign and a wrong signature are told apart, and so are keys that are none."""

from __future__ import annotations

import builtins
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reconciler.errors import PlanError, SecretError
from reconciler.model.plan import Plan
from reconciler.plan import check_signature, private_key, read_plans, sign, signed, to_json

PRIVATE = serialization.PrivateFormat
PUBLIC = serialization.PublicFormat
PEM, SSH = serialization.Encoding.PEM, serialization.Encoding.OpenSSH
OPEN = serialization.NoEncryption()


@pytest.fixture
def plan(world: Any) -> Plan:
    world.user("ada")
    made: Plan = world.plan()
    return made


def key(seed: int = 1) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def public(seed: int = 1, encoding: Any = PEM, form: Any = PUBLIC.SubjectPublicKeyInfo) -> bytes:
    return key(seed).public_key().public_bytes(encoding, form)


LINE = public(1, SSH, PUBLIC.OpenSSH)


@pytest.mark.parametrize("form", [PRIVATE.PKCS8, PRIVATE.OpenSSH])
@pytest.mark.parametrize(
    "ours", [public(), public(1, SSH, PUBLIC.OpenSSH), public(1, SSH, PUBLIC.OpenSSH) + b" me@x\n"]
)
def test_both_forms_of_both_keys_are_read(plan: Plan, form: Any, ours: bytes) -> None:
    private = private_key(key().private_bytes(PEM, form, OPEN), "key")
    (read,) = read_plans(to_json(sign(plan, private)), "p.json")
    check_signature(read, ours, "key.pub")


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")
def test_keys_that_ssh_keygen_makes(plan: Plan, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    made = sign(plan, private_key((tmp_path / "key").read_bytes(), "key"))
    check_signature(made, (tmp_path / "key.pub").read_bytes(), "key.pub")


def test_a_signature_changes_neither_digest(plan: Plan) -> None:
    made = sign(plan, key())
    assert (made.digest, made.changes_digest) == (plan.digest, plan.changes_digest)
    assert made.signature is not None
    assert made.signature.key_id == "sha256:" + hashlib.sha256(key().public_key().public_bytes_raw()).hexdigest()
    assert sign(plan, key()) == made


def test_a_plan_without_a_signature(plan: Plan) -> None:
    with pytest.raises(PlanError, match="is not signed") as caught:
        check_signature(plan, public(), "key.pub")
    assert "--sign" in caught.value.hint


def test_a_plan_of_another_key(plan: Plan) -> None:
    with pytest.raises(PlanError, match="signed with another key"):
        check_signature(sign(plan, key(2)), public(), "key.pub")


def test_another_key_that_claims_to_be_ours(plan: Plan) -> None:
    other, ours = sign(plan, key(2)), sign(plan, key())
    assert other.signature is not None
    assert ours.signature is not None
    forged = other.signature.model_copy(update={"key_id": ours.signature.key_id})
    with pytest.raises(PlanError, match="does not fit"):
        check_signature(plan.model_copy(update={"signature": forged}), public(), "key.pub")


@pytest.mark.parametrize("value", ["", "AAAA", "not base64!", "ü", "A" * 88])
def test_a_signature_that_is_none(plan: Plan, value: str) -> None:
    made = sign(plan, key())
    assert made.signature is not None
    wrong = made.model_copy(update={"signature": made.signature.model_copy(update={"value": value})})
    with pytest.raises(PlanError, match="does not fit"):
        check_signature(wrong, public(), "key.pub")


def test_a_signature_of_another_plan(plan: Plan) -> None:
    made = sign(plan, key())
    other = signed(plan.model_copy(update={"tenant_url": "https://elsewhere.example/v2"}))
    with pytest.raises(PlanError, match="does not fit"):
        check_signature(other.model_copy(update={"signature": made.signature}), public(), "key.pub")


def test_changes_under_a_digest_that_was_kept(plan: Plan) -> None:
    made = sign(plan, key())
    with pytest.raises(PlanError, match="does not fit"):
        check_signature(made.model_copy(update={"changes": ()}), public(), "key.pub")


def test_a_private_key_with_a_passphrase() -> None:
    locked = serialization.BestAvailableEncryption(b"secret")
    with pytest.raises(SecretError, match="key: the key has a passphrase"):
        private_key(key().private_bytes(PEM, PRIVATE.PKCS8, locked), "key")


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")
def test_a_key_of_ssh_keygen_with_a_passphrase(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a secret", "-f", tmp_path / "key"], check=True)
    with pytest.raises(SecretError, match="key: the key has a passphrase"):
        private_key((tmp_path / "key").read_bytes(), "key")


@pytest.mark.parametrize("data", [b"", b"secret", public(), b"-----BEGIN PRIVATE KEY-----\nAAAA\n", b"\xff" * 99])
def test_what_is_no_private_key(data: bytes) -> None:
    with pytest.raises(SecretError, match="is no private key") as caught:
        private_key(data, "key")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"ssh-ed25519 AAAA", b"-----BEGIN PUBLIC KEY-----\nAAAA\n", b"\xff" * 99]
)
def test_what_is_no_public_key(plan: Plan, data: bytes) -> None:
    with pytest.raises(SecretError, match="is no public key"):
        check_signature(sign(plan, key()), data, "key.pub")


def test_a_private_key_where_the_public_one_is_due(plan: Plan) -> None:
    for form in (PRIVATE.PKCS8, PRIVATE.OpenSSH):
        with pytest.raises(SecretError, match="is a private key"):
            check_signature(sign(plan, key()), key().private_bytes(PEM, form, OPEN), "key.pub")


def test_keys_of_another_kind(plan: Plan) -> None:
    other = generate_private_key(SECP256R1())
    with pytest.raises(SecretError, match="another kind"):
        private_key(other.private_bytes(PEM, PRIVATE.PKCS8, OPEN), "key")
    with pytest.raises(SecretError, match="another kind"):
        check_signature(sign(plan, key()), other.public_key().public_bytes(PEM, PUBLIC.SubjectPublicKeyInfo), "key.pub")


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "cryptography":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(SecretError, match="cryptography") as caught:
        private_key(b"", "key")
    assert "reconciler[sign]" in caught.value.hint
