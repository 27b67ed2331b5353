"""SAML metadata: what is read of it, what a signature proves, and that nothing in it does harm."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.sso.certificates import BadCertificate, from_pem
from reconciler.sso.metadata import MAX_BYTES, BadMetadata, provider_of
from tests.sso.makes import certificate, der64, entity, key_descriptor, metadata, pem, signed


def test_what_an_identity_provider_says() -> None:
    found = provider_of(metadata(certificate(), certificate(700, kind="p256")))
    assert found.entity_id == "https://idp.contoso.com/"
    assert [each.key for each in found.certificates] == ["RSA 2048", "EC secp256r1"]
    assert found.services == (("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", "https://idp.contoso.com/saml"),)
    assert found.formats == ("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",)
    assert found.valid_until is None
    assert found.saml2
    assert found.signed.by == "none"


def test_certificates_for_encryption_do_not_count_and_those_without_a_use_do() -> None:
    keys = key_descriptor(der64(certificate(5)), "encryption") + key_descriptor(der64(certificate()), "")
    (only,) = provider_of(metadata(keys=keys)).certificates
    assert only.ends > datetime(2027, 1, 1, tzinfo=UTC)


def test_one_certificate_named_twice_is_one_and_pem_lines_are_understood() -> None:
    lines = pem(certificate()).decode()
    assert (
        len(provider_of(metadata(keys=key_descriptor(der64(certificate())) + key_descriptor(lines))).certificates) == 1
    )


def test_the_earliest_end_around_it_counts() -> None:
    inner = entity(attributes='validUntil="2027-03-01T00:00:00Z"')
    text = (
        '<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" validUntil="2027-02-01T00:00:00">'
        f'<EntitiesDescriptor validUntil="2027-04-01T00:00:00+02:00">{inner}</EntitiesDescriptor></EntitiesDescriptor>'
    )
    assert provider_of(text.encode()).valid_until == datetime(2027, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_the_encodings_of_xml(encoding: str) -> None:
    assert provider_of(entity(entity_id="https://idp.contoso.com/ä").encode(encoding)).entity_id.endswith("ä")


# -- who signed it


def test_by_the_certificate_in_it_only_that_nothing_was_changed() -> None:
    data = signed(entity(), certificate())
    assert provider_of(data).signed.by == "itself"
    assert provider_of(data.replace(b"/saml", b"/evil")).signed.by == "wrong"
    assert provider_of(signed(entity(), certificate(kind="p256"), "p256")).signed.by == "itself"


def test_by_a_pinned_certificate_who_it_was() -> None:
    data = signed(entity(), certificate())
    assert provider_of(data, from_pem(pem(certificate()))).signed.by == "pinned"
    assert provider_of(data, from_pem(pem(certificate(kind="p256")))).signed.by == "wrong"
    assert provider_of(metadata(), from_pem(pem(certificate()))).signed.by == "none"


def test_a_signer_whose_certificate_has_ended_is_no_wrong_signature() -> None:
    assert provider_of(signed(entity(), certificate(-3))).signed.by == "itself"


def test_a_signature_that_covers_another_element_proves_nothing() -> None:
    """Signature wrapping: the signed entity is put aside, with the signature kept; another one stands in its place."""
    good = signed(entity(), certificate()).decode()
    begin, end = good.index("<ds:Signature"), good.index("</ds:Signature>") + len("</ds:Signature>")
    evil = entity(entity_id="https://evil.example/").replace('ID="_1"', 'ID="_2"')
    cut = evil.index(">") + 1
    hidden = good.replace(good[begin:end], "")
    wrapped = f"{evil[:cut]}{good[begin:end]}<Extensions>{hidden}</Extensions>{evil[cut:]}"
    found = provider_of(wrapped.encode())
    assert found.entity_id == "https://evil.example/"
    assert found.signed.by == "wrong"


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", "SHA-1"),
        ("http://www.w3.org/2001/04/xmldsig-more#rsa-md5", "MD5"),
    ],
)
def test_a_weak_signature_is_not_even_checked(method: str, name: str) -> None:
    strong = b"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    data = signed(entity(), certificate())
    assert strong in data
    found = provider_of(data.replace(strong, method.encode())).signed
    assert (found.by, found.text) == ("weak", name)


def test_a_signature_without_a_certificate_can_be_checked_by_a_pinned_one_alone() -> None:
    data = signed(entity(), certificate())
    begin, end = data.rindex(b"<ds:KeyInfo"), data.rindex(b"</ds:KeyInfo>") + len(b"</ds:KeyInfo>")
    bare = data[:begin] + data[end:]
    assert provider_of(bare).signed.by == "unchecked"
    assert provider_of(bare, from_pem(pem(certificate()))).signed.by == "pinned"


def test_a_broken_certificate_in_a_signature() -> None:
    data = signed(entity(), certificate())
    begin = data.rindex(b"<ds:X509Certificate>") + 20
    end = data.index(b"</ds:X509Certificate>", begin)
    assert provider_of(data[:begin] + b"bm9uZQ==" + data[end:]).signed.by == "wrong"


# -- what nobody should have written

SAML = "urn:oasis:names:tc:SAML:2.0:metadata"
BOMB = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {c} "{f"&{p};" * 10}">' for p, c in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><EntityDescriptor>&i;</EntityDescriptor>"
)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (BOMB.encode(), "document type or entities"),
        (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "document type or entities"),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x/>', "document type or entities"),
        (b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;]><x/>', "document type or entities"),
        (b"<a>" * 200_000, "nested or long"),
        (b"<a>" + b"<b/>" * 200_000 + b"</a>", "nested or long"),
        (b"<a>" + b" " * MAX_BYTES + b"</a>", "larger than"),
        (b"", "no well-formed XML"),
        (b"\xff\xfe\x00", "no well-formed XML"),
        (b"PK\x03\x04", "no well-formed XML"),
        (b"<a><b></a>", "no well-formed XML"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "no well-formed XML"),
        (b'<?xml version="1.0" encoding="utf-16"?><a/>', "no well-formed XML"),
        (b'<?xml version="1.0"?><a>\xe4</a>', "no well-formed XML"),
        (b"<a>&nbsp;</a>", "no well-formed XML"),
        (b"<html><body>Sign in</body></html>", "its first element is html"),
        (b"<EntityDescriptor/>", "its first element is EntityDescriptor"),
        (entity(entity_id="").encode(), "entityID"),
        (entity(entity_id="x" * 1025).encode(), "entityID"),
        (entity().replace("IDPSSODescriptor", "SPSSODescriptor").encode(), "no IDPSSODescriptor"),
        (entity(attributes='validUntil="soon"').encode(), "validUntil"),
        (entity(attributes='validUntil="0001-01-01T00:00:00+14:00"').encode(), "validUntil"),
        (metadata(keys=key_descriptor("x") * 30), "30 certificates"),
        (
            f'<x:EntitiesDescriptor xmlns:x="{SAML}">{entity() * 3}</x:EntitiesDescriptor>'.encode(),
            "3 identity providers",
        ),
        (b'<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>', "no IDPSSODescriptor"),
    ],
)  # fmt: skip
def test_hostile_and_wrong_files(data: bytes, says: str) -> None:
    with pytest.raises(BadMetadata, match=says):
        provider_of(data)


@pytest.mark.parametrize("text", ["", "§§§", "bm9uZQ==", "A" * 100_000, der64(certificate())[:-20], "MIIB" + "A" * 400])
def test_certificates_that_can_not_be_read_are_told_and_the_others_count(text: str) -> None:
    found = provider_of(metadata(keys=key_descriptor(text) + key_descriptor(der64(certificate()))))
    assert len(found.certificates) == 1
    assert len(found.unusable) == 1


@pytest.mark.parametrize(
    "data", [b"", b"none", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", b"\xff"]
)
def test_files_that_hold_no_certificate(data: bytes) -> None:
    with pytest.raises(BadCertificate):
        from_pem(data)
