"""What is told of an identity provider on one day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from reconciler.model.sso import Finding
from reconciler.sso.certificates import from_base64, from_pem
from reconciler.sso.judge import findings, sends_email
from reconciler.sso.metadata import provider_of
from tests.sso.makes import EMAIL, NOW, certificate, entity, metadata, pem, signed


def judged(*certificates: x509.Certificate, **keys: Any) -> list[Finding]:
    return list(findings(provider_of(metadata(*certificates, **keys)), NOW))


def told(found: list[Finding], ok: bool | None) -> list[str]:
    return [each.what for each in found if each.ok is ok]


def test_a_good_one() -> None:
    found = judged()
    assert {each.ok for each in found} == {True}
    assert "not signed: what vouches for it is the review" in " ".join(told(found, True))


@pytest.mark.parametrize(
    ("days", "begins", "ok", "says"),
    [
        (-1, -30, False, "expired on 2026-11-22"),
        (0, -30, False, "expired on 2026-11-23"),
        (1, -30, None, "in 1 day: nobody can sign in then"),
        (30, -30, None, "ends on 2026-12-23, in 30 days"),
        (31, -30, True, "holds until 2026-12-24"),
        (300, 1, False, "begins on 2026-11-24"),
        (300, 0, True, "holds until"),
    ],
)
def test_the_days_of_one_certificate(days: int, begins: int, ok: bool | None, says: str) -> None:
    found = [each for each in judged(certificate(days, begins=begins)) if "certificate" in each.what]
    assert [each.ok for each in found] == [ok]
    assert says in found[0].what


@pytest.mark.parametrize(
    ("others", "ok"),
    [
        (((-2, -60), (365, -30)), {True, None}),  # the old one can go
        (((20, -60), (365, -1)), {True}),  # both hold
        (((20, -60), (365, 10)), {True}),  # the next begins in time
        (((20, -60), (365, 25)), {True, None}),  # there is a gap
        (((-2, -60), (365, 10)), {True, False}),  # the gap is today
    ],
)
def test_a_certificate_that_is_replaced(others: tuple[tuple[int, int], ...], ok: set[bool | None]) -> None:
    found = judged(*(certificate(days, begins=begins) for days, begins in others))
    assert {each.ok for each in found} == ok


@pytest.mark.parametrize(("kind", "says"), [("rsa1024", "an RSA key of 1024 bits"), ("p192", "the curve secp192r1")])
def test_weak_keys(kind: str, says: str) -> None:
    assert says in " ".join(told(judged(certificate(kind=kind)), None))


def test_weak_signatures_of_certificates() -> None:
    """cryptography signs with neither any more: the algorithm of a good one is replaced, both times that it stands."""
    import base64

    from tests.sso.makes import der64

    sha256, sha1, md5 = (bytes.fromhex(f"2a864886f70d0101{last}") for last in ("0b", "05", "04"))
    good = base64.b64decode(der64(certificate()))
    assert good.count(sha256) == 2
    for weak, name in ((sha1, "SHA-1"), (md5, "MD5")):
        found = from_base64(base64.b64encode(good.replace(sha256, weak)).decode())
        assert found.weak == (f"a signature with {name}",)


def test_no_certificate_that_can_be_read() -> None:
    assert "no certificate for signing" in " ".join(told(judged(keys=""), False))


@pytest.mark.parametrize(
    ("until", "ok"), [(timedelta(days=-1), False), (timedelta(days=20), None), (timedelta(days=40), True)]
)
def test_how_long_the_metadata_holds(until: timedelta, ok: bool | None) -> None:
    found = judged(attributes=f'validUntil="{(NOW + until).isoformat()}"')
    assert [each.ok for each in found if "valid until" in each.what] == [ok]


def test_where_to_sign_in() -> None:
    assert "no address to sign in at" in " ".join(told(judged(services=""), False))
    plain = '<SingleSignOnService Binding="b" Location="http://idp.contoso.com/"/>'
    assert "not https: http://idp.contoso.com/" in " ".join(told(judged(services=plain), None))
    odd = '<SingleSignOnService Binding="b" Location="https://[/"/>'
    assert "not https" in " ".join(told(judged(services=odd), None))


def test_the_form_of_the_name() -> None:
    urn = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
    assert sends_email(provider_of(metadata(formats=(EMAIL,))))
    assert not sends_email(provider_of(metadata(formats=(EMAIL, f"{urn}persistent"))))
    assert "transient" in " ".join(told(judged(formats=(f"{urn}transient",)), False))
    assert "persistent" in " ".join(told(judged(formats=(f"{urn}persistent",)), None))
    assert {each.ok for each in judged(formats=())} == {True}


def test_another_protocol() -> None:
    assert "SAML 2.0" in " ".join(told(judged(protocol="urn:oasis:names:tc:SAML:1.1:protocol"), False))


def test_what_a_signature_is_said_to_prove() -> None:
    data = signed(entity(), certificate())
    (itself,) = [f for f in findings(provider_of(data), NOW) if "signed" in f.what]
    assert itself.ok
    assert "who signed it is not proved" in itself.what
    pin = from_pem(pem(certificate()))
    (pinned,) = [f for f in findings(provider_of(data, pin), NOW, pinned=True) if "signed" in f.what]
    assert pinned.what.endswith("the certificate that app.yaml names: CN=idp.contoso.com")
    (changed,) = [f for f in findings(provider_of(data.replace(b"/saml", b"/evil"), pin), NOW, pinned=True) if not f.ok]
    assert "does not hold" in changed.what
    (unsigned,) = [f for f in findings(provider_of(metadata(), pin), NOW, pinned=True) if not f.ok]
    assert "sso.certificate says who must have signed it" in unsigned.what


def test_names_from_the_file_are_harmless() -> None:
    found = judged(entity_id="https://idp/&#x202e;&#x9b;" + "x" * 900)
    assert all(each.what.isprintable() and len(each.what) < 400 for each in found)
