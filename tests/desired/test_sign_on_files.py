"""`sso` in app.yaml: what it can say, and the files that it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.desired import Loaded, load, load_apps_alone
from reconciler.errors import DesiredStateError, Problem

SAML = "sso: {metadata: idp.xml, nameId: userPrincipalName}\n"
FILE = "apps/hootsuite/app.yaml"
IDP = "apps/hootsuite/idp.xml"


def test_the_file_is_read_with_the_rest(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    found = loaded({FILE: app_yaml + SAML, IDP: "<a/>"})
    app = found.apps["hootsuite"]
    assert app.sso is not None
    assert (app.sso.metadata, app.sso.attribute, app.sso.word) == ("idp.xml", "userPrincipalName", "NameID")
    assert found.attached["hootsuite"].metadata == b"<a/>"
    assert found.warnings == ()


def test_it_counts_in_the_digest(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    one = loaded({FILE: app_yaml + SAML, IDP: "<a/>"}).directory.digest
    assert loaded({FILE: app_yaml + SAML, IDP: "<b/>"}).directory.digest != one


def test_an_issuer(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    text = "sso: {issuer: 'https://idp.contoso.com/', subject: mail, claim: email}\n"
    found = loaded({FILE: app_yaml + text})
    sso = found.apps["hootsuite"].sso
    assert sso is not None
    assert (sso.issuer, sso.attribute, sso.word) == ("https://idp.contoso.com/", "mail", "claim email")
    assert found.attached == {}


@pytest.mark.parametrize("text", ["", "sso: {}\n"])
def test_none(loaded: Callable[..., Loaded], app_yaml: str, text: str) -> None:
    assert loaded({FILE: app_yaml + text}).apps["hootsuite"].sso is None


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("sso: {nameId: mail}", "11:6", "exactly one of metadata (SAML) and issuer"),
        ("sso: {metadata: idp.xml, issuer: 'https://a.example', nameId: mail}", "11:6", "exactly one of"),
        ("sso: {metadata: idp.xml}", "11:6", "nameId is missing"),
        ("sso: {metadata: idp.xml, nameId: mail, subject: mail}", "11:6", "about an issuer"),
        ("sso: {metadata: idp.xml, nameId: mail, claim: sub}", "11:6", "about an issuer"),
        ("sso: {issuer: 'https://a.example'}", "11:6", "subject is missing"),
        ("sso: {issuer: 'https://a.example', subject: mail, nameId: mail}", "11:6", "about SAML metadata"),
        ("sso: {issuer: 'http://a.example', subject: mail}", "11:15", "is plain http"),
        ("sso: {issuer: 'https://a.example/?x=1', subject: mail}", "11:15", "has a query"),
        ("sso: {issuer: 'https://u:p@a.example', subject: mail}", "11:15", "user name or a password"),
        ("sso: {issuer: a, subject: mail}", "11:15", "must be an https URL"),
        ("sso: {metadata: idp.xml, nameID: mail}", "11:26", "unknown key `nameID` in `sso`"),
        ("sso: {metadata: idp.xml, nameId: maill}", "11:34", "nobody can be known by `maill`"),
        ("sso: {metadata: idp.xml, nameId: otherMails}", "11:34", "nobody can be known by `otherMails`"),
        ("sso: {metadata: idp.xml, nameId: accountEnabled}", "11:34", "nobody can be known by"),
        ("sso: {metadata: none.xml, nameId: mail}", "11:17", "apps/hootsuite/none.xml: can't be read"),
        ("sso: {metadata: ../../users/ada.yaml, nameId: mail}", "11:17", "a file beside this one"),
        ("sso: {metadata: /etc/passwd, nameId: mail}", "11:17", "a file beside this one"),
        ("sso: {metadata: '', nameId: mail}", "11:17", "sso.metadata"),
        ("sso: {metadata: ., nameId: mail}", "11:17", "not a regular file"),
        ("sso: {metadata: idp.xml, certificate: none.pem, nameId: mail}", "11:39", "none.pem: can't be read"),
        ("sso: yes", "11:6", "sso"),
        ("sso: [a]", "11:6", "sso"),
    ],
)
def test_what_it_can_get_wrong(
    problems: Callable[..., tuple[Problem, ...]], app_yaml: str, text: str, place: str, says: str
) -> None:
    found = problems({FILE: f"{app_yaml}{text}\n", IDP: "<a/>"})
    (problem,) = [each for each in found if each.severity == "error"]
    assert says in problem.message
    assert str(problem.place) == f"{FILE}:{place}"


def test_a_name_that_was_nearly_right(problems: Callable[..., tuple[Problem, ...]], app_yaml: str) -> None:
    (problem,) = problems({FILE: f"{app_yaml}sso: {{metadata: idp.xml, nameId: userPrincipalname}}\n", IDP: "<a/>"})
    assert problem.hint == "did you mean `userPrincipalName`?"


def test_attributes_of_ones_own_and_ids(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    files = {"reconciler.yaml": "attributes: {badge: {type: string}}\n", IDP: "<a/>"}
    for name in ("badge", "id"):
        found = loaded({**files, FILE: f"{app_yaml}sso: {{metadata: idp.xml, nameId: {name}}}\n"})
        sso = found.apps["hootsuite"].sso
        assert sso is not None
        assert sso.attribute == name


def test_defaults_may_have_it(loaded: Callable[..., Loaded], app_yaml: str) -> None:
    files = {"reconciler.yaml": f"defaults:\n  {SAML}", IDP: "<a/>"}
    assert loaded({**files, FILE: app_yaml}).attached["hootsuite"].metadata == b"<a/>"


def test_links_stay_inside(write: Callable[..., Path], app_yaml: str, tmp_path: Path) -> None:
    outside = tmp_path / "idp.xml"
    outside.write_text("<a/>")
    root = write({FILE: app_yaml + SAML})
    link = root / IDP
    link.symlink_to(outside)
    with pytest.raises(DesiredStateError) as caught:
        load(root)
    (problem,) = caught.value.problems
    assert "a link that leads out of the desired state" in problem.message
    assert str(problem.place) == f"{FILE}:11:17"
    link.unlink()
    (root / "shared.xml").write_text("<b/>")
    link.symlink_to(root / "shared.xml")
    assert load(root).attached["hootsuite"].metadata == b"<b/>"


def test_a_file_beyond_all_measure(problems: Callable[..., tuple[Problem, ...]], app_yaml: str) -> None:
    (problem,) = problems({FILE: app_yaml + SAML, IDP: b" " * 5_000_001})
    assert "larger than 5,000,000 bytes" in problem.message


def test_what_cannot_wait_does_not_need_it(write: Callable[..., Path], app_yaml: str) -> None:
    """`revoke` reads an app alone, and works without the file."""
    found = load_apps_alone(write({FILE: app_yaml + SAML}))
    assert found.apps["hootsuite"].sso is not None
    assert not found.broken
